"""The phases that may teach something, the cheapest first, kept up to date between choices."""

from bisect import bisect_left, insort
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from autopack.draining.strategies.ordered_phases import Shelf, group_of
from autopack.ports.drain import DrainView, RunHistory
from autopack.ports.work import PhaseView

_Name = tuple[str, str]
"""A group and a run."""
_AT_FIRST: Final = 0.5
"""How likely a phase completes before anything was seen of its run."""


class Teacher(NamedTuple):
    """
    The smallest phase of a group in one run; the cheapest is the least.

    Attributes:
        cost: Its predicted output in tokens, at least 1.
        number: Where its group and run stand among the others, by when they came up.
        run_id: The run.
    """

    cost: int
    number: int
    run_id: str


class Teachers:
    """
    The teachers on a shelf by group, and by how likely their runs complete a phase.

    Of those of a group whose runs are equally likely the cheapest is the best, so that no other
    one has to be looked at. What is new on the shelf and in the runs' history is taken in when the
    next choice is made; the rest stays as it was.
    """

    def __init__(self, shelf: Shelf, predict: Callable[[PhaseView], int]) -> None:
        self.predict = predict
        self._buckets = shelf.buckets(name_of, size_of)
        self._changed = shelf.changes(name_of, size_of, Teachers)
        self._groups: dict[str, dict[float, list[Teacher]]] = {}
        self._teachers: dict[_Name, Teacher] = {}
        self._groups_of: dict[str, set[str]] = {}
        self._history: dict[str, RunHistory] = {}
        self._odds: dict[str, float] = {}

    def catch_up(self, history: Mapping[str, RunHistory]) -> None:
        """Take in which phases came and went, and what was seen of the runs."""
        for run_id in self._history.keys() - history.keys():
            del self._history[run_id]
            self._weigh(run_id, None)
        for run_id, seen in history.items():
            if self._history.get(run_id) is not seen:
                self._history[run_id] = seen
                self._weigh(run_id, seen)
        for name in self._changed:
            self._take_off(name)
            bucket = self._buckets.get(name)
            if bucket is not None:
                cost = max(1, self.predict(bucket[0]))
                self._put(name, Teacher(cost, bucket.number, name[1]))
        self._changed.clear()

    @property
    def groups(self) -> Mapping[str, Mapping[float, list[Teacher]]]:
        """The teachers of each group by their runs' odds, the cheapest first; none is empty."""
        return self._groups

    def phase(self, group: str, teacher: Teacher) -> PhaseView:
        """Return the phase itself."""
        phase: PhaseView = self._buckets[group, teacher.run_id][0]
        return phase

    def _weigh(self, run_id: str, seen: RunHistory | None) -> None:
        """Give a run's teachers their new place."""
        groups = list(self._groups_of.get(run_id, ()))
        taken = [((group, run_id), self._take_off((group, run_id))) for group in groups]
        self._odds[run_id] = odds_of(seen)
        for name, teacher in taken:
            if teacher is not None:
                self._put(name, teacher)

    def _put(self, name: _Name, teacher: Teacher) -> None:
        group, run_id = name
        odds = self._odds.get(run_id, _AT_FIRST)
        self._teachers[name] = teacher
        self._groups_of.setdefault(run_id, set()).add(group)
        insort(self._groups.setdefault(group, {}).setdefault(odds, []), teacher)

    def _take_off(self, name: _Name) -> Teacher | None:
        teacher = self._teachers.pop(name, None)
        if teacher is None:
            return None
        group, run_id = name
        odds = self._odds.get(run_id, _AT_FIRST)
        teachers = self._groups[group][odds]
        del teachers[bisect_left(teachers, teacher)]
        if not teachers:
            del self._groups[group][odds]
        if not self._groups[group]:
            del self._groups[group]
        self._groups_of[run_id].discard(group)
        return teacher


def teachers_of(view: DrainView) -> Teachers:
    """Return the teachers among the phases that are ready, up to date with the view."""
    shelf = view.ready if isinstance(view.ready, Shelf) else Shelf.of(view.ready)
    found: Teachers | None = shelf.kept.get(Teachers)
    if found is None or found.predict != view.predict:
        found = shelf.kept[Teachers] = Teachers(shelf, view.predict)
    found.catch_up(view.history)
    return found


def odds_of(run: RunHistory | None) -> float:
    """Return how likely a phase of the run completes: half, before anything was seen of it."""
    return _AT_FIRST if run is None else (run.completed + 1) / (run.attempts + 2)


def name_of(phase: PhaseView) -> _Name:
    """Return the group and the run that a phase may teach something of."""
    return group_of(phase), phase.run_id


def size_of(phase: PhaseView) -> int:
    """Return how much is to be written, for phases of one group and run."""
    return len(phase.deliverables)

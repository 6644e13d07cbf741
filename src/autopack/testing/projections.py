"""What every projection promises: subclass the suite and say how to make one."""

import functools
import json
from collections.abc import Sequence
from typing import Any, Final

from hypothesis import strategies as st

from autopack.errors import InvalidInputError
from autopack.log import views
from autopack.log.backends.memory import MemoryBackend
from autopack.log.log import Log, journal_of
from autopack.plugins.discovery import load_plugins
from autopack.plugins.registry import Registry
from autopack.ports.log import ANY, UnrecognisedEvent
from autopack.ports.projection import Projection, check_projection, is_keyed
from autopack.testing.facts import append_all, usage
from autopack.testing.generators import any_order
from autopack.testing.histories import histories
from autopack.testing.making import checked, not_written
from autopack.testing.settings import is_ever, patiently
from autopack.values.money import Usd

_BY_TURNS: Final = [
    usage(str(n), run_id, cost_usd=Usd.of(cost))
    for n, (run_id, cost) in enumerate([("r1", "0.2"), ("r2", "0.1"), ("r1", "0.3")])
]
"""Costs of two runs by turns, whose sum in floats is another when it is taken in their order."""


class ProjectionContract:
    """
    A projection gives one answer, however the log is read, cut, persisted and picked up again.

    Subclass it with a name that pytest collects, and give :meth:`make`. It is folded over
    histories that the library would write, and over core events in any order; override
    :meth:`events` to add your own, registered with :meth:`plugins`.
    """

    def make(self) -> Projection:
        """Return the projection; a new one each time, if it is an object."""
        raise not_written("make()", "return the projection to test")

    def _made(self) -> Projection:
        projection: Projection = check_projection(checked(self.make(), "projection", ["project"]))
        return projection

    def plugins(self) -> Registry:
        """Return the plugins with which logs are opened."""
        return _installed()

    def events(self) -> st.SearchStrategy[Sequence[Any]]:
        """Return a strategy of what a log may hold."""
        return histories() | any_order

    def log(self, events: Sequence[Any] = ()) -> Log:
        """Return a log in memory that holds events."""
        log = Log(MemoryBackend(), registry=self.plugins())
        append_all(log, events)
        return log

    def test_it_is_a_projection(self) -> None:
        """It has a name, a version and what its kind needs."""
        made: Any = self._made()

        assert isinstance(made.name, str)
        assert isinstance(made.version, int)

    def test_some_history_shows_in_it(self) -> None:
        """What happened makes a difference to its view; a view of nothing keeps every promise."""
        empty = told(views.replay(journal_of(self.log()), self._made()))

        def shows(events: Sequence[Any]) -> bool:
            return told(views.replay(journal_of(self.log(events)), self._made())) != empty

        assert is_ever(self.events(), shows), "no history shows in it; give events() that it folds"

    @patiently(data=st.data())
    def test_the_page_size_changes_no_answer(self, data: st.DataObject) -> None:
        """Read in pages of any size, the same events give the same view, again and again."""
        log, made = self.log(data.draw(self.events())), self._made()
        size = data.draw(st.integers(1, 7))

        assert told(views.replay(journal_of(log), made)) == told(
            views.replay(journal_of(log), made, size=size)
        )
        assert told(views.replay(journal_of(log), made)) == told(
            views.replay(journal_of(log), self._made(), size=1)
        )

    @patiently(data=st.data())
    def test_any_split_of_persisted_and_tail_gives_the_same_view(self, data: st.DataObject) -> None:
        """Persisted at any positions and picked up there, the view is that of a fold at once."""
        events = data.draw(self.events())
        cuts = data.draw(st.sets(st.integers(0, len(events)), max_size=3))
        log = self.log()
        for number, event in enumerate(events):
            if number in cuts:
                persist(log, self._made())
            append_all(log, [event])

        assert told(views.replay(journal_of(log), self._made())) == told(
            views.current(journal_of(log), self._made())
        )

    @patiently(data=st.data())
    def test_a_prefix_is_a_log_of_its_own(self, data: st.DataObject) -> None:
        """Until a position, it says what it would say had the log ended there."""
        events = data.draw(self.events())
        until = data.draw(st.integers(0, len(events)))
        log, made = self.log(events), self._made()
        first = views.replay(journal_of(log), made, until=until)
        views.replay(journal_of(log), made)

        assert told(first) == told(views.replay(journal_of(log), made, until=until))

    @patiently(data=st.data())
    def test_no_row_is_mutated(self, data: st.DataObject) -> None:
        """A row that was handed out stays as it was, whatever happens after."""
        log, made = self.log(data.draw(self.events())), self._made()
        fold = views.Fold(made)
        for recorded in wanted(log, made):
            before = list(fold.changed.values()) if fold.is_keyed else [fold.total]
            texts = [as_text(row) for row in before]
            fold.apply_all([recorded])
            assert texts == [as_text(row) for row in before], f"{recorded.type} mutates a row"

    @patiently(data=st.data())
    def test_the_total_is_that_of_its_rows(self, data: st.DataObject) -> None:
        """
        What is counted as rows change is what counting the rows at the end gives, exactly.

        A sum of floats depends on the order of its parts: sum whole numbers or decimals.
        """
        for events in (_BY_TURNS, data.draw(self.events())):
            log, made = self.log(events), self._made()
            if not (is_keyed(made) and hasattr(made, "total_type")):
                return
            keyed: Any = made
            view, counted = views.replay(journal_of(log), made), keyed.initial_total()
            for row in view.rows.values():
                counted = keyed.total(counted, None, row)

            assert unordered(counted) == unordered(view.total)

    @patiently(data=st.data())
    def test_a_risen_version_is_made_anew(self, data: st.DataObject) -> None:
        """Beside the rows that are there; whoever still has the lower version leaves them."""
        log, made = self.log(data.draw(self.events())), self._made()
        later: Any = _Later(made)
        persist(log, made)
        persist(log, later)
        persist(log, made)
        saved = {place.view: place.version for place in journal_of(log).backend.saved_views()}

        assert saved.get(made.name, later.version) == later.version
        for one in (made, later):
            found = views.current(journal_of(log), one)
            assert told(views.replay(journal_of(log), one)) == told(found)

    def test_what_nobody_registered_changes_nothing(self) -> None:
        """An absent plugin's event is in no view."""
        log, made = self.log(), self._made()
        before = told(views.replay(journal_of(log), made))
        kept = UnrecognisedEvent("nobody.knows", 1, "{}")
        log.append("other", [kept], expected_version=ANY)

        assert before == told(views.replay(journal_of(log), made))


class _Later:
    """A projection at its next version."""

    def __init__(self, made: Any) -> None:
        self._made, self.version = made, made.version + 1

    def __getattr__(self, name: str) -> Any:
        return getattr(self._made, name)


@functools.cache
def _installed() -> Registry:
    return load_plugins()


def persist(log: Log, made: Projection) -> None:
    """Persist a view up to the head, if it can be: a whole view must come back from JSON."""
    try:
        views.refresh(journal_of(log), made)
    except InvalidInputError:
        assert not is_keyed(made), "a keyed projection's rows must come back from JSON"


def wanted(log: Log, made: Any) -> list[Any]:
    """Return the events that a projection asks for."""
    return list(log.read_all(types=made.types))


def told(view: views.ViewAt) -> tuple[Any, ...]:
    """Return a view's answer in plain values, its rows by key."""
    rows = {key: as_text(row) for key, row in view.rows.items()}
    return rows, as_text(view.value), as_text(view.total)


def as_text(value: Any) -> str:
    """Return a row or view as text that shows every value in it; mappings in order of keys."""
    return json.dumps(_plain(value), sort_keys=True)


def unordered(total: Any) -> Any:
    """Return a total without the order in which its parts came."""
    return _sorted(_plain(total))


def _plain(value: Any) -> Any:
    try:
        return json.loads(views.to_json(value))
    except (TypeError, ValueError):
        return repr(value)


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(part) for key, part in sorted(value.items())}
    if isinstance(value, list):
        return sorted((_sorted(part) for part in value), key=repr)
    return value

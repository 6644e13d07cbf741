"""How many workers a queue can use, and what each must offer: a function of values alone."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs

from autopack.draining.queue.offered_resources import Offers, Requirement, requirement_of
from autopack.ports.launchers import Launched


@attrs.frozen(kw_only=True)
class WantedWorkers:
    """
    What is to be done about the workers that there are.

    Args:
        start: How many to start, by what each is to offer.
        stop: The ids of those to stop: that still wait and are not wanted any more, or that are
            more than may be.
        kept: How many stay of those that there are.
        left: How many phases nobody has room for, since no more workers may be.
    """

    start: tuple[tuple[Mapping[str, Any], int], ...] = ()
    stop: tuple[str, ...] = ()
    kept: int = 0
    left: int = 0

    @property
    def total(self) -> int:
        """How many there will be."""
        return self.kept + sum(n for _offers, n in self.start)


@attrs.define
class _Worker:
    """A worker that would be of use, and what it would be at."""

    offers: Mapping[str, Any]
    at: list[Requirement] = attrs.Factory(list)

    def takes(self, requirement: Requirement, slots: int) -> bool:
        """Give it a phase, if it has what that requires, and a slot."""
        offers = Offers(self.offers)
        if len(self.at) >= slots or offers.lacking(requirement) is not None:
            return False
        if offers.taken(requirement, self.at) is not None:
            return False
        self.at.append(requirement)
        return True


def wanted_workers(
    requirements: Sequence[Mapping[str, Any]],
    there: Sequence[Launched],
    *,
    name_of: Callable[[Mapping[str, Any]], str],
    offers: Mapping[str, Any] | None = None,
    slots: int = 1,
    most: int,
) -> WantedWorkers:
    """
    Return which workers to start and which to stop, so that each phase has one as far as may be.

    A phase goes to the first worker that has room for it, else to one more, which offers what the
    phase requires; so one that offers amounts has room for one such phase. Those that are there are
    set against these by their names. Whoever asks again is told to start nothing.

    Args:
        requirements: What each phase requires that is in work or could be, in their order.
        there: The workers that the engine has.
        name_of: Returns what workers are called that offer so much.
        offers: What every new worker offers; None is what the phase requires.
        slots: How many phases a worker is at, at once.
        most: How many workers there may be.
    """
    useful, left = _useful(requirements, offers, slots, most)
    wanted = Counter(name_of(one.offers) for one in useful)
    stop = _idle_ones(there, wanted, most)
    kept = [one for one in there if one.id not in stop]
    has = Counter(one.name for one in kept)
    start: dict[str, tuple[Mapping[str, Any], int]] = {}
    n = len(kept)
    for one in useful:
        name = name_of(one.offers)
        if has[name]:
            has[name] -= 1
        elif n < most:
            start[name] = one.offers, start.get(name, (one.offers, 0))[1] + 1
            n += 1
        else:
            left += len(one.at)
    return WantedWorkers(start=tuple(start.values()), stop=stop, kept=len(kept), left=left)


def _useful(
    requirements: Sequence[Mapping[str, Any]],
    offers: Mapping[str, Any] | None,
    slots: int,
    most: int,
) -> tuple[list[_Worker], int]:
    """Return the workers that would be of use if there were none, and for how many none is left."""
    workers: list[_Worker] = []
    with_room: list[_Worker] = []
    left = 0
    for one in requirements:
        requirement = requirement_of(one)
        taker = next((worker for worker in with_room if worker.takes(requirement, slots)), None)
        if taker is None and len(workers) < most:
            new = _Worker(one if offers is None else offers)
            if new.takes(requirement, slots):
                workers.append(new)
                with_room.append(new)
                taker = new
        if taker is None:
            left += 1
        elif len(taker.at) >= slots:
            with_room.remove(taker)
    return workers, left


def _idle_ones(there: Sequence[Launched], wanted: Counter[str], most: int) -> tuple[str, ...]:
    """Return those that wait and are of no use, and those that are more than may be."""
    left, stop, rest = Counter(wanted), list[str](), list[tuple[bool, bool, str]]()
    for one in sorted(there, key=lambda one: (one.is_waiting, one.id)):
        is_of_use = left[one.name] > 0
        left[one.name] -= is_of_use
        if one.is_waiting and not is_of_use:
            stop.append(one.id)
        else:
            rest.append((is_of_use, not one.is_waiting, one.id))
    surplus = sorted(rest)[: max(0, len(rest) - most)]
    return (*stop, *(one_id for _is_of_use, _runs, one_id in surplus))

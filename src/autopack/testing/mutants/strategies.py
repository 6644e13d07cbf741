"""Drain strategies that break one promise each; all take the first ready phase otherwise."""

import random
from datetime import UTC, datetime
from typing import Any

from autopack.ports.drain import Choice, Choose, DrainView, Retry, Stop, Wait
from autopack.values.ids import PhaseId, PhaseRef, RunId


def first(view: DrainView) -> Choice:
    """Take the first ready phase, as a strategy should that breaks no promise."""
    if not view.ready:
        return Wait("nothing is ready", until=view.next_ready_at)
    return Choose(view.ready[0].ref, "it is the first")


def reads_the_clock(view: DrainView) -> Choice:
    """Wait at night, by the machine's clock instead of the view's."""
    hour = datetime.now(UTC).hour  # noqa: TID251 - the fault
    return Stop("it is night") if hour > 24 else first(view)


def draws_at_random(view: DrainView) -> Choice:
    """Take any ready phase."""
    return Choose(random.choice(view.ready).ref, "by lot") if view.ready else first(view)


def picks_what_is_not_ready(view: DrainView) -> Choice:
    """Go on with the next phase by name when nothing is ready."""
    if view.ready or not view.waiting:
        return first(view)
    return Choose(PhaseRef(RunId("r1"), PhaseId("next")), "it must be next")


def retries_what_is_queued(view: DrainView) -> Choice:
    """Put the last ready phase back as if it had failed."""
    return Retry(view.ready[-1].ref, "once more") if view.ready else first(view)


def sorts_the_view(view: DrainView) -> Choice:
    """Sort the drain's own list in place."""
    ready: Any = view.ready
    ready.sort(key=lambda phase: phase.key, reverse=True)
    return first(view)


def says_nothing(view: DrainView) -> Any:
    """Give no answer when nothing is ready."""
    return first(view) if view.ready else None


def waits_without_a_time_zone(view: DrainView) -> Choice:
    """Wait until a moment that could be any of a day's."""
    until = view.next_ready_at
    return Wait("later", until=until.replace(tzinfo=None)) if until else first(view)


def needs_a_phase(view: DrainView) -> Choice:
    """Look at the first phase without asking whether there is one."""
    return Choose(view.ready[0].ref, "it is the first")


def takes_nothing(view: DrainView) -> Choice:
    """Wait for better times."""
    return Wait("not today")


class Remembers:
    """Takes no phase twice: it counts on being asked once for each."""

    def __init__(self) -> None:
        self.seen: set[PhaseRef] = set()

    def __call__(self, view: DrainView) -> Choice:
        """Take the first ready phase that was not taken before."""
        fresh = [phase.ref for phase in view.ready if phase.ref not in self.seen]
        if not fresh:
            return Wait("all were tried")
        self.seen.add(fresh[0])
        return Choose(fresh[0], "it is new")


class CountsItsTurns:
    """Takes its turns by how often it was asked: a drain asks more often than it takes a phase."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, view: DrainView) -> Choice:
        """Take the first ready phase, then the last, and so on."""
        if not view.ready:
            return first(view)
        self.asked += 1
        return Choose(view.ready[-(self.asked % 2)].ref, "it is its turn")

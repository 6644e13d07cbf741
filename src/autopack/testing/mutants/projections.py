"""Projections that break one promise each; all of them count the events of each run."""

from typing import Any

import attrs

from autopack.ports.log import Recorded


@attrs.define(kw_only=True)
class Count:
    """How many events a run has; not frozen, so that a mutant can change it."""

    events: int = 0


class EventsOfRuns:
    """The number of events by run: a projection that breaks no promise."""

    name = "events_of_runs"
    version = 1
    types: tuple[type, ...] | None = None
    row_type = Count

    def key(self, recorded: Recorded[Any]) -> str | None:
        """Return the run's id."""
        return getattr(recorded.event, "run_id", None)

    def project(self, row: Any, recorded: Recorded[Any]) -> Any:
        """Return the row with one event more."""
        return Count(events=(row.events if row else 0) + 1)


class MutatesItsRow(EventsOfRuns):
    """It counts up in the row that it was given."""

    def project(self, row: Any, recorded: Recorded[Any]) -> Any:
        """Change the row in place."""
        row = row or Count()
        row.events += 1
        return row


class DependsOnPages(EventsOfRuns):
    """It numbers what it is shown from the start of each object, so a second fold goes on."""

    def __init__(self) -> None:
        self.shown = 0

    def project(self, row: Any, recorded: Recorded[Any]) -> Any:
        """Return how many events this object was ever shown."""
        self.shown += 1
        return Count(events=self.shown)


class ForgetsWhatWasSaved(EventsOfRuns):
    """It goes on only from rows of its own making, so what was persisted is not added to."""

    def __init__(self) -> None:
        self.made: list[Count] = []

    def project(self, row: Any, recorded: Recorded[Any]) -> Any:
        """Return the row with one event more, if it is one of ours."""
        is_ours = any(row is one for one in self.made)
        self.made.append(Count(events=(row.events if is_ours else 0) + 1))
        return self.made[-1]


class Doubled(EventsOfRuns):
    """A total that is not taken back when a row changes."""

    total_type = Count

    def initial_total(self) -> Count:
        """Return the total of no run."""
        return Count()

    def total(self, total: Count, before: Count | None, after: Count | None) -> Count:
        """Add the row as it is, without taking off what it was."""
        return Count(events=total.events + (after.events if after else 0))


@attrs.frozen(kw_only=True)
class Cost:
    """What calls cost, as a float."""

    usd: float = 0.0


class CostsAsFloats(EventsOfRuns):
    """It adds money up in floats, so that a sum depends on the order of its parts."""

    row_type: Any = Cost
    total_type = Cost

    def project(self, row: Any, recorded: Recorded[Any]) -> Any:
        """Return the run's cost with that of a call more."""
        cost = getattr(recorded.event, "cost_usd", None) or 0
        return Cost(usd=(row.usd if row else 0.0) + float(cost))

    def initial_total(self) -> Cost:
        """Return the cost of no run."""
        return Cost()

    def total(self, total: Cost, before: Cost | None, after: Cost | None) -> Cost:
        """Add what a run cost now, and take off what it did."""
        was, now = (one.usd if one else 0.0 for one in (before, after))
        return Cost(usd=total.usd - was + now)


class Versionless(EventsOfRuns):
    """Nobody can tell whether its saved rows are of today's kind."""

    version: Any = None


class SeesNothing(EventsOfRuns):
    """It asks for events by a field that none has."""

    def key(self, recorded: Recorded[Any]) -> str | None:
        """Return what is not there."""
        return getattr(recorded.event, "run", None)

"""Projections that break one promise each; all of them count the phases of each run."""

from typing import Any

import attrs

from autopack.events import PhaseQueued, RunPaused
from autopack.ports.log import Recorded


@attrs.define(kw_only=True)
class Count:
    """How many phases a run has; not frozen, so that a mutant can change it."""

    phases: int = 0


class PhasesOfRuns:
    """The number of phases by run: a projection that breaks no promise."""

    name = "phases_of_runs"
    version = 1
    types: tuple[type, ...] | None = (PhaseQueued, RunPaused)
    row_type = Count

    def key(self, recorded: Recorded[Any]) -> str | None:
        """Return the run's id."""
        run_id: str | None = recorded.event.run_id
        return run_id

    def project(self, row: Any, recorded: Recorded[Any]) -> Any:
        """Return the row with one phase more."""
        if not isinstance(recorded.event, PhaseQueued):
            return row
        return Count(phases=(row.phases if row else 0) + 1)


class MutatesItsRow(PhasesOfRuns):
    """It counts up in the row that it was given."""

    def project(self, row: Any, recorded: Recorded[Any]) -> Any:
        """Change the row in place."""
        row = row or Count()
        row.phases += 1
        return row


class DependsOnPages(PhasesOfRuns):
    """It numbers what it is shown from the start of each object, so a second fold goes on."""

    def __init__(self) -> None:
        self.shown = 0

    def project(self, row: Any, recorded: Recorded[Any]) -> Any:
        """Return how many events this object was ever shown."""
        self.shown += 1
        return Count(phases=self.shown)


class ForgetsWhatWasSaved(PhasesOfRuns):
    """It counts in an object of its own, so what was persisted before is not added to."""

    def __init__(self) -> None:
        self.counts: dict[int, int] = {}

    def project(self, row: Any, recorded: Recorded[Any]) -> Any:
        """Return what this object counted since the log's first event."""
        if recorded.position == 1:
            self.counts.clear()
        number = len(self.counts) + 1
        return Count(phases=self.counts.setdefault(recorded.position, number))


class Doubled:
    """A total that is not taken back when a row changes."""

    name = "doubled"
    version = 1
    types: tuple[type, ...] | None = (PhaseQueued,)
    row_type = Count
    total_type = Count
    key, project = PhasesOfRuns.key, PhasesOfRuns.project

    def initial_total(self) -> Count:
        """Return the total of no run."""
        return Count()

    def total(self, total: Count, before: Count | None, after: Count | None) -> Count:
        """Add the row as it is, without taking off what it was."""
        return Count(phases=total.phases + (after.phases if after else 0))


class Versionless(PhasesOfRuns):
    """Nobody can tell whether its saved rows are of today's kind."""

    version: Any = None

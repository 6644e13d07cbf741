"""What each run has used, for its caps: tokens, USD, attempts and the minutes that they took."""

from typing import Any, Final

import attrs

from autopack.events import (
    LlmUsageRecorded,
    PhaseClaimed,
    PhaseCompleted,
    PhaseFailed,
    PhaseGated,
    PhaseTimedOut,
)
from autopack.events.usage import total_of
from autopack.ports.log import Recorded

_MINUTE_S: Final = 60.0


@attrs.frozen(kw_only=True)
class SpendRow:
    """
    A run's total tokens and reported USD, late calls included; attempts begun, and minutes.

    An attempt that was given up, or taken back from a worker that died, adds no minutes.
    """

    tokens: int = 0
    usd: float = 0.0
    attempts: int = 0
    minutes: float = 0.0


class Spend:
    """Use by run, in the units of caps."""

    name: Final = "spend"
    version: Final = 2
    types: Final[tuple[type, ...]] = (
        LlmUsageRecorded,
        PhaseClaimed,
        PhaseCompleted,
        PhaseFailed,
        PhaseTimedOut,
        PhaseGated,
    )
    row_type: Final = SpendRow

    def key(self, recorded: Recorded[Any]) -> str | None:
        """Return the run's id."""
        run_id: str | None = recorded.event.run_id
        return run_id

    def project(self, row: SpendRow | None, recorded: Recorded[Any]) -> SpendRow:
        """Return the run's spend after the event."""
        row = row or SpendRow()
        match recorded.event:
            case LlmUsageRecorded() as event:
                return attrs.evolve(
                    row,
                    tokens=row.tokens + (total_of(event) or 0),
                    usd=row.usd + (event.cost_usd or 0.0),
                )
            case PhaseClaimed():
                return attrs.evolve(row, attempts=row.attempts + 1)
            case PhaseTimedOut(timeout_s=seconds):
                return attrs.evolve(row, minutes=row.minutes + seconds / _MINUTE_S)
            case event:
                return attrs.evolve(row, minutes=row.minutes + (event.duration_s or 0) / _MINUTE_S)


SPEND: Final = Spend()

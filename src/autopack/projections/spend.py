"""What each run has used, in tokens and USD, for its caps."""

from typing import Any, Final

import attrs

from autopack.events import LlmUsageRecorded
from autopack.events.usage import total_of
from autopack.ports.log import Recorded


@attrs.frozen(kw_only=True)
class SpendRow:
    """Total tokens and reported USD of a run's calls, late ones included."""

    tokens: int = 0
    usd: float = 0.0


class Spend:
    """Tokens and USD by run."""

    name: Final = "spend"
    version: Final = 1
    types: Final[tuple[type, ...]] = (LlmUsageRecorded,)
    row_type: Final = SpendRow

    def key(self, recorded: Recorded[Any]) -> str | None:
        """Return the run's id."""
        run_id: str | None = recorded.event.run_id
        return run_id

    def project(self, row: SpendRow | None, recorded: Recorded[Any]) -> SpendRow:
        """Return the run's spend after the call."""
        event, row = recorded.event, row or SpendRow()
        total = total_of(event) or 0
        return SpendRow(tokens=row.tokens + total, usd=row.usd + (event.cost_usd or 0.0))


SPEND: Final = Spend()

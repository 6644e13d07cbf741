"""How many tokens were used when: sums by the quarter of an hour in which calls happened."""

from datetime import datetime
from typing import Any, Final

import attrs

from autopack.events import LlmUsageRecorded
from autopack.events.usage import total_of
from autopack.ports.log import Recorded, from_us

QUARTER_US: Final = 15 * 60 * 1_000_000  # every time zone's midnight falls between two of them


@attrs.frozen(kw_only=True)
class PaceRow:
    """Calls, their total tokens and reported USD, late ones included."""

    calls: int = 0
    tokens: int = 0
    usd: float = 0.0


class Pace:
    """
    Usage by quarter of an hour, keyed by its beginning in UTC (ISO 8601).

    A call counts where it happened, so imported history does not count as today's. An amendment
    changes nothing here: it does not say when its call happened.
    """

    name: Final = "pace"
    version: Final = 1
    types: Final[tuple[type, ...]] = (LlmUsageRecorded,)
    row_type: Final = PaceRow

    def key(self, recorded: Recorded[Any]) -> str | None:
        """Return the beginning of the call's quarter of an hour."""
        return quarter_at(recorded.row[6]).isoformat()

    def project(self, row: PaceRow | None, recorded: Recorded[Any]) -> PaceRow:
        """Return the quarter's sums after the call."""
        event, row = recorded.event, row or PaceRow()
        total = total_of(event) or 0
        return PaceRow(
            calls=row.calls + 1, tokens=row.tokens + total, usd=row.usd + (event.cost_usd or 0.0)
        )


def quarter_at(us: int) -> datetime:
    """Return the beginning of the quarter of an hour that is *us* microseconds after 1970."""
    return from_us(us - us % QUARTER_US)


PACE: Final = Pace()

"""Each call as it stands, one by one: what the account sums over its attempts."""

from typing import Any, Final

import attrs

from autopack.events import LlmUsageAmended, LlmUsageRecorded
from autopack.ports.log import Recorded
from autopack.projections.attempts import attempt_key, call_key, quarter_at
from autopack.projections.call_use import Call, Use, amended, call_of, told


@attrs.frozen(kw_only=True)
class CallRow(Call):
    """
    A call, and the attempt that made it.

    Args:
        at_us: When it happened, in microseconds since 1970.
        cache_read_tokens: How many of its input tokens were read from a cache.
    """

    run_id: str | None = None
    phase_id: str | None = None
    attempt: int | None = None
    at_us: int = 0
    cache_read_tokens: int | None = None


class UsageCalls:
    """Every recorded call by its attempt, provider and id, with the sums over all of them."""

    name: Final = "usage"
    version: Final = 3
    types: Final[tuple[type, ...]] = (LlmUsageRecorded, LlmUsageAmended)
    row_type: Final = CallRow
    total_type: Final = Use

    def key(self, recorded: Recorded[Any]) -> str | None:
        """Return ``RUN/PHASE#ATTEMPT PROVIDER:CALL_ID``, with a NUL for the colon."""
        event = recorded.event
        attempt = attempt_key(event.run_id or "", event.phase_id or "", event.attempt or 0)
        return f"{attempt} {call_key(event)}"

    def project(self, row: CallRow | None, recorded: Recorded[Any]) -> CallRow | None:
        """Return the call after the event."""
        event, at_us = recorded.event, recorded.row[6]
        cached = row.cache_read_tokens if row else None
        if isinstance(event, LlmUsageAmended):
            call, at_us = amended(row, event), row.at_us if row else 0
        elif row is not None and row.is_told:
            return row
        else:
            quarter, cached = quarter_at(at_us), event.cache_read_tokens
            call = call_of(event, quarter) if row is None else told(row, event, quarter)
        fields = {name: getattr(call, name) for name in _FIELDS}
        return CallRow(
            **fields,
            run_id=event.run_id,
            phase_id=event.phase_id,
            attempt=event.attempt,
            at_us=at_us,
            cache_read_tokens=cached,
        )

    def initial_total(self) -> Use:
        """Return the sums of no calls."""
        return Use()

    def total(self, total: Use, before: CallRow | None, after: CallRow | None) -> Use:
        """Return the sums after one call changed."""
        if before is not None:
            total = total.plus(before, -1)
        return total if after is None else total.plus(after)


_FIELDS: Final = tuple(field.name for field in attrs.fields(Call))
USAGE: Final = UsageCalls()

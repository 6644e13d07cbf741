"""Each call as it stands, one by one: what the account sums over its attempts."""

from collections.abc import Mapping
from typing import Any, Final

import attrs

from autopack.events import LlmUsageAmended, LlmUsageRecorded
from autopack.events.usage import AMENDABLE, HOUR_WRITES, terms_of
from autopack.ports.log import Recorded
from autopack.projections.attempts import attempt_key, call_key, quarter_at
from autopack.projections.call_use import Call, Use, amended, call_of, told


@attrs.frozen(kw_only=True)
class CallRow(Call):
    """
    A call, and the attempt that made it.

    Args:
        at_us: When it happened, in microseconds since 1970.
        cache_read_tokens, cache_write_tokens: How many of its input tokens were read from a cache
            and written to one; *cache_write_1h_tokens* of these are kept for an hour.
        request_model: The model that was asked for.
        terms: On which terms it was made, where they are not the usual ones.
    """

    run_id: str | None = None
    phase_id: str | None = None
    attempt: int | None = None
    at_us: int = 0
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    cache_write_1h_tokens: int | None = None
    request_model: str | None = None
    terms: Mapping[str, str] = attrs.Factory(dict)


class UsageCalls:
    """Every recorded call by its attempt, provider and id, with the sums over all of them."""

    name: Final = "usage"
    version: Final = 5
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
        event = recorded.event
        if isinstance(event, LlmUsageAmended):
            call = amended(row or _untold(event), event)
            return _row(call, event, {name: getattr(call, name) for name in _OWN})
        if row is not None and row.is_told:
            return row
        at_us = recorded.row[6]
        quarter = quarter_at(at_us)
        call = call_of(event, quarter) if row is None else told(row, event, quarter)
        own = {"at_us": at_us, **_told_beside(event)}
        return _row(call, event, own if row is None else own | _cached(row))

    def initial_total(self) -> Use:
        """Return the sums of no calls."""
        return Use()

    def total(self, total: Use, before: CallRow | None, after: CallRow | None) -> Use:
        """Return the sums after one call changed."""
        if before is not None:
            total = total.plus(before, -1)
        return total if after is None else total.plus(after)


def _untold(event: LlmUsageAmended) -> CallRow:
    return CallRow(call_id=event.call_id, provider=event.provider, is_told=False)


def _row(call: Call, event: LlmUsageRecorded | LlmUsageAmended, own: dict[str, Any]) -> CallRow:
    fields = {name: getattr(call, name) for name in _FIELDS}
    place: dict[str, Any] = {
        "run_id": event.run_id,
        "phase_id": event.phase_id,
        "attempt": event.attempt,
    }
    return CallRow(**fields, **place, **own)


def _told_beside(event: LlmUsageRecorded) -> dict[str, Any]:
    """Return what the account need not sum, and a price goes by."""
    hour = event.source_fields.get(HOUR_WRITES)
    return {
        "cache_read_tokens": event.cache_read_tokens,
        "cache_write_tokens": event.cache_write_tokens,
        "cache_write_1h_tokens": hour if type(hour) is int else None,
        "request_model": event.request_model,
        "terms": terms_of(event.source_fields),
    }


def _cached(row: CallRow) -> dict[str, Any]:
    """Return what amendments gave that were told before their call."""
    told = {name: getattr(row, name) for name in AMENDABLE if name in _OWN}
    return {name: figure for name, figure in told.items() if figure is not None}


_OWN: Final = (
    "at_us", "cache_read_tokens", "cache_write_tokens", "cache_write_1h_tokens", "request_model",
    "terms",
)  # fmt: skip
_FIELDS: Final = tuple(field.name for field in attrs.fields(Call))
USAGE: Final = UsageCalls()

"""One call as it is recorded: under the versions of its phase and caps, once, and in its place."""

from datetime import datetime
from typing import Any, Final

import attrs

from autopack.aggregates.phase import holds
from autopack.draining.attempts.claims import Claims
from autopack.errors import CapReachedError, EventIdConflictError, UsageConflictError
from autopack.events import LlmUsageRecorded
from autopack.events.usage import usage_id
from autopack.log.command_handler import Handler
from autopack.ports.log import ANY, Entry, NewEvent, Recorded
from autopack.projections.attempts import call_key, quarter_at
from autopack.projections.call_use import call_of
from autopack.values.ids import PhaseRef, phase_stream

_PRICED: Final = ("cost_usd", "cost_source", "price_table")


def record(
    handler: Handler,
    claims: Claims,
    ref: PhaseRef,
    usage: LlmUsageRecorded,
    occurred_at: datetime | None,
) -> tuple[Recorded[Any], CapReachedError | None]:
    """
    Append an attempt's call under the versions of its phase, its caps and its account's lanes,
    which it may open; return it as recorded.

    Whether it is late, and what it adds under a cap, is decided on what those versions say. A call
    that is known adds nothing, and is given back as it was recorded. An id that another attempt
    has told before names another call, since ids of some servers come round again: it is recorded
    with the attempt in its id.

    Raises:
        UsageConflictError: The attempt told it otherwise before, or another one told the same.
    """
    token, at_cap = usage.lease_token or "", None
    stream = phase_stream(ref.run_id, ref.phase_id)
    event_id = usage_id(usage.provider, usage.call_id)
    given = handler.journal.redacted(
        NewEvent(event=usage, event_id=event_id, occurred_at=occurred_at)
    )

    def build() -> list[Entry]:
        nonlocal at_cap
        version, phase = handler.known_phase(ref)
        row = handler.attempt(ref, usage.attempt or 0)
        known = row.calls.get(call_key(given.event))
        late = not holds(phase.state, token) if known is None else known.late
        new = attrs.evolve(given, event=evolved(given.event, late=True)) if late else given
        if known is not None and known.is_told:
            return [(stream, [new], ANY)]
        call = call_of(new.event, quarter_at(handler.journal.now_us()))
        counted, at_cap = claims.caps.counting(ref, row, row.use.plus(call))
        lanes = None if late else claims.lanes_of(token)
        opened = [] if lanes is None else lanes.answering(token)
        return [(stream, [new], version), *counted, *opened]

    try:
        return handler.append(build)[0], at_cap
    except EventIdConflictError as conflict:
        before = _before(handler, conflict)
        if _is_of_another(before, usage, occurred_at):
            own = evolved(usage, call_id=f"{usage.call_id}@{ref}#{usage.attempt}")
            return record(handler, claims, ref, own, occurred_at)
        return _known(conflict, before, given.event, occurred_at), None


def evolved(usage: LlmUsageRecorded, **changes: Any) -> LlmUsageRecorded:
    """Return a call with some figures changed."""
    found: LlmUsageRecorded = attrs.evolve(usage, **changes)  # type: ignore[misc]
    return found


def _before(handler: Handler, conflict: EventIdConflictError) -> Recorded[LlmUsageRecorded]:
    journal = handler.journal
    found = next(journal.decode(journal.backend.find([conflict.event_id]).values()), None)
    if found is None or not isinstance(found.event, LlmUsageRecorded):
        raise conflict
    return found


def _is_of_another(
    before: Recorded[LlmUsageRecorded], usage: LlmUsageRecorded, occurred_at: datetime | None
) -> bool:
    """
    Tell whether an id was told by another attempt, and not of the same moment.

    What the next attempt at a phase tells alike is the same call, told again after a stop.
    """
    first = before.event
    if first.attempt is None or before.occurred_at == occurred_at:
        return False
    if (first.run_id, first.phase_id) != (usage.run_id, usage.phase_id):
        return True
    return first.attempt != usage.attempt and bool(_differences(first, usage))


def _known(
    conflict: EventIdConflictError,
    before: Recorded[LlmUsageRecorded],
    usage: LlmUsageRecorded,
    occurred_at: datetime | None,
) -> Recorded[Any]:
    """Return a call that is recorded, if it was told alike but for what we add to it ourselves."""
    ours: dict[str, Any] = {"late": before.event.late}
    if before.event.cost_source == "computed" and usage.cost_source != "reported":
        ours |= {name: getattr(before.event, name) for name in _PRICED}
    is_then = occurred_at is None or occurred_at == before.occurred_at
    if is_then and evolved(usage, **ours) == before.event:
        return before
    raise _usage_conflict(conflict, before.event, usage) from conflict


def _usage_conflict(
    conflict: EventIdConflictError, before: LlmUsageRecorded, now: LlmUsageRecorded
) -> UsageConflictError:
    """Return what differs between a call as it is recorded and as it was told again."""
    places = [f"{u.run_id}/{u.phase_id} attempt {u.attempt}" for u in (before, now)]
    return UsageConflictError(
        conflict.event_id,
        position=conflict.position,
        provider=now.provider,
        call_id=now.call_id,
        recorded_for=places[0],
        told_for=places[1],
        figures=_differences(before, now),
    )


def _differences(before: LlmUsageRecorded, now: LlmUsageRecorded) -> dict[str, tuple[Any, Any]]:
    return {
        name: (getattr(before, name), getattr(now, name))
        for name in LlmUsageRecorded.__annotations__
        if getattr(before, name) != getattr(now, name)
        and name not in ("run_id", "phase_id", "attempt", "lease_token", "late")
    }

"""What a run has used before its caps are counted in a stream of their own."""

from collections.abc import Iterable
from typing import Any, Final

import attrs

from autopack import views
from autopack.budget import Amount
from autopack.draining.pricing import price_of
from autopack.events import (
    BudgetReserved,
    BudgetSettled,
    LlmUsageAmended,
    LlmUsageRecorded,
    PhaseClaimed,
)
from autopack.events.usage import amended_figures, total_of, usage_id
from autopack.handler import Handler
from autopack.ids import PhaseRef, phase_stream
from autopack.journal import Journal
from autopack.plugins import Registry
from autopack.ports.log import Recorded
from autopack.projections.phases import PHASES
from autopack.projections.spend import SPEND, SpendRow

BEFORE: Final = "(before the cap)"
"""Stands for the lease of all attempts that ended before a scope had caps."""
_NO_CALL: Final = LlmUsageRecorded(call_id="(none)")


def spent_by(handler: Handler, run_id: str) -> Amount:
    """Return what a run's attempts have used so far, amended and priced; those in work too."""
    journal = handler.journal
    row: SpendRow = views.current_row(journal, SPEND, run_id) or SpendRow()
    tokens, usd = row.tokens, row.usd
    for first, last in _amended(journal, run_id):
        tokens += (total_of(last) or 0) - (total_of(first) or 0)
        usd += (last.cost_usd or 0.0) - (first.cost_usd or 0.0)
    usd += _priced(handler, run_id)
    return Amount(max(0, tokens), max(0.0, usd), row.attempts, row.minutes)


def used_by(registry: Registry | None, calls: Iterable[LlmUsageRecorded]) -> tuple[Amount, int]:
    """Return what calls used, and how many of them nobody can price."""
    used, unpriced = Amount(), 0
    for usage in calls:
        usd = usage.cost_usd if registry is None else price_of(registry, usage)
        unpriced += usd is None
        used += Amount(total_of(usage) or 0, usd or 0.0)
    return used, unpriced


def so_far(handler: Handler, run_id: str) -> list[BudgetReserved | BudgetSettled]:
    """Return what a run used before its caps: attempts in work are set aside one by one."""
    scope, registry = f"run-{run_id}", getattr(handler.journal, "registry", None)
    held, spent = [], spent_by(handler, run_id)
    for ref, claim in _in_work(handler, run_id):
        calls = calls_of(handler.journal, ref, claim.lease_token)
        used, _unpriced = used_by(registry, calls)
        spent -= used + Amount(phases=1)
        reserved = BudgetReserved(
            scope=scope,
            lease_token=claim.lease_token,
            tokens=max(used.tokens, claim.reserved_tokens or 0),
            usd=max(used.usd, claim.reserved_usd or 0.0),
        )
        held.append(reserved)
    return [*([] if spent == Amount() else [settled_before(scope, spent)]), *held]


def settled_before(scope: str, used: Amount) -> BudgetSettled:
    """Return the event that stands for all that was used before a scope had caps."""
    return BudgetSettled(
        scope=scope,
        lease_token=BEFORE,
        tokens=max(0, used.tokens),
        usd=max(0.0, used.usd),
        attempts=max(0, used.phases),
        minutes=max(0.0, used.minutes),
    )


def _in_work(handler: Handler, run_id: str) -> list[tuple[PhaseRef, PhaseClaimed]]:
    """Return the attempts of a run that a worker holds, by their claims."""
    board = views.current(handler.journal, PHASES, with_rows=False).total
    found = []
    for key in board.live:
        run, _, phase_id = key.partition("/")
        ref = PhaseRef(run, phase_id)
        token = handler.phase_state(ref).lease_token if run == run_id else None
        if token is not None and (claimed := claim_of(handler.journal, ref, token)):
            found.append((ref, claimed.event))
    return found


def calls_of(journal: Journal, ref: PhaseRef, token: str | None = None) -> list[LlmUsageRecorded]:
    """Return the calls of a phase, or of one attempt, with the figures given last."""
    calls: dict[tuple[str | None, str], LlmUsageRecorded] = {}
    for recorded in journal.read(phase_stream(ref.run_id, ref.phase_id)):
        event = recorded.event
        if isinstance(event, LlmUsageRecorded) and token in (None, event.lease_token):
            calls[event.provider, event.call_id] = event
        elif isinstance(event, LlmUsageAmended):
            known = calls.get((event.provider, event.call_id))
            if known is not None:
                calls[event.provider, event.call_id] = amended(known, event)
    return list(calls.values())


def amended(call: LlmUsageRecorded, event: LlmUsageAmended) -> LlmUsageRecorded:
    """Return a call with the figures that its source gave later."""
    found: LlmUsageRecorded = attrs.evolve(call, **amended_figures(event))  # type: ignore[misc]
    return found


def _amended(journal: Journal, run_id: str) -> list[tuple[LlmUsageRecorded, LlmUsageRecorded]]:
    """Return the amended calls of a run, as they were recorded and as they stand."""
    found: dict[bytes, tuple[LlmUsageRecorded, LlmUsageRecorded]] = {}
    for recorded in journal.read_all(types=[LlmUsageAmended]):
        event = recorded.event
        call_id = usage_id(event.provider, event.call_id)
        if event.run_id == run_id:
            first, last = found.get(call_id) or (_recorded(journal, call_id),) * 2
            found[call_id] = first, amended(last, event)
    return list(found.values())


def _recorded(journal: Journal, call_id: bytes) -> LlmUsageRecorded:
    row: Any = journal.backend.find([call_id]).values()
    return next((one.event for one in journal.decode(row)), _NO_CALL)


def _priced(handler: Handler, run_id: str) -> float:
    """Return what plugins say that those calls cost whose price was not reported."""
    registry = getattr(handler.journal, "registry", None)
    if registry is None or not registry.manager.hook.autopack_price_usage.get_hookimpls():
        return 0.0
    names = handler.run_state(run_id).phases
    calls = (call for name in names for call in calls_of(handler.journal, PhaseRef(run_id, name)))
    return sum(price_of(registry, call) or 0.0 for call in calls if call.cost_usd is None)


def claim_of(journal: Journal, ref: PhaseRef, token: str) -> Recorded[PhaseClaimed] | None:
    """Return the claim that began an attempt, as it was recorded."""
    for recorded in journal.read(phase_stream(ref.run_id, ref.phase_id)):
        event = recorded.event
        if isinstance(event, PhaseClaimed) and event.lease_token == token:
            return recorded
    return None

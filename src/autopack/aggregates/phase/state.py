"""What a phase's stream says: its state, folded from its events."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

import attrs

from autopack.events import (
    BudgetEscalated,
    LlmUsageAmended,
    LlmUsageRecorded,
    PhaseCancelled,
    PhaseClaimed,
    PhaseCompleted,
    PhaseEstimated,
    PhaseEvent,
    PhaseFailed,
    PhaseGated,
    PhaseGateDecided,
    PhaseReclaimed,
    PhaseReleased,
    PhaseRequeued,
    PhaseResultLate,
    PhaseSkipped,
    PhaseStarted,
    PhaseTimedOut,
    SampleRecorded,
    UsageEvent,
)
from autopack.ports.states import LIVE, PhaseStatus

PhaseStreamEvent = PhaseEvent | UsageEvent

_S = PhaseStatus
AFTER_GATE: Final = {"approve": _S.COMPLETE, "reject": _S.FAILED, "requeue": _S.QUEUED}
"""Where each decision on a gate leads."""


@attrs.frozen(kw_only=True)
class PhaseState:
    """
    What a phase's stream says. ``attempts`` counts claims; ``spent`` those that count.

    ``escalated_tokens`` is the output budget that a truncated attempt earned the next ones.
    """

    status: PhaseStatus = _S.QUEUED
    attempts: int = 0
    spent: int = 0
    lease_token: str | None = None
    worker: str | None = None
    not_before: datetime | None = None
    wait_s: float | None = None
    escalated_tokens: int | None = None


def evolve(state: PhaseState, event: PhaseStreamEvent) -> PhaseState:
    """Return *state* after *event*. Never refuses: the event happened."""
    match event:
        case PhaseClaimed(lease_token=token, worker=worker):
            return attrs.evolve(
                state,
                status=_S.CLAIMED,
                attempts=state.attempts + 1,
                spent=state.spent + 1,
                lease_token=token,
                worker=worker,
                not_before=None,
                wait_s=None,
            )
        case PhaseStarted():
            return attrs.evolve(state, status=_S.RUNNING)
        case PhaseCompleted():
            return _ended(state, _S.COMPLETE)
        case PhaseFailed():
            return _ended(state, _S.FAILED)
        case PhaseTimedOut():
            return _ended(state, _S.TIMED_OUT)
        case PhaseGated():
            return _ended(state, _S.GATED)
        case PhaseReleased():
            return attrs.evolve(_ended(state, _S.QUEUED), spent=max(0, state.spent - 1))
        case PhaseReclaimed():
            return _ended(state, _S.QUEUED)
        case PhaseRequeued(not_before=not_before, wait_s=wait_s):
            refund = 0 if event.attempt_spent else 1
            spent = 0 if event.attempts_reset else max(0, state.spent - refund)
            queued = _ended(state, _S.QUEUED)
            return attrs.evolve(queued, spent=spent, not_before=not_before, wait_s=wait_s)
        case PhaseGateDecided(decision=decision):
            return _ended(state, AFTER_GATE.get(decision, state.status))
        case BudgetEscalated(to_tokens=tokens):
            return attrs.evolve(state, escalated_tokens=tokens)
        case PhaseSkipped():
            return _ended(state, _S.SKIPPED)
        case PhaseCancelled():
            return _ended(state, _S.CANCELLED)
        case (
            PhaseEstimated()
            | PhaseResultLate()
            | LlmUsageRecorded()
            | LlmUsageAmended()
            | SampleRecorded()
        ):
            return state


def fold(events: Iterable[PhaseStreamEvent], state: PhaseState | None = None) -> PhaseState:
    """Return *state*, or that of a fresh phase, after *events*."""
    state = state or PhaseState()
    for event in events:
        state = evolve(state, event)
    return state


def holds(state: PhaseState, lease_token: str) -> bool:
    """Tell whether the lease with that token is the one in force."""
    return state.status in LIVE and state.lease_token == lease_token


def _ended(state: PhaseState, status: PhaseStatus) -> PhaseState:
    return attrs.evolve(state, status=status, lease_token=None, worker=None)

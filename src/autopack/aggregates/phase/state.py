"""What a phase's stream says: its state, folded from its events."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

import attrs

from autopack.events import (
    BudgetEscalated,
    LlmUsageAmended,
    LlmUsageRecorded,
    PhaseAlarmed,
    PhaseCancelled,
    PhaseChecked,
    PhaseClaimed,
    PhaseCompleted,
    PhaseEstimated,
    PhaseEvent,
    PhaseFailed,
    PhaseGated,
    PhaseGateDecided,
    PhaseInherited,
    PhaseJudged,
    PhaseReclaimed,
    PhaseReleased,
    PhaseRequeued,
    PhaseResultLate,
    PhaseSkipped,
    PhaseStarted,
    PhaseSubmitted,
    PhaseTimedOut,
    SampleRecorded,
    UsageEvent,
)
from autopack.ports.states import BEGUN, PhaseStatus

PhaseStreamEvent = PhaseEvent | UsageEvent

_S = PhaseStatus
AFTER_GATE: Final = {"approve": _S.COMPLETE, "reject": _S.FAILED, "requeue": _S.QUEUED}
"""Where each decision on a gate leads."""
GATE_VERDICTS: Final = {"approve": True, "reject": False}
"""Whether the work is right, by what a person decides at a gate."""
_BY_DRAIN: Final = "drain "
"""With which the name begins by which a drain requeues what its strategy retries."""


@attrs.frozen(kw_only=True)
class PhaseState:
    """
    What a phase's stream says. ``attempts`` counts claims; ``spent`` those that count.

    ``handle`` is what a provider has the work by.
    ``escalated_tokens`` is the output budget that a truncated attempt earned the next ones.
    ``is_right`` is what was last said of the work of the attempt that came last, by a check or a
    person. ``alarm`` is ``raised`` once an attempt was past what almost all like it used, and
    ``heard`` once a person sent the phase back after that. ``feedback`` is what the next attempt
    should know: what the last one failed with, what was found wrong with its work, and what people
    said when they sent it back.
    """

    status: PhaseStatus = _S.QUEUED
    attempts: int = 0
    spent: int = 0
    lease_token: str | None = None
    handle: str | None = None
    worker: str | None = None
    not_before: datetime | None = None
    wait_s: float | None = None
    escalated_tokens: int | None = None
    is_right: bool | None = None
    feedback: str | None = None
    alarm: str | None = None


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
                is_right=None,
            )
        case PhaseStarted():
            return attrs.evolve(state, status=_S.RUNNING)
        case PhaseSubmitted(handle=handle):
            return attrs.evolve(state, status=_S.SUBMITTED, worker=None, handle=handle)
        case PhaseCompleted():
            return attrs.evolve(_ended(state, _S.COMPLETE), feedback=None)
        case PhaseFailed(message=message):
            return attrs.evolve(_ended(state, _S.FAILED), feedback=message)
        case PhaseTimedOut(message=message):
            return attrs.evolve(_ended(state, _S.TIMED_OUT), feedback=message)
        case PhaseGated(attempt=None):  # a person is asked about a failure, which is told still
            return _ended(state, _S.GATED)
        case PhaseGated():
            return attrs.evolve(_ended(state, _S.GATED), feedback=None)
        case PhaseAlarmed():
            return attrs.evolve(state, alarm=state.alarm or "raised")
        case PhaseChecked() | PhaseJudged():
            return _judged(state, event)
        case PhaseReleased():
            return attrs.evolve(_ended(state, _S.QUEUED), spent=max(0, state.spent - 1))
        case PhaseReclaimed():
            return _ended(state, _S.QUEUED)
        case PhaseRequeued(not_before=not_before, wait_s=wait_s):
            refund = 0 if event.attempt_spent else 1
            spent = 0 if event.attempts_reset else max(0, state.spent - refund)
            queued = _ended(state, _S.QUEUED)
            told = state.feedback
            if event.attempts_reset:  # by a person; a back-off says nothing of the work
                told = "\n\n".join(filter(None, (told, event.why)))
                if not event.by.startswith(_BY_DRAIN):
                    queued = attrs.evolve(queued, alarm=state.alarm and "heard")
            return attrs.evolve(
                queued, spent=spent, not_before=not_before, wait_s=wait_s, feedback=told
            )
        case PhaseGateDecided(decision=decision, why=why):
            decided = _ended(state, AFTER_GATE.get(decision, state.status))
            if decision not in GATE_VERDICTS:
                return decided
            is_right = GATE_VERDICTS[decision]
            told = state.feedback if is_right else why
            return attrs.evolve(decided, is_right=is_right, feedback=told)
        case BudgetEscalated(to_tokens=tokens):
            return attrs.evolve(state, escalated_tokens=tokens)
        case PhaseSkipped():
            return _ended(state, _S.SKIPPED)
        case PhaseCancelled():
            return _ended(state, _S.CANCELLED)
        case PhaseInherited(state=status):
            return _ended(state, _S(status))
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
    """Tell whether the attempt that was claimed with that token is the one that is under way."""
    return state.status in BEGUN and state.lease_token == lease_token


def verdict_of(event: PhaseChecked | PhaseJudged) -> bool | None:
    """Return whether the work is right, by a check or a person; None if it could not be told."""
    if isinstance(event, PhaseJudged):
        return event.right
    return None if event.verdict == "could_not_run" else event.verdict == "passed"


def judge_of(event: PhaseChecked | PhaseJudged) -> str | None:
    """Return who says so, in words; None if it could not be told."""
    if verdict_of(event) is None:
        return None
    if isinstance(event, PhaseChecked):
        return f"check {event.check}"
    return event.by if event.check is None else f"{event.by} by {event.check}"


def _judged(state: PhaseState, event: PhaseChecked | PhaseJudged) -> PhaseState:
    """Return the state with a verdict on its last attempt; what is said of others changes none."""
    is_right = verdict_of(event)
    if is_right is None or (event.attempt or state.attempts) != state.attempts:
        return state
    told = state.feedback
    if not is_right:
        told = event.why if isinstance(event, PhaseJudged) else _finding(event)
    return attrs.evolve(state, is_right=is_right, feedback=told)


def _finding(event: PhaseChecked) -> str:
    return "\n".join(filter(None, (f"check {event.check} failed", event.excerpt)))


def _ended(state: PhaseState, status: PhaseStatus) -> PhaseState:
    return attrs.evolve(state, status=status, lease_token=None, worker=None, handle=None)

"""What a phase may do next, decided from its state."""

from datetime import datetime
from shlex import quote
from typing import Any, Final, TypeVar

import attrs

from autopack.aggregates.phase.state import AFTER_GATE, PhaseState, holds
from autopack.aggregates.requests import ClaimRequest, EndRequest, PhaseRequest, RequeueRequest
from autopack.errors import (
    AttemptsSpentError,
    InvalidInputError,
    LeaseLostError,
    MoveRefusedError,
    NothingToJudgeError,
)
from autopack.events import (
    PhaseCancelled,
    PhaseChecked,
    PhaseClaimed,
    PhaseCompleted,
    PhaseEvent,
    PhaseFailed,
    PhaseGated,
    PhaseGateDecided,
    PhaseJudged,
    PhaseReclaimed,
    PhaseReleased,
    PhaseRequeued,
    PhaseSkipped,
    PhaseStarted,
    PhaseSubmitted,
    PhaseTimedOut,
)
from autopack.events.phase import LEASE_LOST
from autopack.ports.states import BEGUN, MOVES, PhaseStatus
from autopack.values.ids import PhaseId, PhaseRef, RunId

E = TypeVar("E", bound=PhaseEvent)
_S = PhaseStatus
_SKEW_S: Final = 60.0  # how far two clocks may be apart while a back-off is kept
_LEADS: Final[dict[type[PhaseEvent], tuple[PhaseStatus, str]]] = {
    PhaseClaimed: (_S.CLAIMED, "a claim"),
    PhaseSubmitted: (_S.SUBMITTED, "a submission"),
    PhaseCompleted: (_S.COMPLETE, "a completion"),
    PhaseFailed: (_S.FAILED, "a failure"),
    PhaseTimedOut: (_S.TIMED_OUT, "a time-out"),
    PhaseGated: (_S.GATED, "a gate"),
    PhaseReleased: (_S.QUEUED, "a release"),
    PhaseReclaimed: (_S.QUEUED, "a reclaim"),
    PhaseRequeued: (_S.QUEUED, "a requeue"),
    PhaseSkipped: (_S.SKIPPED, "a skip"),
    PhaseCancelled: (_S.CANCELLED, "a cancellation"),
}
"""Where each event leads, and its name in a refusal."""
_WORKED: Final = frozenset({_S.COMPLETE, _S.FAILED, _S.TIMED_OUT, _S.GATED})
"""Where a phase stands only after work at it."""


def decide(request: PhaseRequest, state: PhaseState) -> list[PhaseEvent]:
    """
    Return the events that *request* causes: its own, with what only the state knows, and others.

    Raises:
        MoveRefusedError: The phase's state does not allow it; names both states.
        AttemptsSpentError: A claim, but no attempt is left.
        LeaseLostError: The worker no longer holds the phase.
        NothingToJudgeError: A verdict, but the attempt is in work, or was never made.
        InvalidInputError: A gate has no such answer.
    """
    match request:
        case ClaimRequest():
            return _claimed(request, state)
        case EndRequest():
            return _ended_badly(request, state)
        case PhaseSubmitted(handle=handle) if handle == state.handle:
            raise MoveRefusedError(
                _ref(request), state=state.status, to=_S.SUBMITTED, what="under the same handle"
            )
        case PhaseSubmitted() | PhaseCompleted() | PhaseGated() | PhaseReleased():
            return [_by_holder(request, request.lease_token, state)]
        case PhaseChecked(lease_token=token) if token is not None:
            return [_told_by_holder(request, token, state)]
        case PhaseChecked() | PhaseJudged():
            return [_about_ended(request, state)]
        case RequeueRequest():
            return _requeued(request, state)
        case PhaseGateDecided():
            return _gate_decided(request, state)
        case PhaseSkipped():
            _check_move(request, state)
            return [request]
        case PhaseCancelled(duration_s=took_s):
            _check_move(request, state)
            number, took_s = (state.attempts, took_s) if state.status in BEGUN else (None, None)
            held = {"attempt": number, "lease_token": state.lease_token}
            return [_filled(request, **held, duration_s=took_s)]


def _claimed(request: ClaimRequest, state: PhaseState) -> list[PhaseEvent]:
    event, most = request.event, request.max_attempts
    _check_move(event, state)
    if state.spent >= most:
        raise AttemptsSpentError(_ref(event), spent=state.spent, max_attempts=most)
    if state.not_before is not None and _still_waits(request, state, state.not_before):
        waits = f"it waits until {state.not_before.isoformat(timespec='seconds')}"
        raise MoveRefusedError(_ref(event), state=state.status, to=_S.CLAIMED, what=waits)
    number = state.attempts + 1
    estimated = [] if request.estimated is None else [_filled(request.estimated, attempt=number)]
    started = PhaseStarted(
        run_id=event.run_id,
        phase_id=event.phase_id,
        attempt=number,
        lease_token=event.lease_token,
    )
    return [*estimated, _filled(event, attempt=number), started]


def _still_waits(request: ClaimRequest, state: PhaseState, until: datetime) -> bool:
    if request.now >= until or request.waited_until == until:
        return False
    left_s = (until - request.now).total_seconds()
    # A wait that became longer was recorded by a clock that was ahead, or ours was set back.
    return state.wait_s is None or left_s <= state.wait_s + _SKEW_S


def _ended_badly(request: EndRequest, state: PhaseState) -> list[PhaseEvent]:
    ended = _by_holder(request.event, request.event.lease_token, state)
    is_left = state.spent < request.max_attempts
    if isinstance(ended, PhaseReclaimed):
        ended = _filled(ended, worker=state.worker)
        return [ended if is_left else _out_of_attempts(ended, state, request.max_attempts)]
    if request.asked is not None:
        return [ended, _left_to_a_person(ended, request.asked)]
    larger, again = request.escalated, request.requeued
    is_first = state.escalated_tokens is None
    if larger and not (is_left and is_first and larger.to_tokens > larger.from_tokens):
        larger = None
    if again and again.attempt_spent:
        told = f"{again.why}: attempt {state.spent} of {request.max_attempts} is retried"
        again = _filled(again, why=told) if is_left else None
    escalated = [_filled(larger, attempt=state.attempts)] if larger else []
    return [ended, *escalated, *([again] if again and (ended.retryable or larger) else [])]


def _left_to_a_person(ended: PhaseFailed | PhaseTimedOut, question: str) -> PhaseGated:
    """Open a gate over a failure: it has no attempt of its own, which has ended."""
    return PhaseGated(
        run_id=ended.run_id,
        phase_id=ended.phase_id,
        question=question,
        artifacts=ended.artifacts,
        duration_s=ended.timeout_s if isinstance(ended, PhaseTimedOut) else ended.duration_s,
        zero_yield_reason=ended.zero_yield_reason,
    )


def _out_of_attempts(lost: PhaseReclaimed, state: PhaseState, most: int) -> PhaseFailed:
    """Fail it from the live state, which keeps it visible instead of queued for ever."""
    return PhaseFailed(
        run_id=lost.run_id,
        phase_id=lost.phase_id,
        attempt=lost.attempt,
        lease_token=lost.lease_token,
        duration_s=lost.duration_s,
        code=LEASE_LOST,
        message=f"{lost.why}; {state.spent} of {most} attempts are spent",
        failure_class="execution",
    )


def _requeued(request: RequeueRequest, state: PhaseState) -> list[PhaseEvent]:
    event = request.event
    if not (request.after_loss and state.status is _S.QUEUED):
        if state.status in BEGUN:
            raise _requeue_refused(event, state)
        if state.status is _S.COMPLETE and state.is_right is not False:
            raise MoveRefusedError(
                _ref(event),
                state=state.status,
                to=_S.QUEUED,
                what="a requeue, and nobody says that its work is wrong",
                do="If it is, say so first: judge_phase(log, ref, right=False, why=...)",
                typed=f"If it is, say so first: autopack phase judge {quote(str(_ref(event)))} "
                "--wrong --why REASON",
            )
        _check_move(event, state)
    if state.status is not _S.GATED:
        return [event]
    sent_back = PhaseGateDecided(
        run_id=event.run_id,
        phase_id=event.phase_id,
        by=event.by,
        why=event.why,
        decision="requeue",
        attempt=state.attempts or None,
    )
    return [sent_back, event]


def _requeue_refused(event: PhaseRequeued, state: PhaseState) -> MoveRefusedError:
    """Return why an attempt that is under way is not begun anew beside itself."""
    ref, what, more = _ref(event), "a requeue", {}
    if state.status is _S.SUBMITTED:
        what = "a requeue: its provider has it, and will be paid for it"
        more = {
            "do": "Drain on to collect the answer, or cancel(log, ref, ...) it first",
            "typed": "Drain on to collect the answer, or call it off first: "
            f"autopack phase cancel {quote(str(ref))}",
        }
    return MoveRefusedError(ref, state=state.status, to=_S.QUEUED, what=what, **more)


def _gate_decided(event: PhaseGateDecided, state: PhaseState) -> list[PhaseEvent]:
    if event.decision not in AFTER_GATE:
        raise InvalidInputError(
            f"{event.decision!r} is no gate decision: {', '.join(AFTER_GATE)}.",
            name="decision",
            value=event.decision,
        )
    to = AFTER_GATE[event.decision]
    if state.status is not _S.GATED:
        raise MoveRefusedError(_ref(event), state=state.status, to=to, what="no gate is open")
    decided = _filled(event, attempt=state.attempts or None)
    if to is not _S.QUEUED:
        return [decided]
    again = PhaseRequeued(
        run_id=event.run_id,
        phase_id=event.phase_id,
        by=event.by,
        why=event.why,
        attempts_reset=True,
    )
    return [decided, again]


def _by_holder(event: E, token: str | None, state: PhaseState) -> E:
    """Return how a worker's attempt ended, under the number of the claim in force."""
    told = _told_by_holder(event, token, state)
    _check_move(event, state)
    return told


def _told_by_holder(event: E, token: str | None, state: PhaseState) -> E:
    """Return what a worker says of its attempt, which has the number of the claim in force."""
    if not holds(state, token or ""):
        raise LeaseLostError(
            _ref(event), token=token or "", state=state.status, holder=state.worker
        )
    return _filled(event, attempt=state.attempts)


def _about_ended(event: PhaseChecked | PhaseJudged, state: PhaseState) -> PhaseEvent:
    """Return a verdict on an attempt that has ended: the one it names, or the last."""
    n_ended = state.attempts - (state.status in BEGUN)
    number = event.attempt or n_ended or None
    is_imported = not state.attempts and state.status in _WORKED  # a history without attempts
    if (number or 0) > n_ended or (number is None and not is_imported):
        raise NothingToJudgeError(_ref(event), attempt=event.attempt, ended=n_ended)
    return _filled(event, attempt=number)


def _filled(event: E, **known: Any) -> E:
    """Return an event with what only the state knows; it is made anew only if that differs."""
    made: Any = event
    is_so = all(getattr(made, name) == value for name, value in known.items())
    return event if is_so else attrs.evolve(made, **known)


def _check_move(event: PhaseEvent, state: PhaseState) -> None:
    to, what = _LEADS[type(event)]
    if to not in MOVES[state.status]:
        raise MoveRefusedError(_ref(event), state=state.status, to=to, what=what)


def _ref(event: PhaseEvent) -> PhaseRef:
    return PhaseRef(RunId(event.run_id), PhaseId(event.phase_id))

"""What a phase may do next, decided from its state."""

from datetime import datetime
from typing import Any, Final

import msgspec

from autopack.aggregates.commands import (
    CancelPhase,
    ClaimPhase,
    CompletePhase,
    DecideGate,
    FailPhase,
    GatePhase,
    PhaseCommand,
    ReclaimPhase,
    ReleasePhase,
    RequeuePhase,
    SkipPhase,
    StartPhase,
    TimeOutPhase,
    check_why,
)
from autopack.aggregates.phase.state import AFTER_GATE, PhaseState, holds
from autopack.errors import AttemptsSpentError, InvalidInputError, LeaseLostError, MoveRefusedError
from autopack.events import (
    BudgetEscalated,
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
    PhaseSkipped,
    PhaseStarted,
    PhaseTimedOut,
)
from autopack.events.phase import LEASE_LOST
from autopack.ports.states import LIVE, MOVES, PhaseStatus
from autopack.values.ids import PhaseRef
from autopack.values.money import as_sum

_S = PhaseStatus
_BY_DRAIN: Final = "drain"
_SKEW_S: Final = 60.0  # how far two clocks may be apart while a back-off is kept


def decide(command: PhaseCommand, state: PhaseState) -> list[PhaseEvent]:
    """
    Return the events that *command* causes.

    Raises:
        MoveRefusedError: The phase's state does not allow it; names both states.
        AttemptsSpentError: A claim, but no attempt is left.
        LeaseLostError: The worker no longer holds the phase.
    """
    match command:
        case ClaimPhase():
            return _claim(command, state)
        case RequeuePhase() | SkipPhase() | CancelPhase() | DecideGate():
            return _by_person(command, state)
        case _:
            return _by_worker(command, state)


def _claim(command: ClaimPhase, state: PhaseState) -> list[PhaseEvent]:
    ref = command.ref
    _check_move(ref, state, _S.CLAIMED, "a claim")
    if state.spent >= command.max_attempts:
        raise AttemptsSpentError(ref, spent=state.spent, max_attempts=command.max_attempts)
    if state.not_before is not None and _still_waits(command, state, state.not_before):
        waits = f"it waits until {state.not_before.isoformat(timespec='seconds')}"
        raise MoveRefusedError(ref, state=state.status, to=_S.CLAIMED, what=waits)
    number = state.attempts + 1
    claimed = PhaseClaimed(
        run_id=ref.run_id,
        phase_id=ref.phase_id,
        attempt=number,
        worker=command.worker,
        lease_token=command.lease_token,
        drain=command.drain,
        reserved_tokens=command.reserved_tokens,
        reserved_usd=as_sum(command.reserved_usd),
        basis=command.basis,
        account=command.account,
        model=command.model,
        executor=command.executor,
        capped=command.capped,
    )
    estimated = [] if command.estimate is None else [_estimated(command, number)]
    started = PhaseStarted(
        run_id=ref.run_id, phase_id=ref.phase_id, attempt=number, lease_token=command.lease_token
    )
    return [*estimated, claimed, *([started] if command.starts else [])]


def _still_waits(command: ClaimPhase, state: PhaseState, until: datetime) -> bool:
    if command.now >= until or command.waited_until == until:
        return False
    left_s = (until - command.now).total_seconds()
    # A wait that became longer was recorded by a clock that was ahead, or ours was set back.
    return state.wait_s is None or left_s <= state.wait_s + _SKEW_S


def _estimated(command: ClaimPhase, number: int) -> PhaseEstimated:
    estimate, ref = command.estimate, command.ref
    features = msgspec.json.decode(msgspec.json.encode(estimate.features))
    return PhaseEstimated(
        run_id=ref.run_id,
        phase_id=ref.phase_id,
        attempt=number,
        estimator=estimate.estimator,
        estimator_version=estimate.estimator_version,
        predicted_output_tokens=estimate.predicted_output_tokens,
        budget_tokens=estimate.budget_tokens,
        ceiling_tokens=estimate.ceiling_tokens,
        tau=estimate.tau,
        features=features,
        budget_basis=estimate.budget_basis or None,
    )


def _by_person(
    command: RequeuePhase | SkipPhase | CancelPhase | DecideGate, state: PhaseState
) -> list[PhaseEvent]:
    ref = command.ref
    names: dict[str, Any] = {
        "run_id": ref.run_id,
        "phase_id": ref.phase_id,
        "by": command.by,
        "why": command.why,
    }
    check_why(f"Phase {ref}", command.why)
    match command:
        case RequeuePhase(not_before=not_before):
            if not (command.after_loss and state.status is _S.QUEUED):
                if state.status in LIVE:
                    raise MoveRefusedError(ref, state=state.status, to=_S.QUEUED, what="a requeue")
                _check_move(ref, state, _S.QUEUED, "a requeue")
            is_gated = state.status is _S.GATED
            sent_back = [_gate_decided(names, "requeue", state)] if is_gated else []
            again = PhaseRequeued(**names, not_before=not_before, attempts_reset=True)
            return [*sent_back, again]
        case SkipPhase():
            _check_move(ref, state, _S.SKIPPED, "a skip")
            return [PhaseSkipped(**names)]
        case CancelPhase():
            _check_move(ref, state, _S.CANCELLED, "a cancellation")
            if state.status not in LIVE:
                return [PhaseCancelled(**names)]
            return [
                PhaseCancelled(
                    **names,
                    attempt=state.attempts,
                    lease_token=state.lease_token,
                    duration_s=command.duration_s,
                )
            ]
        case DecideGate(decision=decision):
            if decision not in AFTER_GATE:
                raise InvalidInputError(
                    f"{decision!r} is no gate decision: {', '.join(AFTER_GATE)}.",
                    name="decision",
                    value=decision,
                )
            if state.status is not _S.GATED:
                to = AFTER_GATE[decision]
                raise MoveRefusedError(ref, state=state.status, to=to, what="no gate is open")
            decided = _gate_decided(names, decision, state)
            if decision != "requeue":
                return [decided]
            return [decided, PhaseRequeued(**names, attempts_reset=True)]


def _gate_decided(names: dict[str, Any], decision: str, state: PhaseState) -> PhaseGateDecided:
    return PhaseGateDecided(**names, decision=decision, attempt=state.attempts or None)


def _by_worker(
    command: StartPhase
    | CompletePhase
    | FailPhase
    | TimeOutPhase
    | GatePhase
    | ReleasePhase
    | ReclaimPhase,
    state: PhaseState,
) -> list[PhaseEvent]:
    ref, token = command.ref, command.lease_token
    if not holds(state, token):
        raise LeaseLostError(ref, token=token, state=state.status, holder=state.worker)
    common: dict[str, Any] = {
        "run_id": ref.run_id,
        "phase_id": ref.phase_id,
        "attempt": state.attempts,
        "lease_token": token,
    }
    match command:
        case StartPhase():
            _check_move(ref, state, _S.RUNNING, "a start")
            return [PhaseStarted(**common)]
        case ReleasePhase(why=why):
            return [PhaseReleased(**common, why=why, duration_s=command.duration_s)]
        case ReclaimPhase(why=why):
            return _reclaimed(command, state, common)
        case FailPhase():
            _check_move(ref, state, _S.FAILED, "a failure")
            failed = PhaseFailed(
                **common,
                code=command.code,
                message=command.message,
                failure_class=command.failure_class,
                fingerprint=command.fingerprint,
                retryable=command.retryable,
                artifacts=command.artifacts,
                duration_s=command.duration_s,
                zero_yield_reason=command.zero_yield_reason,
                exit_code=command.exit_code,
                excerpt=command.excerpt,
                retry_after_s=command.retry_after_s,
                class_basis=command.class_basis,
                source_fields=command.source_fields,
            )
            return [failed, *_escalated(command, state), *_retry(command, state, failed.code)]
    return _from_running(command, state, common)


def _from_running(
    command: CompletePhase | TimeOutPhase | GatePhase, state: PhaseState, common: dict[str, Any]
) -> list[PhaseEvent]:
    match command:
        case CompletePhase():
            _check_move(command.ref, state, _S.COMPLETE, "a completion")
            return [
                PhaseCompleted(
                    **common,
                    outputs=command.outputs,
                    artifacts=command.artifacts,
                    summary=command.summary,
                    duration_s=command.duration_s,
                    zero_yield_reason=command.zero_yield_reason,
                )
            ]
        case TimeOutPhase():
            _check_move(command.ref, state, _S.TIMED_OUT, "a time-out")
            ended = PhaseTimedOut(
                **common,
                timeout_s=command.timeout_s,
                message=command.message,
                retryable=command.retryable,
                artifacts=command.artifacts,
                zero_yield_reason=command.zero_yield_reason,
            )
            return [ended, *_retry(command, state, "timed_out")]
        case GatePhase():
            _check_move(command.ref, state, _S.GATED, "a gate")
            return [
                PhaseGated(
                    **common,
                    question=command.question,
                    outputs=command.outputs,
                    artifacts=command.artifacts,
                    summary=command.summary,
                    duration_s=command.duration_s,
                    zero_yield_reason=command.zero_yield_reason,
                )
            ]


def _retry(command: FailPhase | TimeOutPhase, state: PhaseState, code: str) -> list[PhaseEvent]:
    is_spent = not isinstance(command, FailPhase) or command.attempt_spent
    if is_spent and state.spent >= command.max_attempts:
        return []
    if not (command.retryable or _escalated(command, state)):
        return []
    why = f"{code}: attempt {state.spent} of {command.max_attempts} is retried"
    if not is_spent:
        why = f"{code}: waits without spending an attempt"
    return [
        PhaseRequeued(
            run_id=command.ref.run_id,
            phase_id=command.ref.phase_id,
            by=_BY_DRAIN,
            why=why,
            not_before=command.not_before,
            wait_s=command.wait_s,
            attempt_spent=is_spent,
        )
    ]


def _escalated(command: FailPhase | TimeOutPhase, state: PhaseState) -> list[PhaseEvent]:
    """Return the escalation of a cut attempt's budget; there is at most one a phase."""
    if not isinstance(command, FailPhase) or command.escalated_tokens is None:
        return []
    before, after = command.budget_tokens or 0, command.escalated_tokens
    why = command.escalated_why or command.message
    if state.escalated_tokens is not None or after <= before:
        return []
    if state.spent >= command.max_attempts:
        return []
    return [
        BudgetEscalated(
            run_id=command.ref.run_id,
            phase_id=command.ref.phase_id,
            attempt=state.attempts,
            from_tokens=before,
            to_tokens=after,
            why=f"the output was cut at {before} tokens: {why}",
        )
    ]


def _reclaimed(
    command: ReclaimPhase, state: PhaseState, common: dict[str, Any]
) -> list[PhaseEvent]:
    common["duration_s"] = command.duration_s
    reclaimed = PhaseReclaimed(**common, worker=state.worker, why=command.why)
    if state.spent < command.max_attempts:
        return [reclaimed]
    # Out of attempts: failing it from the live state keeps it visible instead of queued for ever.
    message = f"{command.why}; {state.spent} of {command.max_attempts} attempts are spent"
    return [PhaseFailed(**common, code=LEASE_LOST, message=message, failure_class="execution")]


def _check_move(ref: PhaseRef, state: PhaseState, to: PhaseStatus, what: str) -> None:
    if to not in MOVES[state.status]:
        raise MoveRefusedError(ref, state=state.status, to=to, what=what)

"""How attempts end, on record: in time, late, or with what cannot be stored."""

import contextlib
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from autopack.aggregates.requests import event_of
from autopack.draining.attempts.attempt import LiveAttempt
from autopack.draining.attempts.claims import INTERRUPTED, Claim, Claims
from autopack.draining.attempts.executor_results import (
    AttemptEnd,
    Capped,
    TimedOut,
    bad_outcome,
    ending_of,
    heeding_caps,
)
from autopack.draining.attempts.failures import Failing, failed_by
from autopack.draining.attempts.gates import question_of
from autopack.draining.attempts.machine_faults import hindrance_of
from autopack.draining.attempts.storable_text import storable
from autopack.errors import InvalidEventError, InvalidInputError, LeaseLostError, LogClosedError
from autopack.events import (
    PhaseCompleted,
    PhaseFailed,
    PhaseGated,
    PhaseReleased,
    PhaseResultLate,
    PhaseSubmitted,
    PhaseTimedOut,
)
from autopack.format.redaction import clean
from autopack.log.command_handler import Handler
from autopack.plugins.narrator import Narrator
from autopack.plugins.registry import Registry
from autopack.ports.log import ANY, from_us
from autopack.ports.work import Completed, Failed, NeedsPerson, Outcome, Pending
from autopack.values.ids import phase_stream

_LATE: Final[dict[type, str]] = {
    **dict.fromkeys((Completed, PhaseCompleted), "complete"),
    **dict.fromkeys((Failed, PhaseFailed), "fail"),
    **dict.fromkeys((NeedsPerson, PhaseGated), "gate"),
    **dict.fromkeys((Pending, PhaseSubmitted), "submit"),
    PhaseTimedOut: "timeout",
}
"""What a late result is called in the log."""


Checked = Callable[[LiveAttempt, Outcome], Outcome]
"""Returns an outcome as the checks of its attempt see it."""


@contextlib.contextmanager
def working(
    handler: Handler,
    claims: Claims,
    claim: Claim,
    registry: Registry,
    failing: Failing,
    *,
    workspace: Path | None = None,
    checked: Checked = lambda _live, outcome: outcome,
) -> Iterator[LiveAttempt]:
    """
    Yield a claimed phase's attempt, and record how the block ended.

    An exception fails the attempt with its text and goes on; what ends more than the block
    (``KeyboardInterrupt``, ``SystemExit``, a cancelled task) gives the phase back without spending
    the attempt.

    Args:
        registry: The plugins that are asked how it ended.
        workspace: The folder that it works in.
        checked: Returns what the attempt's checks make of an outcome.
    """
    live = LiveAttempt(handler, claims, claim, is_patient=False, workspace=workspace)
    try:
        yield live
    except LeaseLostError:
        claims.forget(claim.token)
        raise
    except Exception as fault:
        if why := hindrance_of(fault):
            _release(claims, claim, live, fault, f"the machine hindered it: {why}")
            raise
        live.attach("traceback", storable(traceback.format_exc()))
        _end(handler, claims, claim, live, failed_by(fault), registry, failing)
        raise
    except BaseException as fault:  # Ctrl-C, sys.exit(), a task that is cancelled
        _release(claims, claim, live, fault, INTERRUPTED)
        raise
    else:
        outcome = live.outcome
        try:
            outcome = checked(live, outcome)
        except LeaseLostError:
            pass  # its end is recorded as late
        except BaseException as fault:
            _release(claims, claim, live, fault, INTERRUPTED)
            raise
        _end(handler, claims, claim, live, outcome, registry, failing)


def _release(
    claims: Claims, claim: Claim, live: LiveAttempt, fault: BaseException, why: str
) -> None:
    """Give a phase back for an error that goes on; that it could not be given back is noted."""
    release = PhaseReleased(**claim.names, why=why, duration_s=live.elapsed_s)
    try:
        live.catch_up()
        claims.end(claim, release)
    except Exception as second:  # nothing may hide what ends more than the block
        fault.add_note(f"The phase was not given back: {second}")


def _end(
    handler: Handler,
    claims: Claims,
    claim: Claim,
    live: LiveAttempt,
    outcome: Outcome,
    registry: Registry,
    failing: Failing,
) -> None:
    question = None
    if isinstance(outcome, Completed):
        question = question_of(registry, claim.phase, live, outcome)
    duration_s = live.elapsed_s
    live.catch_up()
    end_attempt(
        handler,
        claims,
        claim,
        live,
        outcome,
        failing=failing,
        now=from_us(handler.journal.now_us()),
        duration_s=duration_s,
        timeout_s=None,
        question=question,
    )


def end_attempt(
    handler: Handler,
    claims: Claims,
    claim: Claim,
    live: LiveAttempt,
    outcome: Outcome | TimedOut | Capped,
    **how: Any,
) -> AttemptEnd:
    """
    Record an outcome, and return what did; what cannot be stored fails the attempt.

    Args:
        how: As :func:`ending_of` takes it.

    Raises:
        LeaseLostError: The phase is not this worker's any more; the result is recorded as late.
    """
    outcome = heeding_caps(live, clean(storable, outcome))
    try:
        ending = ending_of(claim, live, outcome, **how)
        end_or_late(handler, claims, claim, live, ending)
    except (InvalidInputError, InvalidEventError) as fault:
        outcome = bad_outcome(f"what the executor gave back cannot be stored: {fault}")
        ending = ending_of(claim, live, outcome, **how)
        end_or_late(handler, claims, claim, live, ending)
    return ending


def end_or_late(
    handler: Handler, claims: Claims, claim: Claim, live: LiveAttempt, ending: AttemptEnd
) -> None:
    """Record an attempt's end; if its lease was lost, as a late result that changes no state."""
    try:
        claims.end(claim, ending)
    except LeaseLostError:
        event = event_of(ending)
        outputs = getattr(event, "outputs", {})
        _append_late(handler, claim, live, _LATE[type(event)], _said(event), outputs)
        raise


def record_late(handler: Handler, claim: Claim, live: LiveAttempt, outcome: Outcome) -> None:
    """Record an outcome that came after the attempt's recorded end; a closed log takes none."""
    try:
        _record_late(handler, claim, live, outcome)
    except LogClosedError:
        what = "a late result came after the log was closed"
        Narrator("autopack.drain").warning(what, phase=str(claim.ref))


def _record_late(handler: Handler, claim: Claim, live: LiveAttempt, outcome: Outcome) -> None:
    outcome = clean(storable, outcome)
    name = _LATE[type(outcome)]
    try:
        outputs = live.end_outputs(getattr(outcome, "outputs", {}))
        _append_late(handler, claim, live, name, _said(outcome), outputs)
    except (InvalidInputError, InvalidEventError) as fault:
        said = f"what the executor gave back cannot be stored: {fault}"
        _append_late(handler, claim, live, name, storable(said), {})


def _said(ending: Any) -> str | None:
    """Return what an end says in words."""
    texts = (getattr(ending, name, None) for name in ("message", "summary", "question", "handle"))
    return next((text for text in texts if text), None)


def _append_late(
    handler: Handler,
    claim: Claim,
    live: LiveAttempt,
    outcome: str,
    message: str | None,
    outputs: Mapping[str, str],
) -> None:
    late = PhaseResultLate(
        run_id=claim.ref.run_id,
        phase_id=claim.ref.phase_id,
        attempt=claim.number,
        lease_token=claim.token,
        outcome=outcome,
        message=message,
        outputs={**live.artifacts, **outputs},
    )
    stream = phase_stream(claim.ref.run_id, claim.ref.phase_id)
    handler.journal.append(stream, [late], expected_version=ANY)

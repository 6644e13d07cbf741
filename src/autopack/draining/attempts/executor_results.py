"""How an attempt ended: what an executor gave back, and the request that records it."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from datetime import datetime
from typing import TYPE_CHECKING, Any

import attrs

from autopack.aggregates.requests import EndRequest
from autopack.draining.attempts.failure_classes import BAD_OUTCOME
from autopack.draining.attempts.failures import Failing, capped, failed_by, why_silent
from autopack.errors import LeaseLostError
from autopack.events import PhaseAlarmed, PhaseCompleted, PhaseGated, PhaseSubmitted
from autopack.ports.work import Completed, Failed, NeedsPerson, Outcome, Pending

if TYPE_CHECKING:
    from autopack.draining.attempts.attempt import LiveAttempt
    from autopack.draining.attempts.claims import Claim

AttemptEnd = PhaseSubmitted | PhaseCompleted | PhaseGated | EndRequest
"""What ends an attempt by its own outcome."""


@attrs.frozen
class Late:
    """Something else came first; *work* may still be going on, and give a result that is late."""

    work: Any = None

    def when_late(self, tell: Callable[[Outcome], None]) -> "Future[None]":
        """
        Hand a result that comes afterwards to *tell*, in whichever thread it comes.

        Returns:
            What is done once the work has ended, and what it gave was told.
        """
        told: Future[None] = Future()

        def end(ended: Any) -> None:
            try:
                _tell_late(ended, tell)
            finally:
                told.set_result(None)

        if self.work is None:
            told.set_result(None)
        else:
            self.work.add_done_callback(end)
        return told


class TimedOut(Late):
    """The deadline came first."""


class Lost(Late):
    """The phase was taken from this worker first: it was called off, or taken back."""


class Capped(Late):
    """A cap was reached or an alarm raised, and the executor went on all the same."""


def outcome_of(result: Any) -> Outcome:
    """Return what an executor gave back as an outcome; None is a completion, a text the result."""
    if result is None:
        return Completed()
    if isinstance(result, str):
        return Completed({"result": result})
    if isinstance(result, Completed | Failed | NeedsPerson | Pending):
        return result
    kind = type(result).__name__
    return bad_outcome(
        f"the executor returned {kind}; it must return Completed, Failed, NeedsPerson, Pending, "
        "a text, or None"
    )


def bad_outcome(message: str) -> Failed:
    """Return the failure of an attempt whose own account of its end is of no use."""
    return Failed(BAD_OUTCOME, message, failure_class="validation")


def heeding_caps(
    live: "LiveAttempt", outcome: Outcome | TimedOut | Capped
) -> Completed | Failed | NeedsPerson | TimedOut:
    """
    Return an outcome; of an attempt that went on above a cap, whatever came of it, a failure.

    What it gave is kept with it, as artifacts.
    """
    error = live.at_cap
    if isinstance(outcome, Capped) or (error is not None and live.is_over_cap):
        for name, text in getattr(outcome, "outputs", {}).items():
            live.attach(name, text)
        return capped(error, live.calls_over_cap - 1)
    if isinstance(outcome, Pending):  # a drain records who has the work; nobody else can ask for it
        return bad_outcome("it answered Pending, which only a drain's executor may")
    return outcome


def alarmed(live: "LiveAttempt", alarm: PhaseAlarmed, outcome: Any) -> Failed | NeedsPerson:
    """Return how an attempt ends that an alarm ended; what its executor gave by then is kept."""
    outputs: Mapping[str, str] = getattr(outcome, "outputs", {})
    if alarm.policy == "ask":
        question = f"{alarm.why} May it go on? Requeue it, reject it, or approve what it did."
        return NeedsPerson(question, outputs, getattr(outcome, "summary", None))
    for name, text in outputs.items():
        live.attach(name, text)
    return Failed("alarmed", alarm.why, retryable=False, failure_class="execution")


def ending_of(
    claim: "Claim",
    live: "LiveAttempt",
    outcome: Completed | Failed | NeedsPerson | TimedOut,
    *,
    failing: Failing,
    now: datetime,
    duration_s: float,
    timeout_s: float | None,
    question: str | None = None,
) -> AttemptEnd:
    """
    Return the request that records an outcome, with the reason if no call was recorded.

    Args:
        question: What a person is to answer before completed work counts as complete.
    """
    if isinstance(outcome, TimedOut):
        return failing.timed_out(claim, live, timeout_s=timeout_s or 0.0, now=now)
    if isinstance(outcome, Failed):
        return failing.failed(claim, live, outcome, duration_s=duration_s, now=now)
    ending, asked = "completed", question
    if isinstance(outcome, NeedsPerson):
        ending, asked = "gated", outcome.question
    done: dict[str, Any] = {
        **claim.names,
        "outputs": live.end_outputs(outcome.outputs),
        "artifacts": live.artifacts,
        "summary": outcome.summary,
        "duration_s": duration_s,
        "zero_yield_reason": why_silent(live, ending),
    }
    return PhaseCompleted(**done) if asked is None else PhaseGated(**done, question=asked)


def _tell_late(ended: Any, tell: Callable[[Outcome], None]) -> None:
    if ended.cancelled():
        return
    fault = ended.exception()
    if isinstance(fault, LeaseLostError):
        return  # it stopped because it was told to
    tell(failed_by(fault) if fault is not None else outcome_of(ended.result()))

"""Calls an executor for one claimed phase, and says how that ended."""

import asyncio
import inspect
import traceback
from collections.abc import Callable
from concurrent.futures import Executor as Pool
from concurrent.futures import Future
from datetime import datetime, timedelta
from typing import Any, Final

from autopack.commands import CompletePhase, FailPhase, GatePhase, TimeOutPhase
from autopack.draining.claims import Claim
from autopack.draining.failures import zero_yield_reason
from autopack.draining.recording import LiveAttempt, failure_command
from autopack.errors import LeaseLostError
from autopack.ports.work import Completed, Failed, NeedsPerson, Outcome


_TO_CLEAN_UP_S: Final = 5.0


class TimedOut:
    """The deadline came first."""


async def call(
    execute: Callable[..., Any],
    live: LiveAttempt,
    claim: Claim,
    pool: Pool,
    *,
    timeout_s: float | None,
    when_late: Callable[[Outcome], None],
) -> Outcome | TimedOut:
    """
    Return an executor's outcome; its exception becomes a failure with its text.

    At the deadline an async executor is cancelled, and given a moment to clean up. A thread cannot be ended: it is told through
    ``attempt.cancelled``, and what it returns in the end is handed to *when_late*.
    """
    if inspect.iscoroutinefunction(execute):
        work: Any = asyncio.ensure_future(execute(claim.phase, live))
    else:
        thread = pool.submit(execute, claim.phase, live)
        work = asyncio.wrap_future(thread)
    try:
        done, _pending = await asyncio.wait({work}, timeout=timeout_s)
        if not done:
            live.cancel()
            if inspect.iscoroutinefunction(execute):
                await _cancelled(work)
            else:
                thread.add_done_callback(lambda ended: when_late(_late_outcome(live, ended)))
                work.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
            return TimedOut()
        result = work.result()
        if inspect.isawaitable(result):
            result = await asyncio.wait_for(result, timeout_s)
        return outcome_of(result)
    except asyncio.CancelledError:
        live.cancel()
        await _cancelled(work)
        raise
    except LeaseLostError:
        raise
    except Exception as fault:
        return _raised(live, fault)


async def _cancelled(work: "asyncio.Future[Any]") -> None:
    work.cancel()
    await asyncio.wait({work}, timeout=_TO_CLEAN_UP_S)


def outcome_of(result: Any) -> Outcome:
    """Return what an executor gave back as an outcome; None is a completion."""
    if result is None:
        return Completed()
    if isinstance(result, Completed | Failed | NeedsPerson):
        return result
    kind = type(result).__name__
    return Failed(
        "bad_outcome",
        f"the executor returned {kind}; it must return Completed, Failed, NeedsPerson or None",
        failure_class="validation",
    )


def ending_of(
    claim: Claim,
    live: LiveAttempt,
    outcome: Outcome | TimedOut,
    *,
    classifier: Callable[[str, str], str],
    now: datetime,
    duration_s: float,
    timeout_s: float | None,
) -> CompletePhase | FailPhase | TimeOutPhase | GatePhase:
    """Return the command that records an outcome, with the reason if no call was recorded."""
    ref, token, silent = claim.ref, claim.token, not live.calls
    if isinstance(outcome, Completed):
        return CompletePhase(
            ref=ref, lease_token=token, outputs=live.end_outputs(outcome.outputs),
            artifacts=live.artifacts, summary=outcome.summary, duration_s=duration_s,
            zero_yield_reason=zero_yield_reason("completed") if silent else None,
        )  # fmt: skip
    if isinstance(outcome, NeedsPerson):
        return GatePhase(
            ref=ref, lease_token=token, question=outcome.question, duration_s=duration_s,
            zero_yield_reason=zero_yield_reason("gated") if silent else None,
        )  # fmt: skip
    if isinstance(outcome, TimedOut):
        limit = timeout_s or 0.0
        return TimeOutPhase(
            ref=ref, lease_token=token, timeout_s=limit, retryable=True,
            message=f"no result after {limit:g} s", artifacts=live.artifacts,
            max_attempts=claim.phase.max_attempts,
            zero_yield_reason=zero_yield_reason("timed_out") if silent else None,
        )  # fmt: skip
    not_before = None
    if outcome.retry_after_s is not None:
        not_before = now + timedelta(seconds=outcome.retry_after_s)
    return failure_command(claim, live, outcome, classifier, duration_s, not_before)


def _raised(live: LiveAttempt, fault: BaseException) -> Failed:
    text = "".join(traceback.format_exception(fault))
    live.attach("traceback", text)
    said = str(fault) or "it says nothing more; see the traceback artifact"
    return Failed(type(fault).__name__, f"{type(fault).__name__}: {said}")


def _late_outcome(live: LiveAttempt, ended: Future[Any]) -> Outcome:
    try:
        return outcome_of(ended.result())
    except Exception as fault:
        return Failed(type(fault).__name__, f"{type(fault).__name__}: {fault}")

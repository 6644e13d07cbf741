"""Calls an executor for one claimed phase, and says how that ended."""

import asyncio
import inspect
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime
from typing import Any, Final

import attrs

from autopack.commands import CompletePhase, FailPhase, GatePhase, TimeOutPhase
from autopack.draining.claims import Claim
from autopack.draining.failing import Failing, failed_by
from autopack.draining.failures import zero_yield_reason
from autopack.draining.recording import LiveAttempt
from autopack.errors import LeaseLostError
from autopack.ports.work import Completed, Failed, NeedsPerson, Outcome

_TO_CLEAN_UP_S: Final = 5.0


@attrs.frozen
class TimedOut:
    """The deadline came first; *work* may still be going on, and give a result that is late."""

    work: Any = None

    def when_late(self, tell: Callable[[Outcome], None]) -> None:
        """Hand a result that comes after the deadline to *tell*, in whichever thread it comes."""
        if self.work is not None:
            self.work.add_done_callback(lambda ended: _tell_late(ended, tell))


async def call(
    execute: Callable[..., Any], live: LiveAttempt, claim: Claim, *, timeout_s: float | None
) -> Outcome | TimedOut:
    """
    Return an executor's outcome; its exception becomes a failure with its text.

    A plain callable gets a thread of its own. At the deadline a coroutine is cancelled, and given
    a moment to clean up. A thread cannot be ended: it is told through ``attempt.cancelled``, and
    fenced off by the end of its lease.

    Raises:
        LeaseLostError: The phase was taken from this worker.
        asyncio.CancelledError: The drain gives the phase back.
    """
    ends = None if timeout_s is None else time.monotonic() + timeout_s
    try:
        if is_async(execute):
            return await _awaited(execute(claim.phase, live), live, ends)
        thread = _in_thread(lambda: execute(claim.phase, live), str(claim.ref))
        work = asyncio.wrap_future(thread)
        work.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        done, _pending = await asyncio.wait({work}, timeout=timeout_s)
        if not done:
            live.cancel()
            return TimedOut(thread)
        result = work.result()
        if inspect.isawaitable(result):
            return await _awaited(result, live, ends)
        return outcome_of(result)
    except asyncio.CancelledError:
        live.cancel()
        raise
    except LeaseLostError:
        raise
    except (Exception, SystemExit) as fault:
        return _raised(live, fault)


def is_async(execute: Callable[..., Any]) -> bool:
    """Tell whether calling *execute* gives a coroutine; objects with an async call do too."""
    called = getattr(execute, "__call__", None)  # noqa: B004 - the method itself is looked at
    return inspect.iscoroutinefunction(execute) or inspect.iscoroutinefunction(called)


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
    failing: Failing,
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
            not_before=failing.not_before(claim.number, None, now),
            zero_yield_reason=zero_yield_reason("timed_out") if silent else None,
        )  # fmt: skip
    return failing.command(claim, live, outcome, duration_s=duration_s, now=now)


async def _awaited(given: Any, live: LiveAttempt, ends: float | None) -> Outcome | TimedOut:
    work = asyncio.ensure_future(_result(given))
    try:
        left_s = None if ends is None else max(0.0, ends - time.monotonic())
        done, _pending = await asyncio.wait({work}, timeout=left_s)
        if done:
            return outcome_of(_unpacked(work.result()))
    except asyncio.CancelledError:
        live.cancel()
        await _cancelled(work)
        raise
    live.cancel()
    await _cancelled(work)
    return TimedOut(work)


async def _result(given: Any) -> Any:
    """Return what a coroutine gave, or its SystemExit, which a task would let out of the loop."""
    try:
        return await given
    except SystemExit as fault:
        return fault


def _unpacked(result: Any) -> Any:
    if isinstance(result, SystemExit):
        raise result
    return result


async def _cancelled(work: "asyncio.Future[Any]") -> None:
    work.cancel()
    await asyncio.wait({work}, timeout=_TO_CLEAN_UP_S)


def _in_thread(work: Callable[[], Any], name: str) -> "Future[Any]":
    # A pool would make phases wait behind threads that hang, and join those at exit.
    future: Future[Any] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as fault:
            future.set_exception(fault)

    threading.Thread(target=run, name=f"autopack {name}", daemon=True).start()
    return future


def ending_word(ending: CompletePhase | FailPhase | TimeOutPhase | GatePhase) -> str:
    """Return how an attempt ended, in one word."""
    words = {FailPhase: "failed", TimeOutPhase: "timed_out", GatePhase: "gated"}
    return words.get(type(ending), "completed")


def _raised(live: LiveAttempt, fault: BaseException) -> Failed:
    text = "".join(traceback.format_exception(fault))
    live.attach("traceback", text)
    return failed_by(fault)


def _tell_late(ended: Any, tell: Callable[[Outcome], None]) -> None:
    if ended.cancelled():
        return
    fault = ended.exception()
    if isinstance(fault, LeaseLostError):
        return  # it stopped because it was told to
    tell(failed_by(fault) if fault is not None else outcome_of(ended.result()))

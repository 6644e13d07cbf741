"""Calls an executor for one claimed phase, and says how that ended."""

import asyncio
import inspect
import time
import traceback
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any, Final, cast

from autopack.draining.attempts.attempt import LiveAttempt
from autopack.draining.attempts.claims import Claim
from autopack.draining.attempts.executor_results import Capped, Late, Lost, TimedOut, outcome_of
from autopack.draining.attempts.failures import failed_by
from autopack.draining.attempts.gates import GATE, question_of
from autopack.draining.attempts.machine_faults import hindrance_of
from autopack.draining.attempts.storable_text import storable
from autopack.draining.attempts.threads import in_thread
from autopack.errors import LeaseLostError
from autopack.plugins.registry import Registry
from autopack.ports.work import Completed, Failed, Outcome

Begun = Callable[[str, asyncio.Future[Any] | Future[Any]], None]

TO_CLEAN_UP_S: Final = 5.0
"""How long work that was told to end is waited for, in seconds."""
_TO_STOP_S: Final = 2.0  # less than a drain that was stopped waits for us


async def call(
    execute: Callable[..., Any],
    live: LiveAttempt,
    claim: Claim,
    *,
    timeout_s: float | None,
    lost: asyncio.Event,
    begun: Begun = lambda _what, _work: None,
) -> Outcome | TimedOut | Capped | Lost:
    """
    Return an executor's outcome; its exception becomes a failure with its text.

    A plain callable gets a thread of its own. At the deadline, above a cap, and once the phase is
    lost, a coroutine is cancelled, and given a moment to clean up. A thread cannot be ended: it is
    told through ``attempt.cancelled``, and fenced off by the end of its lease.

    Args:
        lost: Set when the phase is not this worker's any more, or is over a cap.
        begun: Called with what was begun, in words and itself: it may go on when this has ended.

    Raises:
        LeaseLostError: The phase was taken from this worker.
        Exception: The machine hindered it, by :func:`hindrance_of`.
        asyncio.CancelledError: The drain gives the phase back.
    """
    ends = None if timeout_s is None else time.monotonic() + timeout_s
    try:
        if is_async(execute):
            return await _awaited(execute(claim.phase, live), live, ends, lost, begun)
        thread = in_thread(lambda: execute(claim.phase, live), str(claim.ref))
        begun(f"{live.ref}: a thread of its executor", thread)
        work = asyncio.wrap_future(thread)
        work.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        is_done = await _ended(work, ends, lost)
        if not is_done and live.is_over_cap:  # most do not catch what tells them so
            is_done = bool((await asyncio.wait({work}, timeout=TO_CLEAN_UP_S))[0])
        if not is_done:
            live.cancel()
            return _cut_short(live, lost, thread)
        result = work.result()
        if inspect.isawaitable(result):
            return await _awaited(result, live, ends, lost, begun)
        return outcome_of(result)
    except asyncio.CancelledError:
        live.cancel()
        raise
    except LeaseLostError:
        raise
    except KeyboardInterrupt:
        live.cancel()
        raise
    except BaseException as fault:  # what an executor raises ends its phase, not the drain
        if hindrance_of(fault):
            raise
        return _raised(live, fault)


def _cut_short(
    live: LiveAttempt, lost: asyncio.Event, work: "asyncio.Future[Any] | Future[Any]"
) -> TimedOut | Capped | Lost:
    """Return what came before the end of the work."""
    if live.is_over_cap:
        return Capped(work)
    return Lost(work) if lost.is_set() else TimedOut(work)


async def asked(
    registry: Registry, live: LiveAttempt, claim: Claim, outcome: Outcome | Late
) -> str | None:
    """Return what a person is to answer of completed work; plugins are asked in a thread."""
    if not isinstance(outcome, Completed):
        return None
    ask = partial(question_of, registry, claim.phase, live, outcome)
    if not registry.has_added(GATE):  # the built-in one reads a label
        return ask()
    work = in_thread(ask, f"gate {live.ref}")
    return cast("str | None", await asyncio.shield(asyncio.wrap_future(work)))


def is_async(execute: Callable[..., Any]) -> bool:
    """Tell whether calling *execute* gives a coroutine; objects with an async call do too."""
    called = getattr(execute, "__call__", None)  # noqa: B004 - the method itself is looked at
    return inspect.iscoroutinefunction(execute) or inspect.iscoroutinefunction(called)


async def _ended(work: "asyncio.Future[Any]", ends: float | None, lost: asyncio.Event) -> bool:
    """Wait for work until its deadline, or until it is lost; tell whether it ended by itself."""
    losing = asyncio.ensure_future(lost.wait())
    try:
        left_s = None if ends is None else max(0.0, ends - time.monotonic())
        await asyncio.wait({work, losing}, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        losing.cancel()
    return work.done()


async def _awaited(
    given: Any, live: LiveAttempt, ends: float | None, lost: asyncio.Event, begun: Begun
) -> Outcome | TimedOut | Capped | Lost:
    work = asyncio.ensure_future(_result(given))
    begun(f"{live.ref}: a coroutine of its executor", work)
    try:
        done = await _ended(work, ends, lost)
        if done and work.cancelled():  # by itself, since nobody has cancelled us
            return _raised(live, RuntimeError("the executor was cancelled, and not by the drain"))
        if done:
            return outcome_of(_unpacked(work.result()))
    except asyncio.CancelledError:
        live.cancel()
        await _cancelled(work, _TO_STOP_S)
        raise
    finally:
        if work.done() and inspect.iscoroutine(given):
            given.close()  # one that was cancelled before its first step was never awaited
    live.cancel()
    await _cancelled(work)
    return _cut_short(live, lost, work)


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


async def _cancelled(work: "asyncio.Future[Any]", within_s: float = TO_CLEAN_UP_S) -> None:
    work.cancel()
    await asyncio.wait({work}, timeout=within_s)


def _raised(live: LiveAttempt, fault: BaseException) -> Failed:
    text = "".join(traceback.format_exception(fault))
    live.attach("traceback", storable(text))
    return failed_by(fault)

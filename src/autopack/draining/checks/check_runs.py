"""One check at work: a program or a call, under its deadline, ended where nobody waits any more."""

import asyncio
import inspect
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any, Final

from autopack.draining.attempts.machine_faults import hindrance_of
from autopack.draining.attempts.storable_text import words_of
from autopack.draining.attempts.threads import in_thread
from autopack.draining.checks.named_checks import call_of, check_placeholders
from autopack.draining.checks.program_checks import run_program
from autopack.errors import AutopackError
from autopack.plugins.registry import Registry
from autopack.ports.check_specs import CheckSpec
from autopack.ports.checks import CheckCall, CheckedWork, CheckResult, result_of

Begun = Callable[[str, "asyncio.Future[Any] | Future[Any]"], None]

_TO_CLEAN_UP_S: Final = 2.0


async def run_check(
    registry: Registry,
    spec: CheckSpec,
    work: CheckedWork,
    settings: Mapping[str, Any],
    *,
    begun: Begun = lambda _what, _work: None,
) -> tuple[CheckResult, float]:
    """
    Return what a check says of some work, and how many seconds that took.

    A check that is not there, refuses its options, raises, or gives no answer could not run.

    Args:
        settings: What the phases of the work's run have in common.
        begun: Called with a thread that may go on when this has ended.

    Raises:
        Exception: The machine hindered it, by :func:`hindrance_of`.
    """
    began = time.monotonic()
    try:
        if spec.run:
            check_placeholders(spec)
            found = await run_program(spec, work, settings)
        else:
            found = await _called(call_of(registry, spec), spec, work, begun)
    except AutopackError as fault:
        if hindrance_of(fault):
            raise
        found = CheckResult(verdict="could_not_run", says=fault.typed)
    return found, time.monotonic() - began


async def _called(call: CheckCall, spec: CheckSpec, work: CheckedWork, begun: Begun) -> CheckResult:
    ends = time.monotonic() + spec.timeout_s
    try:
        answer = await _ended(_begin(call, spec, work, begun), ends)
        if inspect.isawaitable(answer):
            answer = await _ended(asyncio.ensure_future(_result(answer)), ends)
    except _LateError:
        return CheckResult(verdict="failed", says=f"it gave no answer within {spec.timeout_s:g} s")
    except (Exception, SystemExit) as fault:
        if hindrance_of(fault):
            raise
        said = words_of(fault)
        says = f"{type(fault).__name__}: {said}" if said else type(fault).__name__
        return CheckResult(verdict="could_not_run", says=f"it raised {says}")
    return result_of(answer)


def _begin(
    call: CheckCall, spec: CheckSpec, work: CheckedWork, begun: Begun
) -> "asyncio.Future[Any]":
    """Call a check; a plain function gets a thread, which nobody can end."""
    called = getattr(call, "__call__", None)  # noqa: B004 - the method itself is looked at
    if inspect.iscoroutinefunction(call) or inspect.iscoroutinefunction(called):
        return asyncio.ensure_future(_result(call(work)))
    thread = in_thread(lambda: call(work), f"check {spec.name} of {work.phase.key}")
    begun(f"{work.phase.key}: a thread of check {spec.name}", thread)
    return asyncio.wrap_future(thread)


async def _result(given: Any) -> Any:
    """Return what a coroutine gives; its SystemExit, which a task would let out, is an error."""
    try:
        return await given
    except SystemExit as fault:
        raise RuntimeError(f"SystemExit: {fault}") from fault


async def _ended(work: "asyncio.Future[Any]", ends: float) -> Any:
    """Return what some work gives by a moment of the steady clock; cancel what does not end."""
    work.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
    is_left = True
    try:
        await asyncio.wait({work}, timeout=max(0.0, ends - time.monotonic()))
        is_left = not work.done()
    finally:
        if is_left:
            work.cancel()
            await asyncio.wait({work}, timeout=_TO_CLEAN_UP_S)
    if is_left:
        raise _LateError
    if work.cancelled():
        raise RuntimeError("it was cancelled, and not by the drain")
    return work.result()


class _LateError(Exception):
    """A check has not answered in time."""

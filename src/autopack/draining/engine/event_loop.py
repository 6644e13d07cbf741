"""An event loop for one drain, which is left whatever goes on in it."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, Final, ParamSpec, TypeVar

from autopack.draining.attempts.threads import is_on_loop
from autopack.draining.engine.halt import HALT_S

P = ParamSpec("P")
T = TypeVar("T")

_LEFT_S: Final = 1.0


def run(main: Coroutine[Any, Any, T]) -> T:
    """
    Run a coroutine as ``asyncio.run`` does, without waiting for ever for what it leaves behind.

    A task that goes on after it was cancelled, and a thread of the loop's that does not return,
    are left to themselves.
    """
    if is_on_loop():
        return asyncio.run(main)  # which refuses it
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        loop.set_default_executor(_LeftThreads(thread_name_prefix="autopack-loop"))
        is_done = False
        try:
            found = runner.run(main)
            is_done = True
            return found
        finally:
            loop.run_until_complete(_left(_LEFT_S if is_done else HALT_S + _LEFT_S))


async def _left(within_s: float) -> None:
    """Cancel all tasks, and forget those that go on: who closes the loop would wait for them."""
    loop = asyncio.get_running_loop()
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    going = (await asyncio.wait(tasks, timeout=within_s))[1] if tasks else set()
    if going:
        loop.set_exception_handler(lambda _loop, _told: None)  # the report has named them
    for task in going:
        asyncio._unregister_task(task)


class _LeftThreads(ThreadPoolExecutor):
    """The loop's own threads; who ends them waits a moment, and leaves those that go on."""

    def __init__(self, *, thread_name_prefix: str) -> None:
        super().__init__(thread_name_prefix=thread_name_prefix)
        self._begun: set[Future[Any]] = set()

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Begin some work."""
        future = super().submit(fn, *args, **kwargs)
        self._begun.add(future)
        future.add_done_callback(self._begun.discard)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more work, and wait a moment for what was begun."""
        super().shutdown(wait=False, cancel_futures=cancel_futures)
        if wait:
            _wait(list(self._begun), timeout=_LEFT_S)


_wait = wait

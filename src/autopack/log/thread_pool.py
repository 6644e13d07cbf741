"""The threads in which coroutines wait for a log, so that their event loop never does."""

import contextlib
import contextvars
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Generic, ParamSpec, TypeVar

from autopack.errors import LogClosedError
from autopack.log.backends.forks import Opener

if TYPE_CHECKING:  # asyncio and pools take longer to load than most commands, which need neither
    from concurrent.futures import Future, ThreadPoolExecutor

P = ParamSpec("P")
T = TypeVar("T")

_THREADS: Final = 4
"""
How many calls wait for one log at a time.

Its writes come one after the other; more threads than a few only wait, and take turns with the
event loop's.
"""


class Pool:
    """
    A few threads for one log, begun when a coroutine first waits for it.

    What was handed over is done, whatever becomes of the task: one that is cancelled meanwhile
    ends once it is done. So nothing that a task believes to have asked for is lost, and nothing
    goes on behind its back.
    """

    def __init__(self, target: str) -> None:
        self._target, self._opener = target, Opener()
        self._lock = threading.Lock()
        self._threads: ThreadPoolExecutor | None = None
        self._here = threading.local()
        self._is_closed = False

    async def call(self, function: Callable[P, T], /, *args: P.args, **named: P.kwargs) -> T:
        """
        Call a function in a thread, with the task's context, and return its answer.

        Raises:
            LogClosedError, LogForkedError: The log was closed, or is another process's.
            asyncio.CancelledError: The task was cancelled; the call had ended by then.
        """
        import asyncio

        context = contextvars.copy_context()
        work = asyncio.wrap_future(self._begun(partial(context.run, function, *args, **named)))
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            while not work.done():
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.wait([work])
            if not work.cancelled():
                work.exception()  # the cancelled task has no ear for it
            raise

    def close(self) -> None:
        """Wait for what was handed over, and take no more; one of its own calls does not wait."""
        if not self._opener.is_here:
            return
        with self._lock:
            self._is_closed, threads = True, self._threads
        if threads is not None:
            threads.shutdown(wait=not getattr(self._here, "is_ours", False))

    def _begun(self, work: Callable[[], T]) -> "Future[T]":
        from concurrent.futures import ThreadPoolExecutor

        self._opener.check(self._target)  # in a child its threads are not there
        with self._lock:
            if self._is_closed:
                raise LogClosedError(self._target)
            if self._threads is None:
                name, ours = "autopack-async", partial(setattr, self._here, "is_ours", True)
                self._threads = ThreadPoolExecutor(_THREADS, name, initializer=ours)
            return self._threads.submit(work)


class Block(Generic[T]):
    """
    A block of work on a log, to be entered once, by ``with`` or by ``async with``.

    Entered by ``async with``, its beginning and its end wait for the log in the pool's threads.
    A task that is cancelled while the block begins leaves it again: what it took is given back.
    """

    def __init__(self, pool: Pool, inner: AbstractContextManager[T]) -> None:
        self._pool, self._inner = pool, inner
        self._is_entered = False

    def __enter__(self) -> T:
        entered = self._inner.__enter__()
        self._is_entered = True
        return entered

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        return self._inner.__exit__(kind, fault, trace)

    async def __aenter__(self) -> T:
        import asyncio

        try:
            return await self._pool.call(self.__enter__)
        except asyncio.CancelledError as fault:
            if self._is_entered:
                await self._left(fault)
            raise

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        return await self._pool.call(self.__exit__, kind, fault, trace)

    async def _left(self, fault: Any) -> None:
        with contextlib.suppress(Exception):  # the task ends as cancelled, whatever it cost
            await self._pool.call(self.__exit__, type(fault), fault, fault.__traceback__)

"""Work that is done whoever is cancelled: threads that hold up no loop and no exit, and tasks."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, Final, TypeVar

T = TypeVar("T")

START_S: Final = 5.0
"""How long whoever begins a thread waits for it, in seconds."""


class OwnThread(threading.Thread):
    """
    A thread that keeps no process alive, and whose start does not wait for ever.

    Where there is no memory left Python waits for a thread that has died before it began.
    """

    def __init__(self, work: Callable[[], object], name: str) -> None:
        super().__init__(name=name, daemon=True)
        self._work = work
        self._beginning = threading.Lock()
        self._has_begun = self._is_left = False
        self._started = _Begun()

    def start(self) -> None:
        """
        Begin it.

        Raises:
            RuntimeError: The machine has no thread left, or no memory for one; it does nothing.
        """
        with contextlib.suppress(MemoryError):  # it may have begun all the same
            super().start()
        with self._beginning:
            if not (self._has_begun or self._started.is_set()):
                self._is_left = True
                raise RuntimeError("can't start new thread")

    def run(self) -> None:
        """Do the work, unless whoever began it has given it up."""
        with self._beginning:
            if self._is_left:
                return
            self._has_begun = True
        self._work()


class _Begun(threading.Event):
    """What a thread's start waits for, and not for ever."""

    def wait(self, timeout: float | None = None) -> bool:
        return super().wait(START_S if timeout is None else timeout)


def in_thread(work: Callable[[], T], name: str) -> "Future[T]":
    """
    Begin some work in a thread of its own.

    A pool would make phases wait behind threads that hang, and join those at exit.

    Raises:
        RuntimeError: The machine has no thread left.
    """
    future: Future[T] = Future()
    future.set_running_or_notify_cancel()

    def run() -> None:
        try:
            future.set_result(work())
        except (StopIteration, asyncio.CancelledError) as fault:
            # Neither can be handed through a future: one is lost, the other looks like our own.
            error = RuntimeError(f"{type(fault).__name__} was raised: {fault}")
            error.__cause__ = fault
            future.set_exception(error)
        except BaseException as fault:
            future.set_exception(fault)

    OwnThread(run, f"autopack {name}").start()
    return future


async def off_loop(work: Callable[[], T], name: str) -> T:
    """
    Await some work in a thread of its own; it is done even if we are cancelled meanwhile.

    Where the machine has no thread left the work is done at once.
    """
    try:
        future = in_thread(work, name)
    except RuntimeError:
        return work()
    return await asyncio.shield(_heard(asyncio.wrap_future(future)))


async def to_the_end(work: Coroutine[Any, Any, T]) -> T:
    """Await what has to be done even if we are cancelled meanwhile; that goes on afterwards."""
    task, cancelled = asyncio.ensure_future(work), None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as fault:
            cancelled = fault
    if cancelled is not None:
        _hear(task)
        raise cancelled
    return task.result()


def is_on_loop() -> bool:
    """Tell whether an event loop runs in this thread, which would stand still if it waited."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _heard(future: "asyncio.Future[T]") -> "asyncio.Future[T]":
    """Let nobody complain of an error that comes after whoever waited for it has left."""
    future.add_done_callback(_hear)
    return future


def _hear(ended: "asyncio.Future[Any]") -> None:
    if not ended.cancelled():
        ended.exception()

"""Work that is done whoever is cancelled: threads that hold up no loop and no exit, and tasks."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")


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

    threading.Thread(target=run, name=f"autopack {name}", daemon=True).start()
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

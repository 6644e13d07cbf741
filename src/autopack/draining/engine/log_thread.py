"""The one thread through which a drain touches the log; it keeps no process alive."""

import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from queue import SimpleQueue
from typing import ParamSpec, TypeVar

from autopack.draining.attempts.threads import OwnThread

P = ParamSpec("P")
T = TypeVar("T")


class LogThread(Executor):
    """
    Does one thing after the other, in a thread that begins with the first.

    A pool's threads are waited for when the interpreter ends, also where an observer holds one
    for ever.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._works: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._is_ended = False

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """
        Do something after what was handed over before.

        Raises:
            RuntimeError: It was ended, or the machine has no thread left.
        """
        future: Future[T] = Future()

        def work() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                found = fn(*args, **kwargs)
            except BaseException as fault:
                future.set_exception(fault)
            else:
                future.set_result(found)

        with self._lock:
            if self._is_ended:
                raise RuntimeError(f"the thread {self._name} has ended")
            if self._thread is None:
                thread = OwnThread(self._work, self._name)
                thread.start()
                self._thread = thread
            self._works.put(work)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more, and wait for what was handed over."""
        with self._lock:
            self._is_ended = True
            self._works.put(None)
        if wait and self._thread is not None:
            self._thread.join()

    def _work(self) -> None:
        while (work := self._works.get()) is not None:
            work()
            del work

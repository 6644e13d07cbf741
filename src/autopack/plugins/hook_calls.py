"""
How hooks are called: apart from who asks, each under its deadline.

Python can end no thread. So what hangs goes on where it is, but nobody waits for it any longer, and
that hook is not called again until it has come to its end: one that hangs costs one deadline.
"""

import contextvars
import os
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from queue import SimpleQueue
from typing import Any, Final, Generic, NamedTuple, TypeVar

import pluggy

from autopack.errors import PluginError
from autopack.plugins.hook_functions import deadline_of
from autopack.plugins.observers import answer_of

T = TypeVar("T")

_BETWEEN_S: Final = 0.1
"""How often who waits looks again while no hook is under way."""
_LONGER: Final = (
    ". Give what it waits for a time-out, or the hook longer: @hookimpl(deadline_s=...)"
)


class Called(NamedTuple):
    """What of which plugin is called: by whom it is known, and for how long it may take."""

    plugin: str
    name: str
    by: object
    longest_s: float
    hint: str = ""


class _UnderWay(NamedTuple):
    """What is being called, and until when."""

    called: "Called"
    ends: float


class _Here(threading.local):
    work: "_Work[Any] | None" = None
    asker: int | None = None


_HERE: Final = _Here()


class _Process:
    """A process's helpers; one that was forked has none of its parent's threads."""

    def __init__(self) -> None:
        self.begin()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self.begin)

    def begin(self) -> None:
        """Have no helper yet, and nobody who holds the lock."""
        self.lock = threading.Lock()
        self.hung: dict[int, object] = {}
        """What gave no answer in time, and goes on, by its id."""
        self._idle: list[_Helper] = []

    def helper(self) -> "_Helper":
        """Return a helper that waits for work."""
        try:
            return self._idle.pop()
        except IndexError:
            return _Helper(self._idle)


_PROCESS: Final = _Process()


class _LeftError(BaseException):
    """Nobody waits for this work any more; raised in its own thread."""


class _Work(Generic[T]):
    """Some work for another thread, in which hooks are called."""

    def __init__(self, do: Callable[[], T]) -> None:
        self.asker, self.is_left, self.is_late = asker(), False, False
        self.under_way: _UnderWay | None = None
        self._do, self._context = do, contextvars.copy_context()
        self._done = threading.Lock()
        self._done.acquire()
        self._answer: T
        self._fault: BaseException | None = None

    def run(self) -> None:
        """Do it, whatever comes of it."""
        _HERE.work, _HERE.asker = self, self.asker
        try:
            self._answer = self._context.run(self._do)
        except BaseException as fault:
            self._fault = fault
        finally:
            _HERE.work = _HERE.asker = None
            self._done.release()

    def result(self) -> T:
        """Wait for it, for as long as its hooks have, and return its answer."""
        try:
            while not self._done.acquire(timeout=self._left_s()):
                self._check_late()
        except BaseException:
            self.is_left = True
            raise
        if self._fault is not None:
            raise self._fault
        return self._answer

    def _left_s(self) -> float:
        under_way = self.under_way
        if under_way is None:
            return _BETWEEN_S
        return min(max(0.0, under_way.ends - time.monotonic()), threading.TIMEOUT_MAX)

    def _check_late(self) -> None:
        with _PROCESS.lock:
            late = self.under_way
            if late is None or time.monotonic() < late.ends:
                return
            self.is_late, called = True, late.called
            _PROCESS.hung[id(called.by)] = called.by
        raise PluginError(
            called.plugin,
            f"{called.name} gave no answer within {called.longest_s:g} s, and is asked no more "
            f"until it has{called.hint}",
        )


class _Helper:
    """A thread that does one work after the other, and keeps no process alive."""

    def __init__(self, idle: "list[_Helper]") -> None:
        self._idle = idle
        self._works: SimpleQueue[_Work[Any]] = SimpleQueue()
        threading.Thread(target=self._run, name="autopack hook", daemon=True).start()

    def take(self, work: _Work[Any]) -> None:
        self._works.put(work)

    def _run(self) -> None:
        while True:
            self._works.get().run()
            self._idle.append(self)


def apart(do: Callable[[], T]) -> T:
    """
    Do some work in another thread, in which each hook has its deadline, and return its answer.

    Within such work it is done at once, so that many hooks cost one change of threads. Where the
    machine has no thread left it is done here, without deadlines.

    Raises:
        PluginError: A hook gave no answer in time.
        BaseException: Whatever the work raised.
    """
    if _HERE.work is not None:
        return do()
    work = _Work(do)
    try:
        helper = _PROCESS.helper()
    except RuntimeError:
        return do()
    helper.take(work)
    return work.result()


def asker() -> int:
    """Return which thread waits for what is done here: this one, where nobody else does."""
    return _HERE.asker or threading.get_ident()


def answer_of_hook(name: str, by: pluggy.HookImpl, *given: Any, **named: Any) -> Any:
    """Return what a plugin answers, or an error: what it raised, or that it gave no answer."""
    return answer_in_time(called_of(name, by), by.function, *given, **named)


def called_of(name: str, by: pluggy.HookImpl) -> Called:
    """Return what is called where a plugin is asked by a hook."""
    return Called(by.plugin_name, name, by, deadline_of(name, by), _LONGER)


def tell_in_time(
    calls: Sequence[tuple[Called, Callable[[], Any]]], failed: Callable[[int, BaseException], None]
) -> None:
    """
    Make calls whose answers nobody needs, one by one, with as few changes of threads as may be.

    Args:
        failed: Told which of them failed and by what, also of one that gave no answer in time.
    """
    done = 0
    while done < len(calls):
        begun = [done]
        try:
            apart(partial(_tell_from, calls, begun, failed))
            return
        except PluginError as late:  # the thread that hangs is left, and makes no further call
            failed(begun[0], late)
            done = begun[0] + 1


def _tell_from(
    calls: Sequence[tuple[Called, Callable[[], Any]]],
    begun: list[int],
    failed: Callable[[int, BaseException], None],
) -> None:
    work = _HERE.work
    for i in range(begun[0], len(calls)):
        with _PROCESS.lock:  # under which it is found late: what is begun then is what was late
            if work is not None and (work.is_late or work.is_left):
                return
            begun[0] = i
        answer = _answer(*calls[i])
        if isinstance(answer, BaseException):
            failed(i, answer)


def answer_in_time(called: Called, function: Callable[..., Any], *given: Any, **named: Any) -> Any:
    """Return what a function of a plugin answers, or an error, as for a hook."""
    try:
        return apart(lambda: _answer(called, function, *given, **named))
    except PluginError as fault:
        return fault


def _answer(called: Called, function: Callable[..., Any], *given: Any, **named: Any) -> Any:
    if id(called.by) in _PROCESS.hung:
        what = f"{called.name} has not answered yet what it was asked before"
        return PluginError(called.plugin, what)
    work = _HERE.work
    if work is None:
        return answer_of(function, *given, **named)
    if work.is_left:
        raise _LeftError
    work.under_way = _UnderWay(called, time.monotonic() + called.longest_s)
    _HERE.work = None  # what a hook asks for in its turn has deadlines of its own
    try:
        return function(*given, **named)
    except BaseException as fault:
        return fault
    finally:
        _HERE.work = work
        with _PROCESS.lock:
            work.under_way = None
            if work.is_late:
                _PROCESS.hung.pop(id(called.by), None)

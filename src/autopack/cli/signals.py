"""The signals that a drain in a process of its own hears: stop, stop at once, and go on."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from autopack.cli.forced_exit import LastResort
from autopack.cli.output import say

_FIRST = "Stopping: phases in work may end; once more gives them back."
_WITH_GRACE = "Stopping: phases in work may end within {:g} s, and are given back then."
_SECOND = "Giving back the phases in work."


@contextmanager
def stopping(engine: Any, last: LastResort, *, grace_s: float | None = None) -> Iterator[None]:
    """
    Let the first SIGINT or SIGTERM stop the drain cleanly, and a second one at once.

    With a grace what is in work is given back when it is over, without a second signal.

    Where the process is the command's alone they are heard until its end, so that one that comes
    a moment late spoils no exit code.
    """

    def stop(is_further: bool) -> None:
        engine.stop(0.0 if is_further else grace_s, why="a signal")
        first = _FIRST if grace_s is None else _WITH_GRACE.format(grace_s)
        last.slowly(partial(say, _SECOND if is_further else first, err=True))

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = _handled(last)
    try:
        with last.stopping(stop):
            if last.is_asked:  # before there was a drain to stop
                stop(False)
            yield
    finally:
        last.catch_up()
        if not last.may_end:
            for number, handler in before.items():
                signal.signal(number, handler)


def hear_early(last: LastResort) -> None:
    """Hear signals from now on, where the process is the command's: the drain ends as it begins."""
    if last.may_end and threading.current_thread() is threading.main_thread():
        _handled(last)


def _handled(last: LastResort) -> dict[int, Any]:
    """Handle the signals; return what handled them before."""
    here = os.getpid()

    def hear(number: int, _frame: object) -> None:
        # A handler takes no lock and begins no thread: whoever it interrupts may hold the one,
        # and the machine may have none of the other.
        if os.getpid() == here:
            last.hear()
        else:  # in a child that was forked it means what it meant before
            signal.signal(number, before[number] or signal.SIG_DFL)
            os.kill(os.getpid(), number)

    handlers: dict[int, Any] = {signal.SIGINT: hear, signal.SIGTERM: hear}
    last.signals = list(handlers)
    hangup = getattr(signal, "SIGHUP", None)
    if hangup is not None and signal.getsignal(hangup) is signal.SIG_DFL:
        handlers[hangup] = _go_on
    before: dict[int, Any] = {number: signal.getsignal(number) for number in handlers}
    for number, handler in handlers.items():
        signal.signal(number, handler)
    return before


def _go_on(_number: int, _frame: object) -> None:
    """Lose the terminal and go on; a function, since programs would inherit that it is ignored."""

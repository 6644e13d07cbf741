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
_SECOND = "Giving back the phases in work."


@contextmanager
def stopping(engine: Any, last: LastResort) -> Iterator[None]:
    """
    Let the first SIGINT or SIGTERM stop the drain cleanly, and a second one at once.

    Where the process is the command's alone they are heard until its end, so that one that comes
    a moment late spoils no exit code.
    """

    def stop(is_further: bool) -> None:
        engine.stop(0.0 if is_further else None, why="a signal")
        last.slowly(partial(say, _SECOND if is_further else _FIRST, err=True))

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = _handled(last)
    try:
        with last.stopping(stop):
            yield
    finally:
        last.catch_up()
        if not last.may_end:
            for number, handler in before.items():
                signal.signal(number, handler)


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

"""The signals that a drain in a process of its own hears: stop, stop at once, and go on."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from autopack.cli.output import say


@contextmanager
def stopping(engine: Any) -> Iterator[threading.Event]:
    """Let the first SIGINT or SIGTERM stop the drain cleanly, and a second one at once."""
    asked = threading.Event()

    def stop(_number: int, _frame: object) -> None:
        if asked.is_set():
            said, grace_s = "Giving back the phases in work.", 0.0
        else:
            said, grace_s = "Stopping: phases in work may end; once more gives them back.", None
        asked.set()
        # A handler takes no lock: whoever it interrupts may hold it.
        threading.Thread(target=_stop, args=(engine, said, grace_s), daemon=True).start()

    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    handlers: dict[int, Any] = {signal.SIGINT: stop, signal.SIGTERM: stop}
    hangup = getattr(signal, "SIGHUP", None)
    if hangup is not None and signal.getsignal(hangup) is signal.SIG_DFL:
        handlers[hangup] = _go_on
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _go_on(_number: int, _frame: object) -> None:
    """Lose the terminal and go on; a function, since programs would inherit that it is ignored."""


def _stop(engine: Any, said: str, grace_s: float | None) -> None:
    say(said, err=True)
    engine.stop(grace_s, why="a signal")

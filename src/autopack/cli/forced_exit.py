"""The last resort of a command that drains: a thread, begun with it, that can end the process."""

import contextlib
import math
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Final

from autopack.cli.lasting_stderr import settle

AT_LAST_S: Final = 10.0
"""How long after the second signal a process may go on, in seconds; a drain takes five."""

LEFT_S: Final = 5.0
"""How long threads that are left may keep the process alive after its command has ended."""

CLOSING_S: Final = 60.0
"""How long closing the log and whatever else may take, after the result was printed."""

INTERRUPTED: Final = 130
_FLUSH_S: Final = 1.0
_SIGNAL, _END, _OVER = b"s", b"e", b"o"


class LastResort:
    """
    Hears the signals to stop, and ends the process where nothing else does.

    Its threads are begun before there is any work, since later there may be none to be had; the
    one that keeps the time waits for nobody: what may block is done by the other.

    Args:
        may_end: Whether the process is the command's alone; else it only hears.

    ``code`` is what the process is ended with, ``signals`` are those that it has handlers for.
    """

    def __init__(self, *, may_end: bool) -> None:
        self.is_asked = False
        self.code, self.may_end = INTERRUPTED, may_end
        self.signals: list[int] = []
        self._pid = os.getpid()
        self._stop: Callable[[bool], object] | None = None
        self._n_signals = 0
        self._within_s = math.inf
        self._ends_s, self._why = math.inf, ""
        import socket  # which most commands do without

        self._heard, self._told = socket.socketpair()
        self._told.setblocking(False)
        self._slow: SimpleQueue[Callable[[], object] | None] = SimpleQueue()
        for work in (self._watch, self._work):
            threading.Thread(target=work, name="autopack last resort", daemon=True).start()

    def hear(self) -> None:
        """Take note of a signal to stop. For a handler: takes no lock and begins nothing."""
        self.is_asked = True
        self._tell(_SIGNAL)

    @contextmanager
    def stopping(self, stop: Callable[[bool], object]) -> Iterator[None]:
        """Call *stop* at each signal, with whether it is a further one; it must not block."""
        self._stop = stop
        try:
            yield
        finally:
            self._stop = None

    def slowly(self, work: Callable[[], object]) -> None:
        """Do, in a thread of its own, what may block: after what was handed over before."""
        self._slow.put(work)

    def end(self, code: int, within_s: float) -> None:
        """Let the process be over within some seconds, with this exit code; the sooner one wins."""
        self.code, self._within_s = code, within_s
        self._tell(_END)

    def close(self) -> None:
        """Watch no more."""
        self._tell(_OVER)
        self._slow.put(None)

    def catch_up(self) -> None:
        """Wait a moment for what was handed over to be done slowly."""
        done = threading.Event()
        self._slow.put(done.set)
        done.wait(_FLUSH_S)

    def _tell(self, what: bytes) -> None:
        if os.getpid() != self._pid:
            return  # a child that was forked shares the socket
        with contextlib.suppress(OSError):  # it is full of signals, or was closed
            self._told.send(what)

    def _work(self) -> None:
        while (work := self._slow.get()) is not None:
            with contextlib.suppress(Exception):
                work()

    def _watch(self) -> None:
        while True:
            left_s = self._ends_s - time.monotonic()
            if left_s <= 0:
                self._over()
            timeout_s = None if left_s == math.inf else left_s
            with contextlib.suppress(MemoryError):
                if not select.select([self._heard], [], [], timeout_s)[0]:
                    continue
                if not self._told_of(self._heard.recv(1)):
                    self._heard.close()
                    self._told.close()
                    return

    def _told_of(self, what: bytes) -> bool:
        """Do what we were told; say whether to go on."""
        if what == _SIGNAL:
            self._asked()
        elif what == _END:
            why = "threads of the executor or of plugins went on after the command had ended"
            self._end_by(self._within_s, why)
        return what != _OVER

    def _asked(self) -> None:
        self._n_signals += 1
        if self._n_signals == 2:
            why = f"something went on {AT_LAST_S:g} s after the second signal"
            self._end_by(AT_LAST_S, f"{why}; what it held ends with its leases")
        if self._stop is not None:
            with contextlib.suppress(Exception):
                self._stop(self._n_signals > 1)

    def _end_by(self, within_s: float, why: str) -> None:
        ends_s = time.monotonic() + within_s
        if self.may_end and ends_s < self._ends_s:
            self._ends_s, self._why = ends_s, why

    def _over(self) -> None:
        """End the process, whatever its other threads are at; its programs' keepers see it."""
        try:
            for stream in (sys.stdout, sys.stderr):
                self.slowly(stream.flush)
            self.slowly(settle)
            self.catch_up()
            _write(f"autopack: {self._why}: ended.\n")
        finally:
            os._exit(self.code)


def _write(line: str) -> None:
    """Write to stderr, past everything of Python's, if it takes something now."""
    if os.name == "nt" or select.select([], [2], [], 0)[1]:
        shown = "\x1b[?25h\n" if os.isatty(2) else ""  # the live view had hidden the cursor
        os.write(2, (shown + line).encode())


class _Process:
    """This process, as far as the command line is all that it is for."""

    is_ours = False
    last: LastResort | None = None


@contextmanager
def whole_process() -> Iterator[None]:
    """Let the process end soon after the command in the block did, with its exit code."""
    _Process.is_ours = True
    code: object = 1
    try:
        yield
        code = 0
    except KeyboardInterrupt:
        code = INTERRUPTED
        raise
    except SystemExit as ended:
        code = ended.code or 0
        raise
    finally:
        if _Process.last is not None:
            for number in _Process.last.signals:
                signal.signal(number, signal.SIG_IGN)  # it ends, and its exit code is known
            _Process.last.end(code if isinstance(code, int) else 1, LEFT_S)


@contextmanager
def last_resort() -> Iterator[LastResort]:
    """Watch over the command in the block, and what comes after if the process is its alone."""
    last = LastResort(may_end=_Process.is_ours)
    _Process.last = last if _Process.is_ours else None
    try:
        yield last
    finally:
        if _Process.last is not last:
            last.close()

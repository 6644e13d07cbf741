"""Stderr that nobody has to read: what cannot be written is left out, and nobody waits for it."""

import io
import os
import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

_MOST_BYTES: Final = 4 * 2**20
_LAST_WORDS_S: Final = 2.0
_LEFT_OUT: Final = b"[... %d bytes were left out ...]\n"


class LastingRaw(io.RawIOBase):
    """
    The lowest layer of stderr: a pipe, terminal or disk that takes nothing is no error.

    In the background a thread of its own writes, and what it has not come to yet is kept up to a
    bound: a reader that does not read (a pager, a terminal that was halted) holds nobody up.

    Args:
        stream: Stderr as it was, or stdout.
        left_out: What tells a reader how many bytes were left out.
    """

    def __init__(self, stream: Any, *, left_out: bytes = _LEFT_OUT) -> None:
        self._left_out = left_out
        self._stream = stream  # it would close the descriptor if it were thrown away
        self._raw = getattr(stream.buffer, "raw", stream.buffer)
        self._waiting: deque[bytes] = deque()
        self._n_waiting = self._n_left_out = 0
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def writable(self) -> bool:
        """Say yes."""
        return True

    def fileno(self) -> int:
        """Return the descriptor."""
        number: int = self._raw.fileno()
        return number

    def isatty(self) -> bool:
        """Tell whether it is a terminal, as long as there is one."""
        return bool(self._raw.isatty())

    def write(self, data: Any) -> int:
        """Take all of *data*, whatever becomes of it."""
        content = bytes(data)
        with self._changed:
            if self._thread is not None:
                self._put(content)
                return len(content)
        self._out(content)
        return len(content)

    def begin(self) -> None:
        """Write in the background from now on."""
        with self._changed:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="stderr", daemon=True)
                self._thread.start()

    def settle(self, within_s: float = _LAST_WORDS_S) -> bool:
        """Wait until all is written, but no longer than that; tell whether it is."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._n_waiting, within_s)

    def end(self, within_s: float = _LAST_WORDS_S) -> None:
        """Wait for what is left; if nobody takes it in time, stay in the background for ever."""
        with self._changed:
            thread = self._thread
            if thread is None or not self.settle(within_s):
                return
            self._thread = None
            self._changed.notify_all()
        thread.join()

    def _put(self, content: bytes) -> None:
        if self._n_waiting + len(content) > _MOST_BYTES:
            self._n_left_out += len(content)
            return
        if self._n_left_out:
            content = self._left_out % self._n_left_out + content
            self._n_left_out = 0
        self._waiting.append(content)
        self._n_waiting += len(content)
        self._changed.notify_all()

    def _work(self) -> None:
        me = threading.current_thread()
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._thread is not me)
                if not self._waiting:
                    return
                content = self._waiting.popleft()
            self._out(content)
            with self._changed:
                self._n_waiting -= len(content)
                self._changed.notify_all()

    def _out(self, content: bytes) -> None:
        try:
            while content:
                content = content[self._raw.write(content) or len(content) :]
        except (OSError, ValueError):
            return  # gone, or full; it may be back for what comes next


def make_lasting() -> None:
    """
    Give this process standard streams that are there, and a stderr that lasts.

    A descriptor that was closed from the start would be given to the next file that is opened,
    and what is said would be written into that.
    """
    opened = os.open(os.devnull, os.O_RDWR)
    while opened <= 2:
        opened = os.dup(opened)
    os.close(opened)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
    if hasattr(sys.stderr, "buffer") and os.name != "nt":
        sys.stderr = io.TextIOWrapper(
            io.BufferedWriter(LastingRaw(sys.stderr)),
            encoding=sys.stderr.encoding,
            errors="replace",
            line_buffering=True,
        )


@contextmanager
def unhurried() -> Iterator[None]:
    """Let nobody wait for stderr meanwhile, if it is one that lasts."""
    raw = _lasting()
    if raw is None:
        yield
        return
    raw.begin()
    try:
        yield
    finally:
        raw.end()


def settle() -> None:
    """Let what was said so far be written before the result, if somebody reads it."""
    if (raw := _lasting()) is not None:
        raw.settle()


def _lasting() -> LastingRaw | None:
    raw = getattr(getattr(sys.stderr, "buffer", None), "raw", None)
    return raw if isinstance(raw, LastingRaw) else None

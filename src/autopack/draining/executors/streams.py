"""What a process prints: kept within a bound, and cut into lines as it comes."""

import re
from collections import deque
from collections.abc import Callable, Iterator
from typing import Final

from autopack.report.wording import end_of

LONGEST_LINE_BYTES: Final = 16 * 2**20
_WORD_MOST: Final = 4096
_BREAK: Final = re.compile(rb"[\s\"',;<>()\[\]{}]")


class Capture:
    """
    The start and the end of a stream, however long it is; what was cut is said.

    Args:
        cap_bytes: How much is kept at most; half of it from the start.
    """

    def __init__(self, cap_bytes: int) -> None:
        self.n_bytes = 0
        self._half = max(1, cap_bytes // 2)
        self._head = bytearray()
        self._tail: deque[bytes] = deque()
        self._tail_bytes = 0

    def feed(self, chunk: bytes) -> None:
        """Take the next piece."""
        self.n_bytes += len(chunk)
        room = self._half - len(self._head)
        self._head += chunk[: max(0, room)]
        if rest := chunk[max(0, room) :]:
            self._tail.append(rest[-self._half :])
            self._tail_bytes += len(self._tail[-1])
        while self._tail and self._tail_bytes - len(self._tail[0]) >= self._half:
            self._tail_bytes -= len(self._tail.popleft())

    @property
    def is_whole(self) -> bool:
        """Whether nothing was cut."""
        return self.n_bytes <= len(self._head) + min(self._tail_bytes, self._half)

    def text(self) -> str:
        """Return what was kept, with a line between that says how much was cut."""
        tail = b"".join(self._tail)[-self._half :]
        if self.is_whole:
            return _text(bytes(self._head) + tail)
        # Half a word may be half a key, which nobody would take for one and take out.
        head = bytes(self._head)
        head, tail = head[: _last_break(head)], tail[_first_break(tail) :]
        cut = self.n_bytes - len(head) - len(tail)
        return f"{_text(head)}\n[... {cut} bytes cut ...]\n{_text(tail)}"

    def last_words(self, n_chars: int, is_mute: Callable[[str], bool]) -> str:
        """
        Return the end of the stream on one line, without blank space around it.

        Args:
            n_chars: How much of it at most.
            is_mute: Tells of a line that it is left out.
        """
        found, n = deque[str](), 0
        for line in reversed(self._kept_lines()):
            if n > n_chars:
                break
            if words := "" if is_mute(line) else " ".join(line.split()):
                found.appendleft(words)
                n += len(words) + 1
        words = " ".join(found)
        last = len(words.rpartition(" ")[2])
        return end_of(words, n_chars) or f"a word of {last:,} characters" * bool(words)

    def _kept_lines(self) -> list[str]:
        """Return the lines that were kept; the two halves of a cut one are none."""
        tail = b"".join(self._tail)[-self._half :]
        if self.is_whole:
            return _text(bytes(self._head) + tail).split("\n")
        head, rest = _text(bytes(self._head)).split("\n"), _text(tail).split("\n")
        return [*head[:-1], *(rest[1:] or rest)]


class Lines:
    """Cuts chunks into lines; a line over *LONGEST_LINE_BYTES* is dropped and counted."""

    def __init__(self) -> None:
        self.n_dropped = 0
        self._rest = bytearray()
        self._is_dropping = False

    def feed(self, chunk: bytes) -> Iterator[str]:
        """Yield the lines that *chunk* ends."""
        first, *others = chunk.split(b"\n")
        self._add(first)
        for piece in others:
            yield from self._ended()
            self._add(piece)

    def finish(self) -> Iterator[str]:
        """Yield what is left without a line end."""
        if self._rest or self._is_dropping:
            yield from self._ended()

    def _add(self, piece: bytes) -> None:
        if len(self._rest) + len(piece) > LONGEST_LINE_BYTES:
            self._is_dropping = True
            self._rest.clear()
        elif not self._is_dropping:
            self._rest += piece

    def _ended(self) -> Iterator[str]:
        if self._is_dropping:
            self.n_dropped += 1
            self._is_dropping = False
            return
        line = bytes(self._rest).rstrip(b"\r")
        self._rest.clear()
        yield _text(line)


def _last_break(data: bytes) -> int:
    """Return where the last word ends; the end, if it is no word but longer than any key."""
    found = [at.start() for at in _BREAK.finditer(data, max(0, len(data) - _WORD_MOST))]
    return found[-1] if found else len(data)


def _first_break(data: bytes) -> int:
    found = _BREAK.search(data, 0, _WORD_MOST)
    return 0 if found is None else found.end()


def _text(data: bytes) -> str:
    return data.decode("utf-8", errors="replace").replace("\x00", "\ufffd")

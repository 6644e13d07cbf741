"""What a process prints: kept within a bound, and cut into lines as it comes."""

import codecs
import re
from collections import deque
from collections.abc import Callable, Iterator
from typing import Final

from autopack.report.failure_words import end_of

LONGEST_LINE_BYTES: Final = 16 * 2**20
LONGEST_STREAM_LINE_BYTES: Final = 64 * 2**20
_IDLE_BYTES: Final = 2**20
_HEAD_BYTES: Final = 200
_WORD_MOST: Final = 4096
_TELLING_BYTES: Final = 2
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
    """
    Cuts chunks into lines; a line that is too long is dropped and counted.

    UTF-8, or UTF-16 if the first letters show it.

    Args:
        n_dropped: How many lines were dropped before.
        longest_bytes: How long a line may be; *LONGEST_LINE_BYTES* if it is not given.
        is_idle: Tells of a long line's beginning that nothing of it is needed: it is passed over
            and not counted.
    """

    def __init__(
        self,
        *,
        n_dropped: int = 0,
        longest_bytes: int | None = None,
        is_idle: Callable[[str], bool] | None = None,
    ) -> None:
        self.n_dropped = n_dropped
        self._longest_bytes, self._is_idle_line = longest_bytes, is_idle
        self._is_idle = self._is_asked = False
        self._rest = bytearray()
        self._is_dropping = False
        self._begun = b""
        self._decoder: codecs.IncrementalDecoder | None = None
        self._is_known = False

    @property
    def has_rest(self) -> bool:
        """Whether a line was begun and not ended."""
        return bool(self._rest or self._begun) or self._is_dropping

    def feed(self, chunk: bytes) -> Iterator[str]:
        """Yield the lines that *chunk* ends."""
        first, *others = self._utf8(chunk).split(b"\n")
        self._add(first)
        for piece in others:
            yield from self._ended()
            self._add(piece)

    def finish(self) -> Iterator[str]:
        """Yield what is left without a line end."""
        self._is_known, begun, self._begun = True, self._begun, b""
        yield from self.feed(begun)
        if self._rest or self._is_dropping:
            yield from self._ended()

    def _utf8(self, chunk: bytes) -> bytes:
        """Return a chunk as UTF-8; of a single first byte nothing is known yet."""
        if not self._is_known:
            chunk, self._begun = self._begun + chunk, b""
            if len(chunk) < _TELLING_BYTES:
                self._begun = chunk
                return b""
            self._is_known, encoding = True, _utf16_of(chunk[:_TELLING_BYTES])
            if encoding is not None:
                self._decoder = codecs.getincrementaldecoder(encoding)("replace")
        if self._decoder is None:
            return chunk
        return self._decoder.decode(chunk).encode("utf-8", "replace")

    def _add(self, piece: bytes) -> None:
        n_bytes = len(self._rest) + len(piece)
        if n_bytes > _IDLE_BYTES and self._is_idle_line is not None and not self._is_asked:
            self._is_asked = True
            head = bytes(self._rest[:_HEAD_BYTES]) + piece[:_HEAD_BYTES]
            self._is_idle = not self._is_dropping and self._is_idle_line(_text(head[:_HEAD_BYTES]))
        if n_bytes > (self._longest_bytes or LONGEST_LINE_BYTES) or self._is_idle:
            self._is_dropping = True
            self._rest.clear()
        elif not self._is_dropping:
            self._rest += piece

    def _ended(self) -> Iterator[str]:
        is_idle, self._is_idle, self._is_asked = self._is_idle, False, False
        if self._is_dropping:
            self.n_dropped += not is_idle
            self._is_dropping = False
            return
        line = bytes(self._rest).rstrip(b"\r")
        self._rest.clear()
        yield _text(line)


def _utf16_of(start: bytes) -> str | None:
    """Return in which UTF-16 a text is that begins so: by its mark, or a letter of two bytes."""
    if start in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return "utf-16"
    if start[1] == 0 != start[0]:
        return "utf-16-le"
    return "utf-16-be" if start[0] == 0 != start[1] else None


def _last_break(data: bytes) -> int:
    """Return where the last word ends; the end, if it is no word but longer than any key."""
    found = [at.start() for at in _BREAK.finditer(data, max(0, len(data) - _WORD_MOST))]
    return found[-1] if found else len(data)


def _first_break(data: bytes) -> int:
    found = _BREAK.search(data, 0, _WORD_MOST)
    return 0 if found is None else found.end()


def _text(data: bytes) -> str:
    return data.decode("utf-8", errors="replace").replace("\x00", "\ufffd")

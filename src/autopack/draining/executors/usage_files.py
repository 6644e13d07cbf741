"""The file and the descriptor in which a program may say what its calls used."""

import contextlib
import os
import select
import stat
import tempfile
from array import array
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Final, Self

import attrs

from autopack.draining.attempts.machine_faults import NOT_TO_BE_HAD
from autopack.draining.executors.program_output import LONGEST_LINE_BYTES, Lines
from autopack.errors import MachineFaultError

BYTES_MOST: Final = 64 * 2**20
"""How much is read of the file, and of the descriptor, of one attempt."""

SLICES_MOST: Final = 4 * BYTES_MOST // 2**18
"""How many slices are read at most once the program has ended."""

_SLICE_BYTES: Final = 2**18
_TAIL_BYTES: Final = 4096
_DIGESTS_MOST: Final = 100_000
_FIRST: Final = b"\n"
_WRITTEN_ANEW: Final = (
    "the usage file was written anew, so calls in between may be lost: open it to append (>>)"
)


_WRITTEN_OVER: Final = (
    "the usage file was written over from its start; if that was done more than once, calls were "
    "lost: open it to append (>>)"
)


@attrs.define
class Told:
    """
    What a slice of a source gave.

    Args:
        lines: The lines that it ends.
        problems: Usage that was lost, or may have been.
        doubts: What was done wrongly, and has perhaps lost nothing.
        has_more: Whether there may be more to read now.
    """

    lines: list[str] = attrs.Factory(list)
    problems: list[str] = attrs.Factory(list)
    doubts: list[str] = attrs.Factory(list)
    has_more: bool = False


class UsageChannel:
    """
    A file and a pipe of one attempt, both of JSON lines; what is new in them is read on demand.

    ``AUTOPACK_USAGE_FILE`` names the file, ``AUTOPACK_USAGE_FD`` the pipe's end. Whatever a
    program makes of them, a look reads a slice of a bounded size, never waits for the program,
    and says what it could not read.
    """

    def __init__(self) -> None:
        self._has_more = False

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            try:
                folder = tempfile.TemporaryDirectory(prefix="autopack-", ignore_cleanup_errors=True)
            except FileNotFoundError as fault:  # so it says where each that it knows is full
                raise MachineFaultError("there is no folder for a usage file", fault) from fault
            self._path = Path(stack.enter_context(folder), "usage.jsonl")
            self._file = _UsageFile(self._path)
            stack.callback(self._file.close)
            read_end, self.write_end = os.pipe()
            stack.callback(os.close, read_end)
            stack.callback(self.close_write_end)
            os.set_blocking(read_end, False)
            self._pipe = _UsagePipe(read_end)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_fault: object) -> None:
        self._stack.close()

    def environment(self) -> dict[str, str]:
        """Return the variables that name both."""
        return {
            "AUTOPACK_USAGE_FILE": str(self._path),
            "AUTOPACK_USAGE_FD": str(self.write_end),
        }

    def close_write_end(self) -> None:
        """Leave the pipe to the program alone."""
        if self.write_end >= 0:
            os.close(self.write_end)
            self.write_end = -1

    def has_news(self) -> bool:
        """Tell at next to no cost whether there may be something to read."""
        return self._has_more or self._pipe.has_news() or self._file.has_news()

    def read(self) -> Told:
        """Return the next slice of both. Waits for nothing but the disk."""
        told = _both(self._pipe.read(), self._file.read())
        self._has_more = told.has_more
        return told

    def finish(self) -> Told:
        """Return what is left: last lines without an end, and what was not read of both."""
        return _both(self._pipe.finish(), self._file.finish())


class _Source:
    """Bytes of one source, cut into lines and counted."""

    name = ""

    def __init__(self) -> None:
        self._lines, self._n_bytes, self._n_left_out = Lines(), 0, 0

    def finish(self) -> Told:
        told = Told(list(self._fresh(self._lines.finish())))
        if self._lines.n_dropped:
            longest = LONGEST_LINE_BYTES // 2**20
            told.problems.append(
                f"{self._lines.n_dropped} lines of {self.name} were longer than {longest} MiB"
            )
        if self._n_left_out:
            told.problems.append(
                f"{self._n_left_out:,} bytes of {self.name} beyond {BYTES_MOST // 2**20} MiB "
                "were not read"
            )
        return told

    def _fresh(self, lines: Iterator[str]) -> Iterator[str]:
        """Yield the lines that were not taken before."""
        return lines

    def _cut(self, chunk: bytes) -> Iterator[str]:
        left = max(0, BYTES_MOST - self._n_bytes)
        self._n_bytes += len(chunk)
        self._n_left_out += max(0, len(chunk) - left)
        return self._lines.feed(chunk[:left])


class _UsagePipe(_Source):
    name = "the usage descriptor"

    def __init__(self, read_end: int) -> None:
        super().__init__()
        self._read_end = read_end

    def has_news(self) -> bool:
        # poll(), since select() knows no descriptor above 1,023.
        poller = select.poll()
        poller.register(self._read_end, select.POLLIN)
        return any(events & select.POLLIN for _end, events in poller.poll(0))

    def read(self) -> Told:
        try:
            chunk = os.read(self._read_end, _SLICE_BYTES)
        except BlockingIOError:
            return Told()
        # What is too much is read all the same, or the program would wait for us.
        lines = list(self._cut(chunk))
        return Told(lines, has_more=bool(chunk) and self._n_bytes < 2 * BYTES_MOST)


class _UsageFile(_Source):
    """
    A file that is appended to, if all goes well.

    It begins with an empty line, so that it shows if it was written over before it was read. One
    that was cut, replaced or written over is read again from its start: lines that stand where
    they stood are those that were taken, and whatever differs from there on is new.
    """

    name = "the usage file"

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._file = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        os.write(self._file, _FIRST)
        self._offset, self._tail = len(_FIRST), _FIRST
        self._mtime_ns = os.fstat(self._file).st_mtime_ns
        self._digests: array[int] = array("Q")
        self._before: array[int] = array("Q")
        self._told: set[str] = set()
        self._seen: tuple[int, ...] = ()

    def close(self) -> None:
        os.close(self._file)

    def has_news(self) -> bool:
        try:
            there = os.stat(self._path)
        except OSError:
            there = os.fstat(self._file)
        now = (there.st_dev, there.st_ino, there.st_size, there.st_mtime_ns)
        was, self._seen = self._seen, now
        return now != was

    def read(self) -> Told:
        told = Told()
        try:
            self._follow(told)
        except OSError as fault:
            if fault.errno in NOT_TO_BE_HAD:
                return Told(has_more=True)  # the machine's fault: at the next look, then
            self._tell(told, f"the usage file cannot be read: {fault.strerror}")
        return told

    def _follow(self, told: Told) -> None:
        if self._was_written_anew():
            self._begin_anew(told)
        if self._offset >= BYTES_MOST:
            self._n_left_out = max(0, os.fstat(self._file).st_size - self._offset)
            return
        status = os.fstat(self._file)
        if chunk := os.pread(self._file, _SLICE_BYTES, self._offset):
            self._offset += len(chunk)
            self._tail = (self._tail + chunk)[-_TAIL_BYTES:]
            told.lines += self._fresh(self._lines.feed(chunk))
            told.has_more = True
        now = os.fstat(self._file)
        # Only what was read to its end is known to be as old as it says.
        self._mtime_ns = (now if now.st_size == self._offset else status).st_mtime_ns
        if not chunk:
            self._look_for_another(now, told)

    def _fresh(self, lines: Iterator[str]) -> Iterator[str]:
        # Those that do not stand where they stood before the file was written anew.
        for line in filter(str.strip, lines):
            at, digest = len(self._digests), _digest(line)
            if at < _DIGESTS_MOST:
                self._digests.append(digest)
            if at < len(self._before) and self._before[at] == digest:
                continue
            self._before = array("Q")
            yield line

    def _was_written_anew(self) -> bool:
        status, n = os.fstat(self._file), len(self._tail)
        if status.st_size < self._offset:
            return True
        if status.st_mtime_ns == self._mtime_ns or not n:
            return False
        if os.pread(self._file, n, self._offset - n) != self._tail:
            return True
        # Written to, and yet no longer: the same in place of itself.
        return status.st_size == self._offset

    def _begin_anew(self, told: Told) -> None:
        if self._digests or self._before or self._lines.has_rest:
            self._tell(told, _WRITTEN_ANEW)
        elif self._tail:  # once, before anything was read of it: it may have been the first time
            told.doubts.append(_WRITTEN_OVER)
        told.lines += self._fresh(self._lines.finish())
        self._lines = Lines(n_dropped=self._lines.n_dropped)
        self._before, self._digests = self._digests, array("Q")
        self._offset, self._tail = 0, b""

    def _look_for_another(self, status: os.stat_result, told: Told) -> None:
        """Go on with what stands at the path, once what we have open has been read."""
        try:
            there = os.stat(self._path)
        except FileNotFoundError:
            return
        if (there.st_dev, there.st_ino) == (status.st_dev, status.st_ino):
            return
        # One that is no file would keep us waiting, or never end.
        opened = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        if not stat.S_ISREG(os.fstat(opened).st_mode):
            os.close(opened)
            self._tell(told, "the usage file was replaced by something that is no file")
            return
        self._begin_anew(told)
        os.close(self._file)
        self._file, self._mtime_ns, told.has_more = opened, 0, True

    def _tell(self, told: Told, problem: str) -> None:
        if problem not in self._told:
            self._told.add(problem)
            told.problems.append(problem)


def _digest(line: str) -> int:
    return int.from_bytes(blake2b(line.encode("utf-8", "replace"), digest_size=8).digest())


def _both(one: Told, other: Told) -> Told:
    return Told(
        [*one.lines, *other.lines],
        [*one.problems, *other.problems],
        [*one.doubts, *other.doubts],
        one.has_more or other.has_more,
    )

"""The file and the descriptor in which a program may say what its calls used."""

import contextlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final, Self

from autopack.draining.executors.streams import Lines

_MOST_BYTES: Final = 1_048_576


class UsageChannel:
    """
    A file and a pipe of one attempt, both of JSON lines; what is new in them is read on demand.

    ``AUTOPACK_USAGE_FILE`` names the file, ``AUTOPACK_USAGE_FD`` the pipe's end.
    """

    def __init__(self, take: Callable[[str], None]) -> None:
        self._take = take
        self._offset = 0
        self._file_lines, self._pipe_lines = Lines(), Lines()

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="autopack-")
        self._path = Path(self._folder.name, "usage.jsonl")
        self._path.touch()
        self._read_end, self.write_end = os.pipe()
        os.set_blocking(self._read_end, False)
        return self

    def __exit__(self, *_fault: object) -> None:
        self.close_write_end()
        os.close(self._read_end)
        self._folder.cleanup()

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

    def read(self) -> None:
        """Take the lines that are complete by now."""
        with contextlib.suppress(BlockingIOError):
            while chunk := os.read(self._read_end, _MOST_BYTES):
                self._take_all(self._pipe_lines, chunk)
        with contextlib.suppress(FileNotFoundError), self._path.open("rb") as file:
            file.seek(self._offset)
            while chunk := file.read(_MOST_BYTES):
                self._offset += len(chunk)
                self._take_all(self._file_lines, chunk)

    def finish(self) -> None:
        """Take what is left, a last line without an end included."""
        self.read()
        for lines in (self._pipe_lines, self._file_lines):
            for line in lines.finish():
                self._take(line)

    def _take_all(self, lines: Lines, chunk: bytes) -> None:
        for line in lines.feed(chunk):
            self._take(line)

"""The files on which an open log stands: whether they are still there, whole, and the same."""

import os
import struct
import time
from pathlib import Path
from typing import Final, NamedTuple

from autopack.errors import LogDamagedError, LogGoneError

_HEADER: Final = 100
_MAGIC: Final = b"SQLite format 3\x00"
_LOOKS: Final = 5
_LOOK_S: Final = 0.01


class Mark(NamedTuple):
    """What tells a file from another one at its path, and from what it was."""

    device: int
    inode: int
    size: int
    changed_ns: int


def mark_of(path: str) -> Mark | None:
    """Return the mark of the file at a path; None if nothing is there."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return Mark(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


class LogFiles:
    """
    The file of an open log, and what SQLite keeps beside it.

    SQLite goes on with the files that it has opened, also when they were removed or replaced:
    what it says is recorded would be gone with the process.
    """

    def __init__(self, path: Path, target: str) -> None:
        self._path, self._target = str(path), target
        self._main = mark_of(self._path)
        self._beside: dict[str, Mark] = {}

    def check_file(self) -> Mark:
        """
        Return the mark of the log's own file, if it is the one that was opened.

        Raises:
            LogGoneError: It is not there, or another file is.
        """
        found, opened = mark_of(self._path), self._main
        if found is None:
            raise LogGoneError(self._target, "the file is no longer there")
        if opened is None or found[:2] != opened[:2]:
            raise LogGoneError(self._target, "another file was put in its place")
        return found

    def check(self, *, has_wal: bool) -> None:
        """
        Return if all that was written can be found by whoever opens the log now.

        Args:
            has_wal: Whether SQLite keeps files beside it, as it does for a log.

        Raises:
            LogGoneError: A file was removed or replaced.
            LogDamagedError: A file was cut.
        """
        found = self.check_file()
        assert self._main is not None
        if found.size < self._main.size and self._is_cut():
            raise LogDamagedError(self._target, f"the file was cut to {found.size:,} bytes")
        self._main = found
        for ending in ("-wal", "-shm") if has_wal else ():
            self._check_beside(ending)

    def _check_beside(self, ending: str) -> None:
        known, found = self._beside.get(ending), mark_of(self._path + ending)
        if found is None:
            raise LogGoneError(self._target, f"its {ending} file is no longer there")
        if known is not None and found[:2] != known[:2]:
            raise LogGoneError(self._target, f"another file was put in the place of its {ending}")
        if ending == "-wal" and known is not None and found.size < known.size and self._lost_wal():
            raise LogDamagedError(self._target, f"its -wal file was cut to {found.size:,} bytes")
        self._beside[ending] = found

    def _is_cut(self) -> bool:
        """Tell whether the file is shorter than its header says; VACUUM shortens both."""
        for _look in range(_LOOKS):
            with open(self._path, "rb") as stream:
                header, size = stream.read(_HEADER), os.fstat(stream.fileno()).st_size
            if len(header) == _HEADER and header.startswith(_MAGIC):
                (page,) = struct.unpack(">H", header[16:18])
                (pages,) = struct.unpack(">I", header[28:32])
                if size >= pages * (65536 if page == 1 else page):
                    return False
            time.sleep(_LOOK_S)  # it may be growing just now
        return True

    def _lost_wal(self) -> bool:
        """Tell whether the WAL lacks frames that are not in the file yet; SQLite empties it too."""
        with open(self._path + "-shm", "rb") as stream:
            index = stream.read(_HEADER)
        if len(index) < _HEADER:
            return True
        (frames,) = struct.unpack("=I", index[16:20])
        (folded_in,) = struct.unpack("=I", index[96:100])
        (page,) = struct.unpack("=H", index[14:16])
        needed = 32 + frames * (24 + (65536 if page == 1 else page))
        return bool(frames > folded_in and os.stat(self._path + "-wal").st_size < needed)

"""
Reading a log by a user who may not write: without a lock, or over a writer's files.

SQLite keeps a file beside a log through which readers and writers see each other, and such a user
cannot make it. While a writer has the log open, its files serve; else the log's own file is read as
one that does not change, and each answer is checked for that.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from autopack.errors import LogError, MomentLostError
from autopack.log.backends.sqlite.file_identity import mark_of
from autopack.log.backends.sqlite.log_files import connect, has_wal
from autopack.log.backends.sqlite.readers import ReadConnection


def reader_of(path: Path, target: str) -> ReadConnection:
    """Return a reader of a log that may not be written, as it stands now."""
    if has_wal(path):
        return GuestReader(connect(path, mode="ro"), target, path)
    return StillReader(path, target)


class GuestReader(ReadConnection):
    """A connection that sees what writers do through the files that they keep beside the log."""

    def __init__(self, connection: sqlite3.Connection, target: str, path: Path) -> None:
        super().__init__(connection, target)
        self._path = path

    @property
    def is_outdated(self) -> bool:
        return not has_wal(self._path)


class StillReader(ReadConnection):
    """A connection to a file to which nobody writes, as long as nobody does."""

    def __init__(self, path: Path, target: str) -> None:
        self._path, self._mark = path, mark_of(str(path))
        super().__init__(connect(path, mode="ro&immutable=1"), target)

    @property
    def is_outdated(self) -> bool:
        return has_wal(self._path) or mark_of(str(self._path)) != self._mark

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        try:
            found = super().rows(sql, parameters)
        except LogError:
            self._check_still()  # pages of two moments look like damage
            raise
        self._check_still()
        return found

    def batches(self, sql: str, rows: int) -> Iterator[list[Any]]:
        for batch in super().batches(sql, rows):
            self._check_still()
            yield batch

    def copy_to(self, dest: sqlite3.Connection) -> None:
        super().copy_to(dest)
        self._check_still()

    def _check_still(self) -> None:
        if mark_of(str(self._path)) != self._mark:
            raise MomentLostError(self._target)

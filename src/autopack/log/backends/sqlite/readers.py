"""Connections that read: one for each snapshot, others for single statements, none waited for."""

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from autopack.errors import LogClosedError, LogError
from autopack.log.backends.sqlite.faults import SQLITE_FAULTS, translated
from autopack.log.backends.sqlite.queries import Queries
from autopack.ports.backend import Head

_KEPT_MOST: Final = 8
"""How many idle connections are kept; as many more as threads read at once are open meanwhile."""


class ReadConnection:
    """A connection that reads; each statement runs to its end before the next one or a close."""

    def __init__(self, connection: sqlite3.Connection, target: str) -> None:
        self._connection: sqlite3.Connection | None = connection
        self._target, self._lock = target, threading.Lock()
        self._is_held = False

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """Run a statement and return its rows."""
        with self._lock:
            try:
                return self._open().execute(sql, parameters).fetchall()
            except SQLITE_FAULTS as fault:
                raise translated(fault, self._target) from fault

    def batches(self, sql: str, rows: int) -> Iterator[list[Any]]:
        """Run a statement and yield its rows, so many at once, to who holds it alone."""
        try:
            cursor = self._open().execute(sql)
            while batch := cursor.fetchmany(rows):
                yield batch
        except SQLITE_FAULTS as fault:
            raise translated(fault, self._target) from fault

    def copy_to(self, dest: sqlite3.Connection) -> None:
        """Copy the whole file, as it is at one moment."""
        with self._lock:
            try:
                self._open().backup(dest)
            except SQLITE_FAULTS as fault:
                raise translated(fault, self._target) from fault

    def end(self) -> None:
        """
        Let the moment go that is held, if one is.

        Raises:
            LogError: Something has ended it.
        """
        was_held, self._is_held = self._is_held, False
        if was_held:
            self.rows("ROLLBACK")

    def hold(self) -> None:
        """Begin a moment; SQLite's is that of the first read."""
        self.rows("BEGIN")
        self._is_held = True

    @property
    def is_outdated(self) -> bool:
        """Whether the log was written to in a way that this connection does not see."""
        return False

    def close(self) -> None:
        """Close after the statement in flight; what is asked for later raises."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            raise LogClosedError(self._target)
        return self._connection


class Readers:
    """
    The connections of one log that read.

    None is ever waited for: who finds no idle one opens another. So there are as many as threads
    that read at one moment, and a few are kept for the next.

    Args:
        make: Opens another one.
    """

    def __init__(self, make: Callable[[], ReadConnection], target: str) -> None:
        self._make, self._target = make, target
        self._lock = threading.Lock()
        self._all: set[ReadConnection] = set()
        self._idle: list[ReadConnection] = []
        self._is_closed = False

    def take(self) -> ReadConnection:
        """Return a reader for this thread alone, until it is given back."""
        while (idle := self._idle_one()) is not None:
            if not idle.is_outdated:
                return idle
            self.give_back(idle, is_sound=False)
        try:
            reader = self._make()
        except SQLITE_FAULTS as fault:
            raise translated(fault, self._target) from fault
        if not self._takes(reader):
            reader.close()
            raise LogClosedError(self._target)
        return reader

    def _idle_one(self) -> ReadConnection | None:
        with self._lock:
            if self._is_closed:
                raise LogClosedError(self._target)
            return self._idle.pop() if self._idle else None

    def _takes(self, reader: ReadConnection) -> bool:
        """Count a new reader, unless the log was closed while it was opened."""
        with self._lock:
            if not self._is_closed:
                self._all.add(reader)
            return not self._is_closed

    def give_back(self, reader: ReadConnection, *, is_sound: bool = True) -> None:
        """Keep a reader for the next who asks, or close it."""
        with self._lock:
            if is_sound and not self._is_closed and len(self._idle) < _KEPT_MOST:
                self._idle.append(reader)
                return
            self._all.discard(reader)
        reader.close()

    def close(self) -> None:
        """Close all of them after their statements in flight."""
        with self._lock:
            self._is_closed = True
            readers = list(self._all)
            self._all.clear()
            self._idle.clear()
        for reader in readers:
            reader.close()


class SqliteSnapshot(Queries):
    """One moment of a log file, seen over a connection of its own."""

    def __init__(self, reader: ReadConnection) -> None:
        self._reader = reader
        self._head: Head | None = None
        reader.hold()
        try:
            self._head = super().head()
        except LogError:  # of a damaged file the rest can still be looked at
            reader.rows("SELECT count(*) FROM log_identity")

    def _all(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        return self._reader.rows(sql, parameters)

    def head(self) -> Head:
        return super().head() if self._head is None else self._head

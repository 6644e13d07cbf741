"""One open log file: connections that read, one that writes, and the lock of that one."""

import contextlib
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

from autopack.errors import (
    InvalidInputError,
    LogClosedError,
    LogDamagedError,
    LogError,
    LogFullError,
    LogHinderedError,
    ReadOnlyLogError,
)
from autopack.log.backends.atomic_files import publishing
from autopack.log.backends.forks import Opener
from autopack.log.backends.snapshots import Snapshots
from autopack.log.backends.sqlite.faults import SQLITE_FAULTS, translated
from autopack.log.backends.sqlite.file_identity import LogFiles
from autopack.log.backends.sqlite.log_files import check_file, connect, read_identity
from autopack.log.backends.sqlite.queries import Queries
from autopack.log.backends.sqlite.readers import ReadConnection, Readers, SqliteSnapshot
from autopack.log.backends.sqlite.transaction import SqliteTransaction
from autopack.log.backends.sqlite.unlocked import reader_of
from autopack.ports.backend import LogIdentity

T = TypeVar("T")

_TRIES: Final = 20
_MUCH: Final = ("PRAGMA cache_size = -32768", "PRAGMA wal_autocheckpoint = 32000")
_USUAL: Final = ("PRAGMA cache_size = -2000", "PRAGMA wal_autocheckpoint = 1000")
DURABILITY: Final = {"full": "FULL", "relaxed": "NORMAL"}


class SqliteBackend(Queries):
    """
    A log file; safe to share between threads.

    Reads go over connections of their own, so they wait neither for a write's fsync nor for each
    other, and each runs its statement to the end, so that none is open between two pages.
    """

    def __init__(self, path: Path, *, durability: str = "full") -> None:
        if durability not in DURABILITY:
            raise InvalidInputError(
                f"Durability {durability!r} is not one of {', '.join(DURABILITY)}: full survives "
                "power loss; relaxed may lose the last commits then, and never damages the log.",
                name="durability",
                value=durability,
            )
        check_file(path)
        self.target = str(path)
        self._path, self._synchronous = path, DURABILITY[durability]
        self._read_only = not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK))
        self._write_lock = threading.RLock()
        self._writer: sqlite3.Connection | None = None
        self._has_wal: bool | None = None
        self._is_closed = self._has_events = False
        self._snapshots: Snapshots[SqliteSnapshot] = Snapshots()
        self._files, self._opener = LogFiles(path, self.target), Opener()
        self._readers = Readers(self._new_reader, self.target)
        try:
            self._identity = read_identity(self._all, self.target)
        except BaseException:
            self._readers.close()
            raise

    @property
    def identity(self) -> LogIdentity:
        if not (self._has_events or self._is_closed):  # an import may give it another origin
            try:
                self._has_events = self.head().position > 0
            except LogDamagedError:  # what is damaged is there
                self._has_events = True
            self._identity = read_identity(self._all, self.target)
        return self._identity

    def _all(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        self._opener.check(self.target)
        snapshot = self._snapshots.own
        if snapshot is not None:
            return snapshot._all(sql, parameters)
        reader, found = self._asked(lambda reader: reader.rows(sql, parameters))
        self._readers.give_back(reader)
        return found

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[Queries]:
        self._opener.check(self.target)
        held = self._snapshots.own
        if held is not None:
            self._check_open()
            yield held
            return
        reader, snapshot = self._asked(SqliteSnapshot)
        try:
            with self._snapshots.holding(snapshot):
                yield snapshot
        finally:
            self._let_go(reader)

    def _asked(self, ask: Callable[[ReadConnection], T]) -> tuple[ReadConnection, T]:
        """Return a reader and what it answers; one that was overtaken by a writer is replaced."""
        self._files.check_file()
        for left in reversed(range(_TRIES)):
            reader = self._readers.take()
            try:
                return reader, ask(reader)
            except BaseException as fault:
                may_help = reader.is_outdated and isinstance(fault, LogError)
                self._let_go(reader)
                if not (may_help and left):
                    raise
        raise AssertionError("the last try returns or raises")

    def _let_go(self, reader: ReadConnection) -> None:
        """Give back a connection; one in which damage has ended the moment is no use."""
        is_sound = False
        with contextlib.suppress(LogError):
            reader.end()
            is_sound = True
        self._readers.give_back(reader, is_sound=is_sound)

    @contextlib.contextmanager
    def transaction(self) -> Iterator["SqliteTransaction"]:
        self._opener.check(self.target)
        with self._write_lock:
            writer = self._open_writer()
            if writer.in_transaction:
                raise InvalidInputError("A transaction is open in this thread: use that one.")
            self._write(writer, "BEGIN IMMEDIATE")
            transaction = SqliteTransaction(writer, self.target)
            try:
                self._check_files(writer)
                yield transaction
                self._check_open()
                self._write(writer, "COMMIT")  # this is what a full disk may refuse
                self._check_files(writer)  # before anybody is told that it is recorded
            except BaseException:
                with contextlib.suppress(sqlite3.Error):  # or it has rolled back by itself
                    writer.execute("ROLLBACK")
                raise
            finally:
                transaction.is_over = True

    @contextlib.contextmanager
    def writing_much(self) -> Iterator[None]:
        """
        Hold more of the file in memory meanwhile, and fold the WAL into it less often.

        Derived ids lie all over their index, so that a page of it is written again and again.
        """
        with self._write_lock:
            writer = self._open_writer()
            for pragma in _MUCH:
                self._write(writer, pragma)
        try:
            yield
        finally:
            with self._write_lock, contextlib.suppress(sqlite3.Error):  # it may be closed
                for pragma in _USUAL:
                    writer.execute(pragma)

    def _write(self, writer: sqlite3.Connection, sql: str) -> None:
        try:
            writer.execute(sql)
        except SQLITE_FAULTS as fault:
            raise translated(fault, self.target) from fault

    def stream(self, before: Sequence[str], sql: str, rows: int) -> Iterator[list[Any]]:
        """Yield the rows of a statement, so many at once, over a connection of its own."""
        self._opener.check(self.target)
        self._check_open()
        reader = self._new_reader()
        try:
            for statement in before:
                reader.rows(statement)
            yield from reader.batches(sql, rows)
        finally:
            reader.close()

    def raw_rows(self, *, after: int, limit: int) -> list[tuple[Any, ...]]:
        return self._all(
            "SELECT position, event_id, CAST(stream AS BLOB), version, CAST(type AS BLOB), schema,"
            " occurred_at, recorded_at, CAST(meta AS BLOB), CAST(data AS BLOB), hash"
            " FROM events WHERE position > ? ORDER BY position LIMIT ?",
            (after, limit),
        )

    def storage_faults(self) -> list[str]:
        try:
            found = [text for (text,) in self._all("PRAGMA integrity_check(20)")]
        except LogError as fault:
            return [str(fault)]
        return [text for text in found if text != "ok"]

    def last_given(self) -> int:
        ((last,),) = self._all(
            "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'events'"
        )
        return int(last)

    def backup(self, dest: str) -> None:
        self._opener.check(self.target)
        with publishing(Path(dest)) as scratch:
            try:
                with contextlib.closing(sqlite3.connect(scratch)) as copy:
                    reader, _none = self._asked(lambda reader: reader.copy_to(copy))
            except LogFullError as fault:
                raise LogFullError(dest) from fault
            except LogError as fault:
                if type(fault) not in (LogError, LogHinderedError):
                    raise
                raise LogError(f"{dest} cannot be made, nothing is there: {fault}") from fault
            except SQLITE_FAULTS as fault:
                raise translated(fault, dest) from fault
            self._readers.give_back(reader)

    def close(self) -> None:
        if not self._opener.is_here:
            return  # whose it is goes on with it
        with self._write_lock:
            if self._is_closed:
                return
            self._is_closed = True
            self._readers.close()
            if self._writer is not None:
                self._writer.close()  # last, so that it can fold the WAL into the file

    def _new_reader(self) -> ReadConnection:
        reader = (
            reader_of(self._path, self.target)
            if self._read_only
            else ReadConnection(connect(self._path), self.target)
        )
        try:
            self._files.check_file()  # SQLite opens by the path
        except BaseException:
            reader.close()
            raise
        return reader

    def _check_files(self, writer: sqlite3.Connection) -> None:
        if self._has_wal is None:
            ((mode,),) = writer.execute("PRAGMA journal_mode").fetchall()
            self._has_wal = mode == "wal"
        self._files.check(has_wal=self._has_wal)

    def _open_writer(self) -> sqlite3.Connection:
        self._check_open()
        if self._read_only:
            raise ReadOnlyLogError(self.target)
        if self._writer is None:
            self._files.check_file()
            try:
                self._writer = connect(self._path, synchronous=self._synchronous)
            except SQLITE_FAULTS as fault:
                raise translated(fault, self.target) from fault
        return self._writer

    def _check_open(self) -> None:
        if self._is_closed:
            raise LogClosedError(self.target)

"""One open log file: connections that read, one that writes, and the lock of that one."""

import contextlib
import json
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import attrs

from autopack.backends.forks import Opener
from autopack.backends.snapshots import Snapshots
from autopack.backends.sqlite.faults import SQLITE_FAULTS, translated
from autopack.backends.sqlite.files import check_file, connect, publishing, read_identity
from autopack.backends.sqlite.queries import AS_OF, Queries
from autopack.backends.sqlite.readers import Reader, Readers, SqliteSnapshot
from autopack.backends.sqlite.standing import LogFiles
from autopack.backends.sqlite.unlocked import reader_of
from autopack.errors import (
    InvalidInputError,
    LogClosedError,
    LogDamagedError,
    LogError,
    ReadOnlyLogError,
)
from autopack.ports.log import NOTHING_YET, Checkpoint, ClockHold, Head, Lease, LogIdentity, Row

T = TypeVar("T")

_TRIES: Final = 20
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
                "power loss; relaxed may lose the last commits then, and never damages the log."
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
            self._has_events = self.head().position > 0
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

    def _asked(self, ask: Callable[[Reader], T]) -> tuple[Reader, T]:
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

    def _let_go(self, reader: Reader) -> None:
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

    def _write(self, writer: sqlite3.Connection, sql: str) -> None:
        try:
            writer.execute(sql)
        except SQLITE_FAULTS as fault:
            raise translated(fault, self.target) from fault

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
        with (
            publishing(Path(dest)) as scratch,
            contextlib.closing(sqlite3.connect(scratch)) as copy,
        ):
            reader, _none = self._asked(lambda reader: reader.copy_to(copy))
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

    def _new_reader(self) -> Reader:
        reader = (
            reader_of(self._path, self.target)
            if self._read_only
            else Reader(connect(self._path), self.target)
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


class SqliteTransaction(Queries):
    """The write transaction of a log file."""

    def __init__(self, connection: sqlite3.Connection, target: str) -> None:
        self._connection, self._target = connection, target
        self._head: Head | None = None
        self.is_over = False

    def _all(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        self._check()
        try:
            return self._connection.execute(sql, parameters).fetchall()
        except SQLITE_FAULTS as fault:
            raise translated(fault, self._target) from fault

    def _do(self, sql: str, parameters: Sequence[Any] = ()) -> sqlite3.Cursor:
        self._check()
        try:
            return self._connection.execute(sql, parameters)
        except SQLITE_FAULTS as fault:
            raise translated(fault, self._target) from fault

    def _do_all(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        self._check()
        try:
            self._connection.executemany(sql, rows)
        except SQLITE_FAULTS as fault:
            raise translated(fault, self._target) from fault

    def _check(self) -> None:
        if self.is_over:  # it would be written at once, without a lock
            raise InvalidInputError("That transaction is over: begin another one.")

    def head(self) -> Head:
        """Return the last event; a tail that was removed is damage, and nothing is appended."""
        if self._head is None:
            self.stream_versions([])
        assert self._head is not None
        return self._head

    def stream_versions(self, streams: Sequence[str]) -> dict[str, int]:
        if self._head is not None:
            return super().stream_versions(streams)
        # Every append asks for both, so the first question brings the head along.
        rows = self._all(
            "SELECT value, coalesce((SELECT max(version) FROM events WHERE stream = value), 0),"
            " NULL, NULL, NULL FROM json_each(?) UNION ALL"
            " SELECT NULL, (SELECT seq FROM sqlite_sequence WHERE name = 'events'),"
            " NULL, NULL, NULL UNION ALL SELECT * FROM"
            f" (SELECT NULL, position, hash, recorded_at, {AS_OF} FROM events"
            " ORDER BY position DESC LIMIT 1)",
            (json.dumps(list(streams)),),
        )
        n = len(streams)
        found, (_name, given, *_), last = dict(row[:2] for row in rows[:n]), rows[n], rows[n + 1 :]
        head = Head(*last[0][1:]) if last else NOTHING_YET
        if given and given != head.position:
            what = f"position {given} was given, but the last event is {head.position}"
            raise LogDamagedError(self._target, what)
        self._head = head
        return found

    def insert(self, rows: Sequence[Row]) -> None:
        self._head = None
        self._do_all("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def hold_clock(self, hold: ClockHold) -> None:
        self._head = None
        self._do("DELETE FROM clock_holds WHERE first >= ?", (hold.first,))
        self._do("INSERT INTO clock_holds VALUES (?, ?, ?, ?)", attrs.astuple(hold))

    def adopt_origin(self, origin_id: str) -> None:
        self._do("UPDATE log_identity SET origin_id = ?", (origin_id,))

    def put_lease(self, lease: Lease) -> None:
        self._do(
            "INSERT OR REPLACE INTO leases VALUES (?, ?, ?, ?, ?, ?, ?)",
            attrs.astuple(lease),
        )

    def drop_lease(self, key: str, token: str) -> bool:
        gone = self._do("DELETE FROM leases WHERE key = ? AND token = ?", (key, token))
        return gone.rowcount == 1

    def put_artifact(self, digest: str, content: bytes) -> None:
        self._do("INSERT OR IGNORE INTO artifacts VALUES (?, ?)", (digest, content))

    def drop_artifact(self, digest: str) -> None:
        self._do("DELETE FROM artifacts WHERE digest = ?", (digest,))

    def save_view(
        self, checkpoint: Checkpoint, rows: Mapping[str, str | None], *, replace: bool
    ) -> None:
        view = checkpoint.view
        if replace:
            self._do("DELETE FROM view_rows WHERE view = ?", (view,))
        self._do_all(
            "INSERT OR REPLACE INTO view_rows VALUES (?, ?, ?)",
            [(view, key, data) for key, data in rows.items() if data is not None],
        )
        self._do_all(
            "DELETE FROM view_rows WHERE view = ? AND key = ?",
            [(view, key) for key, data in rows.items() if data is None],
        )
        self._do(
            "INSERT OR REPLACE INTO view_checkpoints VALUES (?, ?, ?, ?)",
            attrs.astuple(checkpoint),
        )

    def drop_view(self, view: str) -> None:
        self._do("DELETE FROM view_rows WHERE view = ?", (view,))
        self._do("DELETE FROM view_checkpoints WHERE view = ?", (view,))

"""One open log file: a connection for readers, one for the writer, and their locks."""

import contextlib
import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import attrs

from autopack.backends.sqlite.files import (
    BUSY_TIMEOUT_S,
    check_file,
    connect,
    publishing,
    read_identity,
)
from autopack.backends.sqlite.queries import Queries
from autopack.errors import (
    InvalidInputError,
    LogBusyError,
    LogClosedError,
    LogDamagedError,
    LogError,
    LogFullError,
    ReadOnlyLogError,
)
from autopack.ports.log import Checkpoint, Head, Lease, LogIdentity, Row

DURABILITY: Final = {"full": "FULL", "relaxed": "NORMAL"}


class SqliteBackend(Queries):
    """
    A log file; safe to share between threads.

    Reads go over a connection of their own, so they never wait for a write's fsync, and each
    runs its statement to the end, so that none is open between two pages.
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
        self._read_lock, self._write_lock = threading.RLock(), threading.RLock()
        self._writer: sqlite3.Connection | None = None
        self._is_closed = self._has_events = False
        with _translated(self.target):
            self._reader = connect(path, read_only=self._read_only)
            try:
                self._identity = read_identity(self._reader, self.target)
            except BaseException:
                self._reader.close()
                raise

    @property
    def identity(self) -> LogIdentity:
        if not (self._has_events or self._is_closed):  # an import may give it another origin
            self._has_events = self.head().position > 0
            with self._read_lock, _translated(self.target):
                self._identity = read_identity(self._reader, self.target)
        return self._identity

    def _all(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        with self._read_lock, _translated(self.target):
            self._check_open()
            return self._reader.execute(sql, parameters).fetchall()

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[Queries]:
        with self._read_lock, _translated(self.target):
            self._check_open()
            if self._reader.in_transaction:
                yield self
                return
            self._reader.execute("BEGIN")
            try:
                yield self
            finally:
                with contextlib.suppress(sqlite3.Error):  # damage may have ended it
                    self._reader.execute("ROLLBACK")

    @contextlib.contextmanager
    def transaction(self) -> Iterator["SqliteTransaction"]:
        with self._write_lock, _translated(self.target):
            writer = self._open_writer()
            if writer.in_transaction:
                raise InvalidInputError("A transaction is open in this thread: use that one.")
            writer.execute("BEGIN IMMEDIATE")
            try:
                yield SqliteTransaction(writer, self.target)
                writer.execute("COMMIT")  # this is what a full disk may refuse
            except BaseException:
                with contextlib.suppress(sqlite3.Error):  # or it has rolled back by itself
                    writer.execute("ROLLBACK")
                raise

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
        with self._read_lock, publishing(Path(dest)) as scratch:
            self._check_open()
            with contextlib.closing(sqlite3.connect(scratch)) as copy:
                self._reader.backup(copy)

    def close(self) -> None:
        with self._write_lock, self._read_lock:
            if self._is_closed:
                return
            self._is_closed = True
            self._reader.close()
            if self._writer is not None:
                self._writer.close()  # last, so that it can fold the WAL into the file

    def _open_writer(self) -> sqlite3.Connection:
        self._check_open()
        if self._read_only:
            raise ReadOnlyLogError(self.target)
        if self._writer is None:
            self._writer = connect(self._path, synchronous=self._synchronous)
        return self._writer

    def _check_open(self) -> None:
        if self._is_closed:
            raise LogClosedError(self.target)


class SqliteTransaction(Queries):
    """The write transaction of a log file."""

    def __init__(self, connection: sqlite3.Connection, target: str) -> None:
        self._connection, self._target = connection, target
        self._head: Head | None = None

    def _all(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        return self._connection.execute(sql, parameters).fetchall()

    def head(self) -> Head:
        """Return the last event; a tail that was removed is damage, and nothing is appended."""
        if self._head is None:
            self.stream_version("")
        assert self._head is not None
        return self._head

    def stream_version(self, stream: str) -> int:
        if self._head is not None:
            return super().stream_version(stream)
        # Every append asks for both, so the first question brings the head along.
        rows = self._all(
            "SELECT position, hash, recorded_at,"
            " (SELECT seq FROM sqlite_sequence WHERE name = 'events'),"
            " (SELECT coalesce(max(version), 0) FROM events WHERE stream = ?)"
            " FROM events ORDER BY position DESC LIMIT 1",
            (stream,),
        )
        if rows:
            (*last, given, version) = rows[0]
            head = Head(*last)
        else:
            ((given,),) = self._all("SELECT max(seq) FROM sqlite_sequence")
            head, version = Head(0, b"", 0), 0
        if given and given != head.position:
            what = f"position {given} was given, but the last event is {head.position}"
            raise LogDamagedError(self._target, what)
        self._head = head
        return int(version)

    def insert(self, rows: Sequence[Row]) -> None:
        self._head = None
        self._connection.executemany(
            "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows
        )

    def adopt_origin(self, origin_id: str) -> None:
        self._connection.execute("UPDATE log_identity SET origin_id = ?", (origin_id,))

    def put_lease(self, lease: Lease) -> None:
        self._connection.execute(
            "INSERT OR REPLACE INTO leases VALUES (?, ?, ?, ?, ?, ?, ?)",
            attrs.astuple(lease),
        )

    def drop_lease(self, key: str, token: str) -> bool:
        gone = self._connection.execute(
            "DELETE FROM leases WHERE key = ? AND token = ?", (key, token)
        )
        return gone.rowcount == 1

    def put_artifact(self, digest: str, content: bytes) -> None:
        self._connection.execute("INSERT OR IGNORE INTO artifacts VALUES (?, ?)", (digest, content))

    def drop_artifact(self, digest: str) -> None:
        self._connection.execute("DELETE FROM artifacts WHERE digest = ?", (digest,))

    def save_view(
        self, checkpoint: Checkpoint, rows: Mapping[str, str | None], *, replace: bool
    ) -> None:
        view = checkpoint.view
        if replace:
            self._connection.execute("DELETE FROM view_rows WHERE view = ?", (view,))
        self._connection.executemany(
            "INSERT OR REPLACE INTO view_rows VALUES (?, ?, ?)",
            [(view, key, data) for key, data in rows.items() if data is not None],
        )
        self._connection.executemany(
            "DELETE FROM view_rows WHERE view = ? AND key = ?",
            [(view, key) for key, data in rows.items() if data is None],
        )
        self._connection.execute(
            "INSERT OR REPLACE INTO view_checkpoints VALUES (?, ?, ?, ?)",
            attrs.astuple(checkpoint),
        )

    def drop_view(self, view: str) -> None:
        self._connection.execute("DELETE FROM view_rows WHERE view = ?", (view,))
        self._connection.execute("DELETE FROM view_checkpoints WHERE view = ?", (view,))


@contextlib.contextmanager
def _translated(target: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as fault:
        raise _ours(fault, target) from fault
    except sqlite3.DatabaseError as fault:
        raise LogDamagedError(target, str(fault)) from fault
    except UnicodeDecodeError as fault:
        raise LogDamagedError(target, f"it holds text that is not UTF-8: {fault}") from fault


def _ours(fault: sqlite3.OperationalError, target: str) -> LogError:
    match getattr(fault, "sqlite_errorcode", 0) & 0xFF:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return LogBusyError(target, waited_s=BUSY_TIMEOUT_S)
        case sqlite3.SQLITE_READONLY:
            return ReadOnlyLogError(target)
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return LogDamagedError(target, str(fault))
        case sqlite3.SQLITE_FULL:
            return LogFullError(target)
        case sqlite3.SQLITE_CANTOPEN:
            what = f"SQLite cannot open it, or a file beside it: {fault}"
            return LogError(
                f"{target}: {what}. Check the permissions of its folder. A log with a -wal file "
                "beside it is read only where files can be made: copy both to such a folder."
            )
        case _ if "decode to UTF-8" in str(fault):
            return LogDamagedError(target, "it holds text that is not UTF-8")
        case _:
            return LogError(f"{target}: SQLite says: {fault}. Nothing was written by this call.")

"""The write transaction of a log file: what it wrote is seen through it alone until its commit."""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, Final

import attrs

from autopack.errors import InvalidInputError, LogDamagedError
from autopack.log.backends.sqlite.faults import SQLITE_FAULTS, translated
from autopack.log.backends.sqlite.queries import AS_OF, Queries
from autopack.log.backends.sqlite.sqlviews import name_taken, rows_view, shows_rows
from autopack.ports.backend import NOTHING_YET, Checkpoint, ClockHold, Head, Lease
from autopack.ports.log import Row

_TOGETHER_MOST: Final = 1_000


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

    def _put_rows(self, insert: str, rows: Sequence[Sequence[Any]]) -> None:
        """Insert rows by few statements: each is work of its own, for SQLite and for us."""
        for start in range(0, len(rows), _TOGETHER_MOST):
            some = rows[start : start + _TOGETHER_MOST]
            values = f"({', '.join('?' * len(some[0]))})"
            self._do(f"{insert} VALUES {', '.join([values] * len(some))}", [*chain(*some)])

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
        self._put_rows("INSERT INTO events", rows)

    def hold_clock(self, hold: ClockHold) -> None:
        self._head = None
        self._do("DELETE FROM clock_holds WHERE first >= ?", (hold.first,))
        self._do("INSERT INTO clock_holds VALUES (?, ?, ?, ?)", attrs.astuple(hold))

    def adopt_origin(self, origin_id: str) -> None:
        self._do("UPDATE log_identity SET origin_id = ?", (origin_id,))

    def put_lease(self, lease: Lease) -> None:
        self._do(
            "INSERT OR REPLACE INTO leases VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
        kept = [(view, key, data) for key, data in rows.items() if data is not None]
        self._put_rows("INSERT OR REPLACE INTO view_rows", kept)
        self._do_all(
            "DELETE FROM view_rows WHERE view = ? AND key = ?",
            [(view, key) for key, data in rows.items() if data is None],
        )
        self._do(
            "INSERT OR REPLACE INTO view_checkpoints VALUES (?, ?, ?, ?)",
            attrs.astuple(checkpoint),
        )

    def show_view(self, view: str, columns: Sequence[tuple[str, str]]) -> None:
        """Make a view in SQL of a persisted view's rows, or renew it where its columns changed."""
        name, select = rows_view(view, columns)
        made = f'CREATE VIEW "{name}" AS {select}'
        asked = "SELECT sql FROM sqlite_schema WHERE name = ? COLLATE NOCASE"
        there = [sql for (sql,) in self._all(asked, (name,))]
        if there and not shows_rows(str(there[0]), view):
            raise name_taken(view, name, "another one has that name there, choose another")
        if there != [made]:
            self._do(f'DROP VIEW IF EXISTS "{name}"')
            self._do(made)

    def drop_view(self, view: str) -> None:
        self._do("DELETE FROM view_rows WHERE view = ?", (view,))
        self._do("DELETE FROM view_checkpoints WHERE view = ?", (view,))

"""The write transaction of a log: it holds the head from its beginning to its commit."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import attrs

from autopack.errors import InvalidInputError, LogDamagedError
from autopack.format.chain import seed
from autopack.log.backends.sqlite.sqlviews import name_taken, rows_view
from autopack.ports.backend import Checkpoint, ClockHold, Head, Lease
from autopack.ports.log import Row
from autopack_postgres.append_call import columns_of
from autopack_postgres.connections import PostgresConnection
from autopack_postgres.queries import PostgresQueries

_APPEND: Final = (
    "SELECT after, versions, hashes FROM append_events(NULL, NULL, NULL, %s::bytea[], %s::text[],"
    " %s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::text[], %s::text[])"
)
_LEASE: Final = tuple(field.name for field in attrs.fields(Lease))
_PUT_LEASE: Final = (
    f"INSERT INTO leases ({', '.join(_LEASE)}) VALUES ({', '.join(['%s'] * len(_LEASE))})"
    " ON CONFLICT (key) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in _LEASE[1:])
)
_PUT_ROWS: Final = (
    "INSERT INTO view_rows SELECT %s, key, data"
    " FROM unnest(%s::bytea[], %s::text[]) given(key, data)"
    " ON CONFLICT (view, key) DO UPDATE SET data = excluded.data"
)
_PUT_PLACE: Final = (
    "INSERT INTO view_checkpoints VALUES (%s, %s, %s, %s) ON CONFLICT (view) DO UPDATE"
    " SET version = excluded.version, position = excluded.position, total = excluded.total"
)
_OF_ANOTHER: Final = (
    "SELECT 1 FROM obj_description(to_regclass(quote_ident(%s)), 'pg_class') said"
    " WHERE NOT starts_with(reverse(said), reverse(' WHERE view = ' || quote_literal(%s)))"
)
"""Finds what another projection's rows are shown by; what a view is made of is its comment."""
_PUT_OUTCOME: Final = (
    "INSERT INTO outcomes VALUES (%s, %s) ON CONFLICT (writer) DO UPDATE"
    " SET token = excluded.token, written_at = clock_timestamp()"
)


class PostgresTransaction(PostgresQueries):
    """The write transaction of a log."""

    def __init__(self, connection: PostgresConnection, head: Head) -> None:
        self._connection, self._head = connection, head
        self._last: Row | None = None
        self._token: tuple[UUID, UUID] | None = None
        self.has_written = self.is_over = False

    @property
    def last_position(self) -> int:
        """The last position that it saw or gave."""
        return self._last[0] if self._last else self._head.position

    def _all(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        if self.is_over:  # it would be written at once, without a lock
            raise InvalidInputError("That transaction is over: begin another one.")
        return self._connection.rows(sql, parameters)

    def _do(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        self.has_written = True
        return self._all(sql, parameters)

    def _seen(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """Whoever began it waits at its end for all that was committed before."""
        return self._all(sql, parameters)

    def head(self) -> Head:
        return self._head if self._last is None else super().head()

    def insert(self, rows: Sequence[Row]) -> None:
        if not rows:
            return
        self._last = rows[-1]
        _positions, ids, streams, versions, *others, hashes = columns_of(rows)
        ((after, given, chained),) = self._do(_APPEND, [ids, streams, *others])
        if after + 1 != rows[0][0] or given != versions or chained != hashes:
            what = f"what was to be stored at position {rows[0][0]} does not follow from {after}"
            raise LogDamagedError(self._connection.target, what)

    def hold_clock(self, hold: ClockHold) -> None:
        self._do("SELECT hold_clock(%s::bigint, %s::bigint, %s::bigint, %s)", attrs.astuple(hold))

    def adopt_origin(self, origin_id: str) -> None:
        self._do("SELECT adopt_origin(%s, %s)", (origin_id, seed(origin_id)))

    def put_lease(self, lease: Lease) -> None:
        if lease.step is not None:  # for people, and the one text that anybody makes
            lease = attrs.evolve(lease, step=lease.step.replace("\0", " "))
        self._do(_PUT_LEASE, attrs.astuple(lease))

    def drop_lease(self, key: str, token: str) -> bool:
        sql = "DELETE FROM leases WHERE key = %s AND token = %s RETURNING key"
        return bool(self._do(sql, (key, token)))

    def put_artifact(self, digest: str, content: bytes) -> None:
        self._do("INSERT INTO artifacts VALUES (%s, %s) ON CONFLICT DO NOTHING", (digest, content))

    def drop_artifact(self, digest: str) -> None:
        self._do("DELETE FROM artifacts WHERE digest = %s", (digest,))

    def save_view(
        self, checkpoint: Checkpoint, rows: Mapping[str, str | None], *, replace: bool
    ) -> None:
        view = checkpoint.view
        gone = [key.encode() for key, data in rows.items() if data is None]
        kept = {key.encode(): data for key, data in rows.items() if data is not None}
        if replace:
            self._do("DELETE FROM view_rows WHERE view = %s", (view,))
        elif gone:
            sql = "DELETE FROM view_rows WHERE view = %s AND key = ANY (%s::bytea[])"
            self._do(sql, (view, gone))
        if kept:
            self._do(_PUT_ROWS, (view, list(kept), list(kept.values())))
        self._do(_PUT_PLACE, attrs.astuple(checkpoint))

    def show_view(self, view: str, columns: Sequence[tuple[str, str]]) -> None:
        """Make a view in SQL of a persisted view's rows, or renew it where its columns changed."""
        name, _select = rows_view(view, columns)
        if self._all(_OF_ANOTHER, (name, view)):
            raise name_taken(view, name, "another one has that name there, choose another")
        fields, kinds = columns_of(columns)
        sql = "SELECT show_view(%s, %s, %s::text[], %s::text[])"
        self._do(sql, (name, view, fields, kinds))

    def drop_view(self, view: str) -> None:
        self._do("DELETE FROM view_rows WHERE view = %s", (view,))
        self._do("DELETE FROM view_checkpoints WHERE view = %s", (view,))

    def sign(self, writer: UUID, token: UUID) -> None:
        """Leave a trace by which its commit is known again, where no event is one."""
        if self._last is None:
            self._token = writer, token
            self._do(_PUT_OUTCOME, self._token)

    def is_kept(self, reader: PostgresConnection) -> bool:
        """Tell by another connection whether it was committed, after its own was lost."""
        if self._last is not None:
            sql = "SELECT 1 FROM events WHERE position = %s AND hash = %s"
            return bool(reader.rows(sql, (self._last[0], self._last[10])))
        sql = "SELECT 1 FROM outcomes WHERE writer = %s AND token = %s"
        return self._token is not None and bool(reader.rows(sql, self._token))

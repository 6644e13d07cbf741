"""One open log in PostgreSQL."""

import contextlib
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from autopack.errors import (
    InvalidInputError,
    LogClosedError,
    LogDamagedError,
    LogError,
    LogHinderedError,
    OlderLogError,
)
from autopack.log.backends.forks import Opener
from autopack.log.backends.snapshots import Snapshots
from autopack.ports.backend import Head, LogIdentity, Unplaced
from autopack.ports.log import Row
from autopack_postgres.append_call import AppendCall
from autopack_postgres.connections import PostgresConnection
from autopack_postgres.database_address import DatabaseAddress
from autopack_postgres.faults import ConnectionLostError
from autopack_postgres.log_schemas import check_schema, identity_of
from autopack_postgres.queries import PostgresQueries
from autopack_postgres.server_access import ServerAccess, begin
from autopack_postgres.server_clock import ServerClock
from autopack_postgres.server_news import ServerNews
from autopack_postgres.tables import SCHEMA_VERSION
from autopack_postgres.transaction import PostgresTransaction

_DURABILITIES: Final = ("full", "relaxed")


class PostgresSnapshot(PostgresQueries):
    """One moment of a log, seen over a connection of its own."""

    def __init__(self, connection: PostgresConnection) -> None:
        self._connection = connection
        connection.rows("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        self._head = super().head()

    def _all(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        return self._connection.rows(sql, parameters)

    def _seen(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """Whoever began it waited for all of it."""
        return self._all(sql, parameters)

    def head(self) -> Head:
        return self._head


class PostgresBackend(PostgresQueries):
    """
    A log in a schema; safe to share between threads.

    Commits do not wait for the disk, so that the head is held for microseconds. Nothing that is
    answered rests on what the disk may still lose: before an answer, whoever reads or writes waits
    for one flush of all that was committed until then.
    """

    def __init__(self, address: DatabaseAddress, *, durability: str = "full") -> None:
        if durability not in _DURABILITIES:
            raise InvalidInputError(
                f"Durability {durability!r} is not one of {', '.join(_DURABILITIES)}: full "
                "survives power loss; relaxed may lose the last commits then, and never damages "
                "the log.",
                name="durability",
                value=durability,
            )
        self.target, self.address = address.target, address
        self._access = ServerAccess(address, is_relaxed=durability == "relaxed")
        self._ours = threading.Condition()
        self._writers: set[int] = set()
        self._is_closing = self._is_closed = self._has_events = False
        self._snapshots: Snapshots[PostgresSnapshot] = Snapshots()
        self._opener = Opener()
        self._clock = ServerClock()
        self._news: ServerNews | None = None
        try:
            self._version, now_us = self._access.first(lambda one: _opened(one, address))
            self._clock.learn(now_us)
            self._identity = self._access.first(identity_of)
        except BaseException:
            self._access.close()
            raise

    @property
    def identity(self) -> LogIdentity:
        if not (self._has_events or self._is_closed):  # an import may give it another origin
            self._has_events = self.head().position > 0
            self._identity = self._access.ask(identity_of)
        return self._identity

    def _all(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        return self._asked(sql, parameters, is_seen=False)

    def _seen(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        return self._asked(sql, parameters, is_seen=True)

    def _asked(self, sql: str, parameters: Sequence[Any], *, is_seen: bool) -> list[Any]:
        self._opener.check(self.target)
        snapshot = self._snapshots.own
        if snapshot is not None:
            self._check_open()
            return snapshot._all(sql, parameters)

        def ask(connection: PostgresConnection) -> list[Any]:
            rows = connection.rows(sql, parameters)
            if is_seen and rows:
                self._access.rest_on(connection, max(row[0] for row in rows))
            return rows

        return self._access.ask(ask)

    def head(self) -> Head:
        snapshot = self._snapshots.own
        return super().head() if snapshot is None else snapshot.head()

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[PostgresQueries]:
        self._opener.check(self.target)
        self._check_open()
        held = self._snapshots.own
        if held is not None:
            yield held
            return
        connection, snapshot = self._access.hold(self._moment)
        try:
            with self._snapshots.holding(snapshot):
                yield snapshot
        finally:
            self._access.let_go(connection)

    def _moment(self, connection: PostgresConnection) -> PostgresSnapshot:
        """Return a snapshot, once the disk holds all of it."""
        snapshot = PostgresSnapshot(connection)
        self._access.rest_on_moment(connection, snapshot.head().position)
        return snapshot

    @contextlib.contextmanager
    def transaction(self) -> Iterator[PostgresTransaction]:
        self._check_writable()
        with self._writing():
            connection, (head, now_us) = self._access.hold(begin)
            self._clock.learn(now_us)
            transaction = PostgresTransaction(connection, head)
            try:
                yield transaction
                self._check_open()
                self._commit(connection, transaction)
            except ConnectionLostError:
                raise
            except BaseException:
                with contextlib.suppress(LogError):  # what it says may rest on others' events
                    connection.rows("ROLLBACK")
                    self._access.rest_on(connection, head.position)
                raise
            finally:
                transaction.is_over = True
                self._access.let_go(connection)

    def _commit(self, connection: PostgresConnection, transaction: PostgresTransaction) -> None:
        if not transaction.has_written:
            connection.rows("ROLLBACK")
            self._access.rest_on(connection, transaction.last_position)
            return
        if connection.has_failed:
            raise LogError(
                f"{self.target}: a statement failed, so nothing was written by this call."
            )
        transaction.sign(connection.writer, _new_id())
        transaction.is_over = True
        try:
            self._access.commit(connection, "COMMIT")
        except ConnectionLostError as fault:
            if not self._access.settle(connection, fault, transaction.is_kept):
                raise LogHinderedError(
                    f"{self.target}: the connection was lost in a commit, and it is known by now "
                    "that nothing of it is kept. Try again."
                ) from fault
        self._access.is_safe_to(transaction.last_position)

    def append_at_once(
        self, rows: Sequence[Unplaced], *, expected: Mapping[str, int], absent: Sequence[bytes]
    ) -> list[Row] | None:
        self._check_writable()
        call = AppendCall(rows, expected=expected, absent=absent)
        with self._writing():
            while True:
                connection, _none = self._access.hold(lambda connection: None)
                try:
                    ((answer,),) = self._access.commit(connection, call.sql, call.parameters)
                except ConnectionLostError as fault:
                    if kept := self._access.settle(connection, fault, call.kept):
                        return kept
                else:
                    return self._told(call, answer)
                finally:
                    self._access.let_go(connection)

    def _told(self, call: AppendCall, answer: Sequence[Any]) -> list[Row] | None:
        told = call.told(answer)
        if told is None:
            return None
        now_us, rows = told
        self._access.is_safe_to(rows[-1][0])
        self._clock.learn(now_us)
        return rows

    def listen(self, tell: Callable[[], None]) -> None:
        self._opener.check(self.target)
        with self._ours:
            if not (self._news or self._is_closing):
                self._news = ServerNews(self.address, tell)

    def clock(self) -> float:
        """Return the server's time, in seconds since 1970, as far as it is known here."""
        return self._clock.now_s()

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """Be one of those for whom a close waits."""
        here = threading.get_ident()
        with self._ours:
            self._check_open()
            if here in self._writers:
                raise InvalidInputError("A transaction is open in this thread: use that one.")
            if self._is_closing:
                raise LogClosedError(self.target)
            self._writers.add(here)
        try:
            yield
        finally:
            with self._ours:
                self._writers.discard(here)
                self._ours.notify_all()

    def raw_rows(self, *, after: int, limit: int) -> list[tuple[Any, ...]]:
        return self._seen(
            "SELECT position, event_id, convert_to(stream, 'UTF8'), version,"
            " convert_to(type, 'UTF8'), schema, occurred_at, recorded_at,"
            " convert_to(meta, 'UTF8'), convert_to(data, 'UTF8'), hash"
            " FROM events WHERE position > %s ORDER BY position LIMIT %s",
            (after, limit),
        )

    def storage_faults(self) -> list[str]:
        try:
            ((count, last),) = self._all("SELECT count(*), coalesce(max(position), 0) FROM events")
            odd = self._all(
                "SELECT head.position FROM head LEFT JOIN events USING (position)"
                " WHERE head.position > 0 AND head.hash IS DISTINCT FROM events.hash"
            )
        except LogError as fault:
            return [str(fault)]
        faults = [f"{count} events are there, and the last is {last}"] * (count != last)
        return faults + [f"position {given} is not what was given" for (given,) in odd]

    def last_given(self) -> int:
        rows = self._all(
            "SELECT greatest(position, (SELECT max(events.position) FROM events)) FROM head"
        )
        if len(rows) != 1:
            raise LogDamagedError(self.target, f"it has {len(rows)} heads instead of one")
        return int(rows[0][0])

    def backup(self, dest: str) -> None:
        raise InvalidInputError(
            f"A log in PostgreSQL is not copied to {dest} by a backup: its server's backups hold "
            f"it, and pg_dump --schema={self.address.schema} does.",
            name="dest",
            value=dest,
        )

    def close(self) -> None:
        if not self._opener.is_here:
            return  # whose it is goes on with it
        with self._ours:
            self._is_closing = True
            while self._writers - {threading.get_ident()}:
                self._ours.wait()
            if self._is_closed:
                return
            self._is_closed = True
        if self._news is not None:
            self._news.close()
        self._access.close()

    def _check_writable(self) -> None:
        self._opener.check(self.target)
        self._check_open()
        if self._version < SCHEMA_VERSION:  # it may have been upgraded since
            self._version = self._access.ask(lambda one: check_schema(one, self.address))
            if self._version < SCHEMA_VERSION:
                raise OlderLogError(self.target, found=self._version, known=SCHEMA_VERSION)

    def _check_open(self) -> None:
        if self._is_closed:
            raise LogClosedError(self.target)


def _opened(connection: PostgresConnection, address: DatabaseAddress) -> tuple[int, int]:
    """Return the version of the tables and the server's time, in us, if the log can be opened."""
    version = check_schema(connection, address)
    ((now_us,),) = connection.rows("SELECT (extract(epoch FROM clock_timestamp()) * 1e6)::bigint")
    return version, int(now_us)


def _new_id() -> UUID:
    return UUID(bytes=os.urandom(16))

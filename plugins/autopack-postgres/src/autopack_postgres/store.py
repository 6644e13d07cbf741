"""One open log in PostgreSQL: its connections, what is known to be safe, and its transactions."""

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, TypeVar
from uuid import UUID

from autopack.errors import (
    InvalidInputError,
    LogClosedError,
    LogDamagedError,
    LogError,
    LogHinderedError,
)
from autopack.log.backends.forks import Opener
from autopack.log.backends.snapshots import Snapshots
from autopack.ports.backend import Head, LogIdentity
from autopack_postgres.connections import Connections, PostgresConnection
from autopack_postgres.database_address import DatabaseAddress
from autopack_postgres.faults import ConnectionLostError
from autopack_postgres.log_schemas import check_schema, identity_of
from autopack_postgres.queries import PostgresQueries
from autopack_postgres.transaction import PostgresTransaction

T = TypeVar("T")

RECONNECT_S: Final = 30.0
"""How long a server that went away is looked for again."""
_LOOK_S: Final = 0.1
_DURABILITIES: Final = ("full", "relaxed")


class PostgresSnapshot(PostgresQueries):
    """One moment of a log, seen over a connection of its own."""

    def __init__(self, connection: PostgresConnection) -> None:
        self._connection = connection
        connection.rows("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        self._head = super().head()

    def _all(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        return self._connection.rows(sql, parameters)

    def _rest_on(self, position: int) -> None:
        """Whoever began it waited for all of it."""

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
        self._is_relaxed = durability == "relaxed"
        self._safe = 0  # the last position of which the disk is known to hold all
        self._ours = threading.Condition()
        self._writers: set[int] = set()
        self._is_closing = self._is_closed = self._has_events = False
        self._snapshots: Snapshots[PostgresSnapshot] = Snapshots()
        self._opener = Opener()
        self._connections = Connections(lambda: PostgresConnection(address), self.target)
        connection = self._connections.take()
        try:
            check_schema(connection, address)
            self._identity = identity_of(connection)
        except BaseException:
            self._connections.close()
            raise
        self._connections.give_back(connection)

    @property
    def identity(self) -> LogIdentity:
        if not (self._has_events or self._is_closed):  # an import may give it another origin
            self._has_events = self.head().position > 0
            self._identity = self._asked(identity_of)
        return self._identity

    def _all(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        self._opener.check(self.target)
        snapshot = self._snapshots.own
        if snapshot is not None:
            self._check_open()
            return snapshot._all(sql, parameters)
        return self._asked(lambda connection: connection.rows(sql, parameters))

    def _rest_on(self, position: int) -> None:
        if position > self._safe and self._snapshots.own is None:
            self._flush(position)

    def _flush(self, position: int) -> None:
        if position > self._safe and not self._is_relaxed:
            self._asked(lambda connection: connection.flush())
            self._safe = max(self._safe, position)

    def head(self) -> Head:
        snapshot = self._snapshots.own
        return super().head() if snapshot is None else snapshot.head()

    def _asked(self, ask: Callable[[PostgresConnection], T]) -> T:
        """Return what a connection answers; if the server goes away, another is asked again."""
        connection, answer = self._held(ask)
        self._connections.give_back(connection)
        return answer

    def _held(self, ask: Callable[[PostgresConnection], T]) -> tuple[PostgresConnection, T]:
        """Return a connection with what it answered; what it is asked for must be repeatable."""
        give_up_at = time.monotonic() + RECONNECT_S
        while True:
            try:
                connection = self._connections.take()
                try:
                    return connection, ask(connection)
                except BaseException:
                    self._let_go(connection)
                    raise
            except ConnectionLostError:
                self._connections.drop_idle()
                if time.monotonic() > give_up_at:
                    raise
                time.sleep(_LOOK_S)

    def _let_go(self, connection: PostgresConnection) -> None:
        """Give back a connection, out of whatever transaction it is in."""
        if not connection.is_sound:
            with contextlib.suppress(LogError):
                connection.rows("ROLLBACK")
        self._connections.give_back(connection)

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[PostgresQueries]:
        self._opener.check(self.target)
        self._check_open()
        held = self._snapshots.own
        if held is not None:
            yield held
            return
        connection, snapshot = self._held(PostgresSnapshot)
        try:
            self._flush(snapshot.head().position)
            with self._snapshots.holding(snapshot):
                yield snapshot
        finally:
            self._let_go(connection)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[PostgresTransaction]:
        self._opener.check(self.target)
        with self._writing():
            connection, head = self._held(_begin)
            transaction = PostgresTransaction(connection, head)
            try:
                yield transaction
                self._check_open()
                self._commit(connection, transaction)
            except ConnectionLostError:
                raise
            except BaseException:
                with contextlib.suppress(LogError):  # what it says may rest on others' events
                    self._flush(head.position)
                raise
            finally:
                transaction.is_over = True
                self._let_go(connection)

    def _commit(self, connection: PostgresConnection, transaction: PostgresTransaction) -> None:
        if not transaction.has_written:
            connection.rows("ROLLBACK")
            self._flush(transaction.last_position)
            return
        transaction.sign(connection.writer, _new_id())
        transaction.is_over = True
        try:
            if self._is_relaxed:
                connection.rows("COMMIT")
            else:
                connection.rows_and_flush("COMMIT")
        except ConnectionLostError as fault:
            self._settle(connection, transaction, fault)
        if not self._is_relaxed:
            self._safe = max(self._safe, transaction.last_position)

    def _settle(
        self,
        lost: PostgresConnection,
        transaction: PostgresTransaction,
        fault: ConnectionLostError,
    ) -> None:
        """
        Return if a transaction was committed whose connection was lost meanwhile.

        Raises:
            LogHinderedError: It was not, or the server stays away, so that nobody knows.
        """

        def look(connection: PostgresConnection) -> bool:
            connection.rows(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE pid = %s AND backend_start = %s",
                (lost.pid, lost.started_at),
            )
            _begin(connection)  # once the head is ours, the lost one is over either way
            is_kept = transaction.is_kept(connection)
            connection.rows("ROLLBACK")
            connection.flush()
            return is_kept

        try:
            is_kept = self._asked(look)
        except LogError as still:
            raise LogHinderedError(
                f"{self.target}: the connection was lost in a commit, and the server did not come "
                f"back within {RECONNECT_S:g} s, so it is not known whether it is kept: {still}"
            ) from fault
        if not is_kept:
            raise LogHinderedError(
                f"{self.target}: the connection was lost in a commit, and it is known by now that "
                "nothing of it is kept. Try again."
            ) from fault

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
        rows = self._all(
            "SELECT position, event_id, convert_to(stream, 'UTF8'), version,"
            " convert_to(type, 'UTF8'), schema, occurred_at, recorded_at,"
            " convert_to(meta, 'UTF8'), convert_to(data, 'UTF8'), hash"
            " FROM events WHERE position > %s ORDER BY position LIMIT %s",
            (after, limit),
        )
        return self._resting(rows)

    def storage_faults(self) -> list[str]:
        try:
            ((count, last),) = self._all("SELECT count(*), coalesce(max(position), 0) FROM events")
            ((given, chain),) = self._all("SELECT position, hash FROM head")
            head = self.head()
        except LogError as fault:
            return [str(fault)]
        faults = [f"{count} events are there, and the last is {last}"] * (count != last)
        if (given, chain) != (head.position, head.hash):
            faults.append(f"the head says {given}, the last event is {head.position}")
        return faults

    def last_given(self) -> int:
        rows = self._all("SELECT position FROM head")
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
        self._connections.close()

    def _check_open(self) -> None:
        if self._is_closed:
            raise LogClosedError(self.target)


def _begin(connection: PostgresConnection) -> Head:
    connection.rows("BEGIN")
    return Head(*connection.rows("SELECT * FROM lock_head()")[0])


def _new_id() -> UUID:
    return UUID(bytes=os.urandom(16))

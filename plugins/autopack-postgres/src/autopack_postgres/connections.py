"""Connections to the database: some are kept for the next who asks, and none is waited for."""

import os
import threading
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias, TypeVar
from uuid import UUID

import psycopg

from autopack.errors import LogClosedError
from autopack_postgres.database_address import DatabaseAddress
from autopack_postgres.faults import BUSY_TIMEOUT_S, POSTGRES_FAULTS, translated

Plain: TypeAlias = "psycopg.Connection[Any]"
T = TypeVar("T")

_KEPT_MOST: Final = 8
"""How many idle connections are kept; as many more as threads ask at once are open meanwhile."""
_CONNECT_S: Final = 10
# A machine that is gone lets go of the head's lock within half a minute.
_SESSION: Final = f"""
SELECT set_config('search_path', '{{schema}}, pg_temp', false),
    set_config('lock_timeout', '{int(BUSY_TIMEOUT_S)}s', false),
    set_config('tcp_keepalives_idle', '10', false),
    set_config('tcp_keepalives_interval', '5', false),
    set_config('tcp_keepalives_count', '3', false),
    set_config('synchronous_commit', 'off', false)
"""
# A standby has only what its primary's disk holds, and can write nothing.
_FLUSH: Final = (
    "SELECT set_config('synchronous_commit', '{level}', true), CASE WHEN NOT pg_is_in_recovery()"
    " THEN pg_logical_emit_message(true, 'autopack', '') END"
)


class PostgresConnection:
    """
    A connection; each statement runs to its end before the next one or a close.

    Its commits do not wait for the disk: :meth:`flush` does, for all that was committed before,
    and PostgreSQL makes one write of what many ask for at once.
    """

    def __init__(self, address: DatabaseAddress) -> None:
        self.target, self._lock = address.target, threading.Lock()
        self.writer = UUID(bytes=os.urandom(16))
        try:
            self._connection: Plain | None = psycopg.connect(
                address.conninfo,
                autocommit=True,
                client_encoding="utf8",
                connect_timeout=_CONNECT_S,
                fallback_application_name="autopack",
            )
        except POSTGRES_FAULTS as fault:
            raise translated(fault, self.target) from fault
        try:
            ((level, self.pid, self.started_at),) = self.rows(
                "SELECT current_setting('synchronous_commit'), pg_backend_pid(), backend_start"
                " FROM pg_stat_activity WHERE pid = pg_backend_pid()"
            )
            self.rows(_SESSION.format(schema=address.schema))
        except BaseException:
            self.close()
            raise
        self._flush = _FLUSH.format(level="on" if level == "off" else level)

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """Run a statement and return its rows, if it gives any."""
        return self._asked(lambda connection: _found(_executed(connection, sql, parameters)))

    def rows_and_flush(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """Do both in one go: a statement that commits, and :meth:`flush`."""

        def ask(connection: Plain) -> list[Any]:
            with connection.pipeline() as pipeline:
                cursor = _executed(connection, sql, parameters)
                pipeline.sync()
                _executed(connection, self._flush)
            return _found(cursor)

        return self._asked(ask)

    def run_script(self, script: str) -> None:
        """Run several statements without parameters."""
        self._asked(lambda connection: connection.execute(script.encode()))

    def flush(self) -> None:
        """Return when all that was committed before is as safe as the server is told to make it."""
        self.rows(self._flush)

    @property
    def is_sound(self) -> bool:
        """Whether it is connected, as far as is known, and in no transaction."""
        if self._connection is None or self._connection.closed:
            return False
        return self._connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE

    @property
    def has_failed(self) -> bool:
        """Whether a statement of its transaction failed: of that, a COMMIT keeps nothing."""
        return (
            self._connection is not None
            and self._connection.info.transaction_status == psycopg.pq.TransactionStatus.INERROR
        )

    def close(self) -> None:
        """Close after the statement in flight; what is asked for later raises."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _asked(self, ask: Callable[[Plain], T]) -> T:
        with self._lock:
            if self._connection is None:
                raise LogClosedError(self.target)
            try:
                return ask(self._connection)
            except POSTGRES_FAULTS as fault:
                raise translated(fault, self.target) from fault


def _executed(connection: Plain, sql: str, parameters: Sequence[Any] = ()) -> psycopg.Cursor[Any]:
    return connection.execute(sql.encode(), parameters or None, binary=True)


def _found(cursor: psycopg.Cursor[Any]) -> list[Any]:
    return cursor.fetchall() if cursor.description else []


class Connections:
    """
    The connections of one open log.

    Args:
        make: Opens another one.
    """

    def __init__(self, make: Callable[[], PostgresConnection], target: str) -> None:
        self._make, self._target = make, target
        self._lock = threading.Lock()
        self._all: set[PostgresConnection] = set()
        self._idle: list[PostgresConnection] = []
        self._is_closed = False

    def take(self) -> PostgresConnection:
        """Return a connection for this thread alone, until it is given back."""
        with self._lock:
            if self._is_closed:
                raise LogClosedError(self._target)
            if self._idle:
                return self._idle.pop()
        made = self._make()
        if not self._takes(made):
            made.close()
            raise LogClosedError(self._target)
        return made

    def _takes(self, made: PostgresConnection) -> bool:
        """Count a new connection, unless the log was closed while it was opened."""
        with self._lock:
            if not self._is_closed:
                self._all.add(made)
            return not self._is_closed

    def give_back(self, connection: PostgresConnection) -> None:
        """Keep a connection for the next who asks, or close it."""
        with self._lock:
            if connection.is_sound and not self._is_closed and len(self._idle) < _KEPT_MOST:
                self._idle.append(connection)
                return
            self._all.discard(connection)
        connection.close()

    def drop_idle(self) -> None:
        """Close those that nobody uses: the server that they were opened to has gone away."""
        with self._lock:
            idle, self._idle = self._idle, []
            self._all.difference_update(idle)
        for connection in idle:
            connection.close()

    def close(self) -> None:
        """Close all of them after their statements in flight."""
        with self._lock:
            self._is_closed = True
            everything = list(self._all)
            self._all.clear()
            self._idle.clear()
        for connection in everything:
            connection.close()

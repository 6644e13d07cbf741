"""The way to the server: it may go away and come back, and the disk may be behind what is seen."""

import contextlib
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from autopack.errors import LogError, LogHinderedError
from autopack.ports.backend import Head
from autopack_postgres.connections import Connections, PostgresConnection
from autopack_postgres.database_address import DatabaseAddress
from autopack_postgres.faults import ConnectionLostError

T = TypeVar("T")

RECONNECT_S: Final = 30.0
"""How long a server that went away is looked for again."""
_LOOK_S: Final = 0.1


class ServerAccess:
    """
    The connections of one open log, and up to which position the disk is known to hold all.

    Args:
        is_relaxed: Nobody waits for the disk.
    """

    def __init__(self, address: DatabaseAddress, *, is_relaxed: bool) -> None:
        self.target, self._is_relaxed = address.target, is_relaxed
        self._connections = Connections(lambda: PostgresConnection(address), self.target)
        self._safe = 0

    def first(self, ask: Callable[[PostgresConnection], T]) -> T:
        """Return what a connection answers; a server that is not there is not waited for."""
        connection = self._connections.take()
        try:
            return ask(connection)
        finally:
            self.let_go(connection)

    def ask(self, ask: Callable[[PostgresConnection], T]) -> T:
        """Return what a connection answers; if the server goes away, another is asked again."""
        connection, answer = self.hold(ask)
        self._connections.give_back(connection)
        return answer

    def hold(self, ask: Callable[[PostgresConnection], T]) -> tuple[PostgresConnection, T]:
        """Return a connection with what it answered; what it is asked for must be repeatable."""
        give_up_at = time.monotonic() + RECONNECT_S
        while True:
            try:
                connection = self._connections.take()
                try:
                    return connection, ask(connection)
                except BaseException:
                    self.let_go(connection)
                    raise
            except ConnectionLostError:
                self._connections.drop_idle()
                if time.monotonic() > give_up_at:
                    raise
                time.sleep(_LOOK_S)

    def let_go(self, connection: PostgresConnection) -> None:
        """Give back a connection, out of whatever transaction it is in."""
        if not connection.is_sound:
            with contextlib.suppress(LogError):
                connection.rows("ROLLBACK")
        self._connections.give_back(connection)

    def commit(
        self, connection: PostgresConnection, sql: str, parameters: Sequence[Any] = ()
    ) -> list[Any]:
        """Run a statement that commits, and return when it is safe."""
        if self._is_relaxed:
            return connection.rows(sql, parameters)
        return connection.rows_and_flush(sql, parameters)

    def is_safe_to(self, position: int) -> None:
        """Note that the disk holds all up to a position, as far as it is waited for."""
        self._safe = max(self._safe, position)

    def rest_on(self, connection: PostgresConnection, position: int) -> None:
        """
        Return when the disk holds all up to a position, which was seen over this connection.

        Raises:
            ConnectionLostError: The server may have crashed since, and what was seen be gone: it
                is to be looked at again.
        """
        if position > self._safe and not self._is_relaxed:
            connection.flush()
            self.is_safe_to(position)

    def rest_on_moment(self, connection: PostgresConnection, position: int) -> None:
        """Do as :meth:`rest_on` does for a connection that holds a moment, and cannot write."""
        if position > self._safe and not self._is_relaxed:
            self.first(lambda other: other.flush())
            connection.rows("SELECT 1")  # the server has lived on, so that was its own disk's
            self.is_safe_to(position)

    def settle(
        self,
        lost: PostgresConnection,
        fault: ConnectionLostError,
        look: Callable[[PostgresConnection], T],
    ) -> T:
        """
        Return what *look* sees, once what a lost connection was at is done or will never be.

        Raises:
            LogHinderedError: The server stays away, so that nobody knows.
        """

        def look_after(connection: PostgresConnection) -> T:
            connection.rows(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE pid = %s AND backend_start = %s",
                (lost.pid, lost.started_at),
            )
            begin(connection)  # once the head is ours, the lost one is over either way
            found = look(connection)
            connection.rows("ROLLBACK")
            connection.flush()
            return found

        try:
            return self.ask(look_after)
        except LogError as still:
            raise LogHinderedError(
                f"{self.target}: the connection was lost in a commit, and the server did not come "
                f"back within {RECONNECT_S:g} s, so it is not known whether it is kept: {still}"
            ) from fault

    def close(self) -> None:
        """Close all connections after their statements in flight."""
        self._connections.close()


def begin(connection: PostgresConnection) -> tuple[Head, int]:
    """Begin a transaction that holds the head; return it, and the time, in microseconds."""
    connection.rows("BEGIN")
    ((*head, now_us),) = connection.rows("SELECT * FROM lock_head()")
    return Head(*head), now_us

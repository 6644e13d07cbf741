"""News of a log: the server tells that there is some, and what it is is read from the log."""

import threading
from collections.abc import Callable
from typing import Final

import psycopg

from autopack_postgres.database_address import DatabaseAddress

_LOOK_S: Final = 0.5


class ServerNews:
    """
    Listens on a connection of its own, in a thread that ends soon after it is closed.

    While the server tells nothing, there may be news each half second.

    Args:
        tell: Called when there may be news; it neither waits nor raises.
    """

    def __init__(self, address: DatabaseAddress, tell: Callable[[], None]) -> None:
        self._address, self._tell = address, tell
        self._is_closed = threading.Event()
        threading.Thread(target=self._run, name="autopack-news", daemon=True).start()

    def _run(self) -> None:
        while not self._is_closed.is_set():
            try:
                self._listen()
            except psycopg.Error:  # it is away, or a standby, which tells nothing
                self._tell()
                self._is_closed.wait(_LOOK_S)

    def _listen(self) -> None:
        with psycopg.connect(self._address.conninfo, autocommit=True) as connection:
            connection.execute(f"LISTEN {self._address.channel}".encode())
            self._tell()
            while not self._is_closed.is_set():
                for _note in connection.notifies(timeout=_LOOK_S, stop_after=1):
                    self._tell()

    def close(self) -> None:
        """Let the thread end."""
        self._is_closed.set()

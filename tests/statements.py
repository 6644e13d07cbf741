"""How many statements SQLite is given, on whichever connection, BEGIN and COMMIT among them."""

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterator
from typing import Any

import attrs


@attrs.define
class Statements:
    """
    What SQLite is asked through connections that are opened by :meth:`connecting`.

    A statement is told again for each row that a trigger looks at; it is one all the same. What
    renews leases beside the work is not counted: it goes by the time that the work takes.
    """

    count: int = 0
    last: str = ""

    def connecting(self, connect: Callable[..., sqlite3.Connection]) -> Callable[..., Any]:
        """Return what opens a connection that is listened to."""

        def connected(*args: Any, **options: Any) -> sqlite3.Connection:
            connection = connect(*args, **options)
            connection.set_trace_callback(self._hear)
            return connection

        return connected

    @contextlib.contextmanager
    def counted(self) -> Iterator[list[int]]:
        """Yield a list that holds the block's count once it has ended."""
        found: list[int] = []
        before = self.count
        yield found
        found.append(self.count - before)

    def _hear(self, statement: str) -> None:
        if threading.current_thread().name == "leases":
            return
        is_again = statement == self.last and statement.startswith("INSERT INTO events")
        self.count += not is_again
        self.last = statement

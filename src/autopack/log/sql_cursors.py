"""The places of subscriptions in a table of a reader's own database."""

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from autopack.errors import InvalidInputError
from autopack.ports.read_models import ReadUpTo

_TABLE: Final = (
    "CREATE TABLE IF NOT EXISTS autopack_cursors "
    "(name VARCHAR(255) PRIMARY KEY, position BIGINT NOT NULL, hash VARCHAR(64))"
)
_ADD: Final = (
    "INSERT INTO autopack_cursors (name, position, hash) VALUES ({name}, 0, NULL) "
    "ON CONFLICT (name) DO NOTHING"
)
_LOCK: Final = "UPDATE autopack_cursors SET position = position WHERE name = {name}"
_READ: Final = "SELECT position, hash FROM autopack_cursors WHERE name = {name}"
_SAVE: Final = (
    "UPDATE autopack_cursors SET position = {position}, hash = {hash} WHERE name = {name}"
)
_HERE: Final = "autopack_cursor"
"""A savepoint, which is gone once somebody has ended the transaction that it is in."""
_MARKS: Final = {"sqlite3": ":{}", "psycopg": "%({})s", "sqlalchemy": ":{}"}


class SqlCursors:
    """
    Keeps the places of subscriptions in the table ``autopack_cursors`` beside a read model.

    What a subscription's handler writes through the same connection is committed with its place,
    so that each event counts once there, whoever is killed when. Two processes of one name wait
    for one another.

    Args:
        connection: An open one of ``sqlite3``, psycopg or SQLAlchemy, used by one thread, outside
            a transaction. The table is made in it.

    Raises:
        InvalidInputError: It is of another library, or is within a transaction.
    """

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self._library = _library_of(connection)
        if self._library not in _MARKS:
            raise InvalidInputError(
                f"{type(connection).__name__} of {type(connection).__module__} is no connection of "
                "sqlite3, psycopg or SQLAlchemy that is not awaited. Give one, or an "
                "autopack.types.CursorStore of your own.",
                name="connection",
                value=connection,
            )
        with self.transaction():
            self._run(_TABLE)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """
        Begin a transaction: it is committed at its end, and an exception rolls it back.

        Raises:
            InvalidInputError: One is under way, and would be committed with it.
        """
        if self._is_within():
            raise InvalidInputError(
                "The connection is within a transaction, which the place of a subscription would "
                "commit: commit or roll it back first.",
                name="connection",
                value=self.connection,
            )
        if self._library == "sqlite3":
            with self._of_sqlite():
                yield
        else:
            begin = "begin" if self._library == "sqlalchemy" else "transaction"
            with getattr(self.connection, begin)():
                yield

    def take(self, name: str) -> ReadUpTo | None:
        """Return how far a subscription has come, and keep others from it meanwhile."""
        self._run(_ADD, name=name)
        self._run(_LOCK, name=name)
        row = self._run(_READ, name=name).fetchone()
        if self._library == "sqlite3":  # the others let nobody end it
            self._run(f"SAVEPOINT {_HERE}")
        if row is None or row[1] is None:
            return None
        return ReadUpTo(row[0], row[1].decode() if isinstance(row[1], bytes) else row[1])

    def save(self, name: str, place: ReadUpTo) -> None:
        """
        Write it, within the transaction in which it was taken.

        Raises:
            InvalidInputError: The handler has ended that transaction.
        """
        if self._library == "sqlite3":
            self._check_still_in(name)
        self._run(_SAVE, name=name, **place._asdict())

    def _check_still_in(self, name: str) -> None:
        import sqlite3

        try:
            self._run(f"RELEASE {_HERE}")
        except sqlite3.OperationalError as fault:
            raise InvalidInputError(
                f"The handler of subscription {name!r} has ended the transaction in which its "
                "place is saved, so that an event could count twice, or not at all. Let it write "
                "through the connection and do nothing else: commit(), rollback(), "
                "`with connection` and executescript() end a transaction.",
                name="handle",
                value=name,
            ) from fault

    def _run(self, statement: str, **values: Any) -> Any:
        mark = _MARKS[self._library]
        told: Any = statement.format_map({name: mark.format(name) for name in values})
        if self._library == "sqlalchemy":
            from sqlalchemy import text

            told = text(told)
        return self._plain().execute(told, values)

    def _plain(self) -> Any:
        """Return what gives rows as tuples, whatever the connection makes of its own."""
        if self._library == "sqlite3":
            cursor = self.connection.cursor()
            cursor.row_factory = None
            return cursor
        if self._library == "psycopg":
            from psycopg.rows import tuple_row

            return self.connection.cursor(row_factory=tuple_row)
        return self.connection

    def _is_within(self) -> bool:
        if self._library == "psycopg":
            return bool(self.connection.info.transaction_status)
        within = self.connection.in_transaction
        is_in: bool = within() if callable(within) else within and not self._is_never_out
        return is_in

    @property
    def _is_never_out(self) -> bool:
        """Whether a connection of SQLite begins a transaction as soon as one has ended."""
        return getattr(self.connection, "autocommit", None) is False

    @contextmanager
    def _of_sqlite(self) -> Iterator[None]:
        if not self._is_never_out:
            self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.connection.rollback()
            raise
        self.connection.commit()


def _library_of(connection: Any) -> str:
    """Return which library's connection it is, also of a class derived from it; empty if none."""
    execute = getattr(connection, "execute", None)
    if execute is None or inspect.iscoroutinefunction(execute):
        return ""
    roots = (cls.__module__.partition(".")[0] for cls in type(connection).__mro__)
    return next((root for root in roots if root in _MARKS), "")

"""The places of subscriptions in a table of a reader's own database."""

from collections.abc import Iterator, Mapping
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
        self._library = type(connection).__module__.partition(".")[0]
        if self._library not in _MARKS:
            raise InvalidInputError(
                f"{type(connection).__name__} of {self._library} is no connection of sqlite3, "
                "psycopg or SQLAlchemy. Give one, or an autopack.types.CursorStore of your own.",
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
        return None if row is None or row[1] is None else ReadUpTo(row[0], row[1])

    def save(self, name: str, place: ReadUpTo) -> None:
        """Write it, within the transaction in which it was taken."""
        self._run(_SAVE, name=name, **place._asdict())

    def _run(self, statement: str, **values: Any) -> Any:
        mark = _MARKS[self._library]
        told: Any = statement.format_map({name: mark.format(name) for name in values})
        if self._library == "sqlalchemy":
            from sqlalchemy import text

            told = text(told)
        given: Mapping[str, Any] = values
        return self.connection.execute(told, given)

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

"""What a reader of a log offers, so that its place is kept where it keeps what it read."""

from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol


class ReadUpTo(NamedTuple):
    """
    How far a reader has come.

    ``hash`` is that of the event at ``position``, in hexadecimal digits: it says that all up to
    there is what was read, in this log, a copy of it, or one that was restored from it.
    """

    position: int
    hash: str


class CursorStore(Protocol):
    """
    Where the places of subscriptions stand, in the database of a read model.

    A batch of events and the place after it are written in one transaction of that database: both
    are there, or neither is. :class:`autopack.types.SqlCursors` is one for SQL.
    """

    def transaction(self) -> AbstractContextManager[None]:
        """Begin a transaction: it is committed at its end, and an exception rolls it back."""

    def take(self, name: str) -> ReadUpTo | None:
        """
        Return how far a subscription has come; None for a new one.

        Within a transaction, until whose end nobody else takes it.
        """

    def save(self, name: str, place: ReadUpTo) -> None:
        """Write how far it has come, within the transaction in which that was taken."""

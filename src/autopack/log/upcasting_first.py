"""Old events that a write transaction meets: a plugin's upcasters are called outside of it."""

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any, TypeVar

from autopack.ports.log import Recorded, Row

if TYPE_CHECKING:
    from autopack.log.journal import Journal
    from autopack.log.write_transaction import JournalTransaction

T = TypeVar("T")


class UpcastFirst(Exception):
    """Rows that only a plugin can bring to today's shape; nothing was written."""

    def __init__(self, rows: Collection[Row]) -> None:
        super().__init__(f"{len(rows)} events are of an older schema")
        self.rows = rows


def written(journal: "Journal", write: Callable[["JournalTransaction"], T]) -> T:
    """
    Return what *write* does in a write transaction, which may be begun anew.

    An upcaster is a plugin's, and may be slow: within a transaction all who write would wait.
    """
    upcast: dict[bytes, Recorded[Any]] = {}
    while True:
        try:
            with journal.transaction() as transaction:
                transaction.upcast = upcast
                return write(transaction)
        except UpcastFirst as first:
            upcast.update((one.event_id, one) for one in journal.decode(first.rows))

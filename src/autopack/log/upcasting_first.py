"""Old events that a write transaction meets: a plugin's upcasters are called outside of it."""

from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar

from autopack.log.write_transaction import JournalTransaction, UpcastFirst
from autopack.ports.log import Recorded, Row

T = TypeVar("T")


class _Journal(Protocol):
    """What is written to: the journal, which itself writes so."""

    def transaction(self) -> AbstractContextManager[JournalTransaction]: ...

    def decode(self, rows: Collection[Row]) -> Iterator[Recorded[Any]]: ...


def written(journal: _Journal, write: Callable[[JournalTransaction], T]) -> T:
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

"""Backends that break one promise each; all of them are logs in memory otherwise."""

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence

from autopack.backends.memory import MemoryBackend, MemoryTransaction
from autopack.ports.log import Body, Checkpoint, Head, Row


class _Mutated(MemoryBackend):
    """A log in memory whose transactions are of a class of its own."""

    transaction_class: type[MemoryTransaction] = MemoryTransaction

    @contextlib.contextmanager
    def transaction(self) -> Iterator[MemoryTransaction]:
        with super().transaction():
            yield self.transaction_class(self)


class _StaleVersions(MemoryTransaction):
    def stream_version(self, stream: str) -> int:
        return 0


class LostConflict(_Mutated):
    """It looks at a stream's version once and for all, so every append seems to be the first."""

    transaction_class = _StaleVersions


class Gap(MemoryBackend):
    """A position that was rolled back is not given again, and stays missing for ever."""

    def __init__(self) -> None:
        super().__init__()
        self.lost = 0

    @contextlib.contextmanager
    def transaction(self) -> Iterator[MemoryTransaction]:
        before = len(self._tables.rows)
        try:
            with super().transaction():
                yield _AfterTheLost(self, self.lost)
        except BaseException:
            self.lost += max(1, len(self._tables.rows) - before)
            raise


class _AfterTheLost(MemoryTransaction):
    def __init__(self, backend: MemoryBackend, lost: int) -> None:
        super().__init__(backend)
        self._lost = lost

    def head(self) -> Head:
        head = super().head()
        return head._replace(position=head.position + self._lost)


class _OneBehind(MemoryTransaction):
    def head(self) -> Head:
        rows = self._backend._tables.rows
        return super().head() if len(rows) < 2 else Head(rows[-2][0], rows[-2][10], rows[-2][7])

    def insert(self, rows: Sequence[Row]) -> None:
        del self._backend._tables.rows[rows[0][0] - 1 :]
        super().insert(rows)


class ReusedPosition(_Mutated):
    """The next position is counted from the last event but one, whose place is taken."""

    transaction_class = _OneBehind


class SeenBeforeCommit(MemoryBackend):
    """Readers take no lock, so they see what may yet be rolled back."""

    def head(self) -> Head:
        last = self._tables.rows[-1] if self._tables.rows else None
        return Head(last[0], last[10], last[7]) if last else Head(0, b"", 0)


class IdBeforeCommit(MemoryBackend):
    """Writers do not wait for each other: a position is given before the one below is committed."""

    @contextlib.contextmanager
    def transaction(self) -> Iterator[MemoryTransaction]:
        before = len(self._tables.rows)
        try:
            yield MemoryTransaction(self)
        except BaseException:
            for row in self._tables.rows[before:]:
                self._tables.streams[row[2]].remove(row)
                self._tables.by_id.pop(row[1], None)
            del self._tables.rows[before:]
            raise


class HalfABatch(MemoryBackend):
    """A failed transaction keeps what it had written by then."""

    @contextlib.contextmanager
    def transaction(self) -> Iterator[MemoryTransaction]:
        fault: BaseException | None = None
        with super().transaction() as store:
            try:
                yield store
            except BaseException as raised:
                fault = raised
        if fault is not None:
            raise fault


class _Forgetful(MemoryTransaction):
    def find(self, event_ids: Iterable[bytes]) -> dict[bytes, Row]:
        return {}


class ForgottenId(_Mutated):
    """It finds no event by its id, so a repeat is stored a second time."""

    transaction_class = _Forgetful


class ShortPage(MemoryBackend):
    """Types are looked for among the first *limit* rows only, so a filtered read ends too soon."""

    def page(
        self, *, after: int, until: int, limit: int, types: Sequence[str] | None = None
    ) -> list[Row]:
        rows = super().page(after=after, until=until, limit=limit)
        return rows if types is None else [row for row in rows if row[4] in types]


class ForeignBodies(MemoryBackend):
    """What events say is read from other events than the page's."""

    def bodies(
        self, *, after: int, until: int, limit: int, types: Sequence[str] | None = None
    ) -> list[Body]:
        return super().bodies(after=after, until=until, limit=limit)


class _AnyToken(MemoryTransaction):
    def drop_lease(self, key: str, token: str) -> bool:
        held = self.lease(key)
        return held is not None and super().drop_lease(key, held.token)


class UnfencedLease(_Mutated):
    """Whoever asks drops a lease, whatever token is in force."""

    transaction_class = _AnyToken


class _Merging(MemoryTransaction):
    def save_view(
        self, checkpoint: Checkpoint, rows: Mapping[str, str | None], *, replace: bool
    ) -> None:
        super().save_view(checkpoint, rows, replace=False)


class UnreplacedView(_Mutated):
    """A view that is built anew keeps the old one's rows."""

    transaction_class = _Merging


class SilentClose(MemoryBackend):
    """After closing it goes on as if nothing had happened."""

    def close(self) -> None:
        return

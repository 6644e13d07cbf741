"""Backends that break one promise each; all of them are logs in memory otherwise."""

import contextlib
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence

import attrs

from autopack.errors import LogBusyError
from autopack.log.backends.memory import MemoryBackend, MemoryTransaction
from autopack.ports.backend import Checkpoint, Head, Reader
from autopack.ports.log import Body, Row


class _Mutated(MemoryBackend):
    """A log in memory whose transactions are of a class of its own."""

    transaction_class: type[MemoryTransaction] = MemoryTransaction

    def _begun(self) -> MemoryTransaction:
        base = super()._begun()
        return self.transaction_class(**attrs.asdict(base, recurse=False))


class _StaleVersions(MemoryTransaction):
    def stream_versions(self, streams: Sequence[str]) -> dict[str, int]:
        return dict.fromkeys(streams, 0)


class LostConflict(_Mutated):
    """It looks at a stream's version once and for all, so every append seems to be the first."""

    transaction_class = _StaleVersions


@attrs.define(kw_only=True, eq=False)
class _AfterTheLost(MemoryTransaction):
    lost: int = 0

    def head(self) -> Head:
        head = super().head()
        return head if self.fresh.all else head._replace(position=head.position + self.lost)


class Gap(_Mutated):
    """A position that was rolled back is not given again, and stays missing for ever."""

    transaction_class = _AfterTheLost

    def __init__(self) -> None:
        super().__init__()
        self.lost = 0

    @contextlib.contextmanager
    def transaction(self) -> Iterator[MemoryTransaction]:
        with super().transaction() as store:
            assert isinstance(store, _AfterTheLost)
            store.lost = self.lost
            try:
                yield store
            except BaseException:
                self.lost += max(1, len(store.fresh.all))
                raise


class _OneBehind(MemoryTransaction):
    def head(self) -> Head:
        head = super().head()
        if head.position < 2:
            return head
        (row,) = self.page(after=head.position - 2, until=head.position - 1, limit=1)
        return Head(row[0], row[10], row[7], row[7])

    def insert(self, rows: Sequence[Row]) -> None:
        del self.rows.all[rows[0][0] - 1 :]
        super().insert(rows)


class ReusedPosition(_Mutated):
    """The next position is counted from the last event but one, whose place is taken."""

    transaction_class = _OneBehind


class SeenBeforeCommit(MemoryBackend):
    """Readers see the head of the transaction that is open, which may yet be rolled back."""

    _open: MemoryTransaction | None = None

    @contextlib.contextmanager
    def transaction(self) -> Iterator[MemoryTransaction]:
        with super().transaction() as store:
            self._open = store
            try:
                yield store
            finally:
                self._open = None

    def head(self) -> Head:
        store = self._open
        return store.head() if store else super().head()


class OwnReadsSeeTheTransaction(SeenBeforeCommit):
    """Who writes reads what is not committed also around the transaction, as on one connection."""

    _writer: int | None = None

    @contextlib.contextmanager
    def transaction(self) -> Iterator[MemoryTransaction]:
        with super().transaction() as store:
            self._writer = threading.get_ident()
            try:
                yield store
            finally:
                self._writer = None

    def head(self) -> Head:
        if self._writer == threading.get_ident():
            return super().head()
        return MemoryBackend.head(self)


class MovingSnapshot(MemoryBackend):
    """A snapshot reads what is there when it is asked."""

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[Reader]:
        self._check_open()
        yield self


class WaitingReads(MemoryBackend):
    """All that is read goes over one connection, which a snapshot keeps for itself."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.RLock()

    def head(self) -> Head:
        if not self._lock.acquire(timeout=0.2):
            raise LogBusyError(self.target, waited_s=0.2)
        with contextlib.closing(contextlib.ExitStack()) as stack:
            stack.callback(self._lock.release)
            return super().head()

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[Reader]:
        with self._lock, super().snapshot() as moment:
            yield moment


class IdBeforeCommit(MemoryBackend):
    """Writers do not wait for each other: a position is given before the one below is committed."""

    def __init__(self) -> None:
        super().__init__()
        self._given = 0

    @contextlib.contextmanager
    def transaction(self) -> Iterator[MemoryTransaction]:
        base = self._begun()
        store = _Numbered(**attrs.asdict(base, recurse=False), given=self)
        yield store
        with self._map_lock:
            store.publish(self._tables)
            self._committed = self._begun()


@attrs.define(kw_only=True, eq=False)
class _Numbered(MemoryTransaction):
    given: IdBeforeCommit

    def head(self) -> Head:
        return super().head()._replace(position=self.given._given)

    def insert(self, rows: Sequence[Row]) -> None:
        self.given._given = rows[-1][0]
        super().insert(rows)


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

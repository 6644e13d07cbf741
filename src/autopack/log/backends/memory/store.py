"""An open log in memory: what is committed, the lock of who writes, the moments of who reads."""

import contextlib
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from secrets import token_bytes
from typing import Any
from uuid import UUID

import attrs

from autopack.errors import InvalidInputError, LogClosedError
from autopack.log.backends.forks import Opener
from autopack.log.backends.memory.moments import Moment, held_of, now_of
from autopack.log.backends.memory.tables import Tables
from autopack.log.backends.memory.transaction import MemoryTransaction, begun_on
from autopack.log.backends.snapshots import Snapshots
from autopack.ports.backend import (
    LOG_FORMAT,
    Checkpoint,
    ClockHold,
    Head,
    Lease,
    LogIdentity,
    Reader,
)
from autopack.ports.log import Body, Row, from_us
from autopack.values.ids import uuid7


class MemoryBackend:
    """A backend whose log ends with the process; safe to share between threads."""

    target = "memory:"

    def __init__(self) -> None:
        now_us = time.time_ns() // 1000
        self.identity = LogIdentity(
            log_id=str(UUID(bytes=uuid7(now_us // 1000, token_bytes(10)))),
            origin_id=str(UUID(bytes=uuid7(now_us // 1000, token_bytes(10)))),
            created_at=from_us(now_us),
            format=LOG_FORMAT,
        )
        self._tables = Tables()
        self._committed = now_of(self._tables, self._check_open)
        self._snapshots: Snapshots[Moment] = Snapshots()
        self._write_lock = threading.RLock()
        self._map_lock = threading.Lock()  # held for a moment only: by a commit, by one answer
        self._is_writing = self._is_closed = False
        self._opener = Opener()

    def head(self) -> Head:
        return self._rows().head()

    def page(
        self, *, after: int, until: int, limit: int, types: Sequence[str] | None = None
    ) -> list[Row]:
        return self._rows().page(after=after, until=until, limit=limit, types=types)

    def bodies(
        self, *, after: int, until: int, limit: int, types: Sequence[str] | None = None
    ) -> list[Body]:
        return self._rows().bodies(after=after, until=until, limit=limit, types=types)

    def stream_page(self, stream: str, *, after_version: int, limit: int) -> list[Row]:
        return self._rows().stream_page(stream, after_version=after_version, limit=limit)

    def stream_versions(self, streams: Sequence[str]) -> dict[str, int]:
        return self._rows().stream_versions(streams)

    def find(self, event_ids: Iterable[bytes]) -> dict[bytes, Row]:
        return self._rows().find(event_ids)

    def as_of(self, position: int) -> int:
        return self._rows().as_of(position)

    def clock_hold(self, position: int) -> ClockHold | None:
        return self._rows().clock_hold(position)

    def clock_holds(self) -> list[ClockHold]:
        return self._rows().clock_holds()

    def raw_rows(self, *, after: int, limit: int) -> list[tuple[Any, ...]]:
        return self._rows().raw_rows(after=after, limit=limit)

    def last_given(self) -> int:
        return self.head().position

    def leases(self) -> list[Lease]:
        with self._maps() as moment:
            return moment.leases()

    def lease(self, key: str) -> Lease | None:
        with self._maps() as moment:
            return moment.lease(key)

    def artifact(self, digest: str) -> bytes | None:
        with self._maps() as moment:
            return moment.artifact(digest)

    def artifact_sizes(self) -> dict[str, int]:
        with self._maps() as moment:
            return moment.artifact_sizes()

    def checkpoint(self, view: str) -> Checkpoint | None:
        with self._maps() as moment:
            return moment.checkpoint(view)

    def saved_views(self) -> list[Checkpoint]:
        with self._maps() as moment:
            return moment.saved_views()

    def view_rows(
        self, view: str, keys: Sequence[str] | None = None, *, prefix: str = ""
    ) -> dict[str, str]:
        with self._maps() as moment:
            return moment.view_rows(view, keys, prefix=prefix)

    def storage_faults(self) -> list[str]:
        return []

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[Reader]:
        self._check_open()  # before any lock: in a forked process nobody lets go of it
        held = self._snapshots.own
        if held is not None:
            yield held
            return
        with self._map_lock:
            moment = held_of(self._tables, self._check_open)
        with self._snapshots.holding(moment):
            yield moment

    @contextlib.contextmanager
    def transaction(self) -> Iterator[MemoryTransaction]:
        self._opener.check(self.target)
        with self._write_lock:
            self._check_open()
            if self._is_writing:
                raise InvalidInputError("A transaction is open in this thread: use that one.")
            self._is_writing = True
            transaction = self._begun()
            try:
                yield transaction
                self._check_open()
                self._commit(transaction)
            finally:
                transaction.end()
                self._is_writing = False

    def _begun(self) -> MemoryTransaction:
        return begun_on(now_of(self._tables, self._check_open))

    def _commit(self, transaction: MemoryTransaction) -> None:
        with self._map_lock:
            transaction.publish(self._tables)
            if transaction.origin_id is not None:
                self.identity = attrs.evolve(self.identity, origin_id=transaction.origin_id)
            self._committed = now_of(self._tables, self._check_open)

    def backup(self, dest: str) -> None:
        raise InvalidInputError(
            f"A log in memory cannot be copied to {dest}: create a log file and import into it.",
            name="dest",
            value=dest,
        )

    def close(self) -> None:
        if not self._opener.is_here:
            return
        with self._write_lock:
            self._is_closed = True

    def _rows(self) -> Moment:
        return self._snapshots.own or self._committed

    @contextlib.contextmanager
    def _maps(self) -> Iterator[Moment]:
        self._opener.check(self.target)
        held = self._snapshots.own
        if held is not None:
            yield held
            return
        with self._map_lock:
            yield self._committed

    def _check_open(self) -> None:
        self._opener.check(self.target)
        if self._is_closed:
            raise LogClosedError(self.target)

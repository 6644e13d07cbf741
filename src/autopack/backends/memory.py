"""A log in memory: the same promises within one process, for tests and simulations."""

import contextlib
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from secrets import token_bytes
from typing import Any
from uuid import UUID

import attrs

from autopack.errors import InvalidInputError, LogClosedError
from autopack.ids import uuid7
from autopack.ports.log import Body, Checkpoint, Head, Lease, LogIdentity, Row, from_us


@attrs.define
class _Tables:
    """Everything that is stored; a transaction works on the changes and adds them at its end."""

    rows: list[Row] = attrs.Factory(list)
    streams: dict[str, list[Row]] = attrs.Factory(dict)
    by_id: dict[bytes, Row] = attrs.Factory(dict)
    leases: dict[str, Lease] = attrs.Factory(dict)
    artifacts: dict[str, bytes] = attrs.Factory(dict)
    checkpoints: dict[str, Checkpoint] = attrs.Factory(dict)
    view_rows: dict[str, dict[str, str]] = attrs.Factory(dict)


class MemoryBackend:
    """A backend whose log ends with the process; safe to share between threads."""

    target = "memory:"

    def __init__(self) -> None:
        now_us = time.time_ns() // 1000
        self.identity = LogIdentity(
            log_id=str(UUID(bytes=uuid7(now_us // 1000, token_bytes(10)))),
            origin_id=str(UUID(bytes=uuid7(now_us // 1000, token_bytes(10)))),
            created_at=from_us(now_us),
            format=1,
        )
        self._lock = threading.RLock()
        self._tables = _Tables()
        self._is_writing = self._is_closed = False

    def head(self) -> Head:
        with self._open() as tables:
            last = tables.rows[-1] if tables.rows else None
            return Head(last[0], last[10], last[7]) if last else Head(0, b"", 0)

    def page(
        self, *, after: int, until: int, limit: int, types: Sequence[str] | None = None
    ) -> list[Row]:
        with self._open() as tables:
            rows = tables.rows[max(after, 0) : max(until, 0)]
            wanted = rows if types is None else [row for row in rows if row[4] in types]
            return wanted[:limit]

    def bodies(
        self, *, after: int, until: int, limit: int, types: Sequence[str] | None = None
    ) -> list[Body]:
        rows = self.page(after=after, until=until, limit=limit, types=types)
        return [(row[0], row[4], row[5], row[9]) for row in rows]

    def stream_page(self, stream: str, *, after_version: int, limit: int) -> list[Row]:
        with self._open() as tables:
            return tables.streams.get(stream, [])[after_version : after_version + limit]

    def stream_version(self, stream: str) -> int:
        with self._open() as tables:
            return len(tables.streams.get(stream, ()))

    def find(self, event_ids: Iterable[bytes]) -> dict[bytes, Row]:
        with self._open() as tables:
            return {key: tables.by_id[key] for key in event_ids if key in tables.by_id}

    def leases(self) -> list[Lease]:
        with self._open() as tables:
            return [tables.leases[key] for key in sorted(tables.leases)]

    def lease(self, key: str) -> Lease | None:
        with self._open() as tables:
            return tables.leases.get(key)

    def artifact(self, digest: str) -> bytes | None:
        with self._open() as tables:
            return tables.artifacts.get(digest)

    def artifact_sizes(self) -> dict[str, int]:
        with self._open() as tables:
            return {digest: len(tables.artifacts[digest]) for digest in sorted(tables.artifacts)}

    def checkpoint(self, view: str) -> Checkpoint | None:
        with self._open() as tables:
            return tables.checkpoints.get(view)

    def saved_views(self) -> list[Checkpoint]:
        with self._open() as tables:
            return list(tables.checkpoints.values())

    def view_rows(self, view: str, keys: Sequence[str] | None = None) -> dict[str, str]:
        with self._open() as tables:
            rows = tables.view_rows.get(view, {})
            wanted = sorted(rows) if keys is None else [key for key in keys if key in rows]
            return {key: rows[key] for key in wanted}

    @contextlib.contextmanager
    def snapshot(self) -> Iterator["MemoryBackend"]:
        with self._open():
            yield self

    @contextlib.contextmanager
    def transaction(self) -> Iterator["MemoryTransaction"]:
        with self._open() as tables:
            if self._is_writing:
                raise InvalidInputError("A transaction is open in this thread: use that one.")
            kept = attrs.evolve(
                tables,
                leases=dict(tables.leases),
                artifacts=dict(tables.artifacts),
                checkpoints=dict(tables.checkpoints),
                view_rows=dict(tables.view_rows),
            )
            n_rows, identity = len(tables.rows), self.identity
            self._is_writing = True
            try:
                yield MemoryTransaction(self)
            except BaseException:
                _take_back(kept, n_rows)
                self._tables, self.identity = kept, identity
                raise
            finally:
                self._is_writing = False

    def raw_rows(self, *, after: int, limit: int) -> list[tuple[Any, ...]]:
        rows = self.page(after=after, until=max(after, 0) + limit, limit=limit)
        return [
            (*row[:2], row[2].encode(), row[3], row[4].encode(), *row[5:8],
             row[8].encode(), row[9].encode(), row[10])
            for row in rows
        ]  # fmt: skip

    def storage_faults(self) -> list[str]:
        return []

    def last_given(self) -> int:
        return self.head().position

    def backup(self, dest: str) -> None:
        raise InvalidInputError(
            f"A log in memory cannot be copied to {dest}: create a log file and import into it."
        )

    def close(self) -> None:
        with self._lock:
            self._is_closed = True

    @contextlib.contextmanager
    def _open(self) -> Iterator[_Tables]:
        with self._lock:
            if self._is_closed:
                raise LogClosedError(self.target)
            yield self._tables


class MemoryTransaction(MemoryBackend):
    """The write transaction of a log in memory: the backend's reads, and its writes."""

    def __init__(self, backend: MemoryBackend) -> None:
        self._backend = backend

    @contextlib.contextmanager
    def _open(self) -> Iterator[_Tables]:
        yield self._backend._tables

    def insert(self, rows: Sequence[Row]) -> None:
        with self._open() as tables:
            for row in rows:
                tables.rows.append(row)
                tables.streams.setdefault(row[2], []).append(row)
                tables.by_id[row[1]] = row

    def adopt_origin(self, origin_id: str) -> None:
        with self._open() as tables:
            if tables.rows:
                raise InvalidInputError("The identity of a log with events never changes.")
            self._backend.identity = attrs.evolve(self._backend.identity, origin_id=origin_id)

    def put_lease(self, lease: Lease) -> None:
        with self._open() as tables:
            tables.leases[lease.key] = lease

    def drop_lease(self, key: str, token: str) -> bool:
        with self._open() as tables:
            held = tables.leases.get(key)
            if held is None or held.token != token:
                return False
            del tables.leases[key]
            return True

    def put_artifact(self, digest: str, content: bytes) -> None:
        with self._open() as tables:
            tables.artifacts.setdefault(digest, content)

    def drop_artifact(self, digest: str) -> None:
        with self._open() as tables:
            tables.artifacts.pop(digest, None)

    def save_view(
        self, checkpoint: Checkpoint, rows: Mapping[str, str | None], *, replace: bool
    ) -> None:
        with self._open() as tables:
            view = checkpoint.view
            saved = {} if replace else dict(tables.view_rows.get(view, {}))
            for key, data in rows.items():
                if data is None:
                    saved.pop(key, None)
                else:
                    saved[key] = data
            tables.view_rows[view] = saved
            tables.checkpoints[view] = checkpoint

    def drop_view(self, view: str) -> None:
        with self._open() as tables:
            tables.view_rows.pop(view, None)
            tables.checkpoints.pop(view, None)


def _take_back(tables: _Tables, n_rows: int) -> None:
    for row in reversed(tables.rows[n_rows:]):
        tables.streams[row[2]].pop()
        del tables.by_id[row[1]]
    del tables.rows[n_rows:]

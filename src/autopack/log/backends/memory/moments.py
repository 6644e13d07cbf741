"""One moment of a log in memory: the questions that a backend answers, cut where it stood then."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import attrs

from autopack.format.as_of_moments import hold_of
from autopack.log.backends.memory.tables import Layer, Rows, Tables
from autopack.ports.backend import NOTHING_YET, Checkpoint, ClockHold, Head, Lease
from autopack.ports.log import Body, Row


@attrs.define(kw_only=True, eq=False)
class Moment:
    """
    A log in memory as it was.

    Rows are shared with what is added later and cut by their number; the maps are those of then.

    Args:
        check: Called before each answer; raises where none is to be given any more.
    """

    check: Callable[[], None]
    rows: Rows
    n_rows: int
    lease_map: Layer[Lease]
    artifact_map: Layer[bytes]
    checkpoint_map: Layer[Checkpoint]
    view_maps: dict[str, Layer[str]]
    holds: tuple[ClockHold, ...]

    def head(self) -> Head:
        """Return the last event's place."""
        self.check()
        return self._head(self.rows.all[self.n_rows - 1]) if self.n_rows else NOTHING_YET

    def _head(self, last: Row) -> Head:
        hold = hold_of(self.holds, last[0])
        return Head(last[0], last[10], last[7], last[7] if hold is None else hold.as_of)

    def page(
        self, *, after: int, until: int, limit: int, types: Sequence[str] | None = None
    ) -> list[Row]:
        """Return rows in order of position."""
        self.check()
        start, end = max(after, 0), max(min(until, self.n_rows), 0)
        if types is None:
            return self.rows.all[start : min(end, start + limit)]
        found: list[Row] = []
        for index in range(start, end):  # from here to the page's end, and no further
            if len(found) == limit:
                break
            if self.rows.all[index][4] in types:
                found.append(self.rows.all[index])
        return found

    def bodies(
        self, *, after: int, until: int, limit: int, types: Sequence[str] | None = None
    ) -> list[Body]:
        """Return rows without their envelopes."""
        rows = self.page(after=after, until=until, limit=limit, types=types)
        return [(row[0], row[4], row[5], row[9]) for row in rows]

    def stream_page(self, stream: str, *, after_version: int, limit: int) -> list[Row]:
        """Return a stream's rows in order of version."""
        self.check()
        start = max(after_version, 0)
        rows = self.rows.streams.get(stream, [])
        return rows[start : min(start + limit, self._cut(rows))]

    def stream_versions(self, streams: Sequence[str]) -> dict[str, int]:
        """Return how many events each stream has."""
        self.check()
        return {stream: self._cut(self.rows.streams.get(stream, [])) for stream in streams}

    def _cut(self, rows: list[Row]) -> int:
        if not rows or rows[-1][0] <= self.n_rows:
            return len(rows)
        return bisect_right(rows, self.n_rows, key=lambda row: row[0])

    def find(self, event_ids: Iterable[bytes]) -> dict[bytes, Row]:
        """Return those rows that are there."""
        self.check()
        found = {key: self.rows.by_id.get(key) for key in event_ids}
        return {key: row for key, row in found.items() if row and row[0] <= self.n_rows}

    def as_of(self, position: int) -> int:
        """Return the moment as of which an event counts."""
        hold = self.clock_hold(position)
        if hold is not None:
            return hold.as_of
        (row,) = self.page(after=position - 1, until=position, limit=1)
        return row[7]

    def clock_hold(self, position: int) -> ClockHold | None:
        """Return the stretch in which an event stands."""
        self.check()
        return hold_of(self.holds, position)

    def clock_holds(self) -> list[ClockHold]:
        """Return all stretches."""
        self.check()
        return list(self.holds)

    def leases(self) -> list[Lease]:
        """Return all leases by key."""
        self.check()
        return [lease for _key, lease in sorted(self.lease_map.whole().items())]

    def lease(self, key: str) -> Lease | None:
        """Return one lease."""
        self.check()
        return self.lease_map.get(key)

    def artifact(self, digest: str) -> bytes | None:
        """Return a text's bytes."""
        self.check()
        return self.artifact_map.get(digest)

    def artifact_sizes(self) -> dict[str, int]:
        """Return the bytes of each text."""
        self.check()
        return {
            digest: len(content) for digest, content in sorted(self.artifact_map.whole().items())
        }

    def checkpoint(self, view: str) -> Checkpoint | None:
        """Return how far a view is persisted."""
        self.check()
        return self.checkpoint_map.get(view)

    def saved_views(self) -> list[Checkpoint]:
        """Return all checkpoints by view."""
        self.check()
        return [place for _view, place in sorted(self.checkpoint_map.whole().items())]

    def view_rows(
        self, view: str, keys: Sequence[str] | None = None, *, prefix: str = ""
    ) -> dict[str, str]:
        """Return a view's rows by key."""
        self.check()
        rows = self.view_maps.get(view)
        if rows is None:
            return {}
        if keys is None:
            whole = sorted(rows.whole().items())
            return {key: data for key, data in whole if key.startswith(prefix)}
        found = {key: rows.get(key) for key in keys}
        return {key: data for key, data in found.items() if data is not None}

    def raw_rows(self, *, after: int, limit: int) -> list[tuple[Any, ...]]:
        """Return rows with their texts as bytes."""
        rows = self.page(after=after, until=self.n_rows, limit=limit)
        return [
            (*row[:2], row[2].encode(), row[3], row[4].encode(), *row[5:8],
             row[8].encode(), row[9].encode(), row[10])
            for row in rows
        ]  # fmt: skip


def now_of(tables: Tables, check: Callable[[], None]) -> Moment:
    """Return what is committed, good until the next commit."""
    return Moment(
        check=check,
        rows=tables.rows,
        n_rows=len(tables.rows.all),
        lease_map=Layer(tables.leases.data),
        artifact_map=Layer(tables.artifacts.data),
        checkpoint_map=Layer(tables.checkpoints.data),
        view_maps={name: Layer(rows.data) for name, rows in tables.view_rows.items()},
        holds=tables.holds,
    )


def held_of(tables: Tables, check: Callable[[], None]) -> Moment:
    """Return what is committed, good for ever."""
    return Moment(
        check=check,
        rows=tables.rows,
        n_rows=len(tables.rows.all),
        lease_map=Layer(tables.leases.held()),
        artifact_map=Layer(tables.artifacts.held()),
        checkpoint_map=Layer(tables.checkpoints.held()),
        view_maps={name: Layer(rows.held()) for name, rows in tables.view_rows.items()},
        holds=tables.holds,
    )

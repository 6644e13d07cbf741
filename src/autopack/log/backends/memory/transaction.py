"""The write transaction of a log in memory: changes of its own over what is committed."""

from collections.abc import Iterable, Mapping, Sequence

import attrs

from autopack.errors import InvalidInputError
from autopack.format.as_of_moments import replacing
from autopack.log.backends.memory.moments import Moment
from autopack.log.backends.memory.tables import Layer, Map, Rows, Tables
from autopack.ports.backend import Checkpoint, ClockHold, Head, Lease
from autopack.ports.log import Row


@attrs.define(kw_only=True, eq=False)
class MemoryTransaction(Moment):
    """The write transaction of a log in memory: what is committed, with its own changes."""

    fresh: Rows = attrs.Factory(Rows)
    origin_id: str | None = None

    def head(self) -> Head:
        self.check()
        if not self.fresh.all:
            return super().head()
        return self._head(self.fresh.all[-1])

    def page(
        self, *, after: int, until: int, limit: int, types: Sequence[str] | None = None
    ) -> list[Row]:
        found = super().page(after=after, until=until, limit=limit, types=types)
        fresh = self.fresh.all[max(after - self.n_rows, 0) : max(until - self.n_rows, 0)]
        wanted = fresh if types is None else [row for row in fresh if row[4] in types]
        return (found + wanted)[:limit]

    def stream_page(self, stream: str, *, after_version: int, limit: int) -> list[Row]:
        found = super().stream_page(stream, after_version=after_version, limit=limit)
        start = max(after_version - super().stream_versions([stream])[stream], 0)
        return (found + self.fresh.streams.get(stream, [])[start:])[:limit]

    def stream_versions(self, streams: Sequence[str]) -> dict[str, int]:
        fresh = self.fresh.streams
        committed = super().stream_versions(streams)
        return {stream: n + len(fresh.get(stream, ())) for stream, n in committed.items()}

    def find(self, event_ids: Iterable[bytes]) -> dict[bytes, Row]:
        ids = list(event_ids)
        fresh = {key: self.fresh.by_id[key] for key in ids if key in self.fresh.by_id}
        return {**super().find(ids), **fresh}

    def insert(self, rows: Sequence[Row]) -> None:
        """Store rows at the next positions."""
        self.check()
        for row in rows:
            self.fresh.add(row)

    def hold_clock(self, hold: ClockHold) -> None:
        """Keep a stretch, in the place of those from it on."""
        self.check()
        self.holds = tuple(replacing(self.holds, hold))

    def adopt_origin(self, origin_id: str) -> None:
        """Seed the chain anew, before the first event."""
        self.check()
        if self.head().position:
            raise InvalidInputError(
                "The identity of a log with events never changes.",
                name="origin_id",
                value=origin_id,
            )
        self.origin_id = origin_id

    def put_lease(self, lease: Lease) -> None:
        """Store or replace a lease."""
        self.check()
        self.lease_map.set(lease.key, lease)

    def drop_lease(self, key: str, token: str) -> bool:
        """Remove a lease if it has that token."""
        self.check()
        held = self.lease_map.get(key)
        if held is None or held.token != token:
            return False
        self.lease_map.set(key, None)
        return True

    def put_artifact(self, digest: str, content: bytes) -> None:
        """Store a text; the first one stays."""
        self.check()
        if self.artifact_map.get(digest) is None:
            self.artifact_map.set(digest, content)

    def drop_artifact(self, digest: str) -> None:
        """Remove a text."""
        self.check()
        self.artifact_map.set(digest, None)

    def save_view(
        self, checkpoint: Checkpoint, rows: Mapping[str, str | None], *, replace: bool
    ) -> None:
        """Store a view's changed rows and its checkpoint."""
        self.check()
        saved = self.view_maps.setdefault(checkpoint.view, Layer({}))
        if replace:
            saved.clear()
        for key, data in rows.items():
            saved.set(key, data)
        self.checkpoint_map.set(checkpoint.view, checkpoint)

    def drop_view(self, view: str) -> None:
        """Remove a view."""
        self.check()
        if view in self.view_maps:
            self.view_maps[view].clear()
        self.checkpoint_map.set(view, None)

    def end(self) -> None:
        """Answer and take nothing any more."""
        self.check = _refuse

    def publish(self, tables: Tables) -> None:
        """Add all changes to what is committed."""
        for row in self.fresh.all:
            tables.rows.add(row)
        tables.holds = self.holds
        tables.leases.take(self.lease_map.changes())
        tables.artifacts.take(self.artifact_map.changes())
        tables.checkpoints.take(self.checkpoint_map.changes())
        for name, rows in self.view_maps.items():
            tables.view_rows.setdefault(name, Map()).take(rows.changes())


def begun_on(base: Moment) -> MemoryTransaction:
    """Return a transaction over what is committed."""
    return MemoryTransaction(
        check=base.check,
        rows=base.rows,
        n_rows=base.n_rows,
        lease_map=base.lease_map,
        artifact_map=base.artifact_map,
        checkpoint_map=base.checkpoint_map,
        view_maps=base.view_maps,
        holds=base.holds,
    )


def _refuse() -> None:
    raise InvalidInputError("That transaction is over: begin another one.")

"""The questions that a log file answers, on whichever connection they are asked."""

import json
from collections.abc import Iterable, Sequence
from typing import Any, Final

import attrs

from autopack.ports.backend import NOTHING_YET, Checkpoint, ClockHold, Head, Lease
from autopack.ports.log import ROW_COLUMNS, Body, Row

_COLUMNS: Final = ", ".join(ROW_COLUMNS)
AS_OF: Final = (
    "coalesce((SELECT CASE WHEN last >= events.position THEN as_of END FROM clock_holds"
    " WHERE first <= events.position ORDER BY first DESC LIMIT 1), recorded_at)"
)
"""As of which moment an event counts: its own clock's word, unless it stands in a stretch."""
_AT_ONCE: Final = 500  # SQLite allows 32,766 parameters; fewer keep the statements cached


class Queries:
    """Reads over one connection; ``_all`` runs a statement to its end and returns its rows."""

    def _all(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        raise NotImplementedError

    def head(self) -> Head:
        rows = self._all(
            f"SELECT position, hash, recorded_at, {AS_OF} FROM events"
            " ORDER BY position DESC LIMIT 1"
        )
        return Head(*rows[0]) if rows else NOTHING_YET

    def page(
        self, *, after: int, until: int, limit: int, types: Sequence[str] | None = None
    ) -> list[Row]:
        return self._columns(_COLUMNS, after, until, limit, types)

    def bodies(
        self, *, after: int, until: int, limit: int, types: Sequence[str] | None = None
    ) -> list[Body]:
        return self._columns("position, type, schema, data", after, until, limit, types)

    def _columns(
        self, columns: str, after: int, until: int, limit: int, types: Sequence[str] | None
    ) -> list[Any]:
        wanted = f" AND type IN ({_marks(types)})" if types is not None else ""
        return self._all(
            f"SELECT {columns} FROM events WHERE position > ? AND position <= ?{wanted}"
            " ORDER BY position LIMIT ?",
            (after, until, *(types or ()), limit),
        )

    def stream_page(self, stream: str, *, after_version: int, limit: int) -> list[Row]:
        return self._all(
            f"SELECT {_COLUMNS} FROM events WHERE stream = ? AND version > ?"
            " ORDER BY version LIMIT ?",
            (stream, after_version, limit),
        )

    def stream_versions(self, streams: Sequence[str]) -> dict[str, int]:
        # One look into the index for each stream, however many events it has.
        sql = (
            "SELECT value, coalesce((SELECT max(version) FROM events WHERE stream = value), 0)"
            " FROM json_each(?)"
        )
        return dict(self._all(sql, (json.dumps(list(streams)),)))

    def find(self, event_ids: Iterable[bytes]) -> dict[bytes, Row]:
        ids = list(event_ids)
        found: dict[bytes, Row] = {}
        for start in range(0, len(ids), _AT_ONCE):
            some = ids[start : start + _AT_ONCE]
            rows = self._all(
                f"SELECT {_COLUMNS} FROM events WHERE event_id IN ({_marks(some)})", some
            )
            found.update((row[1], row) for row in rows)
        return found

    def as_of(self, position: int) -> int:
        ((moment,),) = self._all(f"SELECT {AS_OF} FROM events WHERE position = ?", (position,))
        return int(moment)

    def clock_hold(self, position: int) -> ClockHold | None:
        rows = self._all(
            "SELECT * FROM clock_holds WHERE first <= ? ORDER BY first DESC LIMIT 1", (position,)
        )
        hold = _hold(rows[0]) if rows else None
        return hold if hold is not None and hold.last >= position else None

    def clock_holds(self) -> list[ClockHold]:
        return [_hold(row) for row in self._all("SELECT * FROM clock_holds ORDER BY first")]

    def leases(self) -> list[Lease]:
        return [_lease(row) for row in self._all("SELECT * FROM leases ORDER BY key")]

    def lease(self, key: str) -> Lease | None:
        rows = self._all("SELECT * FROM leases WHERE key = ?", (key,))
        return _lease(rows[0]) if rows else None

    def artifact(self, digest: str) -> bytes | None:
        rows = self._all("SELECT content FROM artifacts WHERE digest = ?", (digest,))
        return rows[0][0] if rows else None

    def artifact_sizes(self) -> dict[str, int]:
        return dict(self._all("SELECT digest, length(content) FROM artifacts ORDER BY digest"))

    def checkpoint(self, view: str) -> Checkpoint | None:
        rows = self._all("SELECT * FROM view_checkpoints WHERE view = ?", (view,))
        return _checkpoint(rows[0]) if rows else None

    def saved_views(self) -> list[Checkpoint]:
        return [_checkpoint(row) for row in self._all("SELECT * FROM view_checkpoints")]

    def view_rows(
        self, view: str, keys: Sequence[str] | None = None, *, prefix: str = ""
    ) -> dict[str, str]:
        if keys is None:
            sql = "SELECT key, data FROM view_rows WHERE view = ? AND key >= ?"
            upto = " AND key < ?" if prefix else ""
            # The highest code point ends what begins with the prefix.
            bounds = (view, prefix, prefix + chr(0x10FFFF)) if prefix else (view, prefix)
            return dict(self._all(f"{sql}{upto} ORDER BY key", bounds))
        found: dict[str, str] = {}
        for start in range(0, len(keys), _AT_ONCE):
            some = keys[start : start + _AT_ONCE]
            sql = f"SELECT key, data FROM view_rows WHERE view = ? AND key IN ({_marks(some)})"
            found.update(self._all(sql, (view, *some)))
        return found


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))


def _hold(row: Sequence[Any]) -> ClockHold:
    first, last, as_of, is_left_out = row
    return ClockHold(first=first, last=last, as_of=as_of, is_left_out=bool(is_left_out))


def _lease(row: Sequence[Any]) -> Lease:
    names = (field.name for field in attrs.fields(Lease))
    return Lease(**dict(zip(names, row, strict=True)))


def _checkpoint(row: Sequence[Any]) -> Checkpoint:
    view, version, position, total = row
    return Checkpoint(view=view, version=version, position=position, total=total)

"""The questions that a log answers, on whichever connection they are asked."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import attrs

from autopack.ports.backend import NOTHING_YET, Checkpoint, ClockHold, Head, Lease
from autopack.ports.log import ROW_COLUMNS, Body, Row

_COLUMNS: Final = ", ".join(ROW_COLUMNS)
_LEASE: Final = ", ".join(field.name for field in attrs.fields(Lease))
_PLACE: Final = "position, view, version, total"
FIND: Final = f"SELECT {_COLUMNS} FROM events WHERE event_id = ANY (%s::bytea[])"
_AS_OF: Final = (
    "coalesce((SELECT CASE WHEN last >= events.position THEN as_of END FROM clock_holds"
    " WHERE first <= events.position ORDER BY first DESC LIMIT 1), recorded_at)"
)
_HEAD: Final = (
    f"SELECT position, hash, recorded_at, {_AS_OF} FROM events ORDER BY position DESC LIMIT 1"
)


class PostgresQueries:
    """
    Reads over one connection; ``_all`` runs a statement to its end and returns its rows.

    ``_seen`` does so for rows that begin with a position, and answers once the disk holds all up to
    the greatest: they are to be of the same life of the server, which a crash may end in between.
    """

    def _all(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        raise NotImplementedError

    def _seen(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        raise NotImplementedError

    def head(self) -> Head:
        rows = self._seen(_HEAD)
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
        wanted = " AND type = ANY (%s::text[])" if types is not None else ""
        return self._seen(
            f"SELECT {columns} FROM events WHERE position > %s AND position <= %s{wanted}"
            " ORDER BY position LIMIT %s",
            (after, until, *([] if types is None else [list(types)]), limit),
        )

    def stream_page(self, stream: str, *, after_version: int, limit: int) -> list[Row]:
        return self._seen(
            f"SELECT {_COLUMNS} FROM events WHERE stream = %s AND version > %s"
            " ORDER BY version LIMIT %s",
            (stream, after_version, limit),
        )

    def stream_versions(self, streams: Sequence[str]) -> dict[str, int]:
        # One look into the index for each stream, however many events it has.
        rows = self._seen(
            "SELECT coalesce(position, 0), asked, coalesce(version, 0)"
            " FROM unnest(%s::text[]) asked LEFT JOIN LATERAL"
            " (SELECT position, version FROM events WHERE stream = asked"
            " ORDER BY version DESC LIMIT 1) last ON true",
            (list(streams),),
        )
        return {stream: version for _position, stream, version in rows}

    def find(self, event_ids: Iterable[bytes]) -> dict[bytes, Row]:
        return {row[1]: row for row in self._seen(FIND, (list(event_ids),))}

    def as_of(self, position: int) -> int:
        sql = f"SELECT position, {_AS_OF} FROM events WHERE position = %s"
        ((_position, moment),) = self._seen(sql, (position,))
        return int(moment)

    def clock_hold(self, position: int) -> ClockHold | None:
        rows = self._all(
            "SELECT first, last, as_of, is_left_out FROM clock_holds WHERE first <= %s"
            " ORDER BY first DESC LIMIT 1",
            (position,),
        )
        hold = _hold(rows[0]) if rows else None
        return hold if hold is not None and hold.last >= position else None

    def clock_holds(self) -> list[ClockHold]:
        sql = "SELECT first, last, as_of, is_left_out FROM clock_holds ORDER BY first"
        return [_hold(row) for row in self._all(sql)]

    def leases(self) -> list[Lease]:
        return [_lease(row) for row in self._all(f"SELECT {_LEASE} FROM leases ORDER BY key")]

    def lease(self, key: str) -> Lease | None:
        rows = self._all(f"SELECT {_LEASE} FROM leases WHERE key = %s", (key,))
        return _lease(rows[0]) if rows else None

    def artifact(self, digest: str) -> bytes | None:
        rows = self._all("SELECT content FROM artifacts WHERE digest = %s", (digest,))
        return rows[0][0] if rows else None

    def artifact_sizes(self) -> dict[str, int]:
        sql = "SELECT digest, octet_length(content)::bigint FROM artifacts ORDER BY digest"
        return dict(self._all(sql))

    def checkpoint(self, view: str) -> Checkpoint | None:
        rows = self._seen(f"SELECT {_PLACE} FROM view_checkpoints WHERE view = %s", (view,))
        return _checkpoint(rows[0]) if rows else None

    def saved_views(self) -> list[Checkpoint]:
        return [_checkpoint(row) for row in self._seen(f"SELECT {_PLACE} FROM view_checkpoints")]

    def view_rows(
        self, view: str, keys: Sequence[str] | None = None, *, prefix: str = ""
    ) -> dict[str, str]:
        sql = "SELECT key, data FROM view_rows WHERE view = %s"
        if keys is not None:
            wanted = [key.encode() for key in keys]
            rows = self._all(f"{sql} AND key = ANY (%s::bytea[])", (view, wanted))
        else:
            # The highest code point ends what begins with the prefix.
            bounds = (prefix.encode(), (prefix + chr(0x10FFFF)).encode()) if prefix else ()
            upto = " AND key >= %s AND key < %s" if prefix else ""
            rows = self._all(f"{sql}{upto} ORDER BY key", (view, *bounds))
        return {key.decode(): data for key, data in rows}


def _hold(row: Sequence[Any]) -> ClockHold:
    first, last, as_of, is_left_out = row
    return ClockHold(first=first, last=last, as_of=as_of, is_left_out=is_left_out)


def _lease(row: Sequence[Any]) -> Lease:
    names = (field.name for field in attrs.fields(Lease))
    return Lease(**dict(zip(names, row, strict=True)))


def _checkpoint(row: Sequence[Any]) -> Checkpoint:
    position, view, version, total = row
    return Checkpoint(view=view, version=version, position=position, total=total)

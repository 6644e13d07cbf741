"""An append in one call: what is asked of the server, and its answer as rows."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from autopack.ports.backend import Unplaced
from autopack.ports.log import Row
from autopack_postgres.connections import PostgresConnection
from autopack_postgres.queries import FIND

_ONE: Final = (
    "SELECT append_event(%s::bigint, %s::bytea, %s::text, %s::text, %s::bigint, %s::bigint,"
    " %s::text, %s::text)"
)
_MANY: Final = (
    "SELECT append_events(%s::text[], %s::bigint[], %s::bytea[], %s::bytea[], %s::text[],"
    " %s::text[], %s::bigint[], %s::bigint[], NULL, %s::text[], %s::text[])"
)


class AppendCall:
    """
    Events to be appended, by which function, and where they are then.

    Args:
        rows: The events.
        expected: The versions of streams, for those that must have one.
        absent: Ids that must not be there.
    """

    def __init__(
        self, rows: Sequence[Unplaced], *, expected: Mapping[str, int], absent: Sequence[bytes]
    ) -> None:
        self.rows = rows
        self.parameters: list[Any]
        self._is_one = len(rows) == 1 and not absent and set(expected) <= {rows[0][1]}
        if self._is_one:
            (row,) = rows
            self.sql, self.parameters = _ONE, [expected.get(row[1]), *row]
        else:
            given = list(expected), list(expected.values()), list(absent)
            self.sql, self.parameters = _MANY, [*given, *columns_of(rows)]

    def told(self, answer: Sequence[Any]) -> tuple[int, list[Row]] | None:
        """Return the server's time and the rows as they are stored; None if nothing was done."""
        after, versions, hashes, now_us = answer
        if after is None:
            return None
        if self._is_one:
            versions, hashes = [versions], [hashes]
        placed: list[Row] = []
        for row, version, chain in zip(self.rows, versions, hashes, strict=True):
            event_id, stream, name, schema, occurred, meta, data = row
            after += 1
            placed.append((
                after, event_id, stream, version, name, schema,
                now_us if occurred is None else occurred, now_us, meta, data, chain,
            ))  # fmt: skip
        return now_us, placed

    def kept(self, connection: PostgresConnection) -> list[Row] | None:
        """Return the rows as they are stored, or None if they are not: it is all or nothing."""
        ids = [row[0] for row in self.rows]
        found = {row[1]: row for row in connection.rows(FIND, (ids,))}
        return [found[one] for one in ids] if found else None


def columns_of(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    """Return rows as their columns, which the function takes."""
    return [list(column) for column in zip(*rows, strict=True)]

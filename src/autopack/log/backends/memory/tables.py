"""What a log in memory is made of: rows that are only added, and maps that change by layers."""

from collections.abc import Mapping
from typing import Generic, TypeVar

import attrs

from autopack.ports.backend import Checkpoint, ClockHold, Lease
from autopack.ports.log import Row

V = TypeVar("V")


class Layer(Generic[V]):
    """Changes over a map, which stays as it is; None stands for what was removed."""

    def __init__(self, base: Mapping[str, V]) -> None:
        self._base = base
        self._changes: dict[str, V | None] = {}

    def get(self, key: str) -> V | None:
        """Return a value, or None."""
        return self._changes[key] if key in self._changes else self._base.get(key)

    def set(self, key: str, value: V | None) -> None:
        """Put a value, or remove it."""
        self._changes[key] = value

    def clear(self) -> None:
        """Remove all of it."""
        self._changes = dict.fromkeys((*self._base, *self._changes))

    def whole(self) -> dict[str, V]:
        """Return the map with the changes in it."""
        merged: dict[str, V | None] = {**self._base, **self._changes}
        return {key: value for key, value in merged.items() if value is not None}

    def changes(self) -> Mapping[str, V | None]:
        """Return what is to be put or removed."""
        return self._changes


@attrs.define
class Map(Generic[V]):
    """A map that is changed in place, unless a snapshot holds what it was."""

    data: dict[str, V] = attrs.Factory(dict)
    is_held: bool = False

    def held(self) -> Mapping[str, V]:
        """Return it as it is now, for good."""
        self.is_held = True
        return self.data

    def take(self, changes: Mapping[str, V | None]) -> None:
        """Make changes; None removes."""
        if not changes:
            return
        if self.is_held:
            self.data, self.is_held = dict(self.data), False
        for key, value in changes.items():
            if value is None:
                self.data.pop(key, None)
            else:
                self.data[key] = value


@attrs.define
class Rows:
    """Events in order of position, by stream and by id."""

    all: list[Row] = attrs.Factory(list)
    streams: dict[str, list[Row]] = attrs.Factory(dict)
    by_id: dict[bytes, Row] = attrs.Factory(dict)

    def add(self, row: Row) -> None:
        """Add one at the end."""
        self.by_id[row[1]] = row
        self.streams.setdefault(row[2], []).append(row)
        self.all.append(row)


@attrs.define
class Tables:
    """Everything that is committed."""

    rows: Rows = attrs.Factory(Rows)
    leases: Map[Lease] = attrs.Factory(Map)
    artifacts: Map[bytes] = attrs.Factory(Map)
    checkpoints: Map[Checkpoint] = attrs.Factory(Map)
    view_rows: dict[str, Map[str]] = attrs.Factory(dict)
    holds: tuple[ClockHold, ...] = ()

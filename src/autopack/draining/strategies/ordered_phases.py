"""Phases in an order, and the same phases sorted into buckets, kept up to date one by one."""

from bisect import bisect_left, insort
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from autopack.ports.work import PhaseView
from autopack.prediction.estimation import vocabulary

Place = tuple[int, int, int, str]
"""The run's order, the phase's index and order, and its key."""

By = Callable[[PhaseView], Hashable]
Rank = Callable[[PhaseView], Any]


class Bucket(Sequence[PhaseView]):
    """
    The phases of a shelf that have something in common, the best ranked first.

    ``number`` tells in which order the buckets of an index were made, as they are in its mapping.
    """

    def __init__(self, rows: Mapping[str, PhaseView], number: int) -> None:
        self._rows, self.number = rows, number
        self.entries: list[tuple[Any, Place]] = []

    @property
    def best(self) -> tuple[Any, Place]:
        """The rank and the place of the first phase; two of them can be compared."""
        return self.entries[0]

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self._rows[place[3]] for _rank, place in self.entries[index]]
        return self._rows[self.entries[index][1][3]]


class _Index:
    """One way to sort a shelf's phases into buckets; an empty bucket is dropped."""

    def __init__(self, by: By, rank: Rank, rows: Mapping[str, PhaseView]) -> None:
        self.by, self.rank, self._rows = by, rank, rows
        self.buckets: dict[Hashable, Bucket] = {}
        self.changed: dict[Hashable, set[Hashable]] = {}
        self._n_made = 0
        self._where: dict[str, tuple[Hashable, tuple[Any, Place]]] = {}

    def add(self, place: Place, row: PhaseView) -> None:
        name, entry = self.by(row), (self.rank(row), place)
        bucket = self.buckets.get(name)
        if bucket is None:
            self._n_made += 1
            bucket = self.buckets[name] = Bucket(self._rows, self._n_made)
        insort(bucket.entries, entry)
        self._where[place[3]] = (name, entry)
        self._tell(name)

    def discard(self, key: str) -> None:
        name, entry = self._where.pop(key)
        entries = self.buckets[name].entries
        del entries[bisect_left(entries, entry)]
        if not entries:
            del self.buckets[name]
        self._tell(name)

    def _tell(self, name: Hashable) -> None:
        for names in self.changed.values():
            names.add(name)


class Shelf(Sequence[PhaseView]):
    """
    Phases in order. Putting one on or taking one off does not depend on how many there are.

    Buckets are made when they are first asked for and are kept from then on. ``kept`` is for what
    strategies derive from a shelf and bring up to date with :meth:`changes`.
    """

    def __init__(self) -> None:
        self._order: list[Place] = []
        self._places: dict[str, Place] = {}
        self._rows: dict[str, PhaseView] = {}
        self._indexes: dict[tuple[By, Rank], _Index] = {}
        self.kept: dict[Hashable, Any] = {}

    @classmethod
    def of(cls, phases: Iterable[PhaseView]) -> "Shelf":
        """Return a shelf of these phases in the order in which they come."""
        shelf = cls()
        for number, row in enumerate(phases):
            shelf.put((number, 0, 0, row.key), row)
        return shelf

    def put(self, place: Place, row: PhaseView) -> None:
        """Put a phase on the shelf; one of the same key is replaced."""
        key = place[3]
        self.discard(key)
        insort(self._order, place)
        self._places[key], self._rows[key] = place, row
        for index in self._indexes.values():
            index.add(place, row)

    def discard(self, key: str) -> None:
        """Take a phase off the shelf, if it is there."""
        place = self._places.pop(key, None)
        if place is None:
            return
        del self._order[bisect_left(self._order, place)]
        for index in self._indexes.values():
            index.discard(key)
        del self._rows[key]

    def has(self, key: str) -> bool:
        """Tell whether a phase is on the shelf."""
        return key in self._places

    def row(self, key: str) -> PhaseView:
        """Return a phase that is on the shelf."""
        return self._rows[key]

    def buckets(self, by: By, rank: Rank) -> Mapping[Any, Bucket]:
        """Return the phases by *by*, sorted by *rank* and then in order; both must be pure."""
        return self._index(by, rank).buckets

    def changes(self, by: By, rank: Rank, reader: Hashable) -> set[Any]:
        """
        Return the set to which the names of buckets that change from now on are added.

        It has all names at first; whoever has read it empties it. A reader has one set an index.
        """
        index = self._index(by, rank)
        found = index.changed[reader] = set(index.buckets)
        return found

    def _index(self, by: By, rank: Rank) -> _Index:
        index = self._indexes.get((by, rank))
        if index is None:
            index = self._indexes[by, rank] = _Index(by, rank, self._rows)
            for place in self._order:
                index.add(place, self._rows[place[3]])
        return index

    def __len__(self) -> int:
        return len(self._order)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self._rows[place[3]] for place in self._order[index]]
        return self._rows[self._order[index][3]]

    def __iter__(self) -> Iterator[PhaseView]:
        return (self._rows[place[3]] for place in self._order)


def buckets(phases: Sequence[PhaseView], by: By, rank: Rank) -> Mapping[Any, Bucket]:
    """Return phases by *by*, each bucket sorted by *rank* and then in their order."""
    shelf = phases if isinstance(phases, Shelf) else Shelf.of(phases)
    return shelf.buckets(by, rank)


def group_of(phase: PhaseView) -> str:
    """Return the group in which a phase's sample counts: ``category/complexity``."""
    return vocabulary.group(phase.category, phase.complexity)

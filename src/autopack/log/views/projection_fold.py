"""A projection being folded: rows that changed over rows that are persisted."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import attrs

from autopack.log.journal import Journal
from autopack.ports.backend import Reader
from autopack.ports.log import Recorded, UnrecognisedEvent
from autopack.ports.projection import (
    FunctionProjection,
    Projection,
    check_projection,
    is_keyed,
)


@attrs.frozen(kw_only=True)
class ViewAt:
    """
    A projection's answer at a position.

    Args:
        rows: By key, for a keyed projection, in order of the keys' first mention in memory.
        value: The view of a whole projection.
        total: What a keyed projection counts over its rows, if it does.
        is_reconstruction: Whether events were chosen by ``occurred_at``: what was true, rather
            than what was known.
    """

    projection: str
    position: int
    rows: Mapping[str, Any] = attrs.Factory(dict)
    value: Any = None
    total: Any = None
    is_reconstruction: bool = False


EMPTY: Final = object()
"""Stands for the view of no events; None is a view as any other."""


class Fold:
    """A projection being folded: rows that changed over rows that are persisted."""

    def __init__(
        self,
        projection: Projection,
        *,
        position: int = 0,
        total: Any = EMPTY,
        load: Callable[[Sequence[str]], Mapping[str, Any]] | None = None,
    ) -> None:
        self.projection: Any = check_projection(projection)
        self.is_keyed = is_keyed(projection)
        self.position = position
        self.changed: dict[str, Any] = {}
        self._load = load
        self.has_total = self.is_keyed and hasattr(projection, "total_type")
        self.total = self._empty() if total is EMPTY else total

    @property
    def has_base(self) -> bool:
        """Whether it starts from persisted rows."""
        return self._load is not None

    def _empty(self) -> Any:
        if self.is_keyed:
            return self.projection.initial_total() if self.has_total else None
        return self.projection.initial

    def get(self, key: str) -> Any:
        """Return one row as it stands, or None."""
        if key not in self.changed and self._load is not None:
            self.changed[key] = self._load([key]).get(key)
        return self.changed.get(key)

    def some(self, keys: Sequence[str]) -> dict[str, Any]:
        """Return the rows of these keys that are there, in their order, loaded at once."""
        self._load_missing(keys)
        rows = {key: self.changed.get(key) for key in keys}
        return {key: row for key, row in rows.items() if row is not None}

    def apply_all(self, events: Iterable[Recorded[Any]]) -> dict[str, tuple[Any, Any]]:
        """Fold events; return (before, after) of each row that changed."""
        if self.is_keyed:
            return self._apply_keyed(r for r in events if type(r.event) is not UnrecognisedEvent)
        project, view = step_of(self.projection), self.total
        is_bare = not getattr(self.projection, "envelope", True)
        for recorded in events:
            event = recorded.event
            if type(event) is not UnrecognisedEvent:
                view = project(view, event if is_bare else recorded)
        self.total = view
        return {}

    def _apply_keyed(self, events: Iterable[Recorded[Any]]) -> dict[str, tuple[Any, Any]]:
        projection, rows = self.projection, self.changed
        key_of, project, has_total = projection.key, projection.project, self.has_total
        steps: dict[str, tuple[Any, Any]] = {}
        for recorded in self._fetched(events) if self._load else events:
            key = key_of(recorded)
            if key is None:
                continue
            before = rows.get(key)
            after = project(before, recorded)
            if after is before:
                continue
            rows[key] = after
            steps[key] = (steps[key][0] if key in steps else before, after)
            if has_total:
                self.total = projection.total(self.total, before, after)
        return steps

    def _fetched(self, events: Iterable[Recorded[Any]]) -> list[Recorded[Any]]:
        """Return the events, their persisted rows loaded at once."""
        page = list(events)
        keys = dict.fromkeys(map(self.projection.key, page))
        self._load_missing([key for key in keys if key is not None])
        return page

    def _load_missing(self, keys: Sequence[str]) -> None:
        missing = [key for key in keys if key not in self.changed]
        if missing and self._load is not None:
            self.changed.update({**dict.fromkeys(missing), **self._load(missing)})

    def rows(self) -> dict[str, Any]:
        """Return all rows that this fold holds."""
        return {key: row for key, row in self.changed.items() if row is not None}


def step_of(projection: Any) -> Callable[[Any, Any], Any]:
    """Return what takes a projection's view past one event, without a call in between."""
    if type(projection) is FunctionProjection:
        return projection.function
    step: Callable[[Any, Any], Any] = projection.project
    return step


def fold_pages(journal: Journal, fold: Fold, *, reader: Reader, until: int, size: int) -> None:
    """Fold what comes after the fold's position, up to *until*; skips what nobody recognises."""
    types = fold.projection.types
    names = None if types is None else journal.codec.names_of(types)
    if not fold.is_keyed and not getattr(fold.projection, "envelope", True):
        _fold_bare(journal, fold, reader, until, names, size)
        return
    for rows in journal.pages(
        after=fold.position, until=until, types=names, reader=reader, size=size
    ):
        fold.apply_all(journal.decode(rows))
        fold.position = rows[-1][0]


def _fold_bare(
    journal: Journal,
    fold: Fold,
    reader: Reader,
    until: int,
    names: Sequence[str] | None,
    size: int,
) -> None:
    project, view = step_of(fold.projection), fold.total
    n_bodies = size
    while n_bodies == size:  # a page is short at the end only
        bodies = reader.bodies(after=fold.position, until=until, limit=size, types=names)
        n_bodies = len(bodies)
        for event in journal.codec.decode_all(bodies):
            if type(event) is not UnrecognisedEvent:
                view = project(view, event)
        if bodies:
            fold.position, fold.total = bodies[-1][0], view


def answer(fold: Fold, *, position: int, is_reconstruction: bool = False) -> ViewAt:
    """Return what a fold says at a position."""
    return ViewAt(
        projection=fold.projection.name,
        position=position,
        rows=fold.rows() if fold.is_keyed else {},
        value=None if fold.is_keyed else fold.total,
        total=fold.total if fold.is_keyed else None,
        is_reconstruction=is_reconstruction,
    )

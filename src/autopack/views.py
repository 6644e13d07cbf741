"""Views: a projection's checkpoint plus the tail folded in memory; persisted by writers only."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import attrs
import msgspec

from autopack.errors import InvalidInputError, LogDamagedError
from autopack.journal import END, Journal
from autopack.ports.log import Checkpoint, Reader, Recorded, UnrecognisedEvent, to_us
from autopack.ports.projection import Projection, check_projection, is_keyed

_ENCODE: Final = msgspec.json.Encoder(enc_hook=lambda value: dict(value)).encode
_CLOCKS: Final = ("recorded", "occurred")


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


class Fold:
    """A projection being folded: rows that changed over rows that are persisted."""

    def __init__(
        self,
        projection: Projection,
        *,
        position: int = 0,
        total: Any = None,
        load: Callable[[Sequence[str]], Mapping[str, Any]] | None = None,
    ) -> None:
        self.projection: Any = check_projection(projection)
        self.is_keyed = is_keyed(projection)
        self.position = position
        self.changed: dict[str, Any] = {}
        self._load = load
        self.has_total = self.is_keyed and hasattr(projection, "total_type")
        self.total = total
        if total is None:
            self.total = self._empty()

    def _empty(self) -> Any:
        if self.is_keyed:
            return self.projection.initial_total() if self.has_total else None
        return self.projection.initial

    def get(self, key: str) -> Any:
        """Return one row as it stands, or None."""
        if key not in self.changed and self._load is not None:
            self.changed[key] = self._load([key]).get(key)
        return self.changed.get(key)

    def apply_all(self, events: Iterable[Recorded[Any]]) -> dict[str, tuple[Any, Any]]:
        """Fold events; return (before, after) of each row that changed."""
        known = (r for r in events if type(r.event) is not UnrecognisedEvent)
        if self.is_keyed:
            return self._apply_keyed(known)
        project, view = self.projection.project, self.total
        is_bare = not getattr(self.projection, "envelope", True)
        for recorded in known:
            view = project(view, recorded.event if is_bare else recorded)
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
        assert self._load is not None
        page = list(events)
        keys = dict.fromkeys(map(self.projection.key, page))
        missing = [key for key in keys if key is not None and key not in self.changed]
        if missing:
            self.changed.update({**dict.fromkeys(missing), **self._load(missing)})
        return page

    def rows(self) -> dict[str, Any]:
        """Return all rows that this fold holds."""
        return {key: row for key, row in self.changed.items() if row is not None}


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
    project, view = fold.projection.project, fold.total
    while bodies := reader.bodies(after=fold.position, until=until, limit=size, types=names):
        for event in journal.codec.decode_all(bodies):
            if type(event) is not UnrecognisedEvent:
                view = project(view, event)
        fold.position, fold.total = bodies[-1][0], view


def replay(
    journal: Journal,
    projection: Projection,
    *,
    until: int | datetime | None = None,
    clock: str = "recorded",
    size: int = 1000,
) -> ViewAt:
    """
    Fold a projection from the first event.

    Args:
        projection: A keyed or whole projection.
        until: The last position, or an aware moment; None goes to the end.
        clock: ``recorded`` cuts a moment by ``recorded_at``: the longest prefix known by then.
            ``occurred`` filters by ``occurred_at``, in order of position: a reconstruction.
        size: How many rows are fetched at once; changes nothing in the answer.
    """
    if clock not in _CLOCKS:
        raise InvalidInputError(f"The clock {clock!r} is not one of {', '.join(_CLOCKS)}.")
    fold = Fold(projection)
    by_occurrence = clock == "occurred" and isinstance(until, datetime)
    with journal.backend.snapshot() as reader:
        head = reader.head().position
        if by_occurrence:
            assert isinstance(until, datetime)
            _fold_occurred(journal, fold, reader, until=to_us(until), size=size)
            end = head
        else:
            end = position_at(journal, until, reader=reader)
            fold_pages(journal, fold, reader=reader, until=end, size=size)
    return _answer(fold, position=end, is_reconstruction=by_occurrence)


def position_at(
    journal: Journal, moment: int | datetime | None, *, reader: Reader | None = None
) -> int:
    """Return the last position recorded by a moment; a position is cut to the log's head."""
    source = reader or journal.backend
    head = source.head().position
    if moment is None:
        return head
    if not isinstance(moment, datetime):
        if moment < 0:
            raise InvalidInputError(f"Position {moment} is below 0, the empty log.")
        return min(moment, head)
    wanted, low, high = to_us(moment), 0, head
    while low < high:  # recorded_at never decreases
        middle = (low + high + 1) // 2
        (row,) = source.page(after=middle - 1, until=middle, limit=1)
        low, high = (middle, high) if row[7] <= wanted else (low, middle - 1)
    return low


def current(journal: Journal, projection: Projection, *, with_rows: bool = True) -> ViewAt:
    """
    Return a projection's view as of now: its checkpoint plus the tail, without the write lock.

    Args:
        with_rows: False loads only the rows that the tail touches, for the total alone.
    """
    with journal.backend.snapshot() as reader:
        saved = load(journal, projection, reader)
        has_rows = saved.is_keyed and saved.position and with_rows
        base = _rows(journal, projection, reader, None) if has_rows else {}
        fold_pages(journal, saved, reader=reader, until=END, size=1000)
        position = reader.head().position
    rows = {**base, **saved.changed}
    saved.changed = rows
    return _answer(saved, position=position)


def current_row(journal: Journal, projection: Projection, key: str) -> Any:
    """Return one row of a keyed view as of now, or None, without loading the others."""
    with journal.backend.snapshot() as reader:
        saved = load(journal, projection, reader)
        fold_pages(journal, saved, reader=reader, until=END, size=1000)
        return saved.get(key)


def load(journal: Journal, projection: Projection, reader: Reader) -> Fold:
    """Return a fold that starts from the persisted rows; from nothing if they are outdated."""
    checkpoint = reader.checkpoint(projection.name)
    if checkpoint is None or checkpoint.version != projection.version:
        return Fold(projection)
    total = None
    if checkpoint.total is not None:
        decode = msgspec.json.Decoder(_total_type(projection)).decode
        total = _decoded(journal, projection, decode, checkpoint.total)
    return Fold(
        projection,
        position=checkpoint.position,
        total=total,
        load=lambda keys: _rows(journal, projection, reader, keys),
    )


class LiveView:
    """A view that is kept in memory and follows the log when asked to."""

    def __init__(self, journal: Journal, projection: Projection) -> None:
        self._journal = journal
        with journal.backend.snapshot() as reader:
            saved = load(journal, projection, reader)
            has_rows = saved.is_keyed and saved.position
            rows = _rows(journal, projection, reader, None) if has_rows else {}
        self._fold = Fold(projection, position=saved.position, total=saved.total)
        self._fold.changed = rows

    @property
    def rows(self) -> dict[str, Any]:
        """The rows by key; not to be changed."""
        return self._fold.changed

    @property
    def total(self) -> Any:
        """What the projection counts over its rows, or a whole projection's view."""
        return self._fold.total

    def catch_up(self) -> dict[str, tuple[Any, Any]]:
        """Fold what is new; return (before, after) of each row that changed."""
        changed: dict[str, tuple[Any, Any]] = {}
        journal, fold = self._journal, self._fold
        types = fold.projection.types
        names = None if types is None else journal.codec.names_of(types)
        head = journal.backend.head().position
        for rows in journal.pages(after=fold.position, until=head, types=names):
            for key, (before, after) in fold.apply_all(list(journal.decode(rows))).items():
                changed[key] = (changed[key][0] if key in changed else before, after)
            fold.position = rows[-1][0]
        fold.position = head  # whatever came last: other types are not scanned again
        return changed


def refresh(journal: Journal, projection: Projection, *, rebuild: bool = False) -> int:
    """
    Persist a view up to the log's head and return that position.

    A rebuild is folded beside the live view, outside the write lock, and swapped in at once.

    Raises:
        InvalidInputError: A whole view would not come back from JSON as it is.
    """
    with journal.backend.snapshot() as reader:
        fold = Fold(projection) if rebuild else load(journal, projection, reader)
        base = fold.position
        fold_pages(journal, fold, reader=reader, until=END, size=1000)
        fold.position = reader.head().position
    rows = {key: None if row is None else to_json(row) for key, row in fold.changed.items()}
    total = to_json(fold.total) if fold.has_total or not fold.is_keyed else None
    if not fold.is_keyed:
        _check_comes_back(projection, fold.total, str(total))
    checkpoint = Checkpoint(
        view=projection.name, version=projection.version, position=fold.position, total=total
    )
    with journal.backend.transaction() as store:
        there = store.checkpoint(projection.name)
        saved = there.position if there and there.version == projection.version else 0
        if saved >= fold.position and not rebuild and there is not None:
            return saved  # another process was faster
        if saved >= base:  # what was saved since our base is among our changes too
            store.save_view(checkpoint, rows, replace=base == 0)
            return fold.position
    return refresh(journal, projection, rebuild=True)  # the saved rows were dropped meanwhile


def differences(journal: Journal, projection: Projection) -> list[str]:
    """
    Compare a persisted view with a rebuild up to its checkpoint; return what differs.

    Returns:
        The keys of rows that differ, and ``(total)``; nothing if none is persisted.
    """
    with journal.backend.snapshot() as reader:
        saved = reader.checkpoint(projection.name)
        if saved is None or saved.version != projection.version:
            return []
        fold = Fold(projection)
        fold_pages(journal, fold, reader=reader, until=saved.position, size=1000)
        there = reader.view_rows(projection.name)
    rebuilt = {key: to_json(row) for key, row in fold.rows().items()}
    found = [key for key in {**there, **rebuilt} if not _is_same(there.get(key), rebuilt.get(key))]
    total = to_json(fold.total) if fold.has_total or not fold.is_keyed else None
    return found if _is_same(saved.total, total) else [*found, "(total)"]


def _is_same(one: str | None, other: str | None) -> bool:
    if one is None or other is None:
        return one is other
    try:  # the order of keys says nothing
        return bool(msgspec.json.decode(one) == msgspec.json.decode(other))
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return False


def to_json(row: Any) -> str:
    """Return a row as the view store keeps it."""
    return _ENCODE(row).decode()


def _rows(
    journal: Journal, projection: Any, reader: Reader, keys: Sequence[str] | None
) -> dict[str, Any]:
    decode = msgspec.json.Decoder(projection.row_type).decode
    found = reader.view_rows(projection.name, keys).items()
    return {key: _decoded(journal, projection, decode, text) for key, text in found}


def _decoded(journal: Journal, projection: Any, decode: Callable[[str], Any], text: str) -> Any:
    try:
        return decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as fault:
        what = (
            f"its persisted view {projection.name!r} cannot be read ({fault}); make it anew from "
            "the events with: autopack views refresh --rebuild"
        )
        raise LogDamagedError(journal.target, what) from fault


def _check_comes_back(projection: Any, value: Any, text: str) -> None:
    try:
        back = msgspec.json.decode(text, type=_total_type(projection))
    except msgspec.ValidationError as fault:
        back = fault
    if back != value:
        raise InvalidInputError(
            f"View {projection.name!r} cannot be persisted: {text[:80]} would come back as "
            f"{str(back)[:80]}. Use strings as keys, or name its type as the view_type."
        )


def _total_type(projection: Any) -> Any:
    if is_keyed(projection):
        return projection.total_type
    return getattr(projection, "view_type", type(projection.initial))


def _fold_occurred(journal: Journal, fold: Fold, reader: Reader, *, until: int, size: int) -> None:
    types = fold.projection.types
    names = None if types is None else journal.codec.names_of(types)
    for rows in journal.pages(types=names, reader=reader, size=size):
        fold.apply_all(journal.decode([row for row in rows if row[6] <= until]))


def _answer(fold: Fold, *, position: int, is_reconstruction: bool = False) -> ViewAt:
    return ViewAt(
        projection=fold.projection.name,
        position=position,
        rows=fold.rows() if fold.is_keyed else {},
        value=None if fold.is_keyed else fold.total,
        total=fold.total if fold.is_keyed else None,
        is_reconstruction=is_reconstruction,
    )

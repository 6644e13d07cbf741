"""Persisted views: loaded with their checkpoint, brought up to the head, compared, swapped."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from autopack.errors import InvalidInputError, LogDamagedError
from autopack.events.schema import stored_value
from autopack.log.journal import END, Journal
from autopack.log.known_folds import KnownFold
from autopack.log.past_backend import PastReader
from autopack.log.views.projection_fold import EMPTY, Fold, fold_pages
from autopack.log.views.sql_columns import sql_columns
from autopack.ports.backend import Checkpoint, Reader
from autopack.ports.projection import Projection, is_keyed
from autopack.values.decoders import decoder_of
from autopack.values.money import Usd


def _storable(value: Any) -> Any:
    """Return what JSON has a form for; a shared map has no order of its own, so it gets one."""
    return str(value) if isinstance(value, Usd) else dict(sorted(value.items()))


_ENCODE: Final = msgspec.json.Encoder(enc_hook=_storable).encode


def load(journal: Journal, projection: Projection, reader: Reader) -> Fold:
    """Return a fold that starts from the persisted rows; from nothing if they are outdated."""
    base = _base_of(projection, reader)
    if base is None:
        return Fold(projection)
    total = _total_of(journal, projection, base)
    return _on(journal, projection, reader, position=base.position, total=total)


def _base_of(projection: Projection, reader: Reader) -> Checkpoint | None:
    """Return the state that a projection is folded on from; None is the first event."""
    found = reader.checkpoint(projection.name)
    return None if found is None or found.version != projection.version else found


def _on(
    journal: Journal, projection: Projection, reader: Reader, *, position: int, total: Any
) -> Fold:
    """Return a fold whose rows lie where a reader finds them, until they change."""
    return Fold(
        projection,
        position=position,
        total=total,
        load=lambda keys: rows_of(journal, projection, reader, keys),
    )


def folded(journal: Journal, projection: Projection, reader: Reader) -> Fold:
    """
    Return a fold up to the reader's head, from the persisted rows on.

    What is folded is kept in memory for who asks again, and where its reader keeps states of views,
    as one of the past does, each that is passed is added to them.
    """
    head, base = reader.head().position, _base_of(projection, reader)
    known = journal.folds.of(projection, base, head=head)
    if known is None:
        fold = load(journal, projection, reader)
        if isinstance(reader, PastReader):
            fold = _kept_on(journal, projection, reader, fold)
            base = _base_of(projection, reader)
    else:
        fold = Fold(projection, position=known.position, total=known.total)
        if base is not None:
            fold = _on(journal, projection, reader, position=known.position, total=known.total)
        fold.changed = dict(known.changed)
    if fold.position < head:
        fold_pages(journal, fold, reader=reader, until=head, size=1000)
        fold.position = head  # whatever came last: other types are not looked through again
        told = {"position": head, "total": fold.total, "changed": dict(fold.changed)}
        journal.folds.keep(KnownFold(projection=projection, base=base, **told))
    return fold


def keep_states(journal: Journal, projection: Projection, reader: PastReader) -> bool:
    """
    Keep the states of a view that are to be kept up to the reader's position, and no more.

    Returns:
        Whether they are; else there is no room for them, or none may be kept from some event on.
    """
    if _next_kept(projection, reader) is not None:
        _kept_on(journal, projection, reader, load(journal, projection, reader))
    return not reader.is_full and _next_kept(projection, reader) is None


def _next_kept(projection: Projection, reader: PastReader) -> int | None:
    base = _base_of(projection, reader)
    return reader.next_kept(projection.name, projection.version, base.position if base else 0)


def _kept_on(journal: Journal, projection: Projection, reader: PastReader, fold: Fold) -> Fold:
    """Fold from kept state to kept state, as far as there are to be any; rows leave memory."""
    view = projection.name, projection.version
    while (end := reader.next_kept(*view, fold.position)) is not None:
        if _known_until(journal, projection, reader, fold.position, until=end) < end:
            break  # when the plugin of what nobody recognises is back, the view is to have it
        fold_pages(journal, fold, reader=reader, until=end, size=1000)
        fold.position = end
        stored = _checked(fold) if reader.is_of_others(projection.name) else _stored(fold)
        if stored is None or not reader.keep(*stored):
            break
        fold = _on(journal, projection, reader, position=end, total=fold.total)
    return fold


def _checked(fold: Fold) -> tuple[Checkpoint, dict[str, str | None]] | None:
    """Return a state as it is stored; None if JSON would change it, or has no form for it."""
    try:
        checkpoint, rows = stored = _stored(fold)
        if checkpoint.total is not None:
            told = decoder_of(_total_type(fold.projection), stored=stored_value)
            if told.decode(checkpoint.total) != fold.total:
                return None
        if fold.is_keyed:
            decode = decoder_of(fold.projection.row_type, stored=stored_value).decode
            if any(text and decode(text) != fold.changed[key] for key, text in rows.items()):
                return None
    except Exception:  # of what it is made of
        return None
    return stored


def _stored(fold: Fold) -> tuple[Checkpoint, dict[str, str | None]]:
    """Return a fold's state as it is stored, with the rows that changed."""
    rows = {key: None if row is None else to_json(row) for key, row in fold.changed.items()}
    total = to_json(fold.total) if fold.has_total or not fold.is_keyed else None
    view, version = fold.projection.name, fold.projection.version
    return Checkpoint(view=view, version=version, position=fold.position, total=total), rows


def _total_of(journal: Journal, projection: Projection, checkpoint: Checkpoint) -> Any:
    """Return a persisted total or whole view, which may be None, or that no total is there."""
    if checkpoint.total is None:
        return EMPTY
    decode = decoder_of(_total_type(projection), stored=stored_value).decode
    return _decoded(journal, projection, decode, checkpoint.total)


def refresh(
    journal: Journal, projection: Projection, *, rebuild: bool = False, of_others: bool = False
) -> int:
    """
    Persist a view up to the log's head and return that position.

    One that folds events of every type is persisted up to the first that nobody recognises: when
    its plugin is back, the view is to have it. A rebuild is folded beside the live view, outside
    the write lock, and swapped in at once; so is a view whose version has risen. Rows of a version
    above the projection's stay as they are.

    Args:
        of_others: Whether each row is looked at too, since nobody knows who made the projection.

    Raises:
        InvalidInputError: A whole view, or a row of others, would not come back from JSON as it is.
    """
    columns = sql_columns(projection)
    with journal.backend.snapshot() as reader:
        newest = reader.checkpoint(projection.name)
        if newest is not None and newest.version > projection.version and not rebuild:
            return newest.position  # a newer version's rows stay
        fold = Fold(projection) if rebuild else load(journal, projection, reader)
        base = fold.position
        end = min(reader.head().position, _known_until(journal, projection, reader, base))
        fold_pages(journal, fold, reader=reader, until=end, size=1000)
        fold.position = end
    checkpoint, rows = _stored(fold)
    if not fold.is_keyed:
        _check_comes_back(projection, fold.total, str(checkpoint.total))
    elif of_others:
        _check_rows(projection, fold.changed, rows)
    with journal.backend.transaction() as store:
        there = store.checkpoint(projection.name)
        if there is not None and there.version > projection.version and not rebuild:
            return there.position
        is_ours = there is not None and there.version == projection.version
        saved = there.position if there is not None and is_ours else 0
        show = getattr(store, "show_view", None)  # of a backend that others ask in SQL
        if columns and show is not None:
            show(projection.name, columns)
        if saved >= fold.position and not rebuild and is_ours:
            return saved  # another process was faster
        if saved >= base:  # what was saved since our base is among our changes too
            store.save_view(checkpoint, rows, replace=base == 0)
            return fold.position
    return refresh(
        journal, projection, rebuild=True, of_others=of_others
    )  # the saved rows were dropped meanwhile


def _known_until(
    journal: Journal, projection: Projection, reader: Reader, after: int, *, until: int = END
) -> int:
    """Return up to where a projection is shown all that it asks for, whose types are known here."""
    if projection.types is not None:
        return END
    known = set(journal.codec.types())
    for rows in journal.pages(after=after, until=until, reader=reader):
        for row in rows:
            if row[4] not in known:
                return row[0] - 1
    return END


def differences(journal: Journal, projection: Projection) -> list[str]:
    """
    Compare a persisted view with a rebuild up to its checkpoint; return what differs.

    Returns:
        The keys of rows that differ, and ``(total)``; nothing if none is persisted, or if it
        folded events of every type, and some are of a plugin that is not here.
    """
    with journal.backend.snapshot() as reader:
        saved = reader.checkpoint(projection.name)
        if saved is None or saved.version != projection.version:
            return []
        if _known_until(journal, projection, reader, 0) < saved.position:
            return []  # a plugin was there whose events nobody here can fold
        fold = Fold(projection)
        fold_pages(journal, fold, reader=reader, until=saved.position, size=1000)
        there = reader.view_rows(projection.name)
    rebuilt = {key: to_json(row) for key, row in fold.rows().items()}
    found = [key for key in {**there, **rebuilt} if not _is_same(there.get(key), rebuilt.get(key))]
    total = to_json(fold.total) if fold.has_total or not fold.is_keyed else None
    return found if _is_same(saved.total, total) else [*found, "(total)"]


def to_json(row: Any) -> str:
    """Return a row as the view store keeps it."""
    return _ENCODE(row).decode()


def rows_of(
    journal: Journal,
    projection: Any,
    reader: Reader,
    keys: Sequence[str] | None,
    *,
    prefix: str = "",
) -> dict[str, Any]:
    """Return a view's persisted rows, those of *keys*, or all whose keys begin with *prefix*."""
    decode = decoder_of(projection.row_type, stored=stored_value).decode
    found = reader.view_rows(projection.name, keys, prefix=prefix).items()
    return {key: _decoded(journal, projection, decode, text) for key, text in found}


def _is_same(one: str | None, other: str | None) -> bool:
    if one is None or other is None:
        return one is other
    try:  # the order of keys says nothing
        return bool(msgspec.json.decode(one) == msgspec.json.decode(other))
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return False


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
        back = decoder_of(_total_type(projection), stored=stored_value).decode(text)
    except msgspec.ValidationError as fault:
        back = fault
    if back != value:
        raise InvalidInputError(
            f"View {projection.name!r} cannot be persisted: {text[:80]} would come back as "
            f"{str(back)[:80]}. Use strings as keys, or name its type as the view_type.",
            name="view",
            value=projection.name,
        )


def _check_rows(projection: Any, rows: Mapping[str, Any], texts: Mapping[str, str | None]) -> None:
    decode = decoder_of(projection.row_type, stored=stored_value).decode
    for key, text in texts.items():
        if text is None:
            continue
        try:
            back = decode(text)
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as fault:
            back = fault
        if back != rows[key]:
            raise InvalidInputError(
                f"View {projection.name!r} cannot be persisted: its row {key[:80]!r}, {text[:80]}, "
                f"would come back as {str(back)[:80]}. Give its fields what their types say.",
                name="view",
                value=projection.name,
            )


def _total_type(projection: Any) -> Any:
    if is_keyed(projection):
        return projection.total_type
    return getattr(projection, "view_type", type(projection.initial))

"""Replay: any projection, folded from the first event to any position or moment."""

from datetime import datetime
from typing import Any, Final

from autopack.errors import InvalidInputError
from autopack.format.as_of_moments import last_by
from autopack.log.journal import Journal
from autopack.log.views.projection_fold import Fold, ViewAt, answer, fold_pages
from autopack.ports.backend import Reader
from autopack.ports.log import to_us
from autopack.ports.projection import Projection

_CLOCKS: Final = ("recorded", "occurred")


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
        until: The last position, up to the head, or an aware moment; None goes to the head.
        clock: ``recorded`` cuts a moment by ``recorded_at``: the longest prefix known by then,
            as :mod:`autopack.format.as_of_moments` has it where clocks were wrong.
            ``occurred`` filters by ``occurred_at``, in order of position: a reconstruction.
        size: How many rows are fetched at once; changes nothing in the answer.

    Raises:
        InvalidInputError: *until* is past the head or has no zone, or there is no such clock.
    """
    if clock not in _CLOCKS:
        raise InvalidInputError(
            f"The clock {clock!r} is not one of {', '.join(_CLOCKS)}.", name="clock", value=clock
        )
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
    return answer(fold, position=end, is_reconstruction=by_occurrence)


def position_at(
    journal: Journal, moment: int | datetime | None, *, reader: Reader | None = None
) -> int:
    """
    Return the last position recorded by a moment; a position as it is, and the head for None.

    Raises:
        InvalidInputError: A position that the log does not have, or a moment without a zone.
    """
    source = reader or journal.backend
    head = source.head()
    if moment is None:
        return head.position
    if not isinstance(moment, datetime):
        return _checked(moment, head.position)
    wanted = to_us(moment)
    return head.position if head.as_of <= wanted else last_by(source, wanted, head.position)


def _checked(position: Any, head: int) -> int:
    if not isinstance(position, int) or isinstance(position, bool):
        raise InvalidInputError(
            f"{position!r} is no place in a log: give a position from 0 to {head}, or an aware "
            "datetime.",
            name="until",
            value=position,
        )
    if position < 0:
        raise InvalidInputError(
            f"Position {position} is below 0, the empty log.", name="until", value=position
        )
    if position > head:
        raise InvalidInputError(
            f"Position {position} is past the log's head, {head}. Give one from 0 to {head}, or "
            "none to go to the head.",
            name="until",
            value=position,
        )
    return position


def _fold_occurred(journal: Journal, fold: Fold, reader: Reader, *, until: int, size: int) -> None:
    types = fold.projection.types
    names = None if types is None else journal.codec.names_of(types)
    for rows in journal.pages(types=names, reader=reader, size=size):
        fold.apply_all(journal.decode([row for row in rows if row[6] <= until]))

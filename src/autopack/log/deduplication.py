"""Facts that are told more than once: one event each, and no two under one id."""

from collections.abc import Iterator, Sequence
from typing import Any

from autopack.errors import EventIdConflictError, InvalidEventError
from autopack.log.drafts import Draft
from autopack.ports.log import Recorded


def firsts_of(drafts: Sequence[Draft]) -> dict[bytes, Draft]:
    """
    Return the first draft of each id that is given.

    Raises:
        InvalidEventError: An id is given twice to different events; says which, and where.
    """
    firsts: dict[bytes, Draft] = {}
    for place, draft in enumerate(drafts):
        if draft.event_id is None:
            continue
        first = firsts.setdefault(draft.event_id, draft)
        if first is not draft and (differs := _different(draft, first)):
            why = (
                f"its event_id {draft.event_id.hex()} is given twice in one call, to events "
                f"{drafts.index(first) + 1} and {place + 1} of {len(drafts)}, with another "
                f"{differs}"
            )
            raise InvalidEventError(draft.type, why)
    return firsts


def _different(draft: Draft, first: Draft) -> str:
    same = {
        "stream": draft.stream == first.stream,
        "type": draft.type == first.type,
        "occurred_at": draft.occurred_us in (None, first.occurred_us),
        "data": draft.event == first.event,
    }
    return " and ".join(name for name, is_same in same.items() if not is_same)


def told_first(drafts: Sequence[Draft], told: set[bytes]) -> list[Draft]:
    """Return the drafts that no one before them told; adds their ids to *told*."""
    fresh = []
    for draft in drafts:
        if draft.event_id is None or draft.event_id not in told:
            fresh.append(draft)
            if draft.event_id is not None:
                told.add(draft.event_id)
    return fresh


def answer(
    draft: Draft, answers: dict[bytes | None, Recorded[Any]], left: Iterator[Recorded[Any]]
) -> Recorded[Any]:
    """Return what a draft became; one that was told before became the same event."""
    if draft.event_id is None:
        return next(left)
    if draft.event_id not in answers:
        answers[draft.event_id] = next(left)
    return answers[draft.event_id]


def check_same(draft: Draft, known: Recorded[Any]) -> None:
    """
    Return if a draft tells what is recorded under its id.

    Raises:
        EventIdConflictError: It tells something else; names what differs.
    """
    differs = [
        name
        for name, is_same in (
            ("stream", draft.stream == known.stream),
            ("type", draft.type == known.type),
            ("occurred_at", draft.occurred_us in (None, known.row[6])),
            ("data", draft.event == known.event),
        )
        if not is_same
    ]
    if differs:
        raise EventIdConflictError(
            known.event_id, position=known.position, differs=" and ".join(differs)
        )

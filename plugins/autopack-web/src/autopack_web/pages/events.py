"""The log itself: its events, the newest first, searched and filtered."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import attrs

from autopack.report.history import event_json, in_words

if TYPE_CHECKING:
    from autopack import Log, Recorded
    from autopack_web.moments import Asked

_MOST: Final = 100
_LOOKED_AT_MOST: Final = 20_000
_CHUNK: Final = 1_000


@attrs.frozen(kw_only=True)
class EventEntry:
    """An event: its place, what it tells in words, and all of it as JSON-simple values."""

    position: int
    at: datetime
    type: str
    told: str
    whole: Mapping[str, Any]


@attrs.frozen(kw_only=True)
class EventsPage:
    """
    Some events, the newest first.

    Args:
        text, type, stream: What they hold: a text anywhere in what they say, the beginning of
            their type, and of their stream; None asks for nothing.
        before: Below which position they are; None begins at the head.
        searched_to: The position down to which was looked; 1 is all of it.
    """

    events: tuple[EventEntry, ...]
    text: str | None
    type: str | None
    stream: str | None
    before: int | None
    searched_to: int


def read(log: "Log", asked: "Asked") -> EventsPage:
    """Return up to a hundred events, of at most 20,000 that are looked at."""
    head = log.head().position
    told = asked.told("before")
    before = int(told) if told is not None and told.isdecimal() and len(told) < 19 else None
    found: list[EventEntry] = []
    at = min(head + 1, before) if before is not None else head + 1
    last = max(at - _LOOKED_AT_MOST, 1)
    for recorded in _backwards(log, at, last):
        at = recorded.position
        if _is_wanted(recorded, asked):
            found.append(event_entry(recorded))
            if len(found) == _MOST:
                break
    else:
        at = last
    return EventsPage(
        events=tuple(found),
        text=asked.told("q"),
        type=asked.told("type"),
        stream=asked.told("stream"),
        before=before,
        searched_to=at,
    )


def event_entry(recorded: "Recorded[Any]") -> EventEntry:
    """Return an event as a row of a table."""
    return EventEntry(
        position=recorded.position,
        at=recorded.occurred_at,
        type=recorded.type,
        told=", ".join(in_words(recorded.event)),
        whole=event_json(recorded),
    )


def _backwards(log: "Log", before: int, last: int) -> "Iterator[Recorded[Any]]":
    """Yield the events below a position down to another, the newest first."""
    while before > last:
        after = max(before - _CHUNK, last) - 1
        yield from reversed(list(log.read_all(after=after, until=before - 1)))
        before = after + 1


def _is_wanted(recorded: "Recorded[Any]", asked: "Asked") -> bool:
    stream, type_, text = asked.told("stream"), asked.told("type"), asked.told("q")
    if type_ is not None and not recorded.type.startswith(type_):
        return False
    if stream is not None and stream.lower() not in recorded.stream.lower():
        return False
    return text is None or text.lower() in f"{recorded.stream} {recorded.row[9]}".lower()

"""Following a log as it grows: events as they come, and subscriptions that remember their place."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from typing import Any, Final

from autopack.errors import InvalidInputError, LogError
from autopack.events import SubscriptionEventSkipped
from autopack.log.journal import Journal
from autopack.log.write_transaction import PAGE
from autopack.ports.backend import Checkpoint
from autopack.ports.log import ANY, EventClass, NewEvent, Recorded, Row
from autopack.values.ids import check_name, subscription_stream

Handle = Callable[[Recorded[Any]], None]
AsyncHandle = Callable[[Recorded[Any]], Awaitable[None]]
Until = Callable[[], bool]

_FIRST_WAIT_S: Final = 0.002
_LONGEST_WAIT_S: Final = 0.05
_SLOWER: Final = 1.5
_VERSION: Final = 1


class _Pace:
    """How long to wait before looking again: briefly while there is news, longer while idle."""

    def __init__(self) -> None:
        self._wait_s = _FIRST_WAIT_S

    def had_news(self) -> None:
        self._wait_s = _FIRST_WAIT_S

    def next_wait_s(self) -> float:
        wait_s = self._wait_s
        self._wait_s = min(wait_s * _SLOWER, _LONGEST_WAIT_S)
        return wait_s


def follow(
    journal: Journal, *, after: int, types: Iterable[EventClass[Any]] | None, until: Until | None
) -> Iterator[Recorded[Any]]:
    """Yield events as they are recorded, by any process; see :meth:`autopack.Log.follow`."""
    names = None if types is None else journal.codec.names_of(types)
    pace = _Pace()
    while True:
        head = journal.backend.head().position
        if head > after:
            for rows in journal.pages(after=after, until=head, types=names):
                yield from journal.decode(rows)
            after = head
            pace.had_news()
        elif until is not None and until():
            return
        else:
            journal.wait_for_news(pace.next_wait_s())


async def afollow(
    journal: Journal, *, after: int, types: Iterable[EventClass[Any]] | None, until: Until | None
) -> AsyncIterator[Recorded[Any]]:
    """Do as :func:`follow` does; reads run in a thread, so that the event loop goes on."""
    import asyncio  # loading it takes longer than most commands, which never follow

    names = None if types is None else journal.codec.names_of(types)
    pace = _Pace()
    while True:
        head = (await asyncio.to_thread(journal.backend.head)).position
        if head > after:
            while after < head:
                rows = await asyncio.to_thread(_page, journal, after, head, names)
                for recorded in journal.decode(rows):
                    yield recorded
                after = rows[-1][0] if len(rows) == PAGE else head
            pace.had_news()
        elif until is not None and until():
            return
        else:
            await asyncio.sleep(pace.next_wait_s())


def subscribe(
    journal: Journal,
    name: str,
    handle: Handle,
    *,
    types: Iterable[EventClass[Any]] | None,
    batch: int,
    until: Until | None,
) -> int:
    """Hand events out from where *name* stands; see :meth:`autopack.Log.subscribe`."""
    place = _Place(journal, name, types, batch)
    pace, handled = _Pace(), 0
    while True:
        rows = place.next_page()
        for row in rows:
            try:
                handle(place.event(row))
            except Exception as fault:
                place.stop_before(row, fault)
                raise
            handled += 1
        if place.has_news():
            place.save()
            pace.had_news()
        elif until is None or until():
            return handled
        else:
            journal.wait_for_news(pace.next_wait_s())


async def asubscribe(
    journal: Journal,
    name: str,
    handle: AsyncHandle,
    *,
    types: Iterable[EventClass[Any]] | None,
    batch: int,
    until: Until | None,
) -> int:
    """Do as :func:`subscribe` does, with a handler that is awaited, one event at a time."""
    import asyncio  # loading it takes longer than most commands, which never follow

    place = await asyncio.to_thread(_Place, journal, name, types, batch)
    pace, handled = _Pace(), 0
    while True:
        rows = await asyncio.to_thread(place.next_page)
        for row in rows:
            try:
                await handle(place.event(row))
            except Exception as fault:
                await journal.pool.call(place.stop_before, row, fault)
                raise
            handled += 1
        if place.has_news():
            await journal.pool.call(place.save)
            pace.had_news()
        elif until is None or until():
            return handled
        else:
            await asyncio.sleep(pace.next_wait_s())


def skip_event(journal: Journal, name: str, position: int, *, why: str, actor: str) -> None:
    """Let a subscription go on past one event; the act is recorded on the subscription's stream."""
    head = journal.backend.head().position
    if not 1 <= position <= head:
        raise InvalidInputError(
            f"Position {position} cannot be skipped: the log has 1 to {head}.",
            name="position",
            value=position,
        )
    event = SubscriptionEventSkipped(subscription=name, position=position, by=actor, why=why)
    journal.append(subscription_stream(name), [NewEvent(event=event)], expected_version=ANY)


class _Place:
    """Where a subscription stands, and what it was told to leave out."""

    def __init__(
        self, journal: Journal, name: str, types: Iterable[EventClass[Any]] | None, batch: int
    ) -> None:
        if batch < 1:
            raise InvalidInputError(
                f"A batch of {batch} holds no event; give 1 or more.", name="batch", value=batch
            )
        self._journal, self._name, self._batch = journal, check_name("subscription", name), batch
        self._types = None if types is None else journal.codec.names_of(types)
        saved = journal.backend.checkpoint(self._view)
        self._position = self._end = saved.position if saved else 0

    @property
    def _view(self) -> str:
        return f"subscription:{self._name}"

    def next_page(self) -> list[Row]:
        """Return the next rows to hand out; without any, all that is there has been looked at."""
        head = self._journal.backend.head().position
        rows = _page(self._journal, self._position, head, self._types, self._batch)
        left_out = self._left_out() if rows else set()
        self._end = rows[-1][0] if len(rows) == self._batch else head
        return [row for row in rows if row[0] not in left_out]

    def event(self, row: Row) -> Recorded[Any]:
        """Return a row as an event."""
        (recorded,) = self._journal.decode([row])
        return recorded

    def stop_before(self, row: Row, fault: Exception) -> None:
        """Remember that *row* is yet to be handed out, and note at its error what can be done."""
        with contextlib.suppress(LogError):  # at least once holds without it
            self._save(row[0] - 1)
        fault.add_note(
            f"Subscription {self._name!r} stopped before position {row[0]} of "
            f"{self._journal.target}. Once the cause is gone it goes on from there; to leave "
            f"this event out: log.skip_event({self._name!r}, {row[0]}, why=...)"
        )

    def has_news(self) -> bool:
        """Tell whether the last page, handed out or left out, is yet to be remembered."""
        return self._end > self._position

    def save(self) -> None:
        """Remember that all up to the end of the last page was handed out."""
        self._save(self._end)

    def _save(self, position: int) -> None:
        self._position = position
        with self._journal.backend.transaction() as store:
            there = store.checkpoint(self._view)
            if there is None or there.position < position:  # another process may be further
                place = Checkpoint(view=self._view, version=_VERSION, position=position)
                store.save_view(place, {}, replace=False)

    def _left_out(self) -> set[int]:
        told = self._journal.read(subscription_stream(self._name))
        return {r.event.position for r in told if isinstance(r.event, SubscriptionEventSkipped)}


def _page(
    journal: Journal,
    after: int,
    until: int,
    names: Sequence[str] | None,
    size: int = PAGE,
) -> list[Row]:
    return journal.backend.page(after=after, until=until, limit=size, types=names)

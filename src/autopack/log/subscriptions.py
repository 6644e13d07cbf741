"""Following a log as it grows: events as they come, and subscriptions that remember their place."""

import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from typing import Any, Final

from autopack.errors import ForeignPlaceError, InvalidInputError, LogError
from autopack.events import SubscriptionEventSkipped
from autopack.log.journal import Journal
from autopack.log.write_transaction import PAGE
from autopack.ports.backend import Checkpoint
from autopack.ports.log import ANY, EventClass, NewEvent, Recorded, Row
from autopack.ports.read_models import CursorStore, ReadUpTo
from autopack.values.ids import check_name, subscription_stream

Handle = Callable[[Recorded[Any]], None]
AsyncHandle = Callable[[Recorded[Any]], Awaitable[None]]
Until = Callable[[], bool]

_FIRST_WAIT_S: Final = 0.002
_LONGEST_WAIT_S: Final = 0.05
_NET_S: Final = 1.0
"""How long a log that tells of news is not looked at, for what it did not tell."""
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


class _Rest:
    """
    Waits for news between two looks at a log.

    Whether to stop is asked as often as a file is looked at; a log that tells of others' news is
    looked at when it did, or from time to time.
    """

    def __init__(self, journal: Journal, until: Until | None) -> None:
        self._journal, self._until = journal, until
        self._pace, self._told = _Pace(), -1

    def look(self) -> None:
        """Note that the log is about to be looked at: what is told from now on is news."""
        self._told = self._journal.n_told

    def had_news(self) -> None:
        self._pace.had_news()

    def wait(self) -> None:
        look_at = time.monotonic() + _NET_S * self._journal.is_told_of_others
        while not self._journal.wait_for_news(self._pace.next_wait_s(), since=self._told):
            is_over = self._until is not None and self._until()
            if is_over or time.monotonic() >= look_at:
                return


def follow(
    journal: Journal, *, after: int, types: Iterable[EventClass[Any]] | None, until: Until | None
) -> Iterator[Recorded[Any]]:
    """Yield events as they are recorded, by any process; see :meth:`autopack.Log.follow`."""
    names = None if types is None else journal.codec.names_of(types)
    rest = _Rest(journal, until)
    while True:
        rest.look()
        head = journal.backend.head().position
        if head > after:
            for rows in journal.pages(after=after, until=head, types=names):
                yield from journal.decode(rows)
            after = head
            rest.had_news()
        elif until is not None and until():
            return
        else:
            rest.wait()


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
    cursors: CursorStore | None = None,
) -> int:
    """Hand events out from where *name* stands; see :meth:`autopack.Log.subscribe`."""
    if cursors is not None:
        place = _Place(journal, name, types, batch, position=0)
        return _exactly_once(place, handle, cursors, until)
    place = _Place(journal, name, types, batch)
    rest, handled = _Rest(journal, until), 0
    while True:
        rest.look()
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
            rest.had_news()
        elif until is None or until():
            return handled
        else:
            rest.wait()


def _exactly_once(place: "_Place", handle: Handle, store: CursorStore, until: Until | None) -> int:
    """Hand events out within the transactions of a reader's own database."""
    rest, handled = _Rest(place.journal, until), 0
    while True:
        rest.look()
        if place.is_behind():
            with store.transaction():
                place.stand_at(store.take(place.name))
                rows = place.next_page()
                for row in rows:
                    with place.named(row):
                        handle(place.event(row))
                if place.has_news():
                    store.save(place.name, place.read_up_to())
            place.go_on()
            handled += len(rows)
            rest.had_news()
        elif until is None or until():
            return handled
        else:
            rest.wait()


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
        self,
        journal: Journal,
        name: str,
        types: Iterable[EventClass[Any]] | None,
        batch: int,
        *,
        position: int | None = None,
    ) -> None:
        if batch < 1:
            raise InvalidInputError(
                f"A batch of {batch} holds no event; give 1 or more.", name="batch", value=batch
            )
        self.journal, self.name, self._batch = journal, check_name("subscription", name), batch
        self._types = None if types is None else journal.codec.names_of(types)
        if position is None:
            saved = journal.backend.checkpoint(self._view)
            position = saved.position if saved else 0
        self._position = self._end = position

    @property
    def _view(self) -> str:
        return f"subscription:{self.name}"

    def next_page(self) -> list[Row]:
        """Return the next rows to hand out; without any, all that is there has been looked at."""
        head = self.journal.backend.head().position
        rows = _page(self.journal, self._position, head, self._types, self._batch)
        left_out = self._left_out() if rows else set()
        self._end = rows[-1][0] if len(rows) == self._batch else head
        return [row for row in rows if row[0] not in left_out]

    def event(self, row: Row) -> Recorded[Any]:
        """Return a row as an event."""
        (recorded,) = self.journal.decode([row])
        return recorded

    def stop_before(self, row: Row, fault: Exception) -> None:
        """Remember that *row* is yet to be handed out, and note at its error what can be done."""
        with contextlib.suppress(LogError):  # at least once holds without it
            self._save(row[0] - 1)
        fault.add_note(
            f"Subscription {self.name!r} stopped before position {row[0]} of "
            f"{self.journal.target}. Once the cause is gone it goes on from there; to leave "
            f"this event out: log.skip_event({self.name!r}, {row[0]}, why=...)"
        )

    @contextlib.contextmanager
    def named(self, row: Row) -> Iterator[None]:
        """Note at an error at which event its reader's transaction was rolled back."""
        try:
            yield
        except Exception as fault:
            fault.add_note(
                f"Subscription {self.name!r} stopped at position {row[0]} of "
                f"{self.journal.target}, and nothing after position {self._position} is kept. Once "
                f"the cause is gone it goes on from there; to leave this event out: "
                f"log.skip_event({self.name!r}, {row[0]}, why=...)"
            )
            raise

    def is_behind(self) -> bool:
        """Tell whether the log has more than was looked at."""
        return self.journal.backend.head().position > self._position

    def stand_at(self, place: ReadUpTo | None) -> None:
        """Go on from a reader's place, if all up to there is what this log holds."""
        if place is not None and self._hash_at(place.position) != place.hash:
            raise ForeignPlaceError(self.name, place.position, self.journal.target)
        self._position = 0 if place is None else place.position

    def read_up_to(self) -> ReadUpTo:
        """Return the place of a reader that has handled the last page."""
        return ReadUpTo(self._end, self._hash_at(self._end) or "")

    def go_on(self) -> None:
        """Stand after the last page."""
        self._position = self._end

    def _hash_at(self, position: int) -> str | None:
        rows = _page(self.journal, position - 1, position, None, 1)
        return rows[0][10].hex() if rows else None

    def has_news(self) -> bool:
        """Tell whether the last page, handed out or left out, is yet to be remembered."""
        return self._end > self._position

    def save(self) -> None:
        """Remember that all up to the end of the last page was handed out."""
        self._save(self._end)

    def _save(self, position: int) -> None:
        self._position = position
        with self.journal.backend.transaction() as store:
            there = store.checkpoint(self._view)
            if there is None or there.position < position:  # another process may be further
                place = Checkpoint(view=self._view, version=_VERSION, position=position)
                store.save_view(place, {}, replace=False)

    def _left_out(self) -> set[int]:
        told = self.journal.read(subscription_stream(self.name))
        return {r.event.position for r in told if isinstance(r.event, SubscriptionEventSkipped)}


def _page(
    journal: Journal,
    after: int,
    until: int,
    names: Sequence[str] | None,
    size: int = PAGE,
) -> list[Row]:
    return journal.backend.page(after=after, until=until, limit=size, types=names)

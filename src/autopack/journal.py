"""The event log over any backend: ids, expected versions, positions and the hash chain."""

import contextlib
import secrets
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from operator import itemgetter
from typing import Any, Final

from autopack.chain import Chain, link, seed
from autopack.codec import Codec
from autopack.drafting import Draft, Drafter, Redact, packed, unpacked
from autopack.errors import (
    ArtifactMissingError,
    EventIdConflictError,
    ForeignCursorError,
    InvalidEventError,
    LogDamagedError,
    VersionConflictError,
)
from autopack.events.artifact import ARTIFACTS_STREAM, ArtifactsPruned
from autopack.ids import EventId, check_name, uuid7
from autopack.ports.log import (
    ANY,
    Backend,
    Cursor,
    Entry,
    ExpectedVersion,
    Reader,
    Recorded,
    Row,
    Transaction,
)

PAGE: Final = 1000
END: Final = 2**62
_body: Final = itemgetter(0, 4, 5, 9)

Observer = Callable[[Recorded[Any]], None]


class Journal:
    """
    Appends events and reads them back, in order, checked.

    Args:
        backend: Where everything is kept.
        codec: The event types that are known.
        redact: Applied to every free text before it is stored.
        observers: Called with each event after its commit, one by one; they must not raise.
        clock: Seconds since 1970; replaceable so that tests can say what time it is.
    """

    def __init__(
        self,
        backend: Backend,
        *,
        codec: Codec | None = None,
        redact: Redact | None = None,
        observers: Sequence[Observer] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.backend, self.codec, self.clock = backend, codec or Codec(), clock
        self.observers = list(observers)
        self._drafter = Drafter(self.codec, redact)
        self.draft = self._drafter.draft
        self._news = threading.Condition()

    @property
    def target(self) -> str:
        """How the log is named to people, credentials masked."""
        return self.backend.target

    @property
    def log_id(self) -> str:
        """The log's own UUID."""
        return self.backend.identity.log_id

    def now_us(self) -> int:
        """Return the clock's time in microseconds since 1970 UTC."""
        return int(self.clock() * 1_000_000)

    def append(
        self, stream: str, events: Sequence[Any], *, expected_version: ExpectedVersion
    ) -> list[Recorded[Any]]:
        """
        Append events to one stream; durable when this returns.

        Args:
            stream: The stream's name.
            events: Events, or :class:`NewEvent` to give an id, a time or meta.
            expected_version: 0 for a new stream, n for one at version n, ``ANY`` for no check.

        Returns:
            The events as recorded; those that were recorded before, as they were then.

        Raises:
            VersionConflictError: The stream is at another version; nothing was appended.
            EventIdConflictError: An id is known with other content; nothing was appended.
            InvalidEventError: An event cannot be stored; nothing was appended.
        """
        return self.append_batch([(stream, events, expected_version)])

    def append_batch(self, entries: Sequence[Entry]) -> list[Recorded[Any]]:
        """Append to several streams, all or nothing; an entry without events only asserts."""
        with self.transaction() as transaction:
            return transaction.append_batch(entries)

    @contextlib.contextmanager
    def transaction(self) -> Iterator["JournalTransaction"]:
        """Begin a write transaction over events, leases, artifacts and views."""
        with self.backend.transaction() as store:
            transaction = JournalTransaction(self, store)
            yield transaction
        self.tell_followers()
        for recorded in transaction.appended:
            for observe in self.observers:
                observe(recorded)

    def tell_followers(self) -> None:
        """Wake those of this process who wait for news."""
        with self._news:
            self._news.notify_all()

    def wait_for_news(self, longest_s: float) -> None:
        """Wait until this process appends or closes the log, but no longer than that."""
        with self._news:
            self._news.wait(longest_s)

    def read(self, stream: str, *, after_version: int = 0) -> Iterator[Recorded[Any]]:
        """Yield a stream's events in order of version."""
        while rows := self.backend.stream_page(stream, after_version=after_version, limit=PAGE):
            yield from self.decode(rows)
            after_version = rows[-1][3]

    def read_all(
        self,
        *,
        after: int | Cursor = 0,
        until: int | None = None,
        types: Iterable[type] | None = None,
        limit: int | None = None,
    ) -> Iterator[Recorded[Any]]:
        """
        Yield events in order of position.

        Args:
            after: The position (or a cursor of this log) after which to begin.
            until: The last position to yield; None goes on to the end, as it is when reached.
            types: Event classes to yield; None yields all.
            limit: Yield at most so many.
        """
        names = None if types is None else self.codec.names_of(types)
        size = PAGE if limit is None else max(1, min(PAGE, limit))
        for rows in self.pages(after=self.position_of(after), until=until, types=names, size=size):
            if limit is not None and limit <= len(rows):
                yield from self.decode(rows[:limit])
                return
            yield from self.decode(rows)
            limit = None if limit is None else limit - len(rows)

    def pages(
        self,
        *,
        after: int = 0,
        until: int | None = None,
        types: Sequence[str] | None = None,
        reader: Reader | None = None,
        size: int = PAGE,
    ) -> Iterator[list[Row]]:
        """Yield stored rows page by page, with no statement open in between."""
        source, last = reader or self.backend, END if until is None else until
        while rows := source.page(after=after, until=last, limit=size, types=types):
            yield rows
            after = rows[-1][0]

    def decode(self, rows: Collection[Row]) -> Iterator[Recorded[Any]]:
        """Yield rows as events with their envelopes."""
        events = self.codec.decode_all(map(_body, rows))
        for row, event in zip(rows, events, strict=True):
            yield Recorded(row, event)

    def position_of(self, place: int | Cursor) -> int:
        """Return a cursor's position; one of another log is refused by name."""
        if isinstance(place, Cursor):
            if place.log_id != self.log_id:
                raise ForeignCursorError(cursor_log=place.log_id, this_log=self.log_id)
            return place.position
        return place

    def put_artifact(self, text: str) -> str:
        """Store a text beside the log and return its digest (SHA-256, hexadecimal)."""
        with self.transaction() as transaction:
            return transaction.put_artifact(text)

    def get_artifact(self, digest: str) -> str:
        """
        Return a stored text.

        Raises:
            ArtifactMissingError: Nothing is stored under the digest.
            LogDamagedError: What is stored there is another text, or none.
        """
        content = self.backend.artifact(digest)
        if content is None:
            raise ArtifactMissingError(digest, pruned=self._last_pruned())
        text = unpacked(digest, content)
        if text is None:
            raise LogDamagedError(self.target, f"text {digest} is not what was stored")
        return text

    def _last_pruned(self) -> str | None:
        """Return when and why texts were last pruned from beside this log, if they ever were."""
        told = None
        for recorded in self.read(ARTIFACTS_STREAM):
            if isinstance(recorded.event, ArtifactsPruned):
                told = f"{recorded.recorded_at:%Y-%m-%d %H:%M} UTC: {recorded.event.why}"
        return told

    def redact(self, text: str) -> str:
        """Return a text as the redaction hook leaves it."""
        return self._drafter.redact(text)

    def redaction_fault(self, row: Row) -> str | None:
        """Return why a row cannot be kept as it is: the redaction hook would change it."""
        if not self._drafter.redacts:
            return None
        event = next(self.decode([row])).event
        if not self._drafter.changes(event):
            return None
        return "the redaction hook would change a text that its hash covers"

    def seed(self) -> bytes:
        """Return the hash that stands before position 1."""
        return seed(self.backend.identity.origin_id)


class JournalTransaction:
    """One write transaction: what is appended here is seen by others all at once, or never."""

    def __init__(self, journal: Journal, store: Transaction) -> None:
        self.store = store
        self.appended: list[Recorded[Any]] = []
        self._journal = journal

    def append_batch(self, entries: Sequence[Entry]) -> list[Recorded[Any]]:
        """Append to several streams; see :meth:`Journal.append_batch`."""
        texts: dict[str, bytes] = {}
        draft = self._journal.draft
        for stream, _events, _expected in entries:
            _check_stream(stream)
        drafts = [
            [draft(stream, event, texts) for event in events]
            for stream, events, _expected in entries
        ]
        known = self._known([draft for some in drafts for draft in some])
        before: dict[str, int] = {}
        versions: dict[str, int] = {}
        fresh: list[Draft] = []
        for (stream, events, expected), some in zip(entries, drafts, strict=True):
            missing = [d for d in some if d.event_id not in known] if known else some
            if events and not missing:
                continue  # all of it is recorded: the first answer holds, wherever the stream is
            if len(missing) < len(some) and expected is not ANY:
                first = next(known[d.event_id] for d in some if d.event_id in known)
                raise EventIdConflictError(
                    first.event_id,
                    position=first.position,
                    differs="list of events, in part new, under a checked version",
                )
            if stream not in versions:
                before[stream] = versions[stream] = self.store.stream_version(stream)
            if expected is not ANY and expected != versions[stream]:
                raise VersionConflictError(stream, expected=expected, actual=versions[stream])
            versions[stream] += len(missing)
            fresh += missing
        for digest, content in texts.items():
            self.store.put_artifact(digest, content)
        stored = self._store(fresh, before)
        if not known:
            return stored
        left = iter(stored)
        return [
            known[draft.event_id] if draft.event_id in known else next(left)
            for some in drafts
            for draft in some
        ]

    def take_over(self, origin_id: str, rows: Iterable[Row]) -> Iterator[Row]:
        """
        Store rows as another log stored them, with positions, times and hashes, and yield them.

        Raises:
            LogDamagedError: They are not one chain from *origin_id*, or this log has events.
        """
        journal = self._journal
        if self.store.head().position:
            raise LogDamagedError(
                journal.target, "only an empty log takes another one's events over"
            )
        self.store.adopt_origin(origin_id)
        chain = Chain(origin_id)
        waiting: list[Row] = []
        for row in rows:
            if fault := chain.fault(row) or journal.redaction_fault(row):
                raise LogDamagedError(journal.target, f"position {row[0]} was not taken: {fault}")
            waiting.append(row)
            if len(waiting) == PAGE:
                self.store.insert(waiting)
                waiting = []
            yield row
        self.store.insert(waiting)

    def put_artifact(self, text: str) -> str:
        """Store a text beside the log and return its digest."""
        digest, content = packed(self._journal.redact(text))
        self.store.put_artifact(digest, content)
        return digest

    def _known(self, drafts: Sequence[Draft]) -> dict[bytes | None, Recorded[Any]]:
        given = [draft.event_id for draft in drafts if draft.event_id is not None]
        if not given:
            return {}
        if len(set(given)) < len(given):
            raise _given_twice(drafts)
        found = {r.event_id: r for r in self._journal.decode(self.store.find(given).values())}
        for draft in drafts:
            if draft.event_id in found:
                _check_same(draft, found[EventId(draft.event_id)])
        return dict(found.items())

    def _store(self, drafts: Sequence[Draft], versions: dict[str, int]) -> list[Recorded[Any]]:
        if not drafts:
            return []
        position, before, last_us = self.store.head()
        before = before or self._journal.seed()
        now = max(self._journal.now_us(), last_us)
        entropy = secrets.token_bytes(10 * len(drafts))
        rows: list[Row] = []
        for start, draft in zip(range(0, len(entropy), 10), drafts, strict=True):
            stream, type_name, schema, data, _event, event_id, occurred, meta = draft
            versions[stream] = version = versions[stream] + 1
            position += 1
            if event_id is None:
                event_id = uuid7(now // 1000, entropy[start : start + 10])
            if occurred is None:
                occurred = now
            before = link(
                before,
                position=position,
                event_id=event_id,
                stream=stream.encode(),
                version=version,
                type=type_name.encode(),
                schema=schema,
                occurred_at=occurred,
                recorded_at=now,
                meta=meta.encode(),
                data=data.encode(),
            )
            rows.append((
                position, event_id, stream, version, type_name, schema,
                occurred, now, meta, data, before,
            ))  # fmt: skip
        self.store.insert(rows)
        stored = [Recorded(row, draft.event) for row, draft in zip(rows, drafts, strict=True)]
        self.appended += stored
        return stored


def _check_stream(stream: str) -> None:
    # A phase stream holds a run id and a phase id of up to 200 characters each.
    check_name("stream", stream, longest=420)


def _given_twice(drafts: Sequence[Draft]) -> InvalidEventError:
    """Return the error of a list in which two events have one id: which, and where they stand."""
    given = [draft.event_id for draft in drafts]
    place, twice = next(
        (i, one) for i, one in enumerate(given) if one is not None and one in given[:i]
    )
    why = (
        f"its event_id {twice.hex()} is given twice in one call, to events "
        f"{given.index(twice) + 1} and {place + 1} of {len(given)}"
    )
    return InvalidEventError(drafts[place].type, why)


def _check_same(draft: Draft, known: Recorded[Any]) -> None:
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

"""The event log over any backend, appended to and read back in order."""

import contextlib
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice, takewhile
from typing import Any, Final

from autopack.errors import (
    ArtifactMissingError,
    ForeignCursorError,
    LogClosedError,
    LogDamagedError,
    UnfinishedCopyError,
)
from autopack.events.artifact import ARTIFACTS_STREAM, ArtifactsPruned
from autopack.format.chain import Chain, follows, seed
from autopack.format.codec import Codec
from autopack.format.redaction import Redact
from autopack.log.backends.forks import Opener
from autopack.log.drafts import WHOLE_MOST, Drafter, cuts_in, digest_in, unpacked
from autopack.log.known_folds import KnownFolds
from autopack.log.past_views import PastViews
from autopack.log.plain_appends import append_plainly
from autopack.log.thread_pool import Pool
from autopack.log.upcasting_first import written
from autopack.log.write_transaction import PAGE, JournalTransaction
from autopack.plugins.hook_calls import apart
from autopack.plugins.observers import Observers
from autopack.plugins.registry import Registry
from autopack.ports.backend import AtOnce, Backend, Listening, Reader
from autopack.ports.log import Cursor, Entry, EventClass, ExpectedVersion, Recorded, Row

END: Final = 2**62

Observer = Callable[[Recorded[Any]], None]


class Journal:
    """
    Appends events and reads them back, in order, checked.

    Args:
        backend: Where everything is kept.
        registry: The plugins that it was opened with; None where it is opened without any.
        codec: The event types that are known; those of the plugins, if none is given.
        redact: Applied to every text but keys before it is stored.
        observers: Called with each event after its commit, one by one; what one raises is logged
            and counted, and comes back to nobody.
        clock: Seconds since 1970; replaceable so that tests can say what time it is.
    """

    def __init__(
        self,
        backend: Backend,
        *,
        registry: Registry | None = None,
        codec: Codec | None = None,
        redact: Redact | None = None,
        observers: Sequence[Observer] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.backend, self.registry, self.clock = backend, registry, clock
        self._listening = backend if isinstance(backend, Listening) else None
        self._at_once = backend if isinstance(backend, AtOnce) else None
        self.codec = codec or (Codec() if registry is None else registry.codec)
        self.observers = Observers(observers)
        self._drafter = Drafter(self.codec, redact)
        self.packed, self.taking_fault = self._drafter.packed, self._drafter.taking_fault
        self.folds = KnownFolds()
        self.past_views: PastViews | None = None
        self.pool = Pool(backend.target)
        self._news, self._hearers = threading.Condition(), list[Callable[[], None]]()
        self.n_told = 0  # how often there was news
        self._is_listening = self._is_closed = self._is_head_checked = False
        self._opener = Opener()

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

    def steady_s(self) -> float:
        """
        Return seconds of a clock that nobody sets: for durations and deadlines.

        It is the machine's, but for a log whose clock has a method ``steady_s`` of its own.
        """
        steady_s: float = getattr(self.clock, "steady_s", time.monotonic)()
        return steady_s

    def close(self) -> None:
        """Close after waiting for what is in flight; open iterators then raise."""
        self.pool.close()
        self.backend.close()
        self._is_closed = True
        if self._opener.is_here:  # in a process that was forked, nobody waits
            self.tell_followers()

    def head(self) -> Cursor:
        """Return the place of the last event; position 0 for an empty log."""
        return Cursor(self.log_id, self.backend.head().position)

    def append(
        self, stream: str, events: Sequence[Any], *, expected_version: ExpectedVersion
    ) -> list[Recorded[Any]]:
        """Append events to one stream; see :meth:`autopack.Log.append`."""
        return self.append_batch([(stream, events, expected_version)])

    def append_batch(self, entries: Sequence[Entry]) -> list[Recorded[Any]]:
        """Append to several streams, all or nothing; an entry without events only asserts."""
        entries = self.redacted_entries(entries)
        at_once = self._at_once
        if at_once is not None and self._is_head_checked and self.clock == at_once.clock:
            placed = append_plainly(at_once, self._drafter, entries)
            if placed is not None:
                self._tell(placed)
                return placed
        return written(self, lambda transaction: transaction.append_batch(entries))

    def redacted(self, given: Any) -> Any:
        """
        Return an event, or ``NewEvent``, as the redaction hook leaves it: it is asked no more.

        Whoever begins a transaction does this before: a hook is a plugin's, and may be slow, and
        within a transaction all who write would wait for it.
        """
        return self._drafter.redacted(given)

    @property
    def redacts(self) -> bool:
        """Whether a redaction hook is there."""
        return self._drafter.redacts

    def redacting_many(self) -> Callable[[Any], Any]:
        """Return :meth:`redacted` for events that share their texts: each is asked about once."""
        return self._drafter.remembering().redacted

    def redacted_entries(self, entries: Sequence[Entry]) -> Sequence[Entry]:
        """Return entries with each event as :meth:`redacted` leaves it."""
        if not self.redacts:
            return entries
        return apart(  # for all of them: a hook is asked about each text
            lambda: [
                (stream, [self.redacted(event) for event in events], expected)
                for stream, events, expected in entries
            ]
        )

    def last_hash(self, origin_id: str, rows: Iterable[Row]) -> bytes | None:
        """
        Return the hash of the last of another log's rows, if redaction leaves them as they are.

        They are looked through before the transaction in which they are taken over, where nobody
        may wait for a hook, up to the first that does not follow in their chain; the hash says
        then that they are the same. None where nothing is redacted.

        Raises:
            LogDamagedError: One would be changed, and with it what its hash covers.
            CodecError: Nobody can tell what one says.
        """
        if not self.redacts:
            return None
        last, chain = b"", Chain(origin_id)
        left = takewhile(lambda row: chain.fault(row) is None, rows)
        while page := list(islice(left, PAGE)):
            changed = apart(partial(next, filter(self._drafter.changes, page), None))
            if changed is not None:
                what = "the redaction hook would change a text that its hash covers"
                raise LogDamagedError(self.target, f"position {changed[0]} was not taken: {what}")
            last = page[-1][10]
        return last

    @contextlib.contextmanager
    def transaction(self, *, is_copy: bool = False) -> Iterator["JournalTransaction"]:
        """
        Begin a write transaction over events, leases, artifacts and views.

        Args:
            is_copy: It takes over what the log is to be a copy of.
        """
        with self.backend.transaction() as store:
            if not (is_copy or self._is_head_checked):
                self._check_head(store)
            transaction = JournalTransaction(
                store, self._drafter, target=self.target, seed=self.seed(), now_us=self.now_us
            )
            yield transaction
        self._tell(transaction.appended)

    def _tell(self, appended: list[Recorded[Any]]) -> None:
        """Tell what is recorded to those who wait for it."""
        self.tell_followers()
        if self.observers:
            self.observers.tell(appended)

    def writing_much(self) -> contextlib.AbstractContextManager[None]:
        """Prepare the backend for many transactions in a row, if it can be."""
        prepare = getattr(self.backend, "writing_much", contextlib.nullcontext)
        found: contextlib.AbstractContextManager[None] = prepare()
        return found

    def _check_head(self, store: Reader) -> None:
        """Append nothing to a log whose last event is not what was stored; looked at once."""
        head, parent = store.head(), self.backend.identity.parent
        if parent is not None and head.position < parent[1]:
            raise UnfinishedCopyError(self.target, head=head.position, until=parent[1])
        rows = store.page(after=head.position - 2, until=head.position, limit=2)
        if rows and not follows(rows[-1], rows[0][10] if len(rows) > 1 else self.seed()):
            what = f"the hash of its last event, at position {head.position}, does not fit"
            raise LogDamagedError(self.target, what)
        self._is_head_checked = True

    def tell_followers(self) -> None:
        """Wake those of this process who wait for news."""
        with self._news:
            self.n_told += 1
            self._news.notify_all()
        for hear in tuple(self._hearers):
            hear()

    @property
    def is_told_of_others(self) -> bool:
        """Whether others' news is told too; else whoever waits for that has to look."""
        return self._listening is not None

    def wait_for_news(self, longest_s: float, *, since: int | None = None) -> bool:
        """
        Wait until there is news, or the log is closed, but no longer than that.

        Args:
            since: ``n_told`` when the log was last looked at: what was told later is news, too.
        """
        self._listen()
        with self._news:
            seen = self.n_told if since is None else since
            return self._news.wait_for(lambda: self.n_told != seen, longest_s)

    @contextlib.contextmanager
    def hearing_news(self, hear: Callable[[], None]) -> Iterator[bool]:
        """
        Call *hear* when there may be news, from any thread; it neither waits nor raises.

        Yields:
            :attr:`is_told_of_others`.
        """
        self._hearers.append(hear)
        self._listen()
        try:
            yield self.is_told_of_others
        finally:
            self._hearers.remove(hear)

    def _listen(self) -> None:
        if self._listening is not None and not self._is_listening:
            self._is_listening = True
            self._listening.listen(self.tell_followers)

    def read(
        self, stream: str, *, after_version: int = 0, types: Iterable[EventClass[Any]] | None = None
    ) -> Iterator[Recorded[Any]]:
        """Yield a stream's events in order of version; of these classes only, if any are named."""
        names = None if types is None else frozenset(self.codec.names_of(types))
        n_rows = PAGE
        while n_rows == PAGE:  # a page is short at the end only
            rows = self.backend.stream_page(stream, after_version=after_version, limit=PAGE)
            yield from self.decode(rows if names is None else [r for r in rows if r[4] in names])
            n_rows = len(rows)
            after_version = rows[-1][3] if rows else after_version
            self._check_open()

    def read_all(
        self,
        *,
        after: int | Cursor = 0,
        until: int | None = None,
        types: Iterable[EventClass[Any]] | None = None,
        limit: int | None = None,
    ) -> Iterator[Recorded[Any]]:
        """Yield events in order of position; see :meth:`autopack.Log.read_all`."""
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
        n_rows = size
        while n_rows == size:  # a page is short at the end only
            rows = source.page(after=after, until=last, limit=size, types=types)
            n_rows = len(rows)
            if rows:
                after = rows[-1][0]
                yield rows
                self._check_open()

    def _check_open(self) -> None:
        """Tell who goes on reading that the log was closed, also where it was read to its end."""
        if self._is_closed:
            raise LogClosedError(self.target)

    def decode(self, rows: Collection[Row]) -> Iterator[Recorded[Any]]:
        """Yield rows as events with their envelopes."""
        return self.codec.decode_rows(rows)

    def position_of(self, place: int | Cursor) -> int:
        """Return a cursor's position; one of another log is refused by name."""
        if isinstance(place, Cursor):
            if place.log_id != self.log_id:
                raise ForeignCursorError(cursor_log=place.log_id, this_log=self.log_id)
            return place.position
        return place

    def put_artifact(self, text: str) -> str:
        """Store a text beside the log and return its digest (SHA-256, hexadecimal)."""
        digest, content = self.packed(text)
        with self.transaction() as transaction:
            transaction.store.put_artifact(digest, content)
        return digest

    def whole(self, text: str | None) -> str | None:
        """
        Return the whole of a text that was too long for its event; any other as it is.

        Raises:
            ArtifactMissingError: It was pruned.
        """
        digest = digest_in(text)
        return text if digest is None else self.get_artifact(digest)

    def with_wholes(self, text: str | None, most: int = WHOLE_MOST) -> str | None:
        """Return a text with each part that was cut as it was, if that is there, and no longer."""
        if text is None:
            return None
        pieces, done = [], 0
        for start, end, digest in cuts_in(text):
            try:
                whole = self.get_artifact(digest)
            except (ArtifactMissingError, LogDamagedError):
                continue
            if start >= done and len(whole) <= most:
                pieces += [text[done:start], whole]
                done = end
        return "".join([*pieces, text[done:]])

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

    def seed(self) -> bytes:
        """Return the hash that stands before position 1."""
        return seed(self.backend.identity.origin_id)

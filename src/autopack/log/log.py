"""The log as users hold it: a journal, with its checks, cursors and summary."""

import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, Final, ParamSpec, Self, TypeVar

import attrs

from autopack.format.codec import Codec
from autopack.format.redaction import Redact
from autopack.log import subscriptions
from autopack.log.artifacts import Artifacts
from autopack.log.journal import Journal, Observer
from autopack.log.known_folds import KnownFolds
from autopack.log.log_info import info_of
from autopack.log.past_backend import PastBackend
from autopack.log.views.replay import position_at
from autopack.plugins.discovery import load_plugins
from autopack.plugins.registry import Registry
from autopack.ports.backend import Backend, Clocked
from autopack.ports.log import Cursor, Entry, EventClass, ExpectedVersion, Recorded
from autopack.ports.projection import ProjectionLike
from autopack.ports.read_models import CursorStore

if TYPE_CHECKING:
    from typing_extensions import TypeVar as DefaultedTypeVar

    # with all commands, which reading needs none of
    from autopack.log.command_handler import Handler
    from autopack.log.verification import Verification

    T = DefaultedTypeVar("T", default=Any)  # events of any class, where none is named
else:
    T = TypeVar("T")
P = ParamSpec("P")
R = TypeVar("R")

_MAKING: Final = threading.Lock()


class Log:
    """An open log; made by :func:`autopack.open_log` and :func:`autopack.create_log`."""

    def __init__(
        self,
        backend: Backend,
        *,
        registry: Registry | None = None,
        codec: Codec | None = None,
        redact: Redact | None = None,
        observers: Sequence[Observer] = (),
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._registry = registry or load_plugins()
        if clock is None:
            clock = backend.clock if isinstance(backend, Clocked) else time.time
        self._journal = Journal(
            backend,
            registry=self._registry,
            codec=codec,
            redact=redact,
            observers=observers,
            clock=clock,
        )
        self._handler: Handler | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_fault: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Log({self.target!r})"

    @property
    def target(self) -> str:
        """How the log is named to people, credentials masked."""
        return self._journal.target

    @property
    def artifacts(self) -> Artifacts:
        """The texts beside the log: ``put(text)`` returns a digest, ``get(digest)`` the text."""
        return Artifacts(self._journal)

    @property
    def observer_faults(self) -> Counter[str]:
        """How often observers of this log, plugins among them, failed: by who and what it was."""
        return self._journal.observers.faults.counts + self._registry.observer_faults.counts

    def close(self) -> None:
        """Close after waiting for what is in flight; open iterators then raise."""
        self._journal.close()

    def head(self) -> Cursor:
        """Return the place of the last event; position 0 for an empty log."""
        return self._journal.head()

    def as_of(self, until: int | datetime) -> "Log":
        """
        Return the log as it stood at a position or at an aware moment, to be read only.

        Whatever reads a log reads it then: ``autopack.status(log.as_of(120))``. Its clock stands
        still at that moment. Leases are no history: who was alive then is not known. It needs no
        closing, and ends with the log that it is the past of.

        Raises:
            InvalidInputError: *until* is past the head, or a moment without a time zone.
        """
        from autopack.log.views.kept_views import past_views

        journal = self._journal
        position = position_at(journal, until)
        past = PastBackend(journal.backend, position, past_views=past_views(journal, position))
        if isinstance(until, datetime):
            at_s = min(until.timestamp(), journal.clock())
        else:
            at_s = past.head().as_of / 1e6 if position else journal.clock()
        log = Log(
            past,
            registry=self._registry,
            codec=journal.codec,
            redact=journal.redact if journal.redacts else None,  # of words that plugins give now
            clock=lambda: at_s,
        )
        log._journal.folds = KnownFolds(rows_most=None)
        return log

    def info(self) -> dict[str, Any]:
        """Return identity, counts and times of one moment; ``autopack log info --json``."""
        return info_of(self._journal)

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
        return self._journal.append(stream, events, expected_version=expected_version)

    def append_batch(self, entries: Sequence[Entry]) -> list[Recorded[Any]]:
        """Append to several streams, all or nothing; an entry without events only asserts."""
        return self._journal.append_batch(entries)

    async def aappend(
        self, stream: str, events: Sequence[Any], *, expected_version: ExpectedVersion
    ) -> list[Recorded[Any]]:
        """Do as :meth:`append` does, in a thread, even if the task is cancelled."""
        pool = self._journal.pool
        return await pool.call(self.append, stream, events, expected_version=expected_version)

    async def aappend_batch(self, entries: Sequence[Entry]) -> list[Recorded[Any]]:
        """Do as :meth:`append_batch` does, in a thread, even if the task is cancelled."""
        return await self._journal.pool.call(self.append_batch, entries)

    async def acall(
        self, function: Callable[Concatenate[Self, P], R], /, *args: P.args, **named: P.kwargs
    ) -> R:
        """
        Call ``function(log, ...)`` in a thread, so that the event loop does not wait for the log.

        That is the awaited form of whatever takes a log: ``await log.acall(autopack.create_run,
        "nightly", phases)``. It is done even if the task is cancelled.
        """
        return await self._journal.pool.call(function, self, *args, **named)

    def read(
        self, stream: str, *, after_version: int = 0, types: Iterable[EventClass[T]] | None = None
    ) -> Iterator[Recorded[T]]:
        """Yield a stream's events in order of version; of these classes only, if any are named."""
        return self._journal.read(stream, after_version=after_version, types=types)

    def read_all(
        self,
        *,
        after: int | Cursor = 0,
        until: int | None = None,
        types: Iterable[EventClass[T]] | None = None,
        limit: int | None = None,
    ) -> Iterator[Recorded[T]]:
        """
        Yield events in order of position.

        Args:
            after: The position (or a cursor of this log) after which to begin.
            until: The last position to yield; None goes on to the end, as it is when reached.
            types: Event classes to yield; None yields all.
            limit: Yield at most so many.
        """
        return self._journal.read_all(after=after, until=until, types=types, limit=limit)

    def follow(
        self,
        *,
        after: int | Cursor = 0,
        types: Iterable[EventClass[T]] | None = None,
        until: Callable[[], bool] | None = None,
    ) -> Iterator[Recorded[T]]:
        """
        Yield events as they are recorded, by this process or another, in order, without gaps.

        Events of this process are yielded at once, those of others within 50 ms.

        Args:
            after: The place after which to begin.
            types: Event classes to yield; None yields all.
            until: Asked while nothing is new; True ends the iteration. Closing the log raises
                ``LogClosedError`` here.
        """
        return subscriptions.follow(
            self._journal, after=self._journal.position_of(after), types=types, until=until
        )

    def afollow(
        self,
        *,
        after: int | Cursor = 0,
        types: Iterable[EventClass[T]] | None = None,
        until: Callable[[], bool] | None = None,
    ) -> AsyncIterator[Recorded[T]]:
        """Do as :meth:`follow` does, for ``async for``."""
        return subscriptions.afollow(
            self._journal, after=self._journal.position_of(after), types=types, until=until
        )

    def subscribe(
        self,
        name: str,
        handle: Callable[[Recorded[T]], None],
        *,
        types: Iterable[EventClass[T]] | None = None,
        batch: int = 500,
        until: Callable[[], bool] | None = None,
        cursors: CursorStore | None = None,
    ) -> int:
        """
        Hand every event since the last call to *handle*, at least once, and return how many.

        The cursor is saved under *name* after each batch. An event that cannot be read, or an
        error in *handle*, stops this subscription before that event, loudly: the error goes on,
        with a note, and the next call begins there. :meth:`skip_event` leaves it out.

        With *cursors* the place is kept in the database in which *handle* writes, and each event
        counts exactly once there: a batch and the place after it are one transaction. An error
        rolls the whole batch back.

        Args:
            until: Asked while nothing is new; True ends the call. None ends it then.
            cursors: Where the place stands, as ``autopack.types.SqlCursors(connection)``; None
                keeps it in the log.

        Raises:
            ForeignPlaceError: What the reader has read by now is not what this log holds.
        """
        return subscriptions.subscribe(
            self._journal, name, handle, types=types, batch=batch, until=until, cursors=cursors
        )

    async def asubscribe(
        self,
        name: str,
        handle: Callable[[Recorded[T]], Awaitable[None]],
        *,
        types: Iterable[EventClass[T]] | None = None,
        batch: int = 500,
        until: Callable[[], bool] | None = None,
    ) -> int:
        """
        Do as :meth:`subscribe` does, with a handler that is awaited, one event at a time.

        It takes no *cursors*: a transaction of another database is not held while others run. For
        exactly once in an async program call :meth:`subscribe` in a thread of its own.
        """
        return await subscriptions.asubscribe(
            self._journal, name, handle, types=types, batch=batch, until=until
        )

    def skip_event(self, name: str, position: int, *, why: str, actor: str = "user") -> None:
        """Let a subscription go on past one event; the act is recorded on a stream of its own."""
        subscriptions.skip_event(self._journal, name, position, why=why, actor=actor)

    def verify(
        self,
        expect: str | tuple[int, str] | None = None,
        *,
        views: bool = False,
        signed_by: str | Path | None = None,
    ) -> "Verification":
        """
        Look for every edited, dropped, reordered or foreign row.

        Args:
            expect: ``POSITION:HASH`` from an earlier ``log info``; also finds a cut tail and a
                chain that was rewritten whole.
            views: Also compare every persisted view with a rebuild.
            signed_by: A file with a public key of Ed25519 in PEM: check what it signed of the log;
                that it signed nothing is a fault.
        """
        from autopack.log.verification import Fault, one_moment, parse_anchor, verify
        from autopack.log.views.kept_views import view_faults

        anchor = parse_anchor(expect) if isinstance(expect, str) else expect
        with one_moment(self._journal.backend):
            found = verify(self._journal.backend, expect=anchor)
            wrong_views = view_faults(self._journal, self._registry) if views else ()
            faults = tuple(Fault(None, what) for what in wrong_views)
            if signed_by is not None:
                from autopack.log.head_signatures import checked_heads

                last, wrong = checked_heads(self._journal, Path(signed_by))
                found, faults = attrs.evolve(found, signed_until=last), (*faults, *wrong)
        return attrs.evolve(found, faults=(*found.faults, *faults))

    def backup(self, dest: str) -> None:
        """Copy the log to a new path while it is in use; an existing path is refused."""
        self._journal.backend.backup(dest)

    def refresh_views(
        self, *, rebuild: bool = False, also: Sequence[ProjectionLike] = ()
    ) -> dict[str, int]:
        """
        Persist the library's own views and those of plugins up to the head.

        A plugin's projection that fails, or goes by another name than it is registered under, is
        named in the narration and left as it was.

        Args:
            rebuild: Fold from the first event, beside the live views, and swap the results in.
            also: Projections of your own, as :func:`autopack.view` takes them.

        Returns:
            The positions of what is persisted now, by name.
        """
        from autopack.log.views.kept_views import refresh_all

        return refresh_all(self._journal, self._registry, rebuild=rebuild, also=also)

    def keep_past(self, *, until: Callable[[], bool] = lambda: False) -> None:
        """
        Keep how views stood at every 256 events, the library's and plugins', for a quick past.

        :meth:`as_of` does so as it goes; this does it for the whole log, ahead of who asks. They
        are kept in a file of this user's cache folder, never in the log, and may be thrown away.

        Args:
            until: Asked now and then; True ends the call.
        """
        from autopack.log.views.kept_views import keep_past

        keep_past(self._journal, until=until)


def journal_of(log: Log) -> Journal:
    """Return what a log is made of: how the library's own modules get below its surface."""
    return _checked(log)._journal


def registry_of(log: Log) -> Registry:
    """Return the plugins that a log was opened with."""
    return _checked(log)._registry


def _checked(log: object) -> Log:
    """Return the log, or say what is missing: a path is a log only once it is open."""
    if not isinstance(log, Log):
        from autopack.errors.logs import not_open

        raise not_open(log)
    return log


def handler_of(log: Log) -> "Handler":
    """Return the log's handler, which remembers the streams that it has folded."""
    from autopack.log.command_handler import Handler

    with _MAKING:
        if log._handler is None:
            log._handler = Handler(log._journal)
        return log._handler

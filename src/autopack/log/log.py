"""The log as users hold it: the journal, with its checks, cursors and summary."""

import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from typing import Any, Concatenate, Final, ParamSpec, Self, TypeVar, overload

import attrs

from autopack.errors import AutopackError, InvalidInputError, LogDamagedError, LogError
from autopack.format.codec import Codec
from autopack.format.redaction import Redact
from autopack.log import subscriptions, views
from autopack.log.journal import Journal, Observer
from autopack.log.verification import Fault, Verification, one_moment, parse_anchor, verify
from autopack.plugins.discovery import load_plugins
from autopack.plugins.narrator import Narrator
from autopack.plugins.registry import Registry
from autopack.ports.log import (
    Backend,
    Cursor,
    Entry,
    EventClass,
    ExpectedVersion,
    Recorded,
    from_us,
)
from autopack.ports.projection import check_projection
from autopack.projections.attempts import ATTEMPTS
from autopack.projections.phases import PHASES
from autopack.projections.runs import RUNS

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")

CORE_VIEWS: Final = (RUNS, PHASES, ATTEMPTS)
_narrator = Narrator("autopack.plugins")
DIGEST_LEAST: Final = 6
"""How many digits of a digest are enough to ask by."""


class Artifacts:
    """Texts stored beside the log by their digest."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def put(self, text: str) -> str:
        """Store a text beside the log and return its digest (SHA-256, hexadecimal)."""
        return self._journal.put_artifact(text)

    def get(self, digest: str) -> str:
        """
        Return a stored text.

        Raises:
            ArtifactMissingError: Nothing is stored under the digest; says if texts were pruned.
            LogDamagedError: What is stored there is another text, or none.
        """
        return self._journal.get_artifact(digest)

    def whole_digest(self, start: str) -> str:
        """
        Return the digest of the stored text whose digest begins so; *start* itself if none does.

        Raises:
            InvalidInputError: Several do, or it has fewer than six digits.
        """
        found = [one for one in self._journal.backend.artifact_sizes() if one.startswith(start)]
        if len(start) < DIGEST_LEAST or len(found) > 1:
            raise InvalidInputError(
                f"{start!r} is not enough of a digest: {len(found)} texts have one that begins so, "
                f"and {DIGEST_LEAST} digits are asked for. Give more of it.",
                name="digest",
                value=start,
            )
        return found[0] if found else start


class Log(Journal):
    """An open log; made by :func:`autopack.open_log` and :func:`autopack.create_log`."""

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
        self.registry = registry or load_plugins()
        super().__init__(
            backend,
            codec=codec or self.registry.codec,
            redact=redact,
            observers=observers,
            clock=clock,
        )
        self.handler: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_fault: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Log({self.target!r})"

    @property
    def observer_faults(self) -> Counter[str]:
        """How often observers of this log, plugins among them, failed: by who and what it was."""
        return self.observers.faults.counts + self.registry.observer_faults.counts

    @property
    def artifacts(self) -> Artifacts:
        """The texts beside the log: ``put(text)`` returns a digest, ``get(digest)`` the text."""
        return Artifacts(self)

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

    async def aappend(
        self, stream: str, events: Sequence[Any], *, expected_version: ExpectedVersion
    ) -> list[Recorded[Any]]:
        """Do as :meth:`append` does, in a thread, even if the task is cancelled."""
        return await self.pool.call(self.append, stream, events, expected_version=expected_version)

    async def aappend_batch(self, entries: Sequence[Entry]) -> list[Recorded[Any]]:
        """Do as :meth:`append_batch` does, in a thread, even if the task is cancelled."""
        return await self.pool.call(self.append_batch, entries)

    async def acall(
        self, function: Callable[Concatenate[Self, P], R], /, *args: P.args, **named: P.kwargs
    ) -> R:
        """
        Call ``function(log, ...)`` in a thread, so that the event loop does not wait for the log.

        That is the awaited form of whatever takes a log: ``await log.acall(autopack.create_run,
        "nightly", phases)``. It is done even if the task is cancelled.
        """
        return await self.pool.call(function, self, *args, **named)

    def verify(
        self, expect: str | tuple[int, str] | None = None, *, views: bool = False
    ) -> Verification:
        """
        Look for every edited, dropped, reordered or foreign row.

        Args:
            expect: ``POSITION:HASH`` from an earlier ``log info``; also finds a cut tail and a
                chain that was rewritten whole.
            views: Also compare every persisted view with a rebuild.
        """
        anchor = parse_anchor(expect) if isinstance(expect, str) else expect
        with one_moment(self.backend):
            found = verify(self.backend, expect=anchor)
            faults = self._view_faults() if views else ()
        return attrs.evolve(found, faults=(*found.faults, *faults))

    def _view_faults(self) -> tuple[Fault, ...]:
        try:
            return tuple(self._differing_views())
        except LogError as fault:
            return (Fault(None, f"the persisted views cannot be read: {fault}"),)

    def _differing_views(self) -> Iterator[Fault]:
        head = self.backend.head().position
        for saved in self.backend.saved_views():
            projection = self.registry.known("projection").get(saved.view)
            if saved.position > head:
                yield Fault(None, f"view {saved.view!r} stands at {saved.position}, past the head")
            elif projection is not None:
                try:
                    differing = views.differences(self, projection)
                except AutopackError as fault:
                    differing = [str(fault)]
                if differing:
                    shown = ", ".join(differing[:5]) + (", ..." if len(differing) > 5 else "")
                    yield Fault(None, f"view {saved.view!r} is not what the log says: {shown}")

    def backup(self, dest: str) -> None:
        """Copy the log to a new path while it is in use; an existing path is refused."""
        self.backend.backup(dest)

    @overload
    def follow(
        self,
        *,
        after: int | Cursor = 0,
        types: None = None,
        until: Callable[[], bool] | None = None,
    ) -> Iterator[Recorded[Any]]: ...

    @overload
    def follow(
        self,
        *,
        after: int | Cursor = 0,
        types: Iterable[EventClass[T]],
        until: Callable[[], bool] | None = None,
    ) -> Iterator[Recorded[T]]: ...

    def follow(
        self,
        *,
        after: int | Cursor = 0,
        types: Iterable[EventClass[Any]] | None = None,
        until: Callable[[], bool] | None = None,
    ) -> Iterator[Recorded[Any]]:
        """
        Yield events as they are recorded, by this process or another, in order, without gaps.

        Events of this process are yielded at once, those of others within 50 ms.

        Args:
            after: The place after which to begin.
            types: Event classes to yield; None yields all.
            until: Asked while nothing is new; True ends the iteration. Closing the log raises
                ``LogClosedError`` here.
        """
        return subscriptions.follow(self, after=self.position_of(after), types=types, until=until)

    @overload
    def afollow(
        self,
        *,
        after: int | Cursor = 0,
        types: None = None,
        until: Callable[[], bool] | None = None,
    ) -> AsyncIterator[Recorded[Any]]: ...

    @overload
    def afollow(
        self,
        *,
        after: int | Cursor = 0,
        types: Iterable[EventClass[T]],
        until: Callable[[], bool] | None = None,
    ) -> AsyncIterator[Recorded[T]]: ...

    def afollow(
        self,
        *,
        after: int | Cursor = 0,
        types: Iterable[EventClass[Any]] | None = None,
        until: Callable[[], bool] | None = None,
    ) -> AsyncIterator[Recorded[Any]]:
        """Do as :meth:`follow` does, for ``async for``."""
        return subscriptions.afollow(self, after=self.position_of(after), types=types, until=until)

    def subscribe(
        self,
        name: str,
        handle: Callable[[Recorded[T]], None],
        *,
        types: Iterable[EventClass[T]] | None = None,
        batch: int = 500,
        until: Callable[[], bool] | None = None,
    ) -> int:
        """
        Hand every event since the last call to *handle*, at least once, and return how many.

        The cursor is saved under *name* after each batch. An event that cannot be read, or an
        error in *handle*, stops this subscription before that event, loudly: the error goes on,
        with a note, and the next call begins there. :meth:`skip_event` leaves it out.

        Args:
            until: Asked while nothing is new; True ends the call. None ends it then.
        """
        return subscriptions.subscribe(self, name, handle, types=types, batch=batch, until=until)

    async def asubscribe(
        self,
        name: str,
        handle: Callable[[Recorded[T]], Awaitable[None]],
        *,
        types: Iterable[EventClass[T]] | None = None,
        batch: int = 500,
        until: Callable[[], bool] | None = None,
    ) -> int:
        """Do as :meth:`subscribe` does, with a handler that is awaited, one event at a time."""
        return await subscriptions.asubscribe(
            self, name, handle, types=types, batch=batch, until=until
        )

    def skip_event(self, name: str, position: int, *, why: str, actor: str = "user") -> None:
        """Let a subscription go on past one event; the act is recorded on a stream of its own."""
        subscriptions.skip_event(self, name, position, why=why, actor=actor)

    def info(self) -> dict[str, Any]:
        """Return identity, counts and times of one moment; ``autopack log info --json``."""
        with self.backend.snapshot():
            return self._info()

    def _info(self) -> dict[str, Any]:
        identity, head = self.backend.identity, self.backend.head()
        runs = views.current(self, RUNS, with_rows=False).total
        phases = views.current(self, PHASES, with_rows=False).total.by_state()
        work = views.current(self, ATTEMPTS, with_rows=False).total.all
        first = self.backend.page(after=0, until=1, limit=1)
        return {
            "target": self.target,
            "log_id": identity.log_id,
            "parent": list(identity.parent) if identity.parent else None,
            "created_at": identity.created_at.isoformat(),
            "format": identity.format,
            "events": head.position,
            "head": head.position,
            "head_hash": head.hash.hex(),
            "runs": runs.created,
            "runs_implied": runs.implied,
            "phases": sum(phases.values()),
            "phases_by_state": phases,
            "usage_events": work.use.calls,
            "usage_by_split": dict(work.use.by_split),
            "estimates": work.estimates,
            "samples": work.samples,
            "samples_won": work.samples_won,
            "first_event_at": from_us(first[0][7]).isoformat() if first else None,
            "last_event_at": from_us(head.recorded_at).isoformat() if head.position else None,
            "empty": runs.created == 0 and not phases,
        }

    def refresh_views(self, *, rebuild: bool = False) -> dict[str, int]:
        """
        Persist the library's own views and those of plugins up to the head.

        A plugin's projection that fails, or goes by another name than it is registered under, is
        named in the narration and left as it was.

        Args:
            rebuild: Fold from the first event, beside the live views, and swap the results in.

        Returns:
            The positions of what is persisted now, by name.
        """
        positions = {view.name: views.refresh(self, view, rebuild=rebuild) for view in CORE_VIEWS}
        for name, projection in self.registry.added("projection").items():
            with self._plugins_view(name):
                if check_projection(projection).name != name:
                    raise InvalidInputError(
                        f"It calls itself {projection.name!r}: give one name.",
                        name=f"projection.{name}",
                        value=projection.name,
                    )
                positions[name] = views.refresh(self, projection, rebuild=rebuild)
        return positions

    @contextlib.contextmanager
    def _plugins_view(self, name: str) -> Iterator[None]:
        try:
            yield
        except Exception as fault:
            if isinstance(fault, LogError) and not isinstance(fault, LogDamagedError):
                raise
            plugin = self.registry.holder("projection", name)
            _narrator.error(
                "a plugin's view was not persisted", view=name, plugin=plugin, exc_info=fault
            )

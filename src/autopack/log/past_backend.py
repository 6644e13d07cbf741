"""A log's storage as it stood at a position: what came later is not there, and nothing is added."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any, Final

from autopack.errors import InvalidInputError
from autopack.log.backends.snapshots import Snapshots
from autopack.log.past_views import KeptStates, PastViews
from autopack.ports.backend import (
    NOTHING_YET,
    Backend,
    Checkpoint,
    ClockHold,
    Head,
    Lease,
    LogIdentity,
    Reader,
    Transaction,
)
from autopack.ports.log import Body, Row

_HASH: Final = 10


class PastReader:
    """
    What a reader tells of the events up to a position.

    Leases are no history, so there are none; texts are, since they never change.

    Args:
        kept: States of views from which those as of the position are folded on.
        is_kept_alone: Whether what the log itself persisted of its views is left aside.

    Attributes:
        is_full: Whether a state could not be kept: there is no room, most often.
    """

    def __init__(
        self,
        source: Reader,
        position: int,
        *,
        kept: KeptStates | None = None,
        is_kept_alone: bool = False,
    ) -> None:
        self._source, self.position = source, position
        self._kept, self._is_kept_alone = kept, is_kept_alone
        self._bases: dict[str, Checkpoint | None] = {}
        self.is_full = False

    def head(self) -> Head:
        """Return the last event that was there, with its hash."""
        rows = self._source.page(after=self.position - 1, until=self.position, limit=1)
        if not rows:
            return NOTHING_YET
        position, recorded_at = rows[0][0], rows[0][7]
        return Head(position, rows[0][_HASH], recorded_at, self._source.as_of(position))

    def page(
        self, *, after: int, until: int, limit: int, types: Sequence[str] | None = None
    ) -> list[Row]:
        """Return rows as a reader does, none from after the position."""
        until = min(until, self.position)
        return self._source.page(after=after, until=until, limit=limit, types=types)

    def bodies(
        self, *, after: int, until: int, limit: int, types: Sequence[str] | None = None
    ) -> list[Body]:
        """Return bodies as a reader does, none from after the position."""
        until = min(until, self.position)
        return self._source.bodies(after=after, until=until, limit=limit, types=types)

    def stream_page(self, stream: str, *, after_version: int, limit: int) -> list[Row]:
        """Return rows of a stream, none from after the position."""
        rows = self._source.stream_page(stream, after_version=after_version, limit=limit)
        return [row for row in rows if row[0] <= self.position]

    def stream_versions(self, streams: Sequence[str]) -> dict[str, int]:
        """Return the versions that streams had."""
        found = self._source.stream_versions(streams)
        return {name: self._version(name, n) for name, n in found.items()}

    def _version(self, stream: str, last: int) -> int:
        low, high = 0, last
        while low < high:
            middle = (low + high + 1) // 2
            is_there = self.stream_page(stream, after_version=middle - 1, limit=1)
            low, high = (middle, high) if is_there else (low, middle - 1)
        return low

    def find(self, event_ids: Iterable[bytes]) -> dict[bytes, Row]:
        """Return the rows of those ids that were stored."""
        found = self._source.find(event_ids)
        return {name: row for name, row in found.items() if row[0] <= self.position}

    def as_of(self, position: int) -> int:
        """Return as of which moment an event counts, by what is known of clocks now."""
        return self._source.as_of(position)

    def clock_hold(self, position: int) -> ClockHold | None:
        """Return the stretch in which an event stands."""
        return self._source.clock_hold(position)

    def clock_holds(self) -> list[ClockHold]:
        """Return the stretches that had begun."""
        return [hold for hold in self._source.clock_holds() if hold.first <= self.position]

    def leases(self) -> list[Lease]:
        """Return none: who held what is not kept."""
        return []

    def lease(self, key: str) -> Lease | None:
        """Return None."""
        return None

    def artifact(self, digest: str) -> bytes | None:
        """Return a stored text's bytes."""
        return self._source.artifact(digest)

    def artifact_sizes(self) -> dict[str, int]:
        """Return the stored bytes of every text that is there now."""
        return self._source.artifact_sizes()

    def checkpoint(self, view: str) -> Checkpoint | None:
        """Return from which state a view is folded on: as persisted, or kept of the past."""
        saved, base = self._saved(view), self._base(view)
        if base is None or saved is None:
            return saved or base
        is_newer = base.position > saved.position or base.version != saved.version
        return base if is_newer else saved

    def view_rows(
        self, view: str, keys: Sequence[str] | None = None, *, prefix: str = ""
    ) -> dict[str, str]:
        """Return the rows of that state."""
        state = self.checkpoint(view)
        if state is None:
            return {}
        if state is self._bases.get(view):
            assert self._kept is not None
            return self._kept.rows(state, keys, prefix=prefix)
        return self._source.view_rows(view, keys, prefix=prefix)

    def _saved(self, view: str) -> Checkpoint | None:
        found = None if self._is_kept_alone else self._source.checkpoint(view)
        return None if found is None or found.position > self.position else found

    def _base(self, view: str) -> Checkpoint | None:
        """Return the kept state, the same as long as this reader is there."""
        if view not in self._bases and self._kept is not None:
            self._bases[view] = None
            is_known = view in self._kept.versions
            found = self._kept.last(view, self.position) if is_known else None
            if found is not None and found[1] == self._hash(found[0].position):
                self._bases[view] = found[0]
            elif found is not None:  # of a log that has another past now
                self._kept.forget()
                self._kept = None
        return self._bases.get(view)

    def _hash(self, position: int) -> bytes:
        rows = self._source.page(after=position - 1, until=position, limit=1)
        return rows[0][_HASH] if rows else b""

    def next_kept(self, view: str, version: int, after: int) -> int | None:
        """Return at which position a view's next state is to be kept; None keeps none."""
        if self._kept is None or self.is_full or self._kept.versions.get(view) != version:
            return None
        base = self._bases.get(view)
        if after != (base.position if base else 0):
            return None  # what lies between is not kept
        found = self._kept.next_after(after, base)
        return found if found <= self.position else None

    def is_of_others(self, view: str) -> bool:
        """Tell whether a view is a plugin's, of which nobody knows that JSON holds it."""
        return self._kept is not None and view in self._kept.others

    def keep(self, state: Checkpoint, rows: Mapping[str, str | None]) -> bool:
        """Keep a state, and read on from it; tell whether it is kept."""
        digest = self._hash(state.position)
        self.is_full = self._kept is None or not self._kept.keep(state, digest, rows)
        if not self.is_full:
            self._bases[state.view] = state
        return not self.is_full


class PastBackend(PastReader):
    """A backend as of a position; it belongs to the log that it is the past of."""

    def __init__(
        self, source: Backend, position: int, *, past_views: PastViews | None = None
    ) -> None:
        super().__init__(source, position)
        self._backend, self._past_views = source, past_views
        self._snapshots: Snapshots[PastReader] = Snapshots()

    @property
    def target(self) -> str:
        """How the log is named to people."""
        return self._backend.target

    @property
    def identity(self) -> LogIdentity:
        """Which log this is: the same."""
        return self._backend.identity

    def transaction(self) -> AbstractContextManager[Transaction]:
        """Refuse: nothing is added to the past."""
        raise self._refused("nothing is added to it")

    @contextmanager
    def snapshot(self) -> Iterator[Reader]:
        """
        Return a reader of one moment of the storage; the events are the same throughout.

        Within another of the same thread it is that one, which has looked up where views go on
        from: whoever asks for several things begins one around them.
        """
        held, views = self._snapshots.own, self._past_views
        if held is not None and held.position == self.position:
            yield held
            return
        with self._backend.snapshot() as reader, ExitStack() as opened:
            kept = None if views is None else opened.enter_context(views.opened())
            with self._snapshots.holding(PastReader(reader, self.position, kept=kept)) as past:
                yield past

    def raw_rows(self, *, after: int, limit: int) -> list[tuple[Any, ...]]:
        """Return rows for verification, none from after the position."""
        rows = self._backend.raw_rows(after=after, limit=limit)
        return [row for row in rows if row[0] <= self.position]

    def storage_faults(self) -> list[str]:
        """Return what is wrong with the storage now."""
        return self._backend.storage_faults()

    def last_given(self) -> int:
        """Return the position."""
        return self.position

    def saved_views(self) -> list[Checkpoint]:
        """Return the checkpoints of the views that are not further than the position."""
        return [view for view in self._backend.saved_views() if view.position <= self.position]

    def backup(self, dest: str) -> None:
        """Refuse: a copy holds all events."""
        raise self._refused(f"a copy at {dest} would hold what came later too")

    def close(self) -> None:
        """Leave the log open: it is closed by who opened it."""

    def _refused(self, why: str) -> InvalidInputError:
        return InvalidInputError(
            f"This is the log as of position {self.position}, and {why}: use the log itself.",
            name="until",
            value=self.position,
        )


def is_past(backend: Backend) -> bool:
    """Tell whether what is read through it ends at an earlier position or moment."""
    return isinstance(backend, PastBackend)


def whole_of(backend: Backend) -> Backend:
    """Return the storage that a backend is the past of; itself, if it is of now."""
    return backend._backend if isinstance(backend, PastBackend) else backend

"""What a storage backend must offer, and the rows that it keeps beside the events."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Final, NamedTuple, Protocol, TypeAlias, runtime_checkable

import attrs

from autopack.ports.log import Body, Row

LOG_FORMAT: Final = 2
"""How a backend keeps a log; 1 was never released."""


@attrs.frozen(kw_only=True)
class LogIdentity:
    """
    Which log this is.

    ``origin_id`` seeds the hash chain and is kept by copies and restores; ``log_id`` names this
    log alone; ``parent`` is (log_id, position, hash) of the log it was restored from.
    """

    log_id: str
    origin_id: str
    created_at: datetime
    format: int
    parent: tuple[str, int, str] | None = None


@attrs.frozen(kw_only=True)
class Copied:
    """
    What a log is a copy of.

    Args:
        origin_id: What seeds its chain.
        parent: The other log's id, and the position and hash up to which it is copied.
    """

    origin_id: str
    parent: tuple[str, int, str]


class Head(NamedTuple):
    """
    The last event: position, hash of the chain, recorded_at in microseconds.

    ``as_of`` is the moment as of which it counts: its own ``recorded_at``, unless clocks were
    wrong (:mod:`autopack.format.as_of_moments`).
    """

    position: int
    hash: bytes
    recorded_at: int
    as_of: int


NOTHING_YET: Final = Head(0, b"", 0, 0)
"""The head of a log without events."""


@attrs.frozen(kw_only=True)
class ClockHold:
    """
    A stretch of events that count as of another moment than their own ``recorded_at``.

    Left out are those whose clock was far ahead; the others were recorded by one that was behind.
    """

    first: int
    last: int
    as_of: int
    is_left_out: bool


@attrs.frozen(kw_only=True)
class Lease:
    """
    Who holds what, and until when; liveness, not history. Times in microseconds.

    Args:
        key: What is held; a worker has a row of its own, by which its leases are judged.
        expires_at: Until when, by the wall clock, since 1970.
        step: What the worker of a phase is at, for people.
        deadline_at: When the attempt times out, by the wall clock.
        boot: In a worker's own row: which boot of which machine it runs on.
        renewed_uptime: When the row was written, by how long that machine had been up.
        expires_uptime: When the leases end, by the same steady clock.
    """

    key: str
    token: str
    worker: str
    expires_at: int
    step: str | None = None
    deadline_at: int | None = None
    boot: str | None = None
    renewed_uptime: int | None = None
    expires_uptime: int | None = None


@attrs.frozen(kw_only=True)
class Checkpoint:
    """Up to which position a view's persisted rows are folded, with the view's total."""

    view: str
    version: int
    position: int
    total: str | None = None


class Reader(Protocol):
    """
    What can be asked of a backend, inside and outside a transaction.

    A page with fewer rows than its limit is the last one.
    """

    def head(self) -> Head:
        """Return the last event's position and hash; position 0 for an empty log."""

    def page(
        self, *, after: int, until: int, limit: int, types: Sequence[str] | None = None
    ) -> list[Row]:
        """Return up to *limit* rows with after < position <= until, in order."""

    def bodies(
        self, *, after: int, until: int, limit: int, types: Sequence[str] | None = None
    ) -> list[Body]:
        """Return what :meth:`page` does, without the envelopes."""

    def stream_page(self, stream: str, *, after_version: int, limit: int) -> list[Row]:
        """Return up to *limit* rows of a stream with version > after_version, in order."""

    def stream_versions(self, streams: Sequence[str]) -> dict[str, int]:
        """Return the versions of streams; 0 for one that has no events."""

    def find(self, event_ids: Iterable[bytes]) -> dict[bytes, Row]:
        """Return the rows of those ids that are stored."""

    def as_of(self, position: int) -> int:
        """Return as of which moment an event that is there counts; microseconds since 1970."""

    def clock_hold(self, position: int) -> ClockHold | None:
        """Return the stretch in which an event stands, if it counts by another's clock."""

    def clock_holds(self) -> list[ClockHold]:
        """Return all such stretches, in order."""

    def leases(self) -> list[Lease]:
        """Return all lease rows."""

    def lease(self, key: str) -> Lease | None:
        """Return one lease row."""

    def artifact(self, digest: str) -> bytes | None:
        """Return a stored text's bytes."""

    def artifact_sizes(self) -> dict[str, int]:
        """Return the stored bytes of every text by digest."""

    def checkpoint(self, view: str) -> Checkpoint | None:
        """Return how far a view is persisted."""

    def view_rows(
        self, view: str, keys: Sequence[str] | None = None, *, prefix: str = ""
    ) -> dict[str, str]:
        """Return persisted rows (JSON by key): of *keys*, or all that begin with *prefix*."""


class Transaction(Reader, Protocol):
    """
    An exclusive write transaction: all of it is committed, or nothing.

    One that others may ask in SQL can also have ``show_view(view, columns)``, which makes or renews
    an SQL view of the persisted rows of a view; columns are (field, kind), where a kind is text,
    integer, real, boolean, moment, usd or json.
    """

    def insert(self, rows: Sequence[Row]) -> None:
        """Store rows at the next positions, in order."""

    def hold_clock(self, hold: ClockHold) -> None:
        """Keep a stretch of events that count by another's clock, and drop those from it on."""

    def adopt_origin(self, origin_id: str) -> None:
        """Seed the chain with another log's origin; only before the first event."""

    def put_lease(self, lease: Lease) -> None:
        """Store or replace a lease row."""

    def drop_lease(self, key: str, token: str) -> bool:
        """Remove a lease row if it still has that token; tell whether it had."""

    def put_artifact(self, digest: str, content: bytes) -> None:
        """Store a text under its digest; a second time changes nothing."""

    def drop_artifact(self, digest: str) -> None:
        """Remove a text; the events that name it stay as they are."""

    def save_view(
        self, checkpoint: Checkpoint, rows: Mapping[str, str | None], *, replace: bool
    ) -> None:
        """Store changed rows (None removes one) and the checkpoint; *replace* drops the rest."""

    def drop_view(self, view: str) -> None:
        """Remove a view's rows and checkpoint."""


class Backend(Reader, Protocol):
    """Log, leases, artifacts and views in one place, with one transaction over all of them."""

    @property
    def target(self) -> str:
        """How the log is named to people, credentials masked."""

    @property
    def identity(self) -> LogIdentity:
        """Which log this is."""

    def transaction(self) -> AbstractContextManager[Transaction]:
        """
        Begin the write transaction; an exception rolls all of it back.

        Its own changes are seen through it alone: whoever reads the backend meanwhile, in this
        thread or another, sees what is committed, and does not wait.
        """

    def snapshot(self) -> AbstractContextManager[Reader]:
        """
        Return a reader that sees one moment throughout: that at which this is called.

        Until the end of the block the backend's own reads in this thread, and snapshots within
        it, see that moment too. It holds nobody up: other threads read and write meanwhile.
        """

    def raw_rows(self, *, after: int, limit: int) -> list[tuple[Any, ...]]:
        """Return rows with texts as bytes, whatever they hold, for verification."""

    def storage_faults(self) -> list[str]:
        """Return what the storage's own check finds wrong."""

    def last_given(self) -> int:
        """Return the last position that was ever given, whether or not it is still there."""

    def saved_views(self) -> list[Checkpoint]:
        """Return the checkpoints of all persisted views."""

    def backup(self, dest: str) -> None:
        """Copy the log to a new place while it is in use."""

    def close(self) -> None:
        """Close after waiting for statements in flight; twice is fine."""


Unplaced: TypeAlias = tuple[bytes, str, str, int, int | None, str, str]
"""A row that has no place yet: event_id, stream, type, schema, occurred_at (None: as it is
recorded), meta, data."""


@runtime_checkable
class Clocked(Protocol):
    """What a backend also has that knows the time better than the machines that use it."""

    def clock(self) -> float:
        """Return the time, in seconds since 1970 UTC."""


@runtime_checkable
class Listening(Protocol):
    """What a backend also has that is told of others' events by the place where it is kept."""

    def listen(self, tell: Callable[[], None]) -> None:
        """Call *tell* from now on when there may be news; it neither waits nor raises."""


@runtime_checkable
class AtOnce(Clocked, Protocol):
    """What a backend also has to which a transaction of several questions is far."""

    def append_at_once(
        self, rows: Sequence[Unplaced], *, expected: Mapping[str, int], absent: Sequence[bytes]
    ) -> list[Row] | None:
        """
        Append rows, recorded by its clock, as a transaction does, and return them placed.

        None does nothing, and leaves it to a transaction: a stream is at another version than
        *expected*, one of the ids *absent* is there, or the clock went back.
        """

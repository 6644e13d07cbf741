"""What a log is made of: rows, what is appended, and what readers get."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, Final, Generic, TypeAlias, TypeVar

import attrs
import msgspec

from autopack.errors import CodecError, InvalidInputError, StoredEventError
from autopack.values.ids import EventId

E = TypeVar("E", covariant=True)
T = TypeVar("T")

EventClass: TypeAlias = Callable[..., T]
"""A class of events; of several, type checkers say what is read as one of them, or as anything."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_US: Final = timedelta(microseconds=1)


def to_us(moment: datetime) -> int:
    """
    Return an aware moment as microseconds since 1970 UTC.

    Raises:
        InvalidInputError: It has no time zone, so that it could be any of a day's.
    """
    if moment.tzinfo is None:
        raise InvalidInputError(
            f"The time {moment.isoformat()} has no time zone, so it could be any of a day's. Say "
            f"which is meant: {moment.isoformat()}+00:00 for UTC (moment.replace(tzinfo=UTC)), or "
            "moment.astimezone() for the time of this machine.",
            name="moment",
            value=moment,
        )
    return (moment - _EPOCH) // _US


def from_us(us: int) -> datetime:
    """Return the moment that is *us* microseconds after 1970, in UTC; no calendar has them all."""
    try:
        return _EPOCH + timedelta(microseconds=us)
    except OverflowError as fault:
        raise CodecError(
            f"A stored time, {us} microseconds after 1970, is in no calendar: the log is damaged. "
            "See every fault with:",
            do="log.verify()",
            typed="autopack log verify",
        ) from fault


class AnyVersion(Enum):
    """The expected version that is not checked."""

    ANY = "any"

    def __repr__(self) -> str:
        return "ANY"


ANY: Final = AnyVersion.ANY
"""The expected version of a fact that stands whatever its stream holds."""

ExpectedVersion: TypeAlias = int | AnyVersion
"""0 for a new stream, n for a stream at version n, ``ANY`` for a fact that needs no check."""

Row: TypeAlias = tuple[int, bytes, str, int, str, int, int, int, str, str, bytes]
"""One stored event: position, event_id, stream, version, type, schema, occurred_at and
recorded_at (microseconds since 1970 UTC), meta (JSON text or empty), data (JSON text), hash."""

Body: TypeAlias = tuple[int, str, int, str]
"""What an event says, without its envelope: position, type, schema, data (JSON text)."""

ROW_COLUMNS: Final = (
    "position", "event_id", "stream", "version", "type", "schema",
    "occurred_at", "recorded_at", "meta", "data", "hash",
)  # fmt: skip


class Recorded(msgspec.Struct, Generic[E], frozen=True, eq=False, gc=False):
    """
    An event with its envelope; ids, times and meta are parsed when they are asked for.

    Positions are global: 1, 2, 3, ... in commit order. Versions count within the stream.

    Args:
        row: The row as stored.
        event: What it says.
    """

    row: Row
    event: E

    @property
    def position(self) -> int:
        """The global position, from 1."""
        return self.row[0]

    @property
    def event_id(self) -> EventId:
        """16 bytes, time-ordered."""
        return EventId(self.row[1])

    @property
    def stream(self) -> str:
        """The stream's name."""
        return self.row[2]

    @property
    def version(self) -> int:
        """The version within the stream, from 1."""
        return self.row[3]

    @property
    def type(self) -> str:
        """The event's name in the log."""
        return self.row[4]

    @property
    def schema(self) -> int:
        """The schema version under which it was stored."""
        return self.row[5]

    @property
    def occurred_at(self) -> datetime:
        """When it happened, by whoever reported it; aware, UTC."""
        return from_us(self.row[6])

    @property
    def recorded_at(self) -> datetime:
        """What the clock said when it was appended; aware, UTC. The order is the position's."""
        return from_us(self.row[7])

    @property
    def meta(self) -> Mapping[str, Any]:
        """Correlation, causation, actor, writer: what is known of where it came from."""
        return _meta(self.row) if self.row[8] else {}

    @property
    def hash(self) -> bytes:
        """The chain's hash up to and with this event."""
        return self.row[10]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Recorded):
            return NotImplemented
        return self.row == other.row and bool(self.event == other.event)

    def __hash__(self) -> int:
        return hash(self.row[:2])

    def __repr__(self) -> str:
        return f"Recorded({self.position}, {self.stream!r} v{self.version}, {self.event!r})"


def _meta(row: Row) -> Mapping[str, Any]:
    try:
        meta = json.loads(row[8])
    except (ValueError, RecursionError) as fault:
        why = f"its meta is not JSON: {fault}"
        raise StoredEventError(row[4], position=row[0], why=why) from fault
    return meta if isinstance(meta, dict) else {"": meta}


@attrs.frozen(kw_only=True)
class NewEvent:
    """
    An event to append, where the defaults do not fit.

    Args:
        event: The fact.
        event_id: 16 bytes; drawn if not given. Give one for facts that may be reported twice.
        occurred_at: When it happened, aware; the time of the append if not given.
        meta: Correlation, causation, actor; JSON.
    """

    event: Any
    event_id: EventId | None = None
    occurred_at: datetime | None = None
    meta: Mapping[str, Any] = attrs.Factory(dict)


Entry: TypeAlias = tuple[str, Sequence[Any], ExpectedVersion]
"""Stream, events (or ``NewEvent``), expected version; without events it only asserts."""


@attrs.frozen
class UnrecognisedEvent:
    """An event whose type nobody registered: kept, listed, exported and verified as it is."""

    type: str
    schema: int
    data: str


@attrs.frozen
class Cursor:
    """A place in one log; positions mean nothing in another."""

    log_id: str
    position: int

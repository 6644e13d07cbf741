"""
The same events in ``eventsourcing`` 9.5, over its own SQLite recorder.

What it does: frozen dataclasses with the same fields, its JSON transcoder, its mapper, its table
with one unique key, a write-ahead log with ``synchronous = FULL``, as we have. Streams are named
by the same texts. What it does not: it hashes nothing, checks no type, refuses no unknown field,
has no id or time of recording an event, and guards its table by no trigger.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import new_class
from typing import Any

import attrs
from eventsourcing.domain import MetaDomainEvent
from eventsourcing.persistence import (
    DatetimeAsISO,
    EventStore,
    InfrastructureFactory,
    JSONTranscoder,
    Transcoding,
)
from eventsourcing.sqlite import SQLiteApplicationRecorder
from eventsourcing.utils import get_topic, register_topic

from autopack.values.money import Usd

_NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


class _UsdAsText(Transcoding):
    """An amount as the peer's JSON holds it."""

    type, name = Usd, "usd"

    def encode(self, obj: Usd) -> str:
        return str(obj)

    def decode(self, data: str) -> Usd:
        return Usd.stored(data)


class PeerLog:
    """An application's event store and recorder, on one file."""

    def __init__(self, path: Path) -> None:
        settings = {
            "PERSISTENCE_MODULE": "eventsourcing.sqlite",
            "SQLITE_DBNAME": str(path),
            "ORIGINATOR_ID_TYPE": "text",
        }
        self._factory = InfrastructureFactory.construct(settings)
        recorder = self._factory.application_recorder()
        assert isinstance(recorder, SQLiteApplicationRecorder)
        transcoder = JSONTranscoder()
        transcoder.register(DatetimeAsISO())
        transcoder.register(_UsdAsText())
        self.recorder = recorder
        self._mapper = self._factory.mapper(transcoder=transcoder)
        self.append = EventStore(self._mapper, recorder).put

    def read_all(self, *types: type, size: int = 1000) -> Iterator[Any]:
        """Yield every event in order, or those of *types*, by pages of as many rows as ours."""
        select, event_of = self.recorder.select_notifications, self._mapper.to_domain_event
        topics, after = [get_topic(cls) for cls in types], 0
        while page := select(after, size, topics=topics, inclusive_of_start=False):
            for notification in page:
                yield event_of(notification)
            after = page[-1].id

    def pragmas(self) -> tuple[str, int]:
        """Return the journal mode and the ``synchronous`` setting of its connections."""
        with self.recorder.datastore.get_connection(commit=False) as connection:
            cursor = connection.cursor()
            found = []
            for name in ("journal_mode", "synchronous"):
                cursor.execute(f"PRAGMA {name}")
                found.append(cursor.fetchone()[0])
        return found[0], found[1]

    def close(self) -> None:
        """Close its connections."""
        self._factory.close()


def same_events(given: Iterable[tuple[str, Any]]) -> Iterator[Any]:
    """Yield the events of streams as the peer's, with the versions that it wants to be told."""
    versions: dict[str, int] = {}
    for stream, event in given:
        versions[stream] = version = versions.get(stream, 0) + 1
        fields = {name: getattr(event, name) for name in _names(type(event))}
        yield peer_class(type(event))(
            originator_id=stream, originator_version=version, timestamp=_NOW, **fields
        )


@cache
def _names(cls: type) -> tuple[str, ...]:
    return tuple(one.name for one in attrs.fields(cls))


@cache
def peer_class(cls: type) -> type:
    """Return the peer's event class with the fields of one of ours, as its frozen dataclass."""
    required = [one for one in attrs.fields(cls) if one.default is attrs.NOTHING]
    given = [one for one in attrs.fields(cls) if one.default is not attrs.NOTHING]
    hints = {"originator_id": str, "originator_version": int, "timestamp": datetime}
    hints |= {one.name: one.type for one in (*required, *given)}
    body: dict[str, Any] = {"__annotations__": hints, "__module__": __name__}
    body |= {one.name: _default(one.default) for one in given}
    made = new_class(cls.__name__, (), {"metaclass": MetaDomainEvent}, lambda ns: ns.update(body))
    register_topic(f"{__name__}:{cls.__name__}", made)
    return made


def _default(default: Any) -> Any:
    factory = getattr(default, "factory", MISSING)
    if factory is MISSING and isinstance(default, Mapping):  # a dataclass takes it for mutable
        return field(default_factory=lambda: default)
    return default if factory is MISSING else field(default_factory=factory)

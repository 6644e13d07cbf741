"""Events to JSON text and back, strictly: what does not fit its type is an error that says so."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, TypeAlias

import attrs
import msgspec

from autopack.errors import InvalidEventError, NewerEventError, StoredEventError
from autopack.events import CORE_EVENTS
from autopack.events.schema import storable_value, stored_value
from autopack.format.event_types import EventType
from autopack.format.upcast import CORE_UPCASTERS, Upcaster, upcast
from autopack.ports.log import Body, Recorded, Row, UnrecognisedEvent

_ENCODE = msgspec.json.Encoder(enc_hook=storable_value).encode
_UNREADABLE = (msgspec.MsgspecError, UnicodeError, TypeError, RecursionError)

_Way: TypeAlias = tuple[int | None, Callable[[str], Any], Callable[[Any], Any]]
_NO_WAY: Final[_Way] = None, str, str  # of an unknown type: no schema is None, so neither is called


class Codec:
    """The event types that are known, with the ways between their classes and the log."""

    def __init__(self, event_classes: Iterable[type] = CORE_EVENTS) -> None:
        self._by_type: dict[str, EventType] = {}
        self._by_class: dict[type, EventType] = {}
        self._ways: dict[str, _Way] = {}
        for cls in event_classes:
            self.register(cls, upcasters=CORE_UPCASTERS.get(cls.TYPE))  # type: ignore[attr-defined]

    def register(self, cls: type, *, upcasters: Mapping[int, Upcaster] | None = None) -> None:
        """
        Make an event class known.

        Raises:
            InvalidEventError: It was not made with ``@autopack.event``, or its name is taken.
        """
        name = getattr(cls, "TYPE", None)
        if name is None:
            raise InvalidEventError(cls.__name__, "the class was not made with @event(NAME)")
        known = self._by_type.get(name)
        if known is not None and known.cls is not cls:
            raise InvalidEventError(name, f"the name is taken by {known.cls.__qualname__}")
        kind = EventType(
            cls=cls,
            name=name,
            schema=cls.SCHEMA,  # type: ignore[attr-defined]
            upcasters=dict(upcasters or {}),
        )
        if cls not in CORE_EVENTS:
            # What a plugin's type lacks is told at once.
            _ = kind.decode, kind.free_text, kind.cleaners
        self._by_type[name] = self._by_class[cls] = kind

    def types(self) -> tuple[str, ...]:
        """Return the names of all known event types, sorted."""
        return tuple(sorted(self._by_type))

    def names_of(self, classes: Iterable[Any]) -> tuple[str, ...]:
        """Return the names in the log of event classes."""
        return tuple(self.kind_of(cls).name for cls in classes)

    def class_of(self, type_name: str) -> type:
        """Return the class of a known event type."""
        return self._by_type[type_name].cls

    def kind_of(self, cls: Any) -> EventType:
        """Return how events of a class are stored; an unregistered class is refused."""
        kind = self._by_class.get(cls)
        if kind is None:
            raise InvalidEventError(
                getattr(cls, "__name__", repr(cls)),
                "its class is not registered; a plugin does that by the hook "
                "autopack_register_events",
            )
        return kind

    def is_bounded(self, type_name: str) -> bool:
        """Tell whether events of a type can hold values that a log does not take."""
        kind = self._by_type.get(type_name)
        return kind is not None and kind.is_bounded

    def is_upcast(self, row: Row) -> bool:
        """Tell whether a function of a plugin's is called where a row is decoded."""
        kind = self._by_type.get(row[4])
        return kind is not None and any(row[5] <= step < kind.schema for step in kind.upcasters)

    def fault(self, event: Any) -> str | None:
        """Return why an event that was read could not be made of its fields; None if it could."""
        if isinstance(event, UnrecognisedEvent):
            return None
        try:
            attrs.evolve(event)
        except InvalidEventError as fault:
            return fault.why
        return None

    def encode(self, event: Any) -> tuple[str, int, str]:
        """
        Return an event's type, schema and JSON text.

        Raises:
            InvalidEventError: Its class is not registered, or a value is not of its field's type.
        """
        if isinstance(event, UnrecognisedEvent):
            return event.type, event.schema, event.data
        kind = self.kind_of(type(event))
        return kind.name, kind.schema, self.encode_as(kind, event)

    def encode_as(self, kind: EventType, event: Any) -> str:
        """Return the JSON text of an event of a kind; raises as :meth:`encode`."""
        try:
            return kind.write(event).decode()
        except (*_UNREADABLE, OverflowError) as fault:
            raise InvalidEventError(kind.name, str(fault)) from fault

    def decode(self, type_name: str, schema: int, data: str, position: int) -> Any:
        """
        Return the event; one of an unknown type comes as :class:`UnrecognisedEvent`.

        Raises:
            NewerEventError: The schema is above the known one.
            StoredEventError: A field is unknown, missing, or of a wrong type.
        """
        return next(self.decode_all([(position, type_name, schema, data)]))

    def decode_all(self, bodies: Iterable[Body]) -> Iterator[Any]:
        """Yield the events of stored bodies, one by one; raises as :meth:`decode`."""
        ways = self._ways
        for position, type_name, schema, data in bodies:
            known, decode, build = ways.get(type_name) or self._way_of(type_name)
            if schema != known:
                yield self._decode_other(type_name, schema, data, position)
                continue
            try:
                event = build(decode(data))
            except _UNREADABLE as fault:
                raise StoredEventError(type_name, position=position, why=str(fault)) from fault
            yield event

    def decode_rows(self, rows: Iterable[Row]) -> Iterator[Recorded[Any]]:
        """Yield stored rows as events with their envelopes; raises as :meth:`decode`."""
        # The steps of decode_all() without a call for each event: this is what a replay costs.
        ways = self._ways
        for row in rows:
            known, decode, build = ways.get(row[4]) or self._way_of(row[4])
            if row[5] != known:
                yield Recorded(row, self._decode_other(row[4], row[5], row[9], row[0]))
                continue
            try:
                event = build(decode(row[9]))
            except _UNREADABLE as fault:
                raise StoredEventError(row[4], position=row[0], why=str(fault)) from fault
            yield Recorded(row, event)

    def _way_of(self, type_name: str) -> "_Way":
        """Return how events of a type's own schema are read, kept for the next one."""
        kind = self._by_type.get(type_name)
        if kind is None:
            return _NO_WAY
        way = self._ways[type_name] = kind.schema, kind.decode, kind.build
        return way

    def _decode_other(self, type_name: str, schema: int, data: str, position: int) -> Any:
        """Return an event of an unknown type, or of another schema than its type has."""
        kind = self._by_type.get(type_name)
        if kind is None:
            return UnrecognisedEvent(type_name, schema, data)
        return self._decode_older(kind, schema, data, position)

    def _decode_older(self, kind: EventType, schema: int, data: str, position: int) -> Any:
        if schema > kind.schema:
            raise NewerEventError(kind.name, found=schema, known=kind.schema, position=position)
        if schema < 1:
            why = f"there is no schema {schema}; the first is 1"
            raise StoredEventError(kind.name, position=position, why=why)
        try:
            fields = msgspec.json.decode(data)
            fields = upcast(fields, schema=schema, known=kind.schema, steps=kind.upcasters)
            return kind.build(msgspec.convert(fields, kind.mirror, dec_hook=stored_value))
        except (Exception, SystemExit) as fault:  # a plugin's step may raise anything
            why = f"schema {schema} could not be brought to {kind.schema}: {fault!r}"
            raise StoredEventError(kind.name, position=position, why=why) from fault


def to_json(value: Any) -> str:
    """Return plain values, attrs classes and times as JSON text, for views and reports."""
    return _ENCODE(value).decode()


def plain(value: Any) -> Any:
    """
    Return attrs classes, tuples and times as what ``json`` prints; times in ISO 8601.

    USD stay decimals, which :func:`autopack.values.json_text.json_text` prints as numbers.
    """
    return msgspec.to_builtins(value, enc_hook=_other, builtin_types=(Decimal,))


def _other(value: object) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Decimal):
        return Decimal(value)  # of a class of our own
    return str(value)

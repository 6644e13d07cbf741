"""From what is given to append to what is stored: ids, times, meta, and redacted, short texts."""

import hashlib
import json
import re
import zlib
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

import attrs
import msgspec

from autopack.errors import CodecError, InvalidEventError, InvalidInputError
from autopack.events.json_values import TOO_DEEP, json_fault
from autopack.format.codec import Codec
from autopack.format.event_types import EventType
from autopack.format.redaction import Redact, clean, cleaned_json
from autopack.plugins.hook_calls import apart
from autopack.ports.log import NewEvent, Recorded, Row, UnrecognisedEvent, to_us
from autopack.values.bounds import NESTED_MOST, kind_fault, moment_fault, row_fault, size_fault

FREE_TEXT_MOST: Final = 500
WHOLE_MOST: Final = 5_000
"""How long a part of a text may be that was cut, and is handed on as it was."""
_ENDING: Final = re.compile(r"\[whole text: artifact ([0-9a-f]{64})\]")
_CUT: Final = re.compile(rf"{_ENDING.pattern}\Z")
_ARTIFACT_MOST: Final = 64 * 1024 * 1024
_TEXTS_REMEMBERED: Final = 4096


class Draft(msgspec.Struct, gc=False):
    """An event ready to be stored, but for its place; times in microseconds since 1970 UTC."""

    stream: str
    type: str
    schema: int
    data: str
    event: Any
    event_id: bytes | None
    occurred_us: int | None
    meta: str


class _Redacted(NewEvent):
    """An event whose texts have passed the hook; only a drafter makes one."""


class Drafter:
    """
    Encodes events, their texts redacted, and the free ones cut.

    Args:
        codec: The event types that are known.
        hook: Applied to every text but keys; the text that it returns is what is stored.
    """

    def __init__(self, codec: Codec, hook: Redact | None = None) -> None:
        self._codec, self._hook = codec, hook

    def redact(self, text: str) -> str:
        """Return a text as the redaction hook leaves it."""
        return self._hook(text) if self._hook else text

    def packed(self, text: object) -> tuple[str, bytes]:
        """
        Return the digest and the compressed form of a text as the redaction hook leaves it.

        Raises:
            InvalidInputError: It is no text, has no UTF-8 form, or is too large.
        """
        if not isinstance(text, str):
            more = ": decode the bytes first" if isinstance(text, bytes | bytearray) else ""
            raise InvalidInputError(
                f"What is stored beside the log is a text; this is {type(text).__name__}{more}.",
                name="text",
                value=text,
            )
        return packed(self.redact(text))

    def remembering(self) -> "Drafter":
        """Return one that asks the hook once about each of the last few thousand texts."""
        return _Remembering(self._codec, self._hook and lru_cache(_TEXTS_REMEMBERED)(self._hook))

    @property
    def redacts(self) -> bool:
        """Whether a redaction hook is there."""
        return self._hook is not None

    def redacted(self, given: Any) -> Any:
        """
        Return an event as the redaction hook leaves it; a draft of it asks the hook no more.

        So that a plugin is asked before a transaction is begun, and nobody waits for it.
        """
        if self._hook is None or isinstance(given, _Redacted):
            return given
        hook, new = self._hook, given if isinstance(given, NewEvent) else NewEvent(event=given)
        try:
            event, meta = apart(lambda: (self._clean(hook, new.event), _clean_meta(hook, new.meta)))
        except RecursionError as fault:
            name = getattr(new.event, "type", type(new.event).__name__)
            raise InvalidEventError(name, TOO_DEEP) from fault
        return _Redacted(event=event, event_id=new.event_id, occurred_at=new.occurred_at, meta=meta)

    def changes(self, row: Row) -> bool:
        """
        Tell whether redaction would change a text of a stored event, or of its meta.

        Raises:
            CodecError: Nobody can tell what it says.
        """
        if self._hook is None or row_fault(row):
            return False
        event = next(self.decode_rows([row])).event
        is_same = self._clean(self._hook, event) is event
        return not (is_same and cleaned_json(self._hook, row[8]) == row[8])

    def taking_fault(self, row: Row) -> str | None:
        """
        Return why another log's row cannot be taken as it is, under its hash; None if it can.

        Whether redaction leaves it as it is was asked before: :meth:`changes`.
        """
        if fault := row_fault(row):
            return fault
        if not self._codec.is_bounded(row[4]) or self._codec.is_upcast(row):
            return None  # no plugin's upcaster is called while others wait to write
        try:
            event = next(self.decode_rows([row])).event
        except CodecError:
            return None  # its chain is kept: who needs the event is told
        return self._codec.fault(event)

    def is_upcast(self, row: Row) -> bool:
        """Tell whether a function of a plugin's is called where a row is decoded."""
        return self._codec.is_upcast(row)

    def decode_rows(self, rows: Collection[Row]) -> Iterator[Recorded[Any]]:
        """Yield stored rows as events with their envelopes."""
        return self._codec.decode_rows(rows)

    def draft(self, stream: str, given: Any, texts: dict[str, bytes]) -> Draft:
        """
        Return an event encoded; texts that were too long for it go whole to *texts*.

        It was redacted before: this is done within a transaction.
        """
        if self._hook is not None and not isinstance(given, _Redacted):
            raise RuntimeError("An event was not redacted before its transaction began.")
        if not isinstance(given, NewEvent):
            return self._encoded(stream, given, texts, None, None, "")
        event_id, name = given.event_id, type(given.event).__name__
        if event_id is not None and not (isinstance(event_id, bytes) and len(event_id) == 16):
            raise InvalidEventError(name, "its event_id is not 16 bytes")
        occurred_us = _occurred_us(name, given.occurred_at)
        meta = _meta_text(name, given.meta)
        return self._encoded(stream, given.event, texts, event_id, occurred_us, meta)

    def _encoded(
        self,
        stream: str,
        event: Any,
        texts: dict[str, bytes],
        event_id: bytes | None,
        occurred_us: int | None,
        meta: str,
    ) -> Draft:
        if isinstance(event, UnrecognisedEvent):
            name, schema, data = _as_it_is(event)
        else:
            kind = self._codec.kind_of(type(event))
            if kind.free_text:
                event = _with_short_texts(event, kind, texts)
            name, schema, data = kind.name, kind.schema, self._codec.encode_as(kind, event)
        if fault := size_fault(data, meta):
            raise InvalidEventError(name, fault)
        return Draft(stream, name, schema, data, event, event_id, occurred_us, meta)

    def _clean(self, hook: Redact, event: Any) -> Any:
        """Return an event with every text but keys as the hook leaves it; itself if it may stay."""
        if isinstance(event, UnrecognisedEvent):
            data = cleaned_json(hook, event.data)
            return event if data == event.data else attrs.evolve(event, data=data)
        changed: dict[str, Any] = {}
        for name, cleaned in self._codec.kind_of(type(event)).cleaners:
            value = getattr(event, name)
            if value and (found := cleaned(hook, value)) is not value:
                changed[name] = found
        return attrs.evolve(event, **changed) if changed else event


class _Remembering(Drafter):
    """Knows which texts may stand together as they are, so that events that say them pass."""

    def __init__(self, codec: Codec, hook: Redact | None = None) -> None:
        super().__init__(codec, hook)
        self._passed: set[tuple[Any, ...]] = set()

    def _clean(self, hook: Redact, event: Any) -> Any:
        if isinstance(event, UnrecognisedEvent):
            return super()._clean(hook, event)
        names = self._codec.kind_of(type(event)).cleaners
        key = (type(event), *[getattr(event, name) or None for name, _cleaned in names])
        try:
            if key in self._passed:
                return event
        except TypeError:  # a table, or a list of texts
            return super()._clean(hook, event)
        cleaned = super()._clean(hook, event)
        if cleaned is event and len(self._passed) < _TEXTS_REMEMBERED:
            self._passed.add(key)
        return cleaned


def _with_short_texts(event: Any, kind: EventType, texts: dict[str, bytes]) -> Any:
    changed: dict[str, str] = {}
    for name in kind.free_text:
        text = getattr(event, name)
        if text is not None and len(text) > FREE_TEXT_MOST:
            digest, content = _packed_field(kind.name, name, text)
            texts[digest] = content
            ending = f" ... [whole text: artifact {digest}]"
            changed[name] = text[: FREE_TEXT_MOST - len(ending)] + ending
    return attrs.evolve(event, **changed) if changed else event


def _clean_meta(hook: Redact, meta: Mapping[str, Any]) -> Any:
    return clean(hook, meta) if meta else meta


def digest_in(text: str | None) -> str | None:
    """Return under which digest the whole of a text is stored; None if it was not cut."""
    found = None if text is None else _CUT.search(text)
    return None if found is None else found[1]


def cuts_in(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield where parts of a text begin and end that were cut, and the digest of each's whole."""
    for found in _ENDING.finditer(text):
        if found.end() >= FREE_TEXT_MOST:
            yield found.end() - FREE_TEXT_MOST, found.end(), found[1]


def _as_it_is(event: UnrecognisedEvent) -> tuple[str, int, str]:
    """Return the type, schema and data of an event that nobody registered."""
    if odd := kind_fault(event.type, event.schema):
        raise InvalidEventError(event.type, odd)
    try:
        event.data.encode()
    except UnicodeEncodeError as fault:
        raise InvalidEventError(event.type, f"its data has no UTF-8 form: {fault}") from fault
    if wrong := _nesting_fault(event.data):
        raise InvalidEventError(event.type, wrong)
    return event.type, event.schema, event.data


def _nesting_fault(data: str) -> str | None:
    """Return why JSON that no class has checked is nested too deeply to be read by everybody."""
    if data.count("[") + data.count("{") <= NESTED_MOST:
        return None
    try:
        return json_fault(json.loads(data), "data")
    except RecursionError:
        return TOO_DEEP
    except ValueError:  # no JSON: nothing is nested in it
        return None


def packed(text: str) -> tuple[str, bytes]:
    """Return a text's digest and its compressed form."""
    try:
        content = text.encode()
    except UnicodeEncodeError as fault:
        raise InvalidInputError(
            f"A text cannot be stored as UTF-8: {fault}.", name="text", value=text
        ) from fault
    if len(content) > _ARTIFACT_MOST:
        raise InvalidInputError(
            f"A text of {len(content):,} bytes is over the limit of {_ARTIFACT_MOST:,}. Cut it.",
            name="text",
            value=text,
        )
    return hashlib.sha256(content).hexdigest(), zlib.compress(content, 6)


def unpacked(digest: str, content: bytes) -> str | None:
    """Return the text of a compressed form, or None where it is not the one of that digest."""
    try:
        whole = zlib.decompress(content)
    except zlib.error:
        return None
    return whole.decode() if hashlib.sha256(whole).hexdigest() == digest else None


def _packed_field(event_type: str, field: str, text: str) -> tuple[str, bytes]:
    try:
        return packed(text)
    except InvalidInputError as fault:
        raise InvalidEventError(event_type, f"its {field}: {fault}") from fault


def _occurred_us(name: str, moment: datetime | None) -> int | None:
    if moment is None:
        return None
    try:
        us = to_us(moment)
    except InvalidInputError as fault:
        raise InvalidEventError(name, f"its occurred_at: {fault}") from fault
    if outside := moment_fault(moment):
        raise InvalidEventError(name, f"its occurred_at: {outside}")
    return us


def _meta_text(event_type: str, meta: Mapping[str, Any]) -> str:
    if not meta:
        return ""
    try:
        text = json.dumps(dict(meta), sort_keys=True, allow_nan=False)
        found = json.loads(text)
        json.dumps(found, ensure_ascii=False).encode()  # half a character has no such form
        fault = json_fault(found, "meta")
    except (TypeError, ValueError, RecursionError) as raised:
        raise InvalidEventError(event_type, f"its meta is not JSON: {raised}") from raised
    if fault:
        raise InvalidEventError(event_type, fault)
    return text

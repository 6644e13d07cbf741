"""From what is given to append to what is stored: ids, times, meta, and short, redacted texts."""

import hashlib
import json
import zlib
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

import attrs

from autopack.codec import Codec, EventType
from autopack.errors import InvalidEventError, InvalidInputError
from autopack.ports.log import NewEvent, UnrecognisedEvent, to_us

FREE_TEXT_MOST: Final = 500
_ARTIFACT_MOST: Final = 64 * 1024 * 1024

Redact = Callable[[str], str]


class Draft(NamedTuple):
    """An event ready to be stored, but for its place; times in microseconds since 1970 UTC."""

    stream: str
    type: str
    schema: int
    data: str
    event: Any
    event_id: bytes | None
    occurred_us: int | None
    meta: str


class Drafter:
    """
    Encodes events, their free texts redacted and cut.

    Args:
        codec: The event types that are known.
        redact: Applied to every free text; the text that it returns is what is stored.
    """

    def __init__(self, codec: Codec, redact: Redact | None = None) -> None:
        self._codec, self._redact = codec, redact

    def redact(self, text: str) -> str:
        """Return a text as the redaction hook leaves it."""
        return self._redact(text) if self._redact else text

    @property
    def redacts(self) -> bool:
        """Whether a redaction hook is there."""
        return self._redact is not None

    def changes(self, event: Any) -> bool:
        """Tell whether redaction would change one of an event's free texts."""
        if isinstance(event, UnrecognisedEvent):
            return False
        texts = (getattr(event, name) for name in self._codec.kind_of(type(event)).free_text)
        return any(text and self.redact(text) != text for text in texts)

    def draft(self, stream: str, given: Any, texts: dict[str, bytes]) -> Draft:
        """Return an event encoded; texts that were too long for it go whole to *texts*."""
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
            return Draft(
                stream, event.type, event.schema, event.data, event, event_id, occurred_us, meta
            )
        kind = self._codec.kind_of(type(event))
        if kind.free_text:
            event = self._with_short_texts(event, kind, texts)
        data = self._codec.encode_as(kind, event)
        return Draft(stream, kind.name, kind.schema, data, event, event_id, occurred_us, meta)

    def _with_short_texts(self, event: Any, kind: EventType, texts: dict[str, bytes]) -> Any:
        changed: dict[str, str] = {}
        for name in kind.free_text:
            text = given = getattr(event, name)
            if text is None or (self._redact is None and len(text) <= FREE_TEXT_MOST):
                continue
            text = self.redact(text) or "(redacted)"
            if len(text) > FREE_TEXT_MOST:
                digest, content = _packed_field(kind.name, name, text)
                texts[digest] = content
                ending = f" ... [whole text: artifact {digest}]"
                text = text[: FREE_TEXT_MOST - len(ending)] + ending
            if text != given:
                changed[name] = text
        return attrs.evolve(event, **changed) if changed else event


def packed(text: str) -> tuple[str, bytes]:
    """Return a text's digest and its compressed form."""
    try:
        content = text.encode()
    except UnicodeEncodeError as fault:
        raise InvalidInputError(f"A text cannot be stored as UTF-8: {fault}.") from fault
    if len(content) > _ARTIFACT_MOST:
        raise InvalidInputError(
            f"A text of {len(content):,} bytes is over the limit of {_ARTIFACT_MOST:,}. Cut it."
        )
    return hashlib.sha256(content).hexdigest(), zlib.compress(content, 6)


def _packed_field(event_type: str, field: str, text: str) -> tuple[str, bytes]:
    try:
        return packed(text)
    except InvalidInputError as fault:
        raise InvalidEventError(event_type, f"its {field}: {fault}") from fault


def _occurred_us(name: str, moment: datetime | None) -> int | None:
    try:
        return None if moment is None else to_us(moment)
    except InvalidInputError as fault:
        raise InvalidEventError(name, f"its occurred_at: {fault}") from fault


def _meta_text(event_type: str, meta: Mapping[str, Any]) -> str:
    if not meta:
        return ""
    try:
        return json.dumps(dict(meta), sort_keys=True, allow_nan=False)
    except (TypeError, ValueError) as fault:
        raise InvalidEventError(event_type, f"its meta is not JSON: {fault}") from fault

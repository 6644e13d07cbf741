"""
One event as a line of CloudEvents 1.0 JSON, and back, to the byte.

Beside the standard's own attributes a line has ``schemaversion``, ``streamversion``, ``position``,
``recordedat``, ``meta`` (JSON text), ``chainhash`` and ``chainorigin``, so that a log can be made
of it again with its hash chain. ``source`` is the log's id as a URN, ``subject`` the stream,
``time`` when the event occurred. Data that is not one line of JSON goes into ``data_base64``.
"""

import base64
import binascii
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from autopack.errors import CodecError, InvalidInputError
from autopack.ports.backend import LogIdentity
from autopack.ports.log import NewEvent, Row, UnrecognisedEvent, from_us, to_us
from autopack.values.bounds import event_fault, moment_fault, row_fault
from autopack.values.ids import derived_id

_JSON: Final = "application/json"
_NO_STREAM: Final = "cloudevents"
_NEEDED: Final = ("specversion", "id", "source", "type")


class _Line(msgspec.Struct, omit_defaults=True, kw_only=True):
    """A line's attributes; those of other producers that are not named here are passed over."""

    specversion: str
    id: str
    source: str
    type: str
    subject: str | None = None
    time: str | None = None
    datacontenttype: str | None = None
    schemaversion: int = 1
    position: int | None = None
    streamversion: int | None = None
    recordedat: str | None = None
    meta: str = ""
    chainorigin: str | None = None
    chainhash: str | None = None
    data: msgspec.Raw = msgspec.Raw(b"")
    data_base64: str | None = None


_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(_Line).decode
_is_json: Final = msgspec.json.Decoder().decode


def to_line(row: Row, identity: LogIdentity) -> str:
    """Return a stored event as one line without its end."""
    content = row[9].encode()
    is_json = _is_one_line_of_json(content)
    line = _Line(
        specversion="1.0",
        id=str(UUID(bytes=row[1])) if len(row[1]) == 16 else row[1].hex(),
        source=f"urn:uuid:{identity.log_id}",
        type=row[4],
        subject=row[2],
        time=from_us(row[6]).isoformat(),
        datacontenttype=_JSON if is_json else None,
        schemaversion=row[5],
        position=row[0],
        streamversion=row[3],
        recordedat=from_us(row[7]).isoformat(),
        meta=row[8],
        chainorigin=identity.origin_id,
        chainhash=row[10].hex(),
    )
    if is_json:
        line.data = msgspec.Raw(content)
    else:
        line.data_base64 = base64.b64encode(content).decode()
    return _encode(line).decode()


class CloudEvent:
    """
    A line that was read.

    Raises:
        CodecError: It is not CloudEvents 1.0 JSON, or an attribute does not fit.
    """

    def __init__(self, text: bytes) -> None:
        try:
            self._line = _decode(text)
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as fault:
            raise CodecError(f"it is not a CloudEvent: {fault}{_fields(text)}") from fault
        if self._line.specversion != "1.0":
            raise CodecError(f"its specversion is {self._line.specversion!r}, not '1.0'")

    @property
    def origin_id(self) -> str | None:
        """The origin of the chain that the event stands in; None for another producer's."""
        return self._line.chainorigin

    @property
    def log_id(self) -> str:
        """The log that wrote it, as far as its source names one."""
        return self._line.source.removeprefix("urn:uuid:")

    def new_event(self) -> tuple[str, NewEvent]:
        """Return the event to append, with its stream; another producer's gets a derived id."""
        line = self._line
        event = UnrecognisedEvent(line.type, line.schemaversion, self._data())
        occurred_at = None if line.time is None else _moment("time", line.time)
        new = NewEvent(
            event=event, event_id=self._event_id(), occurred_at=occurred_at, meta=self._meta()
        )
        stream = line.subject or _NO_STREAM
        _check(event_fault(stream, line.type, line.schemaversion, data=event.data, meta=line.meta))
        return stream, new

    def row(self) -> Row:
        """Return the row as its log stored it."""
        line = self._line
        if None in (line.position, line.streamversion, line.recordedat, line.chainhash):
            raise CodecError("it has no place in a chain: position, streamversion, recordedat, "
                             "chainhash")  # fmt: skip
        assert line.position is not None
        assert line.streamversion is not None
        assert line.recordedat is not None
        assert line.chainhash is not None
        try:
            digest = bytes.fromhex(line.chainhash)
        except ValueError as fault:
            raise CodecError(f"its chainhash is not hexadecimal: {line.chainhash!r}") from fault
        row = (
            line.position, self._event_id(), line.subject or "", line.streamversion, line.type,
            line.schemaversion, _us("time", line.time), _us("recordedat", line.recordedat),
            line.meta, self._data(), digest,
        )  # fmt: skip
        _check(row_fault(row))
        return row

    def _event_id(self) -> Any:
        line = self._line
        if line.chainorigin is None:
            return derived_id("cloudevents", f"{line.source}\x00{line.id}", line.type)
        try:
            return UUID(line.id).bytes
        except ValueError as fault:
            raise CodecError(f"its id {line.id!r} is not a UUID") from fault

    def _data(self) -> str:
        line = self._line
        try:
            if line.data_base64 is not None:
                return base64.b64decode(line.data_base64, validate=True).decode()
            return bytes(line.data).decode() or "null"
        except (binascii.Error, UnicodeError) as fault:
            raise CodecError(f"its data cannot be read: {fault}") from fault

    def _meta(self) -> dict[str, Any]:
        try:
            meta = _is_json(self._line.meta) if self._line.meta else {}
        except (msgspec.MsgspecError, RecursionError) as fault:
            raise CodecError(f"its meta is not JSON: {fault}") from fault
        if not isinstance(meta, dict):
            raise CodecError("its meta is not an object")
        return meta


def _fields(text: bytes) -> str:
    """Return what a line has instead of a CloudEvent's attributes, if it is an object at all."""
    try:
        found = _is_json(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return ""
    if not isinstance(found, dict):
        return f"; it is a {type(found).__name__}, not an object"
    return f"; it has {', '.join(found) or 'no fields'}, and needed are {', '.join(_NEEDED)}"


def _is_one_line_of_json(content: bytes) -> bool:
    try:
        _is_json(content)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return False
    # Spaces around a value are lost when it is read back, and a line end would end the line.
    return content == content.strip() and not {10, 13} & set(content)


def _check(fault: str | None) -> None:
    if fault:
        raise CodecError(fault)


def _us(name: str, text: str | None) -> int:
    if text is None:
        raise CodecError(f"it has no {name}")
    return to_us(_moment(name, text))


def _moment(name: str, text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        to_us(moment)
    except (ValueError, InvalidInputError) as fault:
        raise CodecError(f"its {name} {text!r} is no moment with a time zone") from fault
    if outside := moment_fault(moment):
        raise CodecError(f"its {name}: {outside}")
    return moment

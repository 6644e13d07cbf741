"""What a log takes: the bounds within which all that is stored can be read by everything."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from autopack.errors import InvalidNameError
from autopack.values.ids import check_name

EARLIEST: Final = datetime(1, 1, 2, tzinfo=UTC)
LATEST: Final = datetime(9999, 12, 30, 23, 59, 59, 999999, tzinfo=UTC)
"""A day within what a calendar holds, so that every time zone can show it."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_US: Final = timedelta(microseconds=1)
EARLIEST_US: Final = (EARLIEST - _EPOCH) // _US
LATEST_US: Final = (LATEST - _EPOCH) // _US

_MIB: Final = 1024 * 1024
DATA_MOST: Final = 10 * _MIB
META_MOST: Final = 1 * _MIB
"""So that an event in base64, with its envelope, is a line of an export that can be imported."""

SCHEMA_MOST: Final = 2**31 - 1
NESTED_MOST: Final = 100
"""How deep JSON of any shape may be nested: less than any reader's stack."""

VALUES_MOST: Final = 1_000_000
"""How many values JSON may hold; a list that is in it many times counts as often."""

STREAM_LONGEST: Final = 420  # a phase stream holds two ids of up to 200 characters each


def us_fault(us: int) -> str | None:
    """Return why no log holds a time in microseconds since 1970; None if one does."""
    if EARLIEST_US <= us <= LATEST_US:
        return None
    return f"{us:,} microseconds from 1970 are {_OUTSIDE}"


def moment_fault(moment: datetime) -> str | None:
    """Return why no log holds an aware moment; None if one does."""
    if EARLIEST <= moment <= LATEST:
        return None
    return f"{moment.isoformat()} is {_OUTSIDE}"


_OUTSIDE: Final = (
    f"outside {EARLIEST.date()} to {LATEST.date()} UTC: not every time zone could show it"
)


def size_fault(data: str, meta: str) -> str | None:
    """Return why an event is too large to be stored; None if it is not."""
    if len(data) * 4 <= DATA_MOST and len(meta) * 4 <= META_MOST:  # four bytes a character at most
        return None
    for what, text, most in (("data", data, DATA_MOST), ("meta", meta, META_MOST)):
        if len(text) * 4 > most and (size := len(text.encode())) > most:
            return (
                f"its {what} takes {size:,} bytes, over the limit of {most:,}: store what is "
                "large as a text beside the log (log.artifacts.put), and its digest in the event"
            )
    return None


def kind_fault(type_name: str, schema: int) -> str | None:
    """Return why an event cannot be of a type and schema; None if it can."""
    if fault := _name_fault("event type", type_name):
        return fault
    if not 1 <= schema <= SCHEMA_MOST:
        return f"its schema is {schema}, and must be from 1 to {SCHEMA_MOST:,}"
    return None


def row_fault(row: Sequence[Any]) -> str | None:
    """Return why a row as a log stores it is none that could be appended; None if it could."""
    if len(row[1]) != 16:
        return "its event_id is not 16 bytes"
    for what, us in (("occurred_at", row[6]), ("recorded_at", row[7])):
        if fault := us_fault(us):
            return f"its {what}: {fault}"
    return event_fault(row[2], row[4], row[5], data=row[9], meta=row[8])


def event_fault(stream: str, type_name: str, schema: int, *, data: str, meta: str) -> str | None:
    """Return why no event of these could be appended; None if one could."""
    return (
        _name_fault("stream", stream, longest=STREAM_LONGEST)
        or kind_fault(type_name, schema)
        or size_fault(data, meta)
    )


def _name_fault(kind: str, name: str, *, longest: int = 200) -> str | None:
    try:
        check_name(kind, name, longest=longest)
    except InvalidNameError as fault:
        return f"its {kind} {name[:80]!r}: {fault.why}"
    return None

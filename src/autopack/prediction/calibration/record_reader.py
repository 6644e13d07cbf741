"""Fields of records, whatever their columns are called, and as what each of them is read."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import attrs

from autopack.errors import InvalidInputError
from autopack.values.money import Usd

UNREADABLE: Final = "values_that_cannot_be_read"
"""Why a record is set aside of which a value is not what its field is."""
_TRUE: Final = frozenset({
    "true", "1", "1.0", "yes", "y", "ok", "success", "succeeded", "successful", "complete",
    "completed", "pass", "passed", "done",
})  # fmt: skip
_FALSE: Final = frozenset({
    "false", "0", "0.0", "no", "n", "fail", "failed", "failure", "error", "errored", "timeout",
    "timed_out", "cancelled", "canceled", "incomplete",
})  # fmt: skip
_UNITS: Final = ((1e11, 1.0), (1e14, 1e3), (1e17, 1e6), (1e20, 1e9))
"""Below which number a moment counts seconds, milliseconds, microseconds, nanoseconds."""

_SHORT: Final = (("ms", 1e3), ("millis", 1e3), ("milliseconds", 1e3), ("us", 1e6), ("ns", 1e9))
_WEEK_S: Final = 7 * 86_400.0
_DEEPEST: Final = 4
_MOST: Final = 2**53
"""What a log holds of a count, too."""


@attrs.frozen
class Reading:
    """As what a value is read; raises ValueError, TypeError or OverflowError of another."""

    read: Callable[[Any], Any]
    meant: str


class RecordReader:
    """
    Reads the fields of one record after the other.

    Args:
        fields: The columns that are looked for, by field; upper and lower case are alike.
        readings: As what each field is read.
        columns: Columns by field, where they have other names; ``a.b`` is *b* within *a*. A field
            of seconds may be named as one of milliseconds, ``duration_ms`` for ``duration_s``.
        needs: Fields of which some record must have a column, with what they are of, in words.
        hint: What a trace must tell, as a sentence.

    Raises:
        InvalidInputError: A column is named for a field that there is not.
    """

    def __init__(
        self,
        fields: Mapping[str, tuple[str, ...]],
        readings: Mapping[str, Reading],
        columns: Mapping[str, str],
        *,
        needs: Mapping[str, str],
        hint: str,
    ) -> None:
        millis = {name for name in columns if name.endswith("_ms") and f"{name[:-2]}s" in fields}
        self._millis = {f"{name[:-2]}s" for name in millis}
        columns = {f"{n[:-2]}s" if n in millis else n: column for n, column in columns.items()}
        unknown = sorted(set(columns) - set(fields))
        if unknown:
            raise InvalidInputError(
                f"A trace has no field {', '.join(unknown)}. Fields: {', '.join(fields)}.",
                name="columns",
                value=tuple(unknown),
            )
        self._fields, self._readings, self._columns = fields, readings, columns
        self._needs, self._hint = needs, hint
        self._seen: dict[str, str] = {}

    def read(self, number: int, record: Mapping[str, Any]) -> dict[str, Any]:
        """
        Return all fields of a record, None where it does not tell.

        Raises:
            InvalidInputError: A value is not what its field is; names the record by *number*.
        """
        cells = dict(_cells(record))
        self._seen.update({name: told for name, (told, _value) in cells.items()})
        found: dict[str, Any] = {}
        for field, reading in self._readings.items():
            name, value = self._told(field, cells)
            try:
                found[field] = None if value is None else reading.read(value)
                if reading is SECONDS and found[field] is not None:
                    found[field] = self._in_seconds(field, str(name), found[field])
            except (ValueError, TypeError, OverflowError) as fault:
                raise InvalidInputError(
                    f"Record {number} of the trace: {name} is {value!r}; it must be "
                    f"{reading.meant}.",
                    name=field,
                    value=value,
                ) from fault
        return found

    def check_columns(self) -> None:
        """
        Refuse a trace in which no record has a column that is needed, or was named.

        Raises:
            InvalidInputError: There is no such column; names those that there are.
        """
        for field in dict.fromkeys((*self._needs, *self._columns)):
            if not any(name in self._seen for name in self._names(field)):
                raise InvalidInputError(
                    f"The trace has no column {self._columns.get(field) or self._needs[field]}. "
                    f"It has: {', '.join(self._seen.values()) or 'none'}. {self._hint} "
                    "Name another with:",
                    do=f"columns={{{field!r}: NAME}}",
                    typed=f"--column {field}=NAME",
                    name=f"columns.{field}",
                    value=self._columns.get(field),
                )

    def _names(self, field: str) -> tuple[str, ...]:
        named = self._columns.get(field)
        return self._fields[field] if named is None else (named.lower(),)

    def _told(self, field: str, cells: Mapping[str, tuple[str, Any]]) -> tuple[str | None, Any]:
        """Return the first column of a field that says something, and what it says."""
        there = (cells[name] for name in self._names(field) if name in cells)
        said = ((told, value) for told, value in there if value is not None and value != "")
        return next(said, (None, None))

    def _in_seconds(self, field: str, column: str, value: float) -> float:
        """Return a time in seconds, by the unit that its column is named with."""
        word = column.lower().rpartition(".")[2]
        unit = next((per for ending, per in _SHORT if word.endswith(ending)), 1.0)
        seconds = value / (1e3 if field in self._millis else unit)
        if seconds > _WEEK_S:
            raise ValueError(value)
        return seconds


def readable(
    records: Iterable[Mapping[str, Any]], reader: RecordReader, set_aside: Counter[str]
) -> Iterator[tuple[Mapping[str, Any], dict[str, Any]]]:
    """
    Yield each record with its fields; those with a value that cannot be read are counted.

    Raises:
        InvalidInputError: No record could be read; it is that of the first.
    """
    first: InvalidInputError | None = None
    n_read = 0
    for number, record in enumerate(records, 1):
        try:
            fields = reader.read(number, record)
        except InvalidInputError as fault:
            first = first or fault
            set_aside[UNREADABLE] += 1
            continue
        n_read += 1
        yield record, fields
    if first is not None and not n_read:
        raise first


def _cells(record: Mapping[str, Any], above: str = "", deep: int = 1) -> Iterator[Any]:
    """Yield what stands under each name in lower case, names within others after a dot."""
    for name, value in record.items():
        told = f"{above}{name}"
        if isinstance(value, Mapping) and deep < _DEEPEST:
            yield from _cells(value, f"{told}.", deep + 1)
        else:
            yield told.lower(), (told, value)


def _moment(value: Any) -> float:
    """Return seconds since 1970; a time without a zone is UTC, a number's unit is by its size."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _as_seconds(float(value))
    text = str(value).strip()
    try:
        return _as_seconds(float(text))
    except ValueError:
        moment = _of_words(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _of_words(text: str) -> datetime:
    """Return a time as ISO 8601 writes it, or as mails and web servers do."""
    try:
        return datetime.fromisoformat(text.removesuffix("UTC").strip())
    except ValueError:
        return parsedate_to_datetime(text)


def _as_seconds(number: float) -> float:
    for below, per_second in _UNITS:
        if -below < number < below:
            return number / per_second
    raise OverflowError(number)


def _whole(value: Any) -> int:
    number = float(value)
    if isinstance(value, bool) or not 0 <= number <= _MOST or number != int(number):
        raise ValueError(value)
    return int(number)


def _seconds(value: Any) -> float:
    seconds = float(value)
    if not 0 <= seconds < float("inf"):
        raise ValueError(value)
    return seconds


def _amount(value: Any) -> Usd:
    if isinstance(value, bool):
        raise ValueError(value)
    try:
        return Usd.computed(value)
    except InvalidInputError as fault:
        raise ValueError(value) from fault


def _truth(value: Any) -> bool:
    text = str(value).lower()
    if text not in _TRUE | _FALSE:
        raise ValueError(value)
    return text in _TRUE


MOMENT: Final = Reading(
    _moment, "a time, as 2026-01-31T12:00:00Z, or in seconds or milliseconds since 1970"
)
SECONDS: Final = Reading(
    _seconds,
    "a number of seconds, 0 or more, a week at most (columns of milliseconds are named so: "
    "duration_ms)",
)
WHOLE: Final = Reading(_whole, f"a whole number from 0 to {_MOST:,}")
AMOUNT: Final = Reading(_amount, "an amount of USD as a plain number, 0 or more")
TRUTH: Final = Reading(_truth, "true or false")
TEXT: Final = Reading(str, "a text")

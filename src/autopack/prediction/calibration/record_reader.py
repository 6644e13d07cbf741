"""Fields of records, whatever their columns are called, and as what each of them is read."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import attrs

from autopack.errors import InvalidInputError

_TRUE: Final = frozenset({"true", "1", "yes"})
_FALSE: Final = frozenset({"false", "0", "no"})


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
        columns: Columns by field, where they have other names.
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
        lowered = {name.lower(): name for name in record}
        self._seen.update(lowered)
        found: dict[str, Any] = {}
        for field, reading in self._readings.items():
            name = self._column(field, lowered)
            value = None if name is None else record.get(name)
            try:
                found[field] = None if value is None or value == "" else reading.read(value)
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
            if self._column(field, self._seen) is None:
                raise InvalidInputError(
                    f"The trace has no column {self._columns.get(field) or self._needs[field]}. "
                    f"It has: {', '.join(self._seen.values()) or 'none'}. {self._hint} "
                    "Name another with:",
                    do=f"columns={{{field!r}: NAME}}",
                    typed=f"--column {field}=NAME",
                    name=f"columns.{field}",
                    value=self._columns.get(field),
                )

    def _column(self, field: str, lowered: Mapping[str, str]) -> str | None:
        named = self._columns.get(field)
        wanted = self._fields[field] if named is None else (named.lower(),)
        return next((lowered[one] for one in wanted if one in lowered), None)


def _moment(value: Any) -> float:
    """Return seconds since 1970; a time without a zone is UTC."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _finite(float(value))
    text = str(value).strip()
    try:
        return _finite(float(text))
    except ValueError:
        moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _finite(number: float) -> float:
    if not -1e15 < number < 1e15:
        raise OverflowError(number)
    return number


def _whole(value: Any) -> int:
    number = float(value)
    if isinstance(value, bool) or number < 0 or number != int(number):
        raise ValueError(value)
    return int(number)


def _seconds(value: Any) -> float:
    seconds = float(value)
    if not 0 <= seconds < float("inf"):
        raise ValueError(value)
    return seconds


def _truth(value: Any) -> bool:
    text = str(value).lower()
    if text not in _TRUE | _FALSE:
        raise ValueError(value)
    return text in _TRUE


MOMENT: Final = Reading(_moment, "a time, as 2026-01-31T12:00:00Z or in seconds since 1970")
SECONDS: Final = Reading(_seconds, "a number of seconds, 0 or more")
WHOLE: Final = Reading(_whole, "a whole number, 0 or more")
TRUTH: Final = Reading(_truth, "true or false")
TEXT: Final = Reading(str, "a text")

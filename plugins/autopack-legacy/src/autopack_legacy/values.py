"""Cells of a database as values that events can hold; what cannot be read is counted."""

import json
import math
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import attrs

from autopack.errors import InvalidNameError
from autopack.values.ids import PhaseId, RunId, phase_id, run_id
from autopack_legacy.findings import Findings

T = TypeVar("T")
Row = dict[str, Any]

UNKNOWN_TIME: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""When something happened of which no row says when."""

_MOST_TOKENS: Final = 2**53
_DEEPEST_JSON: Final = 40
_JSON_LAYERS: Final = 3
_NO_RUN: Final = frozenset({"", "unknown", "none", "null"})
_WORDS: Final = {"true": True, "t": True, "yes": True, "false": False, "f": False, "no": False}


def moment(value: object) -> datetime | None:
    """Return a time with ``T`` or a space as aware UTC, a naive one as UTC; None for others."""
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value.strip())
        aware = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return aware if aware >= UNKNOWN_TIME else None


def whole(value: object) -> int | None:
    """Return a whole number from 0 to 2**53, also where it is kept as text or float, or None."""
    if isinstance(value, str):
        text = value.strip()
        value = int(text) if text.isascii() and text.isdecimal() and len(text) < 17 else None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and 0 <= value <= _MOST_TOKENS else None


def flag(value: object) -> bool | None:
    """Return a truth value, kept as a number or a word, or None."""
    if isinstance(value, str):
        word = value.strip().lower()
        return bool(int(word)) if word in ("0", "1") else _WORDS.get(word)
    return bool(value) if isinstance(value, int | float) else None


def plain(value: Any, depth: int = 0) -> Any:
    """
    Return *value* as JSON that a log takes: no bytes, no infinities, no lone surrogates.

    Raises:
        ValueError: It is nested more than 40 levels deep.
    """
    if depth > _DEEPEST_JSON:
        raise ValueError("nested too deep")
    match value:
        case None | bool():
            return value
        case str():
            return value.encode("utf-8", "replace").decode()
        case int():
            return value if -(2**63) <= value < 2**63 else str(value)
        case float():
            return value if math.isfinite(value) else str(value)
        case bytes():
            return value.hex()
        case dict():
            return {plain(str(key)): plain(item, depth + 1) for key, item in value.items()}
        case _:
            return [plain(item, depth + 1) for item in value]


def unwrapped(text: object) -> Any:
    """
    Return what a JSON text says, also where it is a JSON string inside JSON.

    A string that is no JSON inside is returned as it is.

    Raises:
        ValueError: *text* itself is not JSON, or is nested too deep.
    """
    if not isinstance(text, str):
        raise ValueError("not a text")
    try:
        value = json.loads(text)
    except RecursionError as fault:
        raise ValueError("nested too deep") from fault
    for _ in range(_JSON_LAYERS):
        if not isinstance(value, str):
            break
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            break
    return plain(value)


@attrs.frozen(kw_only=True)
class Cells:
    """One row, read cell by cell; a cell that is there but cannot be read is counted once."""

    table: str
    row: Row
    findings: Findings = attrs.field(repr=False)
    _faulty: set[str] = attrs.field(factory=set, init=False)

    def __contains__(self, column: str) -> bool:
        return self.row.get(column) is not None

    def time(self, *columns: str) -> datetime | None:
        """Return the first of *columns* that holds a time."""
        for column in columns:
            found = moment(self.row.get(column))
            if found is not None:
                return found
            self._note(column)
        return None

    def whole(self, column: str) -> int | None:
        """Return a whole number, 0 or more."""
        return self._parsed(column, whole(self.row.get(column)))

    def flag(self, column: str) -> bool | None:
        """Return a truth value."""
        return self._parsed(column, flag(self.row.get(column)))

    def text(self, column: str) -> str | None:
        """Return a text without blanks around it; None if nothing is left."""
        value = self.row.get(column)
        if value is None:
            return None
        found = plain(value) if isinstance(value, str | bytes) else str(value)
        return str(found).strip() or None

    def json(self, column: str) -> Any:
        """Return what a JSON text says; None if it is absent or no JSON."""
        try:
            return unwrapped(self.row.get(column))
        except ValueError:
            self._note(column)
            return None

    def run(self, column: str = "run_id") -> RunId | None:
        """Return the run's id; None if the row names none, or none that can be used."""
        name = self.text(column)
        if name is None or name.lower() in _NO_RUN:
            return None
        try:
            return run_id(name)
        except InvalidNameError:
            self._note(column)
            return None

    def phase(self, column: str = "phase_id") -> PhaseId | None:
        """Return the phase's id; None if the row names none, or none that can be used."""
        name = self.text(column)
        if name is None:
            return None
        try:
            return phase_id(name)
        except InvalidNameError:
            self._note(column)
            return None

    def kept(self, *columns: str) -> dict[str, Any]:
        """Return those of *columns* that hold something, as the source has them."""
        return {column: plain(self.row[column]) for column in columns if column in self}

    def _parsed(self, column: str, found: T | None) -> T | None:
        if found is None:
            self._note(column)
        return found

    def _note(self, column: str) -> None:
        if self.row.get(column) in (None, "") or column in self._faulty:
            return
        self._faulty.add(column)
        self.findings.tally("unparsable_values", f"{self.table}.{column}")

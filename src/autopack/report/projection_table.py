"""Rows of a projection as a table: what all of them share is said once, above it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from autopack.report.cells import cells
from autopack.report.plain_tables import table_lines

_UNTOLD: Final[tuple[Any, ...]] = (None, "", (), [], {})
_STATES: Final = ("status", "state")
_FIRST: Final = (*_STATES, "attempts", "calls", "reason_code")
_PROSE: Final = ("reason", "message", "goal", "summary", "why")
_INNER: Final = frozenset({
    "order", "index", "position", "lease_token", "worker", "fingerprint", "feedback",
    "calls_this_attempt", "attempts_spent", "claimed_us", "ended_position", "is_test",
})  # fmt: skip
"""What only machines and searches need; ``--json`` has it."""


def rows_lines(
    rows: Mapping[str, Any],
    shown: Callable[[Any], str],
    words: Callable[[str], str],
    *,
    width: int | None = None,
) -> list[str]:
    """
    Return rows by their keys, as lines.

    Args:
        rows: JSON-simple values; objects make a table, all else is a line each.
        shown: Returns a value as text.
        words: Returns a field's name as people read it.
        width: How many cells a line has; columns that have no room are named below.
    """
    if not rows or not all(isinstance(row, dict) for row in rows.values()):
        return [f"{key}: {shown(row)}" for key, row in rows.items()]
    told = {key: _told(key, row) for key, row in rows.items()}
    names = sorted({name: None for row in told.values() for name in row}, key=_rank)
    shared = _shared(list(told.values()), names)
    columns = [name for name in names if name not in shared]
    cells_of = [[key, *(_cell(row, name, shown) for name in columns)] for key, row in told.items()]
    n_shown = _fitting([["", *map(words, columns)], *cells_of], width)
    titles = ["", *map(words, columns)][:n_shown]
    lines = [f"all: {', '.join(f'{words(n)} {shown(v)}' for n, v in shared.items())}"]
    lines = [*(lines if shared else []), *table_lines(
        titles, [row[:n_shown] for row in cells_of], width=width
    )]  # fmt: skip
    if left := columns[n_shown - 1 :]:
        lines.append(f"+{len(left)} more: {', '.join(map(words, left))}; --json has all")
    return lines


def is_told(value: Any) -> bool:
    """Tell whether a value says anything: nothing and no do not, and zero does."""
    return value is not False and value not in _UNTOLD


def _told(key: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a row tells beside its key."""
    said = {key, *key.split("/", 1)}
    return {
        name: value
        for name, value in row.items()
        if is_told(value)
        and name not in _INNER
        and not (name.endswith("_id") and value in said)
        and not isinstance(value, dict | list)
    }


def _rank(name: str) -> tuple[int, str]:
    """Return where a column stands: those that tell most first, prose last, others by name."""
    if name in _FIRST:
        return _FIRST.index(name), ""
    return len(_FIRST) + (name in _PROSE), name


def _shared(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> dict[str, Any]:
    """Return the fields that say the same in every row, if there are several rows."""
    if len(rows) < 2:
        return {}
    first = rows[0]
    return {
        name: first[name]
        for name in names
        if name not in _STATES
        and name in first
        and all(row.get(name) == first[name] for row in rows)
    }


def _cell(row: Mapping[str, Any], name: str, shown: Callable[[Any], str]) -> str:
    return shown(row[name]) if name in row else "-"


def _fitting(lines: Sequence[Sequence[str]], width: int | None) -> int:
    """Return how many columns fit, two at least."""
    taken, columns = 0, list(zip(*lines, strict=True))
    for n, column in enumerate(columns):
        taken += min(max(map(cells, column)), 30) + 2
        if width is not None and taken - 2 > width and n >= 2:
            return n
    return len(columns)

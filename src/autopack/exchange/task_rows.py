"""From rows of a table to phases: which column says what, and by which id a row is known."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import attrs

from autopack.errors import InvalidInputError, InvalidNameError
from autopack.errors.nearest import did_you_mean
from autopack.ports.prediction import PhaseSpec

ROW_LABEL: Final = "row"
"""The label of a phase that holds the digest of its row."""
VERSION_OF: Final = "version_of"
"""The label of a phase that answers a row anew which had changed: the row's id."""
_GOALS: Final = ("goal", "prompt", "task", "question", "text")
_COLUMNS: Final = ("model", "category", "complexity")
_DIGITS: Final = 12
_PLACEHOLDER: Final = re.compile(r"[A-Za-z_][\w-]*")


@attrs.frozen
class Task:
    """A row: its id, the digest by which a change of it is seen, and the phase that answers it."""

    row_id: str
    digest: str
    spec: PhaseSpec


def tasks_of(
    rows: Iterable[Mapping[str, Any] | str],
    *,
    id: str | None = None,
    goal: str | None = None,
    model: str | None = None,
    category: str | None = None,
    max_attempts: int | None = None,
) -> list[Task]:
    """
    Return the tasks of some rows; one that stands there twice is one task.

    The columns ``model``, ``category`` and ``complexity`` say what a phase's fields of these names
    say. The whole row is the phase's payload.

    Args:
        rows: A table a row, or a text, which is a goal.
        id: The column of a row's id; ``id`` where there is one, else the row's digest is its id.
        goal: The column of what is to be done; else the first there is of ``goal``, ``prompt``,
            ``task``, ``question`` and ``text``.
        model, category: Of rows that say none.
        max_attempts: Of each phase; 3 if it is left out.

    Raises:
        InvalidInputError: A column is not there, an id cannot be one, or two rows have the same.
    """
    usual = {"model": model, "category": category, "max_attempts": max_attempts}
    found: dict[str, Task] = {}
    for number, given in enumerate(rows, 1):
        task = _task(given, number, id, goal, usual)
        known = found.setdefault(task.row_id, task)
        if known.digest != task.digest:
            raise InvalidInputError(
                f"Row {number} has the id {task.row_id!r} of a row before it, and says something "
                "else: give each its own.",
                name=f"rows[{number - 1}]",
                value=task.row_id,
            )
    return list(found.values())


def _task(
    given: Mapping[str, Any] | str,
    number: int,
    id_column: str | None,
    goal_column: str | None,
    usual: Mapping[str, Any],
) -> Task:
    row = {"goal": given} if isinstance(given, str) else dict(given)
    digest = _digest(row, number)
    column = _column(row, number, "id", id_column, ("id",))
    row_id = digest if column is None else str(row[column]).strip()
    goal = _column(row, number, "goal", goal_column, _GOALS)
    fields = {name: value for name, value in usual.items() if value is not None}
    fields |= {name: str(row[name]) for name in _COLUMNS if row.get(name) not in (None, "")}
    try:
        spec = PhaseSpec(
            row_id,
            goal=None if goal is None or row[goal] is None else str(row[goal]),
            payload=_payload(row),
            labels={ROW_LABEL: digest},
            **fields,
        )
    except (InvalidInputError, InvalidNameError) as fault:
        raise InvalidInputError(
            f"Row {number}: {fault}", name=f"rows[{number - 1}]", value=row
        ) from fault
    return Task(row_id, digest, spec)


def _payload(row: Mapping[str, Any]) -> dict[str, Any]:
    named: dict[str, Any] = {}
    for column, value in row.items():
        if named.setdefault(placeholder_of(column), value) is not value:
            says = f"two columns would both be {{{placeholder_of(column)}}}: rename {column!r}"
            raise InvalidInputError(says, name=column, value=value)
    return named


def placeholder_of(column: str) -> str:
    """Return the name by which a command's ``{NAME}`` finds a column: its words joined by _."""
    name = re.sub(r"\W+", "_", column.strip())
    return name if _PLACEHOLDER.fullmatch(name) else f"_{name}"


def _digest(row: Mapping[str, Any], number: int) -> str:
    try:
        text = json.dumps(row, sort_keys=True, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as fault:
        raise InvalidInputError(
            f"Row {number} is no table of JSON values: {fault}.",
            name=f"rows[{number - 1}]",
            value=row,
        ) from fault
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]


def _column(
    row: Mapping[str, Any], number: int, what: str, wanted: str | None, usual: Iterable[str]
) -> str | None:
    if wanted is None:
        return next((name for name in usual if name in row), None)
    if wanted in row:
        return wanted
    hint = did_you_mean(wanted, row, likeness=0.5)
    raise InvalidInputError(
        f"Row {number} has no column {wanted!r} for its {what}.{hint} "
        f"It has: {', '.join(map(str, row))}.",
        name=what,
        value=wanted,
    )

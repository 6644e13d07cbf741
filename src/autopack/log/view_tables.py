"""
The SQL views of any log as tables: typed, in batches, as of one position.

A log file is asked where it lies; of a log that is kept elsewhere the events are copied to a
scratch database first. Either way the views are today's, also where the file holds older ones, and
what SQLite needs beside its cache it keeps on the disk.
"""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any, Final

from autopack.errors import InvalidInputError
from autopack.errors.nearest import did_you_mean
from autopack.log.backends.sqlite.sqlviews import SQL_VIEWS
from autopack.log.backends.sqlite.store import SqliteBackend
from autopack.log.journal import Journal
from autopack.log.past_backend import whole_of
from autopack.log.view_columns import COLUMNS
from autopack.ports.exporting import Cell, ViewTable
from autopack.ports.log import ROW_COLUMNS
from autopack.values.money import Usd

_SQL_NAMES: Final = {
    "events": "v_events",
    "runs": "v_runs",
    "phases": "v_phases",
    "usage": "v_llm_usage",
    "samples": "v_samples",
}
_ORDERS: Final = {"runs": "first_position", "phases": "run_id, phase_id"}
_PICO: Final = "cost_pico_usd"
_INT64: Final = 2**63

Batches = Iterator[Mapping[str, Sequence[Cell]]]


def view_table(journal: Journal, name: str) -> ViewTable:
    """
    Return a view of a log as it stands now, by its short name or that of the SQL view.

    Raises:
        InvalidInputError: There is no view of that name.
    """
    short = {sql: short for short, sql in _SQL_NAMES.items()}.get(name, name)
    if short not in _SQL_NAMES:
        raise InvalidInputError(
            f"There is no view {name!r}: choose one of {', '.join(_SQL_NAMES)}."
            f"{did_you_mean(name, _SQL_NAMES)}",
            name="view",
            value=name,
        )
    position = journal.head().position
    return ViewTable(
        name=short,
        columns=COLUMNS[short],
        position=position,
        read=partial(_batches, journal, short, position),
    )


def _batches(journal: Journal, name: str, position: int, rows: int) -> Batches:
    if type(rows) is not int or rows < 1:
        raise InvalidInputError(
            f"rows is {rows!r}: a batch has 1 row or more.", name="rows", value=rows
        )
    columns = COLUMNS[name]
    reads = [_CELLS[column.kind] for column in columns]
    for batch in _found(journal, name, position, rows):
        cells = zip(*batch, strict=True)
        named = zip(columns, reads, cells, strict=True)
        yield {column.name: [read(cell) for cell in found] for column, read, found in named}


def _found(journal: Journal, name: str, position: int, rows: int) -> Iterator[list[Any]]:
    """Yield what SQLite answers."""
    backend = whole_of(journal.backend)
    views = [f"CREATE TEMP VIEW {view} AS {sql}" for view, sql in SQL_VIEWS.items()]
    # An amount is exact as pico-dollars; as a float it is only to be read.
    told = [_PICO if column.name == "cost_usd" else column.name for column in COLUMNS[name]]
    order = _ORDERS.get(name, "position")
    asked = f"SELECT {', '.join(told)} FROM {_SQL_NAMES[name]} ORDER BY {order}"
    if isinstance(backend, SqliteBackend):
        until = f"SELECT * FROM main.events WHERE position <= {position:d}"
        yield from backend.stream([f"CREATE TEMP VIEW events AS {until}", *views], asked, rows)
        return
    with closing(sqlite3.connect("", isolation_level=None)) as scratch:
        _copy(journal, position, scratch)
        for view in views:
            scratch.execute(view)
        cursor = scratch.execute(asked)
        while batch := cursor.fetchmany(rows):
            yield batch


def _copy(journal: Journal, position: int, scratch: sqlite3.Connection) -> None:
    scratch.execute("PRAGMA synchronous = OFF")
    scratch.execute(f"CREATE TABLE events ({', '.join(ROW_COLUMNS)}, PRIMARY KEY (position))")
    scratch.execute("BEGIN")
    marks = ", ".join("?" * len(ROW_COLUMNS))
    for page in journal.pages(until=position):
        scratch.executemany(f"INSERT INTO events VALUES ({marks})", page)
    scratch.execute("COMMIT")


# A cell that damaged data gave another type is not known, as in the views themselves.


def _text(cell: Any) -> str | None:
    return cell if cell is None or type(cell) is str else str(cell)


def _integer(cell: Any) -> int | None:
    return cell if type(cell) is int and -_INT64 <= cell < _INT64 else None


def _real(cell: Any) -> float | None:
    return float(cell) if type(cell) in (int, float) else None


def _boolean(cell: Any) -> bool | None:
    return bool(cell) if cell in (0, 1) and cell is not None else None


def _moment(cell: Any) -> datetime | None:
    return datetime.fromisoformat(cell) if type(cell) is str else None


def _usd(cell: Any) -> Decimal | None:
    return Usd.of_pico(cell) if type(cell) is int else None


_CELLS: Final[Mapping[str, Callable[[Any], Cell]]] = {
    "text": _text,
    "integer": _integer,
    "real": _real,
    "boolean": _boolean,
    "moment": _moment,
    "usd": _usd,
}

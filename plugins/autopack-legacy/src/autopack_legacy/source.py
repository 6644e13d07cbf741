"""Opens an old database for reading only, and takes its rows as they are."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import attrs

from autopack.errors import ImportRefusedError
from autopack_legacy.values import Row

_HEADER: Final = b"SQLite format 3\x00"
_HEADER_BYTES: Final = 20
_WAL_FORMAT: Final = 2
_EVENT_LOG_TABLES: Final = frozenset({"log_identity", "events"})

_NEEDED: Final = {
    "runs": ("id", "state", "created_at"),
    "tiers": ("id", "run_id", "tier_id", "tier_index"),
    "phases": ("id", "run_id", "phase_id", "tier_id", "phase_index", "state", "created_at"),
    "llm_usage_events": ("id", "run_id", "phase_id", "role", "prompt_tokens", "completion_tokens"),
}
"""Tables, and their columns, that every generation of the old system has."""

_ADDED: Final = {
    "token_estimation_v2_events": (
        "event_id", "run_id", "phase_id", "category", "complexity", "predicted_output_tokens",
        "actual_output_tokens", "success",
    ),
    "token_budget_escalation_events": (
        "event_id", "run_id", "phase_id", "attempt_index", "base_value", "retry_max_tokens",
    ),
}  # fmt: skip
"""Tables that came later, and may be absent."""

_KEYS: Final = {
    "token_estimation_v2_events": "event_id",
    "token_budget_escalation_events": "event_id",
}


@attrs.frozen(kw_only=True)
class Tables:
    """
    The rows of a database by table, each in the order of its key.

    ``is_later`` tells the schema with measured totals from the first one, whose writer had to
    fill in both halves of every split.
    """

    rows: dict[str, list[Row]]
    absent: tuple[str, ...]
    is_later: bool


def is_legacy_database(path: str) -> bool:
    """Tell whether the file has the old system's tables; never raises for a bad file."""
    try:
        with _opened(path) as connection:
            _columns(path, connection)
    except ImportRefusedError:
        return False
    return True


def read_tables(path: str) -> Tables:
    """
    Return the rows of the old system's database at *path*, and leave nothing beside it.

    Raises:
        ImportRefusedError: It is missing, a folder, not SQLite, damaged, or not of that system.
    """
    with _opened(path) as connection:
        columns = _columns(path, connection)
        rows = {name: _rows(connection, name) for name in columns}
    absent = tuple(name for name in (*_NEEDED, *_ADDED) if name not in columns)
    is_later = "total_tokens" in columns["llm_usage_events"]
    return Tables(rows=rows, absent=absent, is_later=is_later)


@contextmanager
def _opened(path: str) -> Iterator[sqlite3.Connection]:
    try:
        uri = _uri(path, Path(os.path.realpath(path)))
        with closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as connection:
            connection.row_factory = sqlite3.Row
            connection.text_factory = _text
            connection.execute("BEGIN")
            yield connection
    except OSError as fault:
        raise ImportRefusedError(path, f"it cannot be read ({fault.strerror or fault})") from fault
    except ValueError as fault:
        raise ImportRefusedError(path, f"that is no usable path ({fault})") from fault
    except sqlite3.Error as fault:
        raise ImportRefusedError(path, f"SQLite cannot read it ({fault})") from fault


def _uri(path: str, target: Path) -> str:
    """Return how to open the file without creating, locking or changing anything."""
    if target.is_dir():
        raise ImportRefusedError(path, "it is a folder; name the database file in it")
    if not target.exists():
        raise ImportRefusedError(path, "there is no such file, and none was made")
    if not target.is_file():
        raise ImportRefusedError(path, "it is no regular file")
    with target.open("rb") as file:
        header = file.read(_HEADER_BYTES)
    if not header:
        raise ImportRefusedError(path, "it is empty")
    if not header.startswith(_HEADER) or len(header) < _HEADER_BYTES:
        raise ImportRefusedError(path, "it is not a SQLite database")
    is_wal = header[-1] == _WAL_FORMAT
    has_side_file = _has_content(target, "-wal" if is_wal else "-journal")
    return f"{target.as_uri()}?mode=ro" + ("" if has_side_file else "&immutable=1")


def _has_content(target: Path, suffix: str) -> bool:
    beside = target.with_name(target.name + suffix)
    return beside.exists() and beside.stat().st_size > 0


def _columns(path: str, connection: sqlite3.Connection) -> dict[str, set[str]]:
    """Return the columns of the tables that are read; refuses a file that lacks needed ones."""
    there = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    missing = [name for name in _NEEDED if name not in there]
    if missing:
        raise ImportRefusedError(path, _not_legacy(missing, there))
    found: dict[str, set[str]] = {}
    for table, needed in (_NEEDED | _ADDED).items():
        if table not in there:
            continue
        columns = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
        if lacking := [column for column in needed if column not in columns]:
            raise ImportRefusedError(path, f"table {table} lacks {', '.join(lacking)}")
        found[table] = columns
    return found


def _not_legacy(missing: list[str], there: set[str]) -> str:
    if there >= _EVENT_LOG_TABLES:
        return "it looks like an event log, not a database of the old system"
    names = ", ".join(sorted(name for name in there if not name.startswith("sqlite_"))[:8])
    return (
        f"it lacks the tables {', '.join(missing)} of the old system's databases; "
        f"it has {names or 'no tables'}"
    )


def _rows(connection: sqlite3.Connection, table: str) -> list[Row]:
    key = _KEYS.get(table, "id")
    rows = connection.execute(f"SELECT * FROM {table} ORDER BY {key}")
    return [dict(row) for row in rows]


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")

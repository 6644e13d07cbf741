"""A small database of the old system, made in a fresh folder and filled row by row."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

_SHARED = {
    "runs": (
        "id TEXT, state TEXT, created_at TEXT, updated_at TEXT, started_at TEXT, "
        "completed_at TEXT, safety_profile TEXT, run_scope TEXT, token_cap INTEGER, "
        "max_phases INTEGER, max_duration_minutes INTEGER, failure_reason TEXT, goal_anchor TEXT"
    ),
    "tiers": "id INTEGER PRIMARY KEY, tier_id TEXT, run_id TEXT, tier_index INTEGER",
    "phases": (
        "id INTEGER PRIMARY KEY, phase_id TEXT, run_id TEXT, tier_id INTEGER, "
        "phase_index INTEGER, name TEXT, description TEXT, state TEXT, task_category TEXT, "
        "complexity TEXT, max_builder_attempts INTEGER, builder_attempts INTEGER, "
        "created_at TEXT, updated_at TEXT, started_at TEXT, completed_at TEXT, scope JSON, "
        "last_attempt_timestamp TEXT, last_failure_reason TEXT"
    ),
}
_SAMPLES = (
    "event_id INTEGER PRIMARY KEY, run_id TEXT, phase_id TEXT, timestamp TEXT, category TEXT, "
    "complexity TEXT, deliverable_count INTEGER, deliverables_json TEXT, "
    "predicted_output_tokens INTEGER, actual_output_tokens INTEGER, selected_budget INTEGER, "
    "success BOOLEAN, truncated BOOLEAN, stop_reason TEXT, model TEXT"
)
_USAGE = (
    "id INTEGER PRIMARY KEY, provider TEXT, model TEXT, run_id TEXT, phase_id TEXT, role TEXT, "
    "prompt_tokens INTEGER, completion_tokens INTEGER, created_at TEXT, is_doctor_call BOOLEAN"
)
FIRST = _SHARED | {"llm_usage_events": _USAGE, "token_estimation_v2_events": _SAMPLES}
LATER = _SHARED | {
    "llm_usage_events": f"{_USAGE}, total_tokens INTEGER, client_id TEXT",
    "token_estimation_v2_events": f"{_SAMPLES}, actual_max_tokens INTEGER",
    "token_budget_escalation_events": (
        "event_id INTEGER PRIMARY KEY, run_id TEXT, phase_id TEXT, timestamp TEXT, "
        "attempt_index INTEGER, reason TEXT, escalation_factor FLOAT, base_value INTEGER, "
        "base_source TEXT, retry_max_tokens INTEGER"
    ),
}
_DAY = "2025-12-01 10:00:00"
DEFAULTS: dict[str, dict[str, Any]] = {
    "runs": {"id": "r1", "state": "RUN_CREATED", "created_at": _DAY, "updated_at": _DAY},
    "tiers": {"tier_id": "T1", "run_id": "r1", "tier_index": 0},
    "phases": {
        "phase_id": "p1",
        "run_id": "r1",
        "tier_id": 1,
        "phase_index": 0,
        "name": "first",
        "state": "QUEUED",
        "task_category": "docs",
        "complexity": "low",
        "created_at": _DAY,
        "updated_at": "2025-12-01 11:00:00",
    },
    "llm_usage_events": {
        "provider": "anthropic",
        "model": "claude-sonnet-4-5",
        "run_id": "r1",
        "phase_id": "p1",
        "role": "builder",
        "created_at": "2025-12-01 10:30:00",
    },
    "token_estimation_v2_events": {
        "run_id": "r1",
        "phase_id": "p1",
        "timestamp": "2025-12-01 10:40:00",
        "category": "docs",
        "complexity": "low",
        "deliverable_count": 1,
        "deliverables_json": '["docs/a.md"]',
        "predicted_output_tokens": 2600,
        "actual_output_tokens": 1300,
        "selected_budget": 4096,
        "success": 1,
        "truncated": 0,
        "model": "claude-sonnet-4-5",
    },
    "token_budget_escalation_events": {
        "run_id": "r1",
        "phase_id": "p1",
        "timestamp": "2025-12-01 10:45:00",
        "attempt_index": 1,
        "reason": "truncation",
        "base_value": 8192,
        "retry_max_tokens": 10240,
    },
}


class OldDatabase:
    """A database of the old system; rows get defaults for the cells that are not given."""

    def __init__(self, path: Path, schema: dict[str, str]) -> None:
        self.path = str(path)
        self._run(f"CREATE TABLE {name} ({columns})" for name, columns in schema.items())

    def add(self, table: str, **cells: Any) -> None:
        """Add a row."""
        row = DEFAULTS[table] | cells
        names, marks = ", ".join(row), ", ".join("?" * len(row))
        sql = f"INSERT INTO {table} ({names}) VALUES ({marks})"
        self._run([sql], tuple(row.values()))

    def execute(self, sql: str) -> None:
        """Change the database in another way."""
        self._run([sql])

    def _run(self, statements: Any, values: tuple[Any, ...] = ()) -> None:
        with closing(sqlite3.connect(self.path)) as connection:
            for sql in statements:
                connection.execute(sql, values)
            connection.commit()


MakeDatabase = Callable[..., OldDatabase]


@pytest.fixture
def first(tmp_path: Path) -> OldDatabase:
    """Return an empty database of the first schema."""
    return OldDatabase(tmp_path / "first.db", FIRST)


@pytest.fixture
def later(tmp_path: Path) -> OldDatabase:
    """Return an empty database of the later schema."""
    return OldDatabase(tmp_path / "later.db", LATER)


@pytest.fixture
def make_database(tmp_path: Path) -> MakeDatabase:
    """Return a function that makes a database by name and schema."""

    def make(name: str, *, is_later: bool = False) -> OldDatabase:
        return OldDatabase(tmp_path / name, LATER if is_later else FIRST)

    return make


@pytest.fixture(scope="session")
def database_in() -> MakeDatabase:
    """Return a function that makes a database in a given folder."""

    def make(folder: str, *, is_later: bool) -> OldDatabase:
        return OldDatabase(Path(folder, "odd.db"), LATER if is_later else FIRST)

    return make

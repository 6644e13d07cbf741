"""Real commands on real SQLite logs in ``tmp_path``."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

RUN_FILE = """\
goal = "measure three kinds of output"

[[phases]]
id = "p1"
category = "implementation"
complexity = "low"
deliverables = ["src/cache.py"]

[[phases]]
id = "p2"
category = "tests"
complexity = "low"
deliverables = ["tests/test_cache.py"]
"""

EXECUTORS = """\
from autopack.ports.work import Completed, Failed


def works(phase, attempt):
    attempt.record_usage(
        call_id=f"{phase.phase_id}-{attempt.number}", model="m", input_tokens=10, output_tokens=20
    )
    return Completed(summary="done")


def fails(phase, attempt):
    return Failed("tests_failed", "two of nine tests failed", retryable=False)
"""

Cli = Callable[..., Result]


@pytest.fixture(autouse=True)
def _no_log_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AUTOPACK_LOG", raising=False)


@pytest.fixture
def cli() -> Cli:
    """Run a command in this process; an error that reaches the runner fails the test."""
    from autopack.cli.main import autopack

    def run(*arguments: object, **settings: Any) -> Result:
        return CliRunner().invoke(
            autopack, [str(one) for one in arguments], catch_exceptions=False, **settings
        )

    return run


@pytest.fixture
def log_path(cli: Cli, tmp_path: Path) -> Path:
    """An empty log."""
    path = tmp_path / "work.db"
    assert cli("log", "create", path).exit_code == 0
    return path


@pytest.fixture
def run_file(tmp_path: Path) -> Path:
    """A run file of two phases."""
    path = tmp_path / "run.toml"
    path.write_text(RUN_FILE, encoding="utf-8")
    return path


@pytest.fixture
def run_log(cli: Cli, log_path: Path, run_file: Path) -> Path:
    """A log with the run ``r`` of two queued phases, ``p1`` and ``p2``."""
    assert cli("--log", log_path, "run", "create", "r", "--phases", run_file).exit_code == 0
    return log_path


@pytest.fixture
def executors(tmp_path: Path) -> Path:
    """A file with the executors ``works`` and ``fails``."""
    path = tmp_path / "executors.py"
    path.write_text(EXECUTORS, encoding="utf-8")
    return path


@pytest.fixture
def events_of(cli: Cli) -> Callable[[Path], int]:
    """How many events a log holds."""
    import json

    def count(path: Path) -> int:
        found: int = json.loads(cli("--log", path, "log", "info", "--json").stdout)["events"]
        return found

    return count

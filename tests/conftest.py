"""Logs to test with, and how long Hypothesis looks."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from autopack.backends.memory import MemoryBackend
from autopack.backends.sqlite.files import create_file
from autopack.backends.sqlite.store import SqliteBackend
from autopack.log import Log
from autopack.ports.log import Backend

_SLOW_IS_FINE = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much)

settings.register_profile(
    "default",
    max_examples=30,
    stateful_step_count=20,
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=_SLOW_IS_FINE,
)
settings.register_profile(
    "long", parent=settings.get_profile("default"), max_examples=1000, stateful_step_count=60
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


@pytest.fixture
def log_path(tmp_path: Path) -> Path:
    """The path of a new, empty log file."""
    path = tmp_path / "log.db"
    create_file(path)
    return path


@pytest.fixture
def sqlite_log(log_path: Path) -> Iterator[Log]:
    """An open log in a file."""
    with Log(SqliteBackend(log_path)) as log:
        yield log


@pytest.fixture
def memory_log() -> Iterator[Log]:
    """An open log in memory."""
    with Log(MemoryBackend()) as log:
        yield log


@pytest.fixture(params=["sqlite", "memory"])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    """Every backend in turn, empty."""
    if request.param == "sqlite":
        create_file(tmp_path / "log.db")
        store: Backend = SqliteBackend(tmp_path / "log.db")
    else:
        store = MemoryBackend()
    yield store
    store.close()


@pytest.fixture
def journal(backend: Backend) -> Log:
    """An open log over every backend in turn."""
    return Log(backend)

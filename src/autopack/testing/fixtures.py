"""
Ready logs for pytest, on request: ``pytest_plugins = ["autopack.testing.fixtures"]``.

``virtual_clock``
    Time that is moved by hand, and by a drain that would wait; every log here tells it.
``log_path``
    The path of a new, empty log file.
``sqlite_log``, ``memory_log``
    An open log in a file, and one in memory.
``any_log``
    Each of the two in turn: the test runs twice.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from autopack.api.logs import create_log
from autopack.log.backends.memory import MemoryBackend
from autopack.log.backends.sqlite.store import SqliteBackend
from autopack.log.log import Log
from autopack.testing.clock import VirtualClock


@pytest.fixture
def virtual_clock() -> VirtualClock:
    """Time that is moved by hand."""
    return VirtualClock()


@pytest.fixture
def log_path(tmp_path: Path) -> Path:
    """The path of a new, empty log file."""
    path = tmp_path / "log.db"
    create_log(path).close()
    return path


@pytest.fixture
def sqlite_log(log_path: Path, virtual_clock: VirtualClock) -> Iterator[Log]:
    """An open log in a file."""
    with Log(SqliteBackend(log_path), clock=virtual_clock) as log:
        yield log


@pytest.fixture
def memory_log(virtual_clock: VirtualClock) -> Iterator[Log]:
    """An open log in memory."""
    with Log(MemoryBackend(), clock=virtual_clock) as log:
        yield log


@pytest.fixture(params=["sqlite_log", "memory_log"])
def any_log(request: pytest.FixtureRequest) -> Log:
    """An open log on every backend in turn."""
    log: Log = request.getfixturevalue(request.param)
    return log

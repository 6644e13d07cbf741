"""Runs of small phases in real logs."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from autopack import create_run
from autopack.backends.sqlite.store import SqliteBackend
from autopack.log import Log
from drains import Clock, specs


@pytest.fixture
def sqlite_log(sqlite_log: Log) -> Log:
    """The kit's log with the time of the day: back-offs and leases end by themselves."""
    sqlite_log.clock = time.time
    return sqlite_log


@pytest.fixture
def log(sqlite_log: Log) -> Log:
    """A log with the run ``r`` of phases ``p1`` and ``p2``."""
    create_run(sqlite_log, "r", specs("p1", "p2"))
    return sqlite_log


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still."""
    return Clock()


@pytest.fixture
def clocked(log_path: Path, clock: Clock) -> Iterator[Log]:
    """A log with the run ``r`` of phases ``p1`` and ``p2``, whose clock is moved by hand."""
    with Log(SqliteBackend(log_path), clock=clock) as log:
        create_run(log, "r", specs("p1", "p2"))
        yield log


@pytest.fixture
def another(log_path: Path) -> Iterator[Callable[..., Log]]:
    """Opens the same file again, as another process would."""
    opened: list[Log] = []

    def reopen(**options: Any) -> Log:
        opened.append(Log(SqliteBackend(log_path), **options))
        return opened[-1]

    yield reopen
    for log in opened:
        log.close()

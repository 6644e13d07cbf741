"""Runs of small phases in real logs: in a file and in memory, each test on both."""

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from autopack import create_run
from autopack.log.backends.memory import MemoryBackend
from autopack.log.backends.sqlite.store import SqliteBackend
from autopack.log.log import Log, journal_of
from drains import Clock, specs

Open = Callable[..., Log]


@pytest.fixture
def sqlite_log(sqlite_log: Log) -> Log:
    """The kit's log with the time of the day: back-offs and leases end by themselves."""
    journal_of(sqlite_log).clock = time.time
    return sqlite_log


@pytest.fixture
def filed(sqlite_log: Log) -> Log:
    """A log in a file, for what only a file has, with the run ``r`` of ``p1`` and ``p2``."""
    create_run(sqlite_log, "r", specs("p1", "p2"))
    return sqlite_log


@pytest.fixture(params=os.environ.get("AUTOPACK_DRAIN_LOGS", "file,memory").split(","))
def another(request: pytest.FixtureRequest) -> Iterator[Open]:
    """
    Opens one log again and again, each time as another process would.

    In a file and on a server each has connections of its own; in memory they share what is
    committed, and nothing else. ``AUTOPACK_DRAIN_LOGS=postgres`` runs all of it on a server.
    """
    if request.param == "memory":
        backend = MemoryBackend()
        yield lambda **options: Log(backend, **options)
        backend.close()
        return
    if request.param == "postgres":
        from tests.postgres_server import opened_logs

        with opened_logs() as open_one:
            yield lambda **options: Log(open_one(), **options)
        return
    path: Path = request.getfixturevalue("log_path")
    with contextlib.ExitStack() as opened:
        yield lambda **options: opened.enter_context(Log(SqliteBackend(path), **options))


@pytest.fixture
def any_log(another: Open) -> Log:
    """An empty log on every backend in turn, with the time of the day."""
    return another(clock=time.time)


@pytest.fixture
def log(any_log: Log) -> Log:
    """A log on every backend in turn, with the run ``r`` of phases ``p1`` and ``p2``."""
    create_run(any_log, "r", specs("p1", "p2"))
    return any_log


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still."""
    return Clock()


@pytest.fixture
def clocked(another: Open, clock: Clock) -> Log:
    """A log like ``log``, whose clock is moved by hand."""
    log = another(clock=clock)
    create_run(log, "r", specs("p1", "p2"))
    return log

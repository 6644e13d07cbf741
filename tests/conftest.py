"""Each backend in turn, bare and as a log; the other logs are the kit's own fixtures."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from autopack.log.backends.memory import MemoryBackend
from autopack.log.backends.sqlite.log_files import create_file
from autopack.log.backends.sqlite.store import SqliteBackend
from autopack.log.journal import Journal
from autopack.log.log import Log, journal_of
from autopack.ports.backend import Backend


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
def log(backend: Backend) -> Log:
    """An open log over every backend in turn, with the time of the day."""
    return Log(backend)


@pytest.fixture
def journal(log: Log) -> Journal:
    """What that log is made of."""
    return journal_of(log)

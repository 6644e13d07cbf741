"""Each backend in turn, bare and as a log; the other logs are the kit's own fixtures."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from autopack.log.backends.memory import MemoryBackend
from autopack.log.backends.sqlite.log_files import create_file
from autopack.log.backends.sqlite.store import SqliteBackend
from autopack.log.log import Log
from autopack.ports.log import Backend


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
    """An open log over every backend in turn, with the time of the day."""
    return Log(backend)

"""What every backend promises: subclass the suite and say how to make an empty one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from autopack.log.journal import Journal
from autopack.log.log import Log, journal_of
from autopack.ports.backend import Backend
from autopack.testing.backends.appending import BodiesContract, ReadingContract, VersionContract
from autopack.testing.backends.beside import BesideContract, TransactionContract
from autopack.testing.backends.following import CursorContract
from autopack.testing.backends.identity import (
    EventIdContract,
    RefusalContract,
    UnrecognisedContract,
)
from autopack.testing.backends.isolation import IsolationContract
from autopack.testing.backends.sharing import (
    ClosingContract,
    CommitContract,
    ThreadContract,
    TimeContract,
)
from autopack.testing.making import checked, not_written

_NEEDS = [name for name in dir(Backend) if not name.startswith("_")]


class BackendContract(
    ReadingContract,
    VersionContract,
    BodiesContract,
    EventIdContract,
    RefusalContract,
    UnrecognisedContract,
    BesideContract,
    TransactionContract,
    CommitContract,
    IsolationContract,
    ThreadContract,
    ClosingContract,
    TimeContract,
    CursorContract,
):
    """
    A backend keeps events, leases, artifacts and views under one transaction.

    Subclass it with a name that pytest collects, and give :meth:`make`. What only files can do
    (other processes, kills, damage) is not part of it.
    """

    def make(self, folder: Path) -> Backend:
        """Return an open, empty backend; *folder* is its own, for what it may need to write."""
        raise not_written("make(folder)", "return an open, empty backend")

    @pytest.fixture
    def backend(self, tmp_path: Path) -> Iterator[Backend]:
        """An empty backend."""
        store: Backend = checked(self.make(tmp_path), "backend", _NEEDS)
        yield store
        store.close()

    @pytest.fixture
    def log(self, backend: Backend) -> Log:
        """An open log over it."""
        return Log(backend)

    @pytest.fixture
    def journal(self, log: Log) -> Journal:
        """What that log is made of."""
        return journal_of(log)

"""The library's own backends keep the contract of all."""

from autopack.log.backends.memory import MemoryBackend
from autopack.log.backends.sqlite.log_files import create_file
from autopack.log.backends.sqlite.store import SqliteBackend
from autopack.testing.backends import BackendContract


class TestSqlite(BackendContract):
    """A log in a file."""

    def make(self, folder):
        create_file(folder / "log.db")
        return SqliteBackend(folder / "log.db")


class TestRelaxedSqlite(BackendContract):
    """A log in a file that does not wait for the disk."""

    def make(self, folder):
        create_file(folder / "log.db")
        return SqliteBackend(folder / "log.db", durability="relaxed")


class TestMemory(BackendContract):
    """A log in memory."""

    def make(self, folder):
        return MemoryBackend()

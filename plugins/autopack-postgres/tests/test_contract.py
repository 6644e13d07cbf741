"""A log in PostgreSQL keeps the contract of all backends."""

from tests.postgres_server import new_log

from autopack.testing.backends import BackendContract


class TestPostgres(BackendContract):
    """A log that waits for the disk."""

    def make(self, folder):
        return new_log()


class TestRelaxedPostgres(BackendContract):
    """A log that does not wait for the disk."""

    def make(self, folder):
        return new_log(durability="relaxed")

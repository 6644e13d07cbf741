"""What the entry point finds: one registration, with nothing else loaded before it is needed."""

from autopack import hookimpl
from autopack.plugins.hookspecs import Register
from autopack.ports.backend import Backend, Copied


class Databases:
    """Logs in PostgreSQL, each in a schema of its own."""

    def create(self, target: str, *, copied: Copied | None = None) -> Backend:
        """Make a new schema with a log, and open it."""
        from autopack_postgres.database_address import parsed
        from autopack_postgres.log_schemas import create_schema
        from autopack_postgres.store import PostgresBackend

        create_schema(parsed(target), copied=copied)
        return PostgresBackend(parsed(target))

    def open(self, target: str, *, durability: str = "full") -> Backend:
        """Open the log that is there."""
        from autopack_postgres.database_address import parsed
        from autopack_postgres.store import PostgresBackend

        return PostgresBackend(parsed(target), durability=durability)

    def upgrade(self, target: str) -> None:
        """Bring the log that is there to today's tables and functions."""
        from autopack_postgres.database_address import parsed
        from autopack_postgres.schema_upgrades import upgrade_schema

        upgrade_schema(parsed(target))


@hookimpl
def autopack_register_backends(register: Register) -> None:
    """Register ``postgresql``; psycopg is loaded when a log is opened."""
    register("postgresql", Databases())

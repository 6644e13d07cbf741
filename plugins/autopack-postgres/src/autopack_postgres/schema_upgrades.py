"""From the tables and functions of an earlier version to today's, all at once or not at all."""

import contextlib
from typing import Final

from autopack_postgres.append_function import FUNCTIONS
from autopack_postgres.connections import PostgresConnection
from autopack_postgres.database_address import DatabaseAddress
from autopack_postgres.log_schemas import FUNCTIONS_AND_VIEWS, check_schema
from autopack_postgres.tables import APPENDED, SCHEMA_VERSION, TRIGGER_FUNCTIONS

_WRITERS: Final = (
    "SELECT DISTINCT grantee::regrole::text FROM pg_proc, aclexplode(proacl)"
    " WHERE pronamespace = %s::regnamespace AND proname = 'append_events'"
    " AND grantee NOT IN (0, proowner)"
)
_READERS: Final = (
    "SELECT DISTINCT grantee::regrole::text FROM pg_class, aclexplode(relacl)"
    " WHERE oid = %s::regclass AND privilege_type = 'SELECT' AND grantee NOT IN (0, relowner)"
)
_FUNCTIONS: Final = (
    "SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = %s::regnamespace"
    " AND prorettype <> 'trigger'::regtype"
)
# Version 1 looked for clocks that were held with each append, and took a superuser to be made;
# version 2 had the trigger compare in its WHEN.
_TABLES: Final = f"""
DROP TRIGGER events_are_appended ON events;
{APPENDED}
ALTER TABLE head ADD COLUMN IF NOT EXISTS held_to bigint NOT NULL DEFAULT 0;
UPDATE head SET held_to = (SELECT max(last) FROM clock_holds)
    WHERE held_to < (SELECT max(last) FROM clock_holds);
UPDATE log_identity SET schema_version = {SCHEMA_VERSION};
"""


def upgrade_schema(address: DatabaseAddress) -> None:
    """
    Bring a log to today's tables and functions; its events and who may do what stay.

    Whoever appends meanwhile waits for it. A log of today's is left as it is.

    Raises:
        ReadOnlyLogError: The user does not own the log.
        NewerLogError, LogError: A later version made it.
        LogMissingError, NotALogError: There is none.
    """
    with contextlib.closing(PostgresConnection(address)) as connection:
        if check_schema(connection, address) == SCHEMA_VERSION:
            return
        connection.rows("BEGIN")
        connection.rows("LOCK TABLE append_lock IN ACCESS EXCLUSIVE MODE")
        version = check_schema(connection, address)
        if version == SCHEMA_VERSION:
            return  # another was faster
        for part in (TRIGGER_FUNCTIONS, _TABLES):
            connection.run_script(part.format(schema=address.schema))
        remake = _all_functions if version == 1 else _appending_functions
        remake(connection, address)
        connection.rows("COMMIT")
        connection.flush()


def _appending_functions(connection: PostgresConnection, address: DatabaseAddress) -> None:
    """Replace them where they are: views, and who may do what, rest on the others as before."""
    connection.run_script(FUNCTIONS.format(schema=address.schema, channel=address.channel))


def _all_functions(connection: PostgresConnection, address: DatabaseAddress) -> None:
    """Make all of them anew, with other parameters, and give them to those who had them."""
    writers = connection.rows(_WRITERS, (address.schema,))
    readers = connection.rows(_READERS, (f"{address.schema}.events",))
    for (function,) in connection.rows(_FUNCTIONS, (address.schema,)):
        connection.rows(f"DROP FUNCTION {function}")
    for part in FUNCTIONS_AND_VIEWS:
        connection.run_script(part.format(schema=address.schema, channel=address.channel))
    for grant, roles in (("grant_reader", readers), ("grant_writer", writers)):
        for (role,) in roles:
            connection.rows(f"SELECT {grant}(%s::regrole)", (role,))

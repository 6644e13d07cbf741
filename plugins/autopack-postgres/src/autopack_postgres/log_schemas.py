"""Schemas that hold a log: recognised, created. Opening never creates; creating never opens."""

import contextlib
import os
import time
from typing import Final
from uuid import UUID

from autopack.errors import (
    LogDamagedError,
    LogError,
    LogExistsError,
    LogMissingError,
    NewerLogError,
    NotALogError,
)
from autopack.format.chain import seed
from autopack.ports.backend import LOG_FORMAT, Copied, LogIdentity
from autopack.ports.log import from_us
from autopack.values.ids import uuid7
from autopack_postgres.append_function import FUNCTIONS
from autopack_postgres.connections import PostgresConnection
from autopack_postgres.database_address import DatabaseAddress
from autopack_postgres.sql_views import VIEWS
from autopack_postgres.tables import (
    ROLES,
    SCHEMA_VERSION,
    TABLES,
    TRIGGER_FUNCTIONS,
    TRIGGERS,
)
from autopack_postgres.view_functions import SHOW_VIEW, VIEW_FUNCTIONS

FUNCTIONS_AND_VIEWS: Final = (FUNCTIONS, VIEW_FUNCTIONS, VIEWS, SHOW_VIEW, ROLES)
"""All that holds nothing, and can be made anew."""
_LEAST: Final = 140000
_NEARBY_MOST: Final = 8
_IDENTITY: Final = (
    "SELECT log_id, origin_id, created_at, format, parent_log_id, parent_position, parent_hash"
    " FROM log_identity"
)


def create_schema(address: DatabaseAddress, *, copied: Copied | None = None) -> None:
    """
    Make a schema with an empty log, whole or not at all.

    Args:
        copied: What it will be a copy of.

    Raises:
        LogExistsError: There is a schema of that name.
        ReadOnlyLogError: The user may not make one.
        LogError: The server is older than PostgreSQL 14, or the database does not hold UTF-8.
    """
    with contextlib.closing(PostgresConnection(address)) as connection:
        _check_server(connection)
        connection.rows("BEGIN")
        connection.rows("SELECT pg_advisory_xact_lock(hashtext('autopack log create'))")
        if connection.rows("SELECT 1 FROM pg_namespace WHERE nspname = %s", (address.schema,)):
            raise LogExistsError(address.target, can_be_opened=_is_log(connection, address.schema))
        connection.rows(f"CREATE SCHEMA {address.schema}")
        for part in (TABLES, TRIGGER_FUNCTIONS, TRIGGERS, *FUNCTIONS_AND_VIEWS):
            connection.run_script(part.format(schema=address.schema, channel=address.channel))
        now_us = time.time_ns() // 1000
        origin_id = copied.origin_id if copied else _new_uuid(now_us)
        parent = copied.parent if copied else (None, None, None)
        connection.rows(
            "INSERT INTO log_identity VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            (_new_uuid(now_us), origin_id, now_us, LOG_FORMAT, *parent, seed(origin_id),
             SCHEMA_VERSION),
        )  # fmt: skip
        connection.rows("INSERT INTO head VALUES (0, '', 0, 0)")
        connection.rows("COMMIT")
        connection.flush()


def check_schema(connection: PostgresConnection, address: DatabaseAddress) -> int:
    """
    Return the version of the tables, if the schema holds a log of a known format.

    Raises:
        LogMissingError: There is no such schema; names logs beside it.
        NotALogError: It holds something else.
        NewerLogError: A later version made it.
    """
    if not _is_log(connection, address.schema):
        if connection.rows("SELECT 1 FROM pg_namespace WHERE nspname = %s", (address.schema,)):
            what = f"a schema without a log ({address.schema})"
            raise NotALogError(address.target, what, hint="Name another one in the URL: ?schema=")
        raise LogMissingError(address.target, nearby=_logs_beside(connection, address))
    rows = connection.rows("SELECT format, schema_version FROM log_identity")
    if len(rows) != 1:
        raise LogDamagedError(address.target, f"it has {len(rows)} identities instead of one")
    ((log_format, version),) = rows
    if log_format > LOG_FORMAT:
        raise NewerLogError(address.target, found=log_format, known=LOG_FORMAT)
    if version > SCHEMA_VERSION:
        raise LogError(
            f"{address.target} has tables of version {version}; this version of autopack-postgres "
            f"knows up to {SCHEMA_VERSION}. Upgrade autopack-postgres to open it."
        )
    return int(version)


def identity_of(connection: PostgresConnection) -> LogIdentity:
    """Return which log it is."""
    rows = connection.rows(_IDENTITY)
    if len(rows) != 1:
        raise LogDamagedError(connection.target, f"it has {len(rows)} identities instead of one")
    log_id, origin_id, created_at, log_format, *parent = rows[0]
    return LogIdentity(
        log_id=log_id,
        origin_id=origin_id,
        created_at=from_us(created_at),
        format=log_format,
        parent=(parent[0], parent[1], parent[2]) if parent[0] is not None else None,
    )


def _check_server(connection: PostgresConnection) -> None:
    ((version, told, encoding),) = connection.rows(
        "SELECT current_setting('server_version_num')::int, current_setting('server_version'),"
        " current_setting('server_encoding')"
    )
    if version < _LEAST:
        raise LogError(f"{connection.target} is PostgreSQL {told}: a log needs 14 or later.")
    if encoding != "UTF8":
        raise LogError(
            f"The database of {connection.target} holds texts as {encoding}, a log is UTF-8: make "
            "another with createdb --encoding=UTF8 --template=template0."
        )


def _is_log(connection: PostgresConnection, schema: str) -> bool:
    ((table,),) = connection.rows("SELECT to_regclass(%s)::text", (f"{schema}.log_identity",))
    return table is not None


def _logs_beside(connection: PostgresConnection, address: DatabaseAddress) -> list[str]:
    found = connection.rows(
        "SELECT schemaname FROM pg_tables WHERE tablename = 'log_identity' ORDER BY 1 LIMIT %s",
        (_NEARBY_MOST,),
    )
    return [address.beside(schema) for (schema,) in found]


def _new_uuid(now_us: int) -> str:
    return str(UUID(bytes=uuid7(now_us // 1000, os.urandom(10))))

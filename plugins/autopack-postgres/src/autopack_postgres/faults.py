"""What PostgreSQL says, in our words: is it busy, full, read-only, gone, or damaged."""

from typing import Final

import psycopg
from psycopg import errors

from autopack.errors import (
    LogBusyError,
    LogDamagedError,
    LogError,
    LogFullError,
    LogHinderedError,
    ReadOnlyLogError,
)

BUSY_TIMEOUT_S: Final = 30.0
DAMAGED: Final = "AP001"
"""The state with which our own functions say that what is stored is not what was written."""
_GRANT: Final = "its owner lets a role in with grant_writer('ROLE') or grant_reader('ROLE')"
_MAY: Final = (
    f"Of a log that is there, {_GRANT}, functions of its schema. Who makes one needs CREATE on the "
    "database, and who upgrades one has to own it."
)
_STANDBY: Final = "Write to the primary server, or let this one take writes."
POSTGRES_FAULTS: Final = (psycopg.Error, UnicodeError)
"""What a statement may raise."""


class ConnectionLostError(LogHinderedError):
    """The server, or the way to it, went away; another connection may do."""


def translated(fault: Exception, target: str) -> LogError:
    """Return the error of ours for one that a statement on the log *target* raised."""
    match fault:
        case errors.LockNotAvailable():
            return LogBusyError(target, waited_s=BUSY_TIMEOUT_S)
        case errors.InsufficientPrivilege():
            return ReadOnlyLogError(target, why=f"PostgreSQL says: {_said(fault)}. {_MAY}")
        case (
            errors.ReadOnlySqlTransaction()
            | errors.ObjectNotInPrerequisiteState()  # it is a standby's lock
        ):
            return ReadOnlyLogError(target, why=f"PostgreSQL says: {_said(fault)}. {_STANDBY}")
        case errors.UndefinedTable() | errors.UndefinedFunction():
            return LogError(
                f"{target}: PostgreSQL says: {_said(fault)}. Nothing was written by this call. "
                f"Either the log is not there any more, or its role may not see it: {_GRANT}."
            )
        case errors.DiskFull():
            return LogFullError(target)
        case errors.DataCorrupted() | errors.IndexCorrupted():
            return LogDamagedError(target, _said(fault))
        case psycopg.Error(sqlstate=state) if state == DAMAGED:
            return LogDamagedError(target, _said(fault))
        case psycopg.OperationalError():
            kind = ConnectionLostError if _is_lost(fault) else LogHinderedError
            return kind(
                f"{target}: PostgreSQL cannot be asked: {_said(fault)}. Nothing is known to be "
                "written by this call. Look at the server and the way to it, then try again."
            )
        case _:
            return LogError(
                f"{target}: PostgreSQL says: {_said(fault)}. Nothing was written by this call."
            )


def _is_lost(fault: psycopg.OperationalError) -> bool:
    return fault.sqlstate is None or fault.sqlstate[:3] in ("57P", "080")


def _said(fault: Exception) -> str:
    said = fault.diag.message_primary if isinstance(fault, psycopg.Error) else None
    return " ".join((said or str(fault)).split())

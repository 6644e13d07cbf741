"""What SQLite says, in our words: is it busy, full, read-only, or damaged."""

import sqlite3
from typing import Final

from autopack.errors import (
    LogBusyError,
    LogDamagedError,
    LogError,
    LogFullError,
    LogHinderedError,
    ReadOnlyLogError,
)

BUSY_TIMEOUT_S: Final = 30.0
SQLITE_FAULTS: Final = (sqlite3.Error, UnicodeDecodeError, OverflowError)
"""What a statement may raise; nothing else that runs beside it is about the file."""


def translated(fault: Exception, target: str) -> LogError:
    """Return the error of ours for one that a statement on the log *target* raised."""
    match fault:
        case UnicodeDecodeError():
            return LogDamagedError(target, f"it holds text that is not UTF-8: {fault}")
        case sqlite3.OperationalError():
            return _operational(fault, target)
        case sqlite3.InterfaceError() | sqlite3.ProgrammingError() | sqlite3.DataError():
            return _refused(fault, target)
        case sqlite3.DatabaseError():
            return LogDamagedError(target, str(fault))
        case _:
            return _refused(fault, target)


def _operational(fault: sqlite3.OperationalError, target: str) -> LogError:
    match getattr(fault, "sqlite_errorcode", 0) & 0xFF:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return LogBusyError(target, waited_s=BUSY_TIMEOUT_S)
        case sqlite3.SQLITE_READONLY:
            return ReadOnlyLogError(target)
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return LogDamagedError(target, str(fault))
        case sqlite3.SQLITE_FULL:
            return LogFullError(target)
        case sqlite3.SQLITE_CANTOPEN:
            what = f"SQLite cannot open it, or a file beside it: {fault}"
            return LogHinderedError(
                f"{target}: {what}. Check the permissions of its folder. A log with a -wal file "
                "beside it is read only where files can be made: copy both to such a folder."
            )
        case sqlite3.SQLITE_IOERR | sqlite3.SQLITE_NOMEM:
            what = f"SQLite says: {fault}, so nothing is known to be written by this call"
            return LogHinderedError(f"{target}: {what}. Look at the disk and the memory.")
        case _ if "decode to UTF-8" in str(fault):
            return LogDamagedError(target, "it holds text that is not UTF-8")
        case _:
            return _refused(fault, target)


def _refused(fault: Exception, target: str) -> LogError:
    return LogError(f"{target}: SQLite says: {fault}. Nothing was written by this call.")

"""Log files: recognised, created, opened. Opening never creates; creating never opens."""

import contextlib
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote
from uuid import UUID

from autopack.errors import (
    LogDamagedError,
    LogError,
    LogMissingError,
    NewerLogError,
    NotALogError,
)
from autopack.log.backends.atomic_files import publishing
from autopack.log.backends.forks import LogConnection
from autopack.log.backends.sqlite.faults import BUSY_TIMEOUT_S, SQLITE_FAULTS, translated
from autopack.log.backends.sqlite.schema import APPLICATION_ID, TABLES, TRIGGERS
from autopack.log.backends.sqlite.sqlviews import make_views
from autopack.ports.backend import LOG_FORMAT, Copied, LogIdentity
from autopack.ports.log import from_us
from autopack.values.ids import uuid7

_NEARBY_MOST: Final = 8
_LOOKED_AT_MOST: Final = 400


def create_file(path: Path, *, copied: Copied | None = None) -> LogIdentity:
    """
    Make a new log file, whole or not at all, for its owner alone.

    Args:
        copied: What it will be a copy of.

    Raises:
        LogExistsError: Something is at that path.
        InvalidInputError: Its folder does not exist.
        LogFullError, LogError: The system refused; nothing is at that path.
    """
    with publishing(path) as scratch:
        return fill_file(scratch, target=str(path), copied=copied)


def fill_file(
    scratch: Path,
    *,
    target: str,
    copied: Copied | None = None,
) -> LogIdentity:
    """
    Make an empty log of an empty file.

    Args:
        target: What the log will be called.
        copied: What it will be a copy of.
    """
    now_us = time.time_ns() // 1000
    identity = LogIdentity(
        log_id=_new_uuid(now_us),
        origin_id=copied.origin_id if copied else _new_uuid(now_us),
        created_at=from_us(now_us),
        format=LOG_FORMAT,
        parent=copied.parent if copied else None,
    )
    try:
        _write_empty_log(scratch, identity, now_us)
    except SQLITE_FAULTS as fault:
        raise translated(fault, target) from fault
    return identity


def check_file(path: Path) -> None:
    """
    Return if *path* is a log of a known format; opens nothing for writing.

    Raises:
        LogMissingError: Nothing is there; names logs nearby, with their counts.
        NotALogError: Something else is there; says what.
        NewerLogError: A later version wrote it.
    """
    target = str(path)
    try:
        os.lstat(path)
    except PermissionError as fault:
        what = f"in a folder that may not be entered ({fault.strerror})"
        raise NotALogError(target, what, hint="Work as a user who may enter it.") from fault
    except (OSError, ValueError) as fault:
        raise LogMissingError(target, nearby=logs_nearby(path)) from fault
    if os.path.isdir(path):
        raise NotALogError(target, "a directory")
    if not os.path.exists(path):
        raise NotALogError(target, "a link that leads nowhere", hint="Mend the link.")
    if not os.path.isfile(path):
        raise NotALogError(target, "a device or a pipe")
    if not os.path.getsize(path):
        raise NotALogError(target, "an empty file", hint="Create a log at a path of its own.")
    try:
        with closing(_looked_at(path)) as connection:
            ((application,),) = connection.execute("PRAGMA application_id")
            ((found,),) = connection.execute("PRAGMA user_version")
    except sqlite3.OperationalError as fault:
        what = f"a file that cannot be read ({fault})"
        hint = "Work as a user who may read it."
        raise NotALogError(target, what, hint=hint) from OSError(str(fault))
    except sqlite3.DatabaseError as fault:
        raise NotALogError(target, "not a SQLite database") from fault
    if application != APPLICATION_ID:
        raise NotALogError(target, f"another SQLite database ({_tables(path)})")
    if found < LOG_FORMAT:
        what = f"a log of format {found}, from before the first release"
        raise NotALogError(target, what, hint="Read it with the version that wrote it.")
    if found > LOG_FORMAT:
        raise NewerLogError(target, found=found, known=LOG_FORMAT)


def connect(path: Path, *, mode: str = "rw", synchronous: str = "FULL") -> sqlite3.Connection:
    """Open an existing file, in one of SQLite's modes; nothing is created."""
    connection = sqlite3.connect(
        f"file:{quote(str(path))}?mode={mode}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        timeout=BUSY_TIMEOUT_S,
        cached_statements=256,
        factory=LogConnection,
    )
    try:
        connection.execute(f"PRAGMA synchronous = {synchronous}")
    except BaseException:
        connection.close()
        raise
    return connection


def has_wal(path: Path) -> bool:
    """Tell whether a WAL lies beside a file: it is open somewhere, or was not closed."""
    return path.with_name(path.name + "-wal").exists()


def read_identity(read: Callable[[str], list[Any]], target: str) -> LogIdentity:
    """Return which log an open file is, by what *read* answers."""
    rows = read("SELECT * FROM log_identity")
    ((log_format,),) = read("PRAGMA user_version")
    if len(rows) != 1:
        raise LogDamagedError(target, f"it has {len(rows)} identities instead of one")
    log_id, origin_id, created_at, *parent = rows[0]
    return LogIdentity(
        log_id=log_id,
        origin_id=origin_id,
        created_at=from_us(created_at),
        format=log_format,
        parent=(parent[0], parent[1], parent[2]) if parent[0] is not None else None,
    )


def logs_nearby(path: Path) -> list[str]:
    """Return log files in the folders around *path*, one line each, with run and phase counts."""
    found: list[str] = []
    for candidate in _candidates(path):
        if len(found) == _NEARBY_MOST:
            break
        with contextlib.suppress(OSError, sqlite3.Error, LogError):
            check_file(candidate)
            mode = "ro" if has_wal(candidate) else "ro&immutable=1"  # leaves nothing beside it
            with closing(connect(candidate, mode=mode)) as connection:
                count = "SELECT count(*) FROM events WHERE type = ?"
                (runs,) = connection.execute(count, ("run.created",)).fetchone()
                (phases,) = connection.execute(count, ("phase.queued",)).fetchone()
            found.append(f"{candidate} ({_n(runs, 'run')}, {_n(phases, 'phase')})")
    return found


def _n(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def _candidates(path: Path) -> Iterator[Path]:
    folder = path.parent
    while not os.path.isdir(folder) and folder != folder.parent:
        folder = folder.parent
    seen: set[Path] = set()
    looked_at = 0
    for place in (folder, *_subfolders(folder), folder.parent):
        for entry in _entries(place):
            looked_at += 1
            if looked_at > _LOOKED_AT_MOST:
                return
            if entry not in seen and os.path.isfile(entry):
                seen.add(entry)
                yield entry


def _subfolders(folder: Path) -> list[Path]:
    return [entry for entry in _entries(folder) if os.path.isdir(entry) and entry.name[0] != "."]


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _looked_at(path: Path) -> sqlite3.Connection:
    """
    Open a file that may be no log, or a damaged one, to look at its header; locks nothing.

    By SQLite, which alone knows whether this process has the file open: POSIX takes all of a
    process's locks on a file with the first handle that it closes, and others would then remove the
    WAL under a log that is in use.
    """
    connection = sqlite3.connect(f"file:{quote(str(path))}?mode=ro&immutable=1", uri=True)
    connection.execute("PRAGMA writable_schema = ON")  # it may be growing, or be cut
    return connection


def _tables(path: Path) -> str:
    try:
        with closing(_looked_at(path)) as connection:
            rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            names = sorted(name for (name,) in rows if not name.startswith("sqlite_"))
    except sqlite3.Error as fault:
        return f"unreadable: {fault}"
    shown = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
    return f"its tables: {shown}" if names else "without tables"


def _write_empty_log(path: Path, identity: LogIdentity, now_us: int) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {LOG_FORMAT}")
        connection.executescript(f"BEGIN;{TABLES}{TRIGGERS}")
        make_views(connection)
        connection.execute(
            "INSERT INTO log_identity VALUES (?, ?, ?, ?, ?, ?)",
            (identity.log_id, identity.origin_id, now_us, *(identity.parent or (None,) * 3)),
        )
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode = WAL")


def _new_uuid(now_us: int) -> str:
    return str(UUID(bytes=uuid7(now_us // 1000, os.urandom(10))))

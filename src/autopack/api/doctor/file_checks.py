"""Checks of a log's file: may it be written, is there room, does somebody hold its lock."""

import contextlib
import os
import re
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import quote

from autopack.log.backends.sqlite.schema import TRIGGERS
from autopack.report.doctor_findings import DoctorCheck

_MIB: Final = 1024 * 1024
_LEAST_FREE: Final = 16 * _MIB
_LITTLE_FREE: Final = 256 * _MIB
_LARGE_WAL: Final = 64 * _MIB
_LOCK_WAIT_S: Final = 1.0
_WAL_MODE: Final = b"\x02\x02"  # bytes 18 and 19 of the file


def permission_check(path: Path) -> DoctorCheck:
    """Look whether this user may write the file, what SQLite keeps beside it, and its folder."""
    beside = [path.with_name(path.name + ending) for ending in ("-wal", "-shm")]
    stuck = [str(file) for file in beside if file.exists() and not os.access(file, os.W_OK)]
    closed = [str(place) for place in (path, path.parent) if not os.access(place, os.W_OK)]
    if closed:
        return DoctorCheck(
            "permissions",
            "warning",
            f"this user may not write {' and '.join(closed)}: the log can be read, not drained",
            "Change the permissions of the file and its folder, or work on a copy.",
        )
    if stuck:
        return DoctorCheck(
            "permissions",
            "fault",
            f"this user may write {path}, but not {' and '.join(stuck)} beside it",
            "Another user left them there: change their owner to the log's.",
        )
    return DoctorCheck("permissions", "ok", "the file and its folder can be written")


def disk_check(path: Path) -> DoctorCheck:
    """Look whether the disk has room for more events, and for a backup."""
    free, size = shutil.disk_usage(path.parent).free, path.stat().st_size
    found = f"{_size(free)} free, the log has {_size(size)}"
    if free < _LEAST_FREE:
        return DoctorCheck("disk", "fault", found, f"Make room on the disk of {path.parent}.")
    if free < max(_LITTLE_FREE, size):
        to_do = f"Make room on the disk of {path.parent}: a backup may not fit."
        return DoctorCheck("disk", "warning", found, to_do)
    return DoctorCheck("disk", "ok", found)


def wal_check(path: Path) -> DoctorCheck:
    """Look whether the file is in WAL mode, and whether its WAL is folded in now and then."""
    with path.open("rb") as stream:
        stream.seek(18)
        is_wal = stream.read(2) == _WAL_MODE
    if not is_wal:
        return DoctorCheck(
            "wal",
            "warning",
            "the file is not in WAL mode: readers and writers wait for each other",
            f'Close every process that holds it, then: sqlite3 {path} "PRAGMA journal_mode = WAL"',
        )
    wal = path.with_name(path.name + "-wal")
    size = wal.stat().st_size if wal.exists() else 0
    found = f"SQLite writes ahead, {_size(size)} not in the file yet"
    if size > _LARGE_WAL:
        to_do = "A process reads without an end, or was killed; close those that hold the log."
        return DoctorCheck("wal", "warning", found, to_do)
    return DoctorCheck("wal", "ok", found)


def trigger_check(path: Path) -> DoctorCheck:
    """Look whether the triggers are there that keep history as it was written."""
    wanted = set(re.findall(r"CREATE TRIGGER (\w+)", TRIGGERS))
    with contextlib.closing(_connected(path, "ro")) as connection:
        rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        missing = sorted(wanted - {name for (name,) in rows})
    if missing:
        return DoctorCheck(
            "triggers",
            "fault",
            f"{len(missing)} of {len(wanted)} are gone: {', '.join(missing)}",
            "Somebody opened the file for editing: look for damage with `autopack log verify`, "
            "and go on with a backup.",
        )
    return DoctorCheck(
        "triggers", "ok", f"all {len(wanted)} that refuse changes of events are there"
    )


def lock_check(path: Path) -> DoctorCheck:
    """Look whether the write lock is to be had; it is taken for a moment, nothing is written."""
    if not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)):
        return DoctorCheck("lock", "ok", "not tried, since this user may not write")
    with contextlib.closing(_connected(path, "rw")) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as fault:
            if getattr(fault, "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            return DoctorCheck(
                "lock",
                "warning",
                f"another process holds the write lock, and did for {_LOCK_WAIT_S:g} s",
                f"Wait for it, or find it: lsof {path}",
            )
        connection.execute("ROLLBACK")
    return DoctorCheck("lock", "ok", "the write lock is free")


def file_checks(path: Path) -> Iterator[DoctorCheck]:
    """Look at a log's file from outside; what cannot be looked at is a fault of its own."""
    for name, look in (
        ("permissions", permission_check),
        ("disk", disk_check),
        ("wal", wal_check),
        ("triggers", trigger_check),
        ("lock", lock_check),
    ):
        try:
            yield look(path)
        except (OSError, sqlite3.Error) as fault:
            yield DoctorCheck(name, "fault", f"it cannot be looked at: {fault}", None)


def _connected(path: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(
        f"file:{quote(str(path))}?mode={mode}",
        uri=True,
        isolation_level=None,
        timeout=_LOCK_WAIT_S,
    )


def _size(n: int) -> str:
    return f"{n / _MIB:,.1f} MiB" if n < 1024 * _MIB else f"{n / _MIB / 1024:,.1f} GiB"

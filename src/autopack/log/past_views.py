"""
Views as they stood at every so many events: a cache beside no log, to be thrown away at will.

It lies in a file of the user's own cache folder, one a log, and never in the log: who may only read
a log may keep it too. Rows are kept where they changed, so that it grows as the log does.
"""

import contextlib
import json
import os
import shutil
import sqlite3
import tempfile
import time
import weakref
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

from autopack.errors import LogDamagedError
from autopack.log.backends.forks import LogConnection
from autopack.ports.backend import Checkpoint

EVERY: Final = 256
"""After how many events a view's state is kept, if its total is small."""

LEAST: Final = 64 * EVERY
"""As of earlier positions a view is folded from the first event: that takes no longer."""

_BYTES_AN_EVENT: Final = 5_000
"""To read so much of a total takes about as long as to fold an event."""

_UNUSED_S: Final = 30 * 24 * 3600
_BUSY_S: Final = 5
_PLACES: Final = 1 << 20
"""More rows than change between two states; a row's place is position * this + its turn there."""

Row = tuple[str, str, int, bytes | None]
"""View, key, place and what is stored of a row; None of one that went."""

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS states (
    view TEXT, position INTEGER, hash BLOB, version INTEGER, total BLOB,
    PRIMARY KEY (view, position)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS first_rows (view TEXT PRIMARY KEY, data BLOB) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS rows (
    view TEXT, key TEXT, place INTEGER, data BLOB, PRIMARY KEY (view, key, place)
) WITHOUT ROWID;
"""


_ALL: Final = (
    "SELECT key, data, MAX(place), (SELECT MIN(place) FROM rows AS others "
    "WHERE others.view = rows.view AND others.key = rows.key) AS first FROM rows "
    "WHERE view = ? AND place < ? {} GROUP BY key ORDER BY first"
)
_SOME: Final = (
    "SELECT value, (SELECT data FROM rows WHERE view = ?1 AND key = value AND place < ?2"
    " ORDER BY place DESC LIMIT 1) FROM json_each(?3)"
)
"""One look for each row, in however many states it changed."""


class PastViews:
    """
    The kept states of one log's views.

    Args:
        path: The file; None takes one that goes with this object.
        versions: The library's own views, each with its version. States of several versions of
            one view lie beside each other.
        others: The views of plugins, each with its version.
        every: After how many events a state is kept, at least.
        least: Up to which position none is asked for.
    """

    def __init__(
        self,
        path: Path | None,
        *,
        versions: Mapping[str, int],
        others: Mapping[str, int] = MappingProxyType({}),
        every: int = EVERY,
        least: int = LEAST,
    ) -> None:
        self.versions, self.others = {**others, **versions}, others
        self.every, self.least = every, least
        if path is None:
            folder = tempfile.mkdtemp(prefix="autopack-")
            weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
            path = Path(folder) / "views.db"
        self.path = path

    @contextlib.contextmanager
    def opened(self) -> "Iterator[KeptStates | None]":
        """Open them for as long as one moment of the log is read; None where nothing can be."""
        connection = self._connected()
        if connection is None:
            yield None
            return
        with contextlib.closing(connection):
            yield KeptStates(connection, self)

    def forget(self) -> None:
        """Throw them away: they are not this log's."""
        _drop(self.path)

    def _connected(self) -> sqlite3.Connection | None:
        try:
            if not self.path.exists():
                _drop_unused(self.path.parent)
                os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
            return _connection(self.path)
        except sqlite3.DatabaseError as fault:
            if not isinstance(fault, sqlite3.OperationalError):  # no database: cut off, most often
                self.forget()
            return None
        except OSError:
            return None


class KeptStates:
    """The states of a log's views, open to read and to add to."""

    def __init__(self, connection: sqlite3.Connection, kept: PastViews) -> None:
        self._connection, self._path = connection, kept.path
        self.versions, self.others = kept.versions, kept.others
        self.every, self.forget = kept.every, kept.forget
        self._first_rows: dict[str, bytes] = {}

    def next_after(self, position: int, state: Checkpoint | None) -> int:
        """
        Return where a view's next state is to be kept, the last one being at *position*.

        What it takes to read a state, and to keep one, grows with the view's total: the larger
        that is, the further are its states apart.
        """
        size = len(state.total or "") if state is not None else 0
        steps = 1 + size // (self.every * _BYTES_AN_EVENT)
        return position - position % self.every + steps * self.every

    def _name(self, view: str) -> str:
        return f"{view}@{self.versions[view]}"

    def last(self, view: str, until: int) -> tuple[Checkpoint, bytes] | None:
        """Return a view's last state that is kept, up to a position, with that event's hash."""
        sql = (
            "SELECT version, position, total, hash FROM states "
            "WHERE view = ? AND position <= ? ORDER BY position DESC LIMIT 1"
        )
        told = self._name(view), until
        with contextlib.suppress(sqlite3.Error, zlib.error):
            for version, position, total, digest in self._connection.execute(sql, told):
                text = None if total is None else zlib.decompress(total).decode()
                state = Checkpoint(view=view, version=version, position=position, total=text)
                return state, digest
        return None

    def last_position(self, view: str) -> int:
        """Return up to where states of a view are kept; 0 without one."""
        with contextlib.suppress(sqlite3.Error):
            sql = "SELECT MAX(position) FROM states WHERE view = ?"
            return self._connection.execute(sql, (self._name(view),)).fetchone()[0] or 0
        return 0

    def rows(self, state: Checkpoint, keys: Sequence[str] | None, *, prefix: str) -> dict[str, str]:
        """Return rows of a state, in order of their first mention: of *keys*, or with *prefix*."""
        if keys is None:
            bounds = (prefix, prefix + chr(0x10FFFF)) if prefix else ()
            which = "AND key >= ? AND key < ?" if prefix else ""
            return self._read(state, _ALL.format(which), bounds)
        return self._read(state, _SOME, (json.dumps(list(keys)),))

    def _read(self, state: Checkpoint, sql: str, more: Sequence[str]) -> dict[str, str]:
        told = (self._name(state.view), (state.position + 1) * _PLACES, *more)
        try:
            first = self._first_row(state.view) or b""
            found = self._connection.execute(sql, told).fetchall()
            return {key: _unpacked(row, first) for key, row, *_ in found if row}
        except (sqlite3.Error, zlib.error, UnicodeError) as fault:
            what = f"what is kept of the log's past cannot be read ({fault}): delete that file"
            raise LogDamagedError(str(self._path), what) from fault

    def keep(self, state: Checkpoint, digest: bytes, rows: Mapping[str, str | None]) -> bool:
        """
        Keep a state: the rows that changed since the one before, None for those that went.

        Returns:
            Whether it is kept now, by this process or by another.
        """
        total = None if state.total is None else zlib.compress(state.total.encode(), 1)
        told = (self._name(state.view), state.position, digest, state.version, total)
        try:
            with self._connection as store:
                store.execute("BEGIN IMMEDIATE")
                new = store.execute("INSERT OR IGNORE INTO states VALUES (?, ?, ?, ?, ?)", told)
                if new.rowcount:
                    store.executemany(
                        "INSERT INTO rows SELECT ?1, ?2, ?3, ?4 WHERE ?4 IS NOT NULL "
                        "OR EXISTS (SELECT 1 FROM rows WHERE view = ?1 AND key = ?2)",
                        self._packed(state, rows),
                    )
        except sqlite3.Error:  # a full disk, most often: what is kept is not needed
            return False
        return True

    def _packed(self, state: Checkpoint, rows: Mapping[str, str | None]) -> Iterator[Row]:
        """Yield rows as they are stored: by what they do not share with the first of their view."""
        place, view = state.position * _PLACES, self._name(state.view)
        first = self._first_row(state.view)
        for n, (key, row) in enumerate(rows.items()):
            if row is None:
                yield view, key, place + n, None
                continue
            if first is None:
                first = row.encode()
                sql = "INSERT INTO first_rows VALUES (?, ?)"
                self._connection.execute(sql, (view, first))
            packer = zlib.compressobj(1, zdict=first)
            yield view, key, place + n, packer.compress(row.encode()) + packer.flush()

    def _first_row(self, view: str) -> bytes | None:
        if view not in self._first_rows:
            sql = "SELECT data FROM first_rows WHERE view = ?"
            for (data,) in self._connection.execute(sql, (self._name(view),)):
                self._first_rows[view] = bytes(data)
        return self._first_rows.get(view)


def _unpacked(data: bytes, first: bytes) -> str:
    return zlib.decompressobj(zdict=first).decompress(data).decode()


def past_views_of(
    log_id: str | None,
    versions: Mapping[str, int],
    others: Mapping[str, int] = MappingProxyType({}),
) -> PastViews:
    """Return the kept states of a log's views, where this user keeps them; None is in passing."""
    if log_id is None:
        return PastViews(None, versions=versions, others=others)
    try:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        folder = base / "autopack"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except (OSError, RuntimeError):  # nowhere: for this process alone
        return PastViews(None, versions=versions, others=others)
    path = folder / f"{log_id}.db" if os.access(folder, os.W_OK) else None
    return PastViews(path, versions=versions, others=others)


def _connection(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, timeout=_BUSY_S, factory=LogConnection)
    try:
        connection.executescript(f"PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; {_TABLES}")
        os.utime(path)
    except (sqlite3.Error, OSError):
        connection.close()
        raise
    return connection


def _drop_unused(folder: Path) -> None:
    for path in folder.glob("*.db"):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > _UNUSED_S:
                _drop(path)


def _drop(path: Path) -> None:
    for ending in ("", "-wal", "-shm"):
        with contextlib.suppress(OSError):
            path.with_name(path.name + ending).unlink()

"""Appending: one durable event, and a thousand a batch, beside raw rows in the same table."""

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks.filling import history
from tests.benchmarks.measuring import OURS, PEER, RAW, Row, Work, compared_row, in_turns
from tests.benchmarks.peer import PeerLog, same_events

from autopack import create_log
from autopack.log.backends.sqlite.log_files import connect, create_file
from autopack.ports.log import ANY

_INSERT = "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_BARE = "raw without triggers"
_STREAM = "bulk"
_BATCH = 1000
_TURNS = 20


def rows(folder: Path, n: int) -> list[Row]:
    """Measure single appends, one in ten of *n* events, and batches of all."""
    size = max(n // _TURNS, 1)
    batch = min(size, _BATCH)
    return [
        _row(folder / "single", "durable single append", [1] * max(size // 10, 1), raw=0.9),
        _row(
            folder / "batch",
            f"batch append, {batch:,} a batch, encoded and hashed",
            [batch] * max(size // batch, 1),
            raw=0.6,
            peer=1.5,
        ),
    ]


def _row(
    folder: Path, what: str, batches: Sequence[int], *, raw: float, peer: float | None = None
) -> Row:
    """Let each way append as many batches a turn, every one to a file of its own that grows."""
    folder.mkdir()
    least = {RAW: raw} if peer is None else {RAW: raw, PEER: peer}
    n = sum(batches)
    events = [event for _stream, event in history(n * _TURNS)]
    with _ways(folder, events, batches) as ways:
        return compared_row(what, in_turns(ways, _TURNS), n=n, least=least)


@contextlib.contextmanager
def _ways(folder: Path, events: Sequence[Any], batches: Sequence[int]) -> Iterator[dict[str, Work]]:
    stored = _stored(folder / "model.db", events)
    theirs = list(same_events((_STREAM, event) for event in events))
    with (
        create_log(folder / "ours.db") as log,
        _raw(folder / "raw.db") as raw,
        _raw(folder / "bare.db", with_triggers=False) as bare,
        contextlib.closing(PeerLog(folder / "peer.db")) as peer,
    ):
        yield {
            OURS: _by_turns(
                events, batches, lambda some: log.append(_STREAM, some, expected_version=ANY)
            ),
            RAW: _by_turns(stored, batches, lambda some: _insert(raw, some)),
            PEER: _by_turns(theirs, batches, peer.append),
            _BARE: _by_turns(stored, batches, lambda some: _insert(bare, some)),
        }


def _by_turns(what: Sequence[Any], batches: Sequence[int], append: Any) -> Work:
    """Return work that appends the batches of its turn."""
    a_turn = sum(batches)

    def work(turn: int) -> None:
        start = turn * a_turn
        for size in batches:
            append(what[start : start + size])
            start += size

    return work


def _insert(connection: sqlite3.Connection, rows: Sequence[Any]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(_INSERT, rows)
    connection.execute("COMMIT")


@contextlib.contextmanager
def _raw(path: Path, *, with_triggers: bool = True) -> Iterator[sqlite3.Connection]:
    create_file(path)
    with contextlib.closing(connect(path)) as connection:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        for (name,) in () if with_triggers else names.fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        yield connection


def _stored(path: Path, events: Sequence[Any]) -> list[Any]:
    with create_log(path) as log:
        for start in range(0, len(events), _BATCH):
            log.append(_STREAM, events[start : start + _BATCH], expected_version=ANY)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT * FROM events ORDER BY position").fetchall()

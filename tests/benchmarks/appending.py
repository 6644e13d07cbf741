"""Appending: one durable event, and a thousand a batch, beside the same rows raw."""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks.filling import history
from tests.benchmarks.measuring import Row, best_of, ratio_row

from autopack.api import create_log
from autopack.backends.sqlite.files import connect, create_file
from autopack.ports.log import ANY

_INSERT = "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


def rows(folder: Path, n: int) -> list[Row]:
    """Measure single appends of n/10 events and batches of n."""
    events = [event for _stream, event in history(n)]
    singles = events[: max(n // 10, 10)]
    stored = _stored(folder / "model.db", events)
    batches = [events[start : start + 1000] for start in range(0, n, 1000)]
    raw_batches = [stored[start : start + 1000] for start in range(0, n, 1000)]
    measured = []
    for what, ours, raw, least in (
        ("durable single append", [[one] for one in singles], [[s] for s in stored], 0.8),
        ("batch append, 1,000 a batch", batches, raw_batches, 0.5),
    ):
        count = sum(map(len, ours))
        ours_s, raw_s = _turns(folder, ours, raw[: len(ours)])
        raw_name = "raw, same pragmas, no triggers"
        measured.append(
            ratio_row(what, n=count, ours_s=ours_s, raw_s=raw_s, least=least, raw=raw_name)
        )
    return measured


def _turns(folder: Path, ours: Sequence[Any], raw: Sequence[Any]) -> tuple[float, float]:
    """Return the best times of both, taken in turns, so that a slow disk meets both."""
    ours_s, raw_s = [], []
    for number in range(3):
        with _fresh(folder / f"ours-{number}.db", _ours(ours)) as work:
            ours_s.append(best_of(1, work))
        with _fresh(folder / f"raw-{number}.db", _raw(raw)) as work:
            raw_s.append(best_of(1, work))
    return min(ours_s), min(raw_s)


@contextlib.contextmanager
def _fresh(path: Path, made: Callable[[Path], Any]) -> Iterator[Callable[[], None]]:
    opened, work = made(path)
    yield work
    opened.close()
    for ending in ("", "-wal", "-shm"):
        path.with_name(path.name + ending).unlink(missing_ok=True)


def _ours(batches: Sequence[Sequence[Any]]) -> Callable[[Path], Any]:
    def made(path: Path) -> Any:
        log = create_log(path)

        def work() -> None:
            for batch in batches:
                log.append("bulk", batch, expected_version=ANY)

        return log, work

    return made


def _raw(batches: Sequence[Sequence[Any]]) -> Callable[[Path], Any]:
    def made(path: Path) -> Any:
        create_file(path)
        connection = connect(path)
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        for (name,) in names.fetchall():
            connection.execute(f"DROP TRIGGER {name}")

        def work() -> None:
            for batch in batches:
                connection.execute("BEGIN IMMEDIATE")
                connection.executemany(_INSERT, batch)
                connection.execute("COMMIT")

        return connection, work

    return made


def _stored(path: Path, events: Sequence[Any]) -> list[Any]:
    with create_log(path) as log:
        for start in range(0, len(events), 1000):
            log.append("bulk", events[start : start + 1000], expected_version=ANY)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT * FROM events ORDER BY position").fetchall()

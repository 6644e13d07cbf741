"""Appending: one durable event, and a thousand a batch, beside raw rows in the same table."""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs
from tests.benchmarks.filling import history
from tests.benchmarks.measuring import Row, best_of, ratio_row

from autopack import create_log
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
        ours_s, raw_s, bare_s = _turns(folder, ours, raw[: len(ours)])
        row = ratio_row(what, n=count, ours_s=ours_s, raw_s=raw_s, least=least, raw="raw INSERT")
        bare = f"; {bare_s / ours_s:.2f} x one without triggers"
        measured.append(attrs.evolve(row, beside=row.beside + bare))
    return measured


def _turns(folder: Path, ours: Sequence[Any], raw: Sequence[Any]) -> tuple[float, ...]:
    """Return the best times of all three, taken in turns, so that a slow disk meets each."""
    kinds = (_ours(ours), _raw(raw), _raw(raw, with_triggers=False))
    best = [float("inf")] * len(kinds)
    for number in range(3):
        for kind, made in enumerate(kinds):
            with _fresh(folder / f"turn-{kind}-{number}.db", made) as work:
                best[kind] = min(best[kind], best_of(1, work))
    return tuple(best)


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


def _raw(batches: Sequence[Sequence[Any]], *, with_triggers: bool = True) -> Callable[[Path], Any]:
    def made(path: Path) -> Any:
        create_file(path)
        connection = connect(path)
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        for (name,) in () if with_triggers else names.fetchall():
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

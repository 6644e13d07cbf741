"""``python -m tests.benchmarks.growth [--most N]``: how cost grows with a log, from 10,000 on."""

import argparse
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from tests.benchmarks.filling import history
from tests.benchmarks.measuring import best_of, in_child
from tests.benchmarks.replaying import output_in_order, output_of_calls

from autopack import create_log, open_log
from autopack.log import views
from autopack.log.log import journal_of
from autopack.ports.log import ANY

_BATCH = 1000
_HEADER = (
    "events", "MB", "batch append", "one append", "one event by position", "a stream",
    "replay, envelopes", "replay, named types", "verify", "memory of a replay",
)  # fmt: skip


def grow(path: Path, most: int) -> Iterator[tuple[str, ...]]:
    """Let one log grow tenfold at a time, and yield a row of figures at each size."""
    create_log(path).close()
    events, size, there = history(most), 10_000, 0
    while size <= most:
        began = time.perf_counter()
        with open_log(path, durability="relaxed") as log:
            while there < size and (some := list(islice(events, _BATCH))):
                log.append_batch([(stream, [event], ANY) for stream, event in some])
                there += len(some)
        yield _row(path, size, _BATCH, time.perf_counter() - began)
        size *= 10


def _row(path: Path, size: int, batch: int, filling_s: float) -> tuple[str, ...]:
    grown = size - size // 10 if size > 10_000 else size
    with open_log(path) as log:
        middle = size // 2
        stream = next(log.read_all(after=middle)).stream
        one = best_of(20, lambda: log.append("probe", [next(iter(history(1)))[1]],
                                           expected_version=ANY))  # fmt: skip
        by_position = best_of(20, lambda: list(log.read_all(after=middle, limit=1)))
        of_stream = best_of(20, lambda: list(log.read(stream)))
        envelopes = best_of(1, lambda: views.replay(journal_of(log), output_in_order))
        named = best_of(1, lambda: views.replay(journal_of(log), output_of_calls))
        verify = best_of(1, log.verify)
    peak_mb = in_child("replay", path, 1)["peak_mb"]
    return (
        f"{size:,}",
        f"{path.stat().st_size / 1e6:,.0f}",
        f"{grown / filling_s:,.0f}/s",
        f"{one * 1e6:,.0f} us",
        f"{by_position * 1e6:,.0f} us",
        f"{of_stream * 1e6:,.0f} us",
        f"{envelopes:,.2f} s",
        f"{named:,.2f} s",
        f"{verify:,.1f} s",
        f"{peak_mb:,.0f} MB",
    )


def main() -> None:
    """Measure and print one row after the other."""
    options = argparse.ArgumentParser(prog="python -m tests.benchmarks.growth")
    options.add_argument("--most", type=int, default=10_000_000)
    given = options.parse_args()
    print("| " + " | ".join(_HEADER) + " |\n|" + " --- |" * len(_HEADER))
    with tempfile.TemporaryDirectory() as folder:
        for row in grow(Path(folder, "log.db"), given.most):
            print("| " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main()

"""``python -m tests.benchmarks [--events N] [--folder DIR] [--cpu]``: measure, print a table."""

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks import appending, replaying, starting, working
from tests.benchmarks.filling import filled_log
from tests.benchmarks.measuring import Row, count_processor_time, table


def measure(folder: Path, n_events: int) -> Iterator[Row]:
    """Yield every row; sizes follow from the number of events in the large log."""
    yield from appending.rows(folder, max(n_events // 50, 100))
    large = filled_log(folder / "large.db", n_events)
    yield from replaying.rows(large)
    yield replaying.memory_row(large)
    yield from starting.command_rows(large)
    yield from starting.import_rows()
    small = max(n_events // 5_000, 4)
    yield working.drain_row(folder, n_phases=small, drained=small)
    yield working.drain_row(folder, n_phases=small * 100, drained=small * 5)
    yield from working.calibrate_rows(n_events)


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    options.add_argument("--events", type=int, default=1_000_000, help="size of the large log")
    options.add_argument("--folder", type=Path, help="where the logs are made; kept if given")
    options.add_argument(
        "--cpu", action="store_true", help="count processor time, on a machine that others use"
    )
    given = options.parse_args()
    if given.cpu:
        count_processor_time()
    with tempfile.TemporaryDirectory() as scratch:
        rows = list(measure(given.folder or Path(scratch), given.events))
    print(table(rows))


if __name__ == "__main__":
    main()

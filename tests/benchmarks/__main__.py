"""``python -m tests.benchmarks [NAME ...] [--events N] [--cpu]``: measure, and print a table."""

import argparse
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

import attrs
from tests.benchmarks import appending, looping, replaying, starting, travelling, working
from tests.benchmarks.filling import filled_log
from tests.benchmarks.measuring import Row, count_processor_time, table


@attrs.frozen(slots=False)
class Place:
    """Where logs are made, and how large the large one is; other sizes follow from it."""

    folder: Path
    n_events: int

    @cached_property
    def large(self) -> Path:
        """The large log, made when it is first asked for."""
        return filled_log(self.folder / "large.db", self.n_events)


def _append(place: Place) -> Iterator[Row]:
    yield from appending.rows(place.folder, max(place.n_events // 20, 100))


def _replay(place: Place) -> Iterator[Row]:
    yield from replaying.rows(place.large, place.n_events)


def _memory(place: Place) -> Iterator[Row]:
    yield replaying.memory_row(place.large)


def _travel(place: Place) -> Iterator[Row]:
    yield from travelling.rows(place.large)


def _start(place: Place) -> Iterator[Row]:
    yield from starting.command_rows(place.large)
    yield from starting.import_rows()


def _drain(place: Place) -> Iterator[Row]:
    small = max(place.n_events // 5_000, 4)
    yield working.drain_row(place.folder, n_phases=small, drained=small)
    yield working.drain_row(place.folder, n_phases=small * 100, drained=small * 5)


def _attempt(place: Place) -> Iterator[Row]:
    yield working.attempt_row(place.folder, max(place.n_events // 10, 1_000))


def _loop(place: Place) -> Iterator[Row]:
    yield from looping.lag_rows(place.folder, min(100, max(place.n_events // 100, 20)))


def _calibrate(place: Place) -> Iterator[Row]:
    yield from working.calibrate_rows(place.n_events)


def _learn(place: Place) -> Iterator[Row]:
    yield from working.learn_rows(place.n_events)


def _postgres(_place: Place) -> Iterator[Row]:
    from tests.benchmarks import postgres

    yield from postgres.rows()


def _queue(_place: Place) -> Iterator[Row]:
    from tests.benchmarks import queueing

    yield from queueing.rows(processes=1, workers=8)
    yield from queueing.rows(processes=4, workers=4)


BENCHMARKS: Mapping[str, Callable[[Place], Iterator[Row]]] = {
    "append": _append,
    "replay": _replay,
    "memory": _memory,
    "travel": _travel,
    "start": _start,
    "drain": _drain,
    "attempt": _attempt,
    "loop": _loop,
    "calibrate": _calibrate,
    "learn": _learn,
    "postgres": _postgres,
    "queue": _queue,
}


def measure(folder: Path, n_events: int, names: Sequence[str] = ()) -> Iterator[Row]:
    """Yield the rows of the benchmarks of those names, or of all."""
    place = Place(folder, n_events)
    for name in names or BENCHMARKS:
        yield from BENCHMARKS[name](place)


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    options.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    options.add_argument("--events", type=int, default=1_000_000, help="size of the large log")
    options.add_argument("--folder", type=Path, help="where the logs are made; kept if given")
    options.add_argument(
        "--cpu", action="store_true", help="count processor time, on a machine that others use"
    )
    given = options.parse_args()
    if unknown := [name for name in given.names if name not in BENCHMARKS]:
        options.error(f"there is no benchmark {unknown[0]!r}: {', '.join(BENCHMARKS)}")
    # What installed plugins do with each event is theirs; neither of the others has any.
    os.environ["AUTOPACK_DISABLE_PLUGINS"] = "1"
    if given.cpu:
        count_processor_time()
    with tempfile.TemporaryDirectory() as scratch:
        print(table(list(measure(given.folder or Path(scratch), given.events, given.names))))


if __name__ == "__main__":
    main()

"""Reading a log as it stood: a step in time, with states of its views kept along the way."""

import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.benchmarks.measuring import Row, most_row

import autopack
from autopack import open_log
from autopack.log import views
from autopack.log.log import journal_of
from autopack.log.past_views import PastViews
from autopack.log.views.kept_views import CORE_VIEWS
from autopack.projections.phases import PHASES

_STEPS = 25


def rows(path: Path) -> Iterator[Row]:
    """Measure the log at *path*: what keeping its past takes, then steps here and there in it."""
    beside = path.with_name("past.db")
    versions = {one.name: one.version for one in CORE_VIEWS}
    with open_log(path) as log:
        journal_of(log).past_views = PastViews(beside, versions=versions)
        head = log.head().position
        kept_s = _took(log.keep_past)
        draw = random.Random(19)
        places = [draw.randint(1, head) for _ in range(_STEPS)]
        steps = sorted(_took(lambda at=at: autopack.status(log.as_of(at))) for at in places)
        middle = head // 2
        whole_s = _took(lambda: views.replay(journal_of(log), PHASES, until=middle))
        found_s = _took(lambda: autopack.replay(log, PHASES, until=middle))
    size = beside.stat().st_size / path.stat().st_size
    yield most_row(
        "a step in time: status as of a position",
        steps[len(steps) // 2] * 1e3,
        "ms",
        most=300,
        beside=f"the slowest of {_STEPS} {steps[-1] * 1e3:,.0f} ms",
    )
    yield most_row(
        "every phase as of the middle, of a whole replay",
        found_s / whole_s,
        "x",
        most=1,
        beside=f"{whole_s:,.1f} s from the first event",
    )
    yield most_row(
        "the kept past, of the log's own size",
        size,
        "x",
        most=1.5,
        beside=f"kept in {kept_s:,.0f} s",
    )


def _took(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started

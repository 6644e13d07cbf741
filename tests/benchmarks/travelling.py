"""Reading a log as it stood: a step in time, with states of its views kept along the way."""

import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tests.benchmarks import measuring
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
        journal_of(log).past_views = PastViews(beside, versions=versions, least=0)
        head = log.head().position
        kept_s = _took(log.keep_past)
        draw = random.Random(19)
        places = [draw.randint(1, head) for _ in range(_STEPS)]
        steps = sorted(_took(lambda at=at: autopack.status(log.as_of(at))) for at in places)
        middle = head // 2
        whole_s = _took(lambda: views.replay(journal_of(log), PHASES, until=middle))
        found_s = _took(lambda: autopack.replay(log, PHASES, until=middle))
        pages = list(_page_rows(log, places))
    size = beside.stat().st_size / path.stat().st_size
    yield from pages
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


def _page_rows(log: autopack.Log, places: Sequence[int]) -> Iterator[Row]:
    """Measure the page of the log: what is first looked at, and steps of its slider."""
    from starlette.testclient import TestClient

    from autopack_web import create_app

    client = TestClient(create_app(log), base_url="http://127.0.0.1")
    first = _took(lambda: client.get("/"))
    yield most_row("the first page", first * 1e3, "ms", most=500)
    for page in ("", "run/run-000001"):
        steps = sorted(
            _took(lambda at=at, page=page: client.get(f"/{page}?at={at}")) for at in places
        )
        yield most_row(
            f"a step of the slider on /{page}",
            steps[len(steps) // 2] * 1e3,
            "ms",
            most=300,
            beside=f"the slowest of {len(steps)} {steps[-1] * 1e3:,.0f} ms",
        )


def _took(work: Callable[[], object]) -> float:
    started = measuring.clock()
    work()
    return measuring.clock() - started

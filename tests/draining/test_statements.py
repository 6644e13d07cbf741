"""What work costs in statements: the same for the first phase and call, and for any after it."""

import itertools
import sqlite3

import pytest

from autopack import attempt, create_run, drain
from autopack.log.backends.sqlite.store import SqliteBackend
from autopack.log.log import Log
from autopack.testing.facts import queued
from drains import specs
from statements import Statements

PHASE_MOST, CALL_MOST = 25, 6
CAPS = {"tokens": 10**9, "usd": 10.0**6}
UNCAPPED_AND_CAPPED = pytest.mark.parametrize("caps", [{}, CAPS], ids=["uncapped", "capped"])


@pytest.fixture
def statements(monkeypatch):
    """Counts what is asked of any connection to a file."""
    heard = Statements()
    monkeypatch.setattr(sqlite3, "connect", heard.connecting(sqlite3.connect))
    return heard


@pytest.fixture
def opened(log_path, statements):
    """An open file, whose commits wait for no disk: they are as many."""
    with Log(SqliteBackend(log_path, durability="relaxed")) as log:
        yield log


def fill(log, n_events):
    """Make a log so long by phases of other runs."""
    n_runs = itertools.count(log.head().position)
    while (left := n_events - log.head().position) > 0:
        run = f"old-{next(n_runs)}"
        events = [queued(f"p{n}", run, index=n) for n in range(min(left, 1000))]
        log.append(f"run-{run}", events, expected_version=0)


@UNCAPPED_AND_CAPPED
def test_a_phase_of_a_drain_takes_few_statements(opened, statements, caps):
    """Its claim, its lease, its end and what they are decided on, under a run's and a drain's."""
    create_run(opened, "r", specs(*map(str, range(44))), caps=caps)
    counts = []
    for n in (4, 40):
        limits = {"max_tokens": 10**9} if caps else {}
        with statements.counted() as count:
            drain(
                opened, executor=lambda _phase, _attempt: None, lease_s=3600, max_phases=n,
                allow_unknown_price=True, **limits,
            )  # fmt: skip
        counts += count

    assert counts[1] - counts[0] <= (40 - 4) * PHASE_MOST


@UNCAPPED_AND_CAPPED
@pytest.mark.parametrize("n_tokens", [10, 5_000])
def test_a_call_takes_few_statements_at_any_length(opened, statements, caps, n_tokens):
    """Within what its claim set aside, and beyond it; the last of many costs as much."""
    create_run(opened, "r", specs("a"), caps=caps)
    counts = []
    with attempt(opened, "r/a") as live:
        for _ in range(500):
            with statements.counted() as count:
                live.record_usage(model="m", output_tokens=n_tokens, input_tokens=0)
            counts += count

    assert max(counts) <= CALL_MOST
    assert counts[0] == counts[-1]


@UNCAPPED_AND_CAPPED
def test_an_attempt_and_its_call_cost_the_same_in_a_log_of_any_length(
    log_path, opened, statements, caps
):
    """Neither the first of a process nor the next one looks at what others have done."""
    phases = [str(n) for n in range(6)]
    create_run(opened, "r", specs(*phases), caps=caps)
    with attempt(opened, f"r/{phases.pop(0)}"):  # which opens the streams of its caps
        pass
    counts = {}
    for n_events in (100, 20_000):
        fill(opened, n_events)
        with Log(SqliteBackend(log_path)) as log:
            for nth in ("first", "second"):
                with (
                    statements.counted() as whole,
                    attempt(log, f"r/{phases.pop(0)}") as live,
                    statements.counted() as call,
                ):
                    live.record_usage(model="m", output_tokens=5, input_tokens=0)
                counts[n_events, nth] = (*whole, *call)

    assert counts[100, "first"] == counts[20_000, "first"]
    assert counts[100, "second"] == counts[20_000, "second"]
    assert counts[20_000, "second"][1] <= CALL_MOST

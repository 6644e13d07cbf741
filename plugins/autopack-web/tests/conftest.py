"""A log with a bit of everything, and a client of its pages."""

from datetime import UTC, datetime, timedelta

import pytest
from starlette.testclient import TestClient

import autopack
from autopack import Completed, Failed, PhaseSpec
from autopack.events import LlmUsageRecorded
from autopack.testing.clock import VirtualClock
from autopack_web import create_app

HOSTILE = "<script>alert(1)</script>"
BEGAN = datetime(2026, 3, 2, 9, tzinfo=UTC)


def work(phase, attempt):
    """Answer, fail or ask, by the phase's id; each tells of a call."""
    attempt.record_usage(
        call_id=f"{phase.key}-{attempt.number}",
        model="m-large" if phase.category == "docs" else "m-small",
        input_tokens=1_000,
        output_tokens=200,
        cost_usd="0.25",
    )
    if phase.phase_id == "fails":
        return Failed("tests_failed", f"3 tests failed {HOSTILE}\nsecond line", retryable=False)
    if phase.phase_id == "asks":
        return autopack.NeedsPerson("Is it to be merged?")
    diff = "diff --git a/a b/a\n-old\n+new\n"
    return Completed(outputs={"a.diff": diff}, summary="written")


def made():
    """Return a log in memory: two runs, drained, one of them capped; two hours later a requeue."""
    clock = VirtualClock(BEGAN)
    log = autopack.create_log("memory:", clock=clock)
    specs = [
        PhaseSpec("works", category="docs", goal="Say what it does"),
        PhaseSpec("fails", category="tests"),
        PhaseSpec("asks", category="docs"),
        PhaseSpec(HOSTILE, category="docs", goal=HOSTILE),
    ]
    autopack.create_run(log, "nightly", specs, caps={"usd": "5.00"})
    autopack.drain(log, executor=work, assume_usd_per_call="0.30")
    clock.advance(timedelta(hours=2))
    autopack.create_run(log, "second", [PhaseSpec("one", category="docs")])
    autopack.drain(log, executor=work, run_id="second")
    autopack.requeue(log, "nightly/fails", why="it was fixed")
    return log


@pytest.fixture(scope="session")
def kept_log():
    """Return a filled log that no test writes to."""
    with made() as log:
        yield log


@pytest.fixture
def log():
    """Return a filled log of the test's own."""
    with made() as log:
        yield log


@pytest.fixture
def client(request):
    """Return a client of the pages of the test's own log, or else of the one that is kept."""
    name = "log" if "log" in request.fixturenames else "kept_log"
    app = create_app(request.getfixturevalue(name))
    return TestClient(app, base_url="http://127.0.0.1:8642")


def call(run, phase, number, model="big"):
    """Return a call that nobody told the price or the attempt of."""
    return LlmUsageRecorded(
        run_id=run,
        phase_id=phase,
        call_id=f"{run}-{number}",
        request_model=model,
        input_tokens=6,
        output_tokens=4,
    )


@pytest.fixture
def bare():
    """Return a log of two runs, one of them with calls."""
    with autopack.create_log("memory:") as log:
        for run in ("one", "two"):
            autopack.create_run(log, run, [autopack.PhaseSpec("p", goal=f"Write {run}")])
        for number, model in enumerate(("big", "big", "small")):
            told = call("one", "p", number, model)
            log.append("phase-one/p", [told], expected_version=autopack.ANY)
        yield log


@pytest.fixture
def imported(bare):
    """Return a client of that log."""
    return TestClient(create_app(bare), base_url="http://127.0.0.1:8642")


@pytest.fixture
def stray(bare, imported):
    """Return that client, with a call of a phase that nobody queued."""
    bare.append("phase-gone/q", [call("gone", "q", 0)], expected_version=autopack.ANY)
    return imported

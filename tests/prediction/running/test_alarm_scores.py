"""What alarms would have saved and lost, on histories whose figures are known."""

import attrs
import pytest
from tests.drains import Clock, specs

import autopack
from autopack import Completed, Failed
from autopack.report.alarm_text import alarm_json, alarm_lines
from autopack.report.backtest_text import backtest_json, backtest_markdown

CALL = {"model": "m", "input_tokens": 80, "output_tokens": 20, "cost_usd": "0.01"}


@pytest.fixture
def history():
    """Return a log of forty usual attempts, one that runs away, and one that does well."""
    clock = Clock()
    with autopack.create_log("memory:", clock=clock) as log:

        def execute(phase, attempt):
            for _ in range(phase.payload):
                clock.now += 10
                attempt.record_usage(**CALL)
            clock.now += 1
            if phase.phase_id == "runs":
                return Failed("lost", "it ran away", retryable=False)
            return Completed()

        sizes = {**{f"p{n:02}": 3 for n in range(40)}, "runs": 12, "well": 5}
        for name, calls in sizes.items():
            autopack.create_run(log, name, specs(name, payload=calls))
        autopack.drain(log, executor=execute)
        yield log


def _score(found, measure, tau):
    (one,) = [one for one in found.alarms if (one.measure, one.tau) == (measure, tau)]
    return attrs.asdict(one, recurse=False)


def test_saved_and_lost(history):
    """What the failed one used after its fourth call is saved, the good one's four calls lost."""
    found = autopack.backtest(history, calibrators=["median-ratio"])
    tokens = _score(found, "total_tokens", 0.95)

    assert (23, 2, 1, 1) == tuple(
        tokens[name] for name in ("judged", "alarmed", "failed", "completed")
    )
    assert (800, 400) == (tokens["saved_tokens"], tokens["lost_tokens"])
    assert ("0.08", "0.04") == (str(tokens["saved_usd"]), str(tokens["lost_usd"]))
    assert (81.0, 40.0) == (tokens["saved_s"], tokens["lost_s"])
    assert _score(found, "calls", 0.95) == {**tokens, "measure": "calls"}


def test_seconds_are_over_between_calls(history):
    """The time is over within a call: those before it were made."""
    found = autopack.backtest(history, calibrators=["median-ratio"])
    timed = _score(found, "seconds", 0.95)

    assert (2, 1, 1) == tuple(timed[name] for name in ("alarmed", "failed", "completed"))
    assert (900, 300) == (timed["saved_tokens"], timed["lost_tokens"])
    assert (90.0, 31.0) == (timed["saved_s"], timed["lost_s"])


def test_nobody_is_judged_by_what_comes_later(history):
    """Until enough have ended well nobody is judged; at 0.99 that is not so in this history."""
    found = autopack.backtest(history, calibrators=["median-ratio"])

    assert {0.9, 0.95} == {one.tau for one in found.alarms}
    assert 33 == _score(found, "calls", 0.9)["judged"]


def test_text_and_json(history):
    """A table with both sides, and the same figures for programs."""
    found = autopack.backtest(history, calibrators=["median-ratio"])
    row = "| total_tokens:0.95 | 2 of 23 | 1 | 800 tokens, 0.08 USD, 1 min 21 s | 1 | 400 tokens, "

    assert row in backtest_markdown(found)
    assert [alarm_json(one) for one in found.alarms] == backtest_json(found)["alarms"]
    assert "0.08" == backtest_json(found)["alarms"][3]["saved_usd"]
    assert "" in list(alarm_lines(found.alarms))


def test_a_log_without_calls(log):
    """Where nothing can be judged there is no section."""
    found = autopack.backtest(log, calibrators=["median-ratio"])

    assert () == found.alarms
    assert "## Alarms" not in backtest_markdown(found)


def test_a_gate_decides_late():
    """What waits at a gate counts once it is decided, and not before."""
    with autopack.create_log("memory:") as log:

        def execute(phase, attempt):
            for _ in range(phase.payload):
                attempt.record_usage(**CALL)
            if phase.payload > 3:
                return autopack.NeedsPerson("is it right?")
            return Completed()

        for number in range(30):
            autopack.create_run(log, f"r{number}", specs(f"p{number}", payload=3))
        autopack.create_run(log, "odd", specs("odd", payload=9))
        autopack.drain(log, executor=execute)
        before = autopack.backtest(log, calibrators=["median-ratio"])
        autopack.decide_gate(log, "odd/odd", decision="reject", why="no")
        after = autopack.backtest(log, calibrators=["median-ratio"])

    assert 0 == _score(before, "calls", 0.95)["alarmed"]
    assert 1 == _score(after, "calls", 0.95)["failed"]

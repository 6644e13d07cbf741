"""Going on with a drain from the log alone."""

import asyncio

import pytest

from autopack import Drain, Failed, create_run, drain, replay
from autopack.draining.executors.recorded import RecordedExecutor
from autopack.draining.resuming import used_so_far
from autopack.errors import InvalidInputError
from drains import found, specs, states, works


@pytest.fixture
def executor(tmp_path):
    """An executor that a log can bring back: file.py:name."""
    path = tmp_path / "mine.py"
    path.write_text(
        "def execute(phase, attempt):\n"
        "    attempt.record_usage(model='m', input_tokens=10, output_tokens=20)\n",
        encoding="utf-8",
    )
    return f"{path}:execute"


def test_settings_and_limits_come_from_the_log(sqlite_log, executor):
    """Executor, run, workers and limits are those of the start; what was used counts on."""
    create_run(sqlite_log, "r", specs(*"abcdef"))
    create_run(sqlite_log, "s", specs("x"))
    first = drain(sqlite_log, executor=executor, run_id="r", max_phases=4, workers=2)
    stopped_at_limit = drain(sqlite_log, resumes=first.drain_id)
    more = drain(sqlite_log, resumes="last", max_phases=6)
    started = found(sqlite_log, "drain.started")

    assert (4, 4, 6) == (first.attempts, stopped_at_limit.attempts, more.attempts)
    assert "max_phases: 4 of 4 phases taken" == stopped_at_limit.detail
    assert {first.drain_id} == {event.drain_id for event in started}
    assert [None, first.drain_id, first.drain_id] == [event.resumes for event in started]
    assert {executor} == {event.executor for event in started}
    assert [2, 2, 2] == [event.settings["workers"] for event in started]
    assert "QUEUED" == states(sqlite_log)["x"]


def test_what_was_used_is_counted_from_the_log(sqlite_log):
    """Without drain.stopped, as after kill -9: attempts, ends, calls, tokens, samples."""
    create_run(sqlite_log, "r", specs(*"abcd"))

    def mixed(phase, attempt):
        if phase.phase_id == "b":
            return Failed("x", "y")
        return None if phase.phase_id == "c" else works(phase, attempt)

    report = drain(sqlite_log, executor=mixed)
    totals, seconds = used_so_far(sqlite_log, report.drain_id)

    for name in (
        "attempts", "completed", "failed", "calls", "total_tokens", "samples", "samples_won",
        "zero_yield", "failures", "cost_usd", "unpriced_calls",
    ):  # fmt: skip
        assert (name, getattr(report, name)) == (name, getattr(totals, name))
    assert 0 <= seconds <= report.duration_s + 1


def test_attempts_that_told_nobody_what_they_used_are_counted_from_the_log(sqlite_log):
    """Under a cap only: without a call, without tokens, and in USD without a price."""
    create_run(sqlite_log, "capped", specs(*"abc"), caps={"usd": 5.0})
    create_run(sqlite_log, "free", specs("x"))

    def says_little(phase, attempt):
        if phase.phase_id == "b":
            attempt.record_usage(model="m", total_tokens=9, split="total_only")
        if phase.phase_id == "c":
            attempt.record_usage(model="m", total_tokens=9, split="total_only", cost_usd=0.1)

    report = drain(sqlite_log, executor=says_little, allow_unknown_price=True)
    totals, _seconds = used_so_far(sqlite_log, report.drain_id)

    assert (2, 2) == (report.unmetered, totals.unmetered)


def test_a_drains_cap_goes_on(sqlite_log, executor):
    """What the first part used is spent; a higher cap lets the drain go on."""
    create_run(sqlite_log, "r", specs(*"abcd"))
    first = drain(sqlite_log, executor=executor, max_tokens=3300, max_phases=1)
    second = drain(sqlite_log, resumes=first.drain_id, max_phases=9, max_tokens=50_000)

    assert (1, 4) == (first.completed, second.completed)
    assert [3300, 50_000] == [event.max_tokens for event in found(sqlite_log, "budget.set")]


def test_an_object_must_be_given_again(log):
    """A callable is not in the log; the message says which setting to give."""
    first = drain(log, executor=works, max_phases=1)
    with pytest.raises(InvalidInputError, match="executor 'works'"):
        Drain(log, resumes=first.drain_id)
    report = drain(log, executor=works, resumes=first.drain_id, max_phases=5)

    assert 2 == report.completed


@pytest.mark.parametrize("wanted", ["nightly", "last"])
def test_there_must_be_a_drain_to_go_on_with(log, wanted):
    """A name that is not there, or no drain at all, is refused."""
    with pytest.raises(InvalidInputError, match="No drain was ever"):
        Drain(log, resumes=wanted)


def test_a_recorded_executor_is_brought_back_by_name(log):
    """Registered names are in the log."""
    first = drain(log, executor="recorded", max_phases=1)
    drain(log, resumes=first.drain_id, max_phases=9)

    assert 0 == replay(log, "phases").total.by_state().get("QUEUED", 0)
    assert RecordedExecutor.name == found(log, "drain.started")[1].executor


def test_an_executor_with_options_must_be_given_again(log):
    """Its name is registered, but its options were those of an object."""
    made = RecordedExecutor(seed=7, latency_scale=0.0)
    first = drain(log, executor=made, max_phases=1)

    with pytest.raises(InvalidInputError, match="executor 'recorded'"):
        Drain(log, resumes=first.drain_id)
    assert 2 <= drain(log, executor=made, resumes=first.drain_id, max_phases=9).attempts


def test_a_drain_needs_an_executor(log):
    """Without one, and nothing to go on with, it is refused."""
    with pytest.raises(InvalidInputError, match="needs an executor"):
        drain(log)


def test_what_was_said_last_holds(sqlite_log):
    """A limit that was raised when the drain was gone on with is not forgotten the next time."""
    create_run(sqlite_log, "r", specs(*"abcdef"))
    first = drain(sqlite_log, executor=works, max_phases=1, drain="tonight")
    second = drain(sqlite_log, executor=works, resumes="tonight", max_phases=3)
    third = drain(sqlite_log, executor=works, resumes="tonight", timeout_s=60)
    settings = Drain(sqlite_log, resumes="tonight", executor=works)._settings

    assert [1, 3, 3] == [report.attempts for report in (first, second, third)]
    assert (3, 60) == (settings.limits.max_phases, settings.timeout_s)


def test_phases_that_failed_before_are_still_its_own(sqlite_log):
    """What stands failed is counted for the whole drain, as its totals are."""
    create_run(sqlite_log, "r", specs("a", "b"))

    def fails(_phase, _attempt):
        return Failed("tests_failed", "two of nine", retryable=False)

    drain(sqlite_log, executor=fails, max_phases=1, drain="tonight")
    report = drain(sqlite_log, executor=works, resumes="tonight", max_phases=9)

    assert (1, 1, 1) == (report.failed, report.completed, report.left_failed)
    assert not report.is_clean


def test_what_a_released_attempt_used_is_counted(sqlite_log):
    """It was paid for: in the report, in drain.stopped, and when the drain is gone on with."""
    create_run(sqlite_log, "r", specs("a"))

    async def slow(_phase, attempt):
        attempt.record_usage(model="m", total_tokens=70, split="total_only")
        engine.stop(0)
        await asyncio.sleep(30)

    engine = Drain(sqlite_log, executor=slow, drain="tonight")
    report = engine.run()
    (stopped,) = found(sqlite_log, "drain.stopped")
    again = drain(sqlite_log, executor=works, resumes="tonight", max_phases=1)

    assert (1, 1, 70) == (report.released, report.calls, report.total_tokens)
    assert 70 == stopped.totals["total_tokens"]
    assert again.total_tokens >= 70

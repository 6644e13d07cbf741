"""Phases that run away: told once, asked about, or ended, and the others unharmed."""

import asyncio
import sys
import time

import pytest
from tests.drains import Clock, found, specs, states, types_of

import autopack
from autopack import Completed
from autopack.draining.executors.command import CommandExecutor
from autopack.errors import InvalidInputError

PAST = tuple(f"p{n:02}" for n in range(30))
RUNAWAY_CALLS = 40


def _call(attempt, tokens=100):
    attempt.record_usage(model="m", input_tokens=tokens - 20, output_tokens=20)


def _works(phase, attempt):
    """Do a phase with three calls; the runaway goes on until it is told to stop."""
    for _ in range(3):
        _call(attempt)
    if phase.phase_id != "runaway":
        return Completed(outputs={"answer": "done"})
    for n in range(RUNAWAY_CALLS):
        _call(attempt)
        if attempt.cancelled:
            return Completed(outputs={"half": f"{n} calls"})
        time.sleep(0.05)
    return Completed(outputs={"answer": "at last"})


async def _works_async(phase, attempt):
    for _ in range(3):
        await attempt.arecord_usage(model="m", input_tokens=80, output_tokens=20)
    for _ in range(4 * RUNAWAY_CALLS if phase.phase_id == "runaway" else 0):
        await attempt.arecord_usage(model="m", input_tokens=80, output_tokens=20)
        await asyncio.sleep(0.05)


def _never_looks(phase, attempt):
    for n in range(3 if phase.phase_id != "runaway" else 10 * RUNAWAY_CALLS):
        _call(attempt)
        if n > 3:
            time.sleep(0.02)


@pytest.fixture
def taught(log):
    """Return a log in which thirty phases used 300 tokens each, and one runs away with others."""
    autopack.create_run(log, "past", specs(*PAST))
    autopack.drain(log, executor=_works)
    autopack.create_run(log, "now", specs("runaway", "a", "b", max_attempts=3))
    return log


def test_note(taught):
    """It is told once, in words and figures, and the phase goes on to its end."""
    report = autopack.drain(taught, executor=_works, alarm="0.95:note", run_id="now")
    (alarm,) = found(taught, "phase.alarmed")

    assert 3 == report.completed
    assert ("runaway", 1, "total_tokens", 0.95, "note") == (
        alarm.phase_id, alarm.attempt, alarm.measure, alarm.tau, alarm.policy,
    )  # fmt: skip
    assert (300, "docs/low") == (alarm.predicted, alarm.like)
    assert 30 <= alarm.known <= 32
    assert alarm.used > 300
    assert f"It used {alarm.used:,.0f} tokens; 95 % of the {alarm.known} like it" in alarm.why
    assert taught.verify(views=True).is_clean


@pytest.mark.parametrize("executor", [_works, _works_async, _never_looks])
def test_stop(taught, executor):
    """It is ended and not tried again; what it used stays, and the others complete."""
    report = autopack.drain(taught, executor=executor, alarm="0.95:stop", run_id="now", workers=2)
    (alarm,) = found(taught, "phase.alarmed")
    (failure,) = found(taught, "phase.failed")
    row = autopack.replay(taught, "attempts").rows["now/runaway#1"]

    assert (2, 1) == (report.completed, report.left_failed)
    assert {"runaway": "FAILED", "a": "COMPLETE", "b": "COMPLETE"}.items() <= states(taught).items()
    assert ("alarmed", "execution", False) == (
        failure.code, failure.failure_class, failure.retryable,
    )  # fmt: skip
    assert alarm.why == failure.message
    assert "phase.requeued" not in types_of(taught, "phase-now/runaway")
    assert 3 < row.use.calls < RUNAWAY_CALLS
    assert row.use.total_tokens >= alarm.used
    assert taught.verify(views=True).is_clean


def test_what_was_stopped_is_let_go_on(taught):
    """Whoever puts it back has seen the alarm: it is stopped no more."""
    autopack.drain(taught, executor=_works, alarm="0.95:stop", run_id="now")
    autopack.requeue(taught, "now/runaway", actor="me", why="it is a large one")
    report = autopack.drain(taught, executor=_works, alarm="0.95:stop", run_id="now")

    assert 1 == report.completed
    assert 1 == len(found(taught, "phase.alarmed"))


def test_a_strategy_is_no_person(taught):
    """What a strategy retries is stopped again, without a second event."""
    autopack.drain(taught, executor=_works, alarm="0.95:stop", run_id="now")
    autopack.drain(
        taught, executor=_works, alarm="0.95:stop", run_id="now", strategy="retry-failed"
    )

    assert 2 == len(found(taught, "phase.failed"))
    assert 1 == len(found(taught, "phase.alarmed"))


def test_stop_keeps_what_it_gave(taught):
    """What an executor gives back when it is told to stop is kept beside the failure."""
    autopack.drain(taught, executor=_works, alarm="0.95:stop", run_id="now")
    (failure,) = found(taught, "phase.failed")

    assert taught.artifacts.get(failure.artifacts["half"]).endswith("calls")


def test_ask_and_go_on(taught):
    """It waits for a person; sent back it goes on, and is asked about no more."""
    report = autopack.drain(taught, executor=_works, alarm="0.95:ask", run_id="now")
    (gate,) = found(taught, "phase.gated")
    waiting = states(taught)["runaway"]
    autopack.requeue(taught, "now/runaway", actor="me", why="it is a large one")
    autopack.drain(taught, executor=_works, alarm="0.95:ask", run_id="now")

    assert (2, 1, "GATED") == (report.completed, report.left_gated, waiting)
    assert "May it go on?" in gate.question
    assert gate.outputs.keys() == {"half"}
    assert "COMPLETE" == states(taught)["runaway"]
    assert 1 == len(found(taught, "phase.alarmed"))


def test_ask_and_end(taught):
    """A person's no ends it."""
    autopack.drain(taught, executor=_works, alarm="0.95:ask", run_id="now")
    autopack.decide_gate(taught, "now/runaway", decision="reject", actor="me", why="too dear")

    assert "FAILED" == states(taught)["runaway"]


def test_killed_between_alarm_and_end(taught):
    """The next attempt is ended where it is past the limit again, without a second alarm."""
    engine = autopack.Drain(taught, executor=_works, alarm="0.95:stop", run_id="now")

    def release(recorded):
        if recorded.type == "phase.alarmed":
            engine.stop(0)

    engine._on_event = release
    engine.run()
    before = types_of(taught, "phase-now/runaway")
    autopack.drain(taught, executor=_works, alarm="0.95:stop", run_id="now")

    assert "phase.released" in before or "phase.failed" in before
    assert 1 == len(found(taught, "phase.alarmed"))
    assert "FAILED" == states(taught)["runaway"]


def test_seconds():
    """Time at work is a measure as well: by the steady clock, without a further call."""
    clock = Clock()
    with autopack.create_log("memory:", clock=clock) as log:
        autopack.create_run(log, "past", specs(*PAST))

        def execute(phase, attempt):
            _call(attempt)
            clock.now += 10
            if phase.phase_id == "runaway":
                clock.now += 100
                until = time.monotonic() + 60
                while not attempt.cancelled and time.monotonic() < until:
                    time.sleep(0.01)

        autopack.drain(log, executor=execute)
        autopack.create_run(log, "now", specs("runaway"))
        autopack.drain(log, executor=execute, alarm="seconds:0.95:stop", run_id="now")
        (alarm,) = found(log, "phase.alarmed")

        assert ("seconds", 10.0) == (alarm.measure, alarm.predicted)
        assert "It used 1 min 50 s; 95 % of the 30 like it (docs/low)" in alarm.why


def test_too_few_are_known(log):
    """Where 99 of 100 cannot be told yet nobody is alarmed about anything."""
    autopack.create_run(log, "now", specs(*PAST, "runaway"))
    report = autopack.drain(log, executor=_works, alarm="0.99:stop", run_id="now")

    assert 31 == report.completed
    assert [] == found(log, "phase.alarmed")


def test_a_drain_goes_on_with_its_alarm(taught):
    """The policy is a setting, which a resumed drain has from the log."""
    report = autopack.drain(
        taught, executor=_never_looks, alarm="0.95:stop", run_id="now", phase_id="a"
    )
    engine = autopack.Drain(taught, executor=_never_looks, resumes=report.drain_id)

    assert "total_tokens:0.95:stop" == str(engine._settings.alarm)


@pytest.mark.parametrize("given", ["0.99", "2:ask", "0.9:shout", "cups:0.9:ask", "x:ask", "", 5])
def test_wrong_words(log, given):
    """What is no alarm is refused, with what one is."""
    with pytest.raises(InvalidInputError, match=r"is no alarm. Give \[MEASURE:\]TAU:POLICY"):
        autopack.Drain(log, executor=_works, alarm=given)


def test_a_program_is_ended(log, tmp_path):
    """A program that takes too long is ended, and the one beside it is not."""
    wait = tmp_path / "wait.py"
    wait.write_text(
        "import sys, time\nprint('begun', flush=True)\n"
        "time.sleep(60 if 'runaway' in sys.argv[1] else 0)\n"
    )
    command = [sys.executable, str(wait), "{phase_id}"]
    autopack.create_run(log, "past", specs(*PAST))
    settings = {"executor": CommandExecutor(command), "workers": 4}
    autopack.drain(log, run_id="past", **settings)
    autopack.create_run(log, "now", specs("runaway", "a"))
    began = time.monotonic()
    report = autopack.drain(log, run_id="now", alarm="seconds:0.95:stop", **settings)
    (failure,) = found(log, "phase.failed")

    assert (1, 1) == (report.completed, report.left_failed)
    assert ("alarmed", "seconds") == (failure.code, found(log, "phase.alarmed")[0].measure)
    assert time.monotonic() - began < 50

"""``attempt()``: recording for people with their own loop."""

import contextlib
import re
from inspect import signature
from pathlib import Path
from typing import get_type_hints

import pytest

from autopack import Attempt, PhaseRef, attempt, create_run, drain, replay
from autopack.draining.attempts.attempt import LiveAttempt
from autopack.draining.attempts.claims import Claims
from autopack.draining.attempts.lost_leases import reclaim_lost
from autopack.draining.attempts.steady_clock import Machine
from autopack.errors import (
    CapReachedError,
    InvalidInputError,
    LeaseLostError,
    MoveRefusedError,
    PhaseMissingError,
    RunMissingError,
    UsageConflictError,
)
from autopack.log.command_handler import Handler
from autopack.log.log import journal_of
from autopack.ports.log import from_us
from autopack.ports.usage import UsageFigures
from drains import found, specs, states, types_of

P1 = PhaseRef("r", "p1")


def lose(log):
    """Another worker takes back what has no living worker by the log's clock."""
    other = Claims(Handler(journal_of(log)), worker="another", machine=Machine())
    reclaim_lost(other, [replay(log, "phases").rows["r/p1"]])


def test_the_block_completes_the_phase(log):
    """Usage, outputs and summary are recorded; the lease is gone."""
    with attempt(log, "r/p1", worker="me") as live:
        live.record_usage(call_id="c1", model="m", input_tokens=10, output_tokens=20)
        live.complete({"docs/a.md": "the text"}, summary="written")
    (ended,) = found(log, "phase.completed")

    assert [
        "phase.estimated", "phase.claimed", "phase.started", "llm.usage_recorded",
        "phase.completed",
    ] == types_of(log, "phase-r/p1")  # fmt: skip
    assert "the text" == log.artifacts.get(ended.outputs["docs/a.md"])
    assert ("written", None) == (ended.summary, ended.zero_yield_reason)
    assert [] == journal_of(log).backend.leases()


def test_an_exception_fails_the_phase_and_goes_on(log):
    """The failure carries the exception's name and text, with the traceback beside the log."""
    with pytest.raises(ZeroDivisionError), attempt(log, "r/p1"):
        _ = 1 / 0
    (failed,) = found(log, "phase.failed")

    assert ("ZeroDivisionError", "ZeroDivisionError: division by zero") == (
        failed.code, failed.message,
    )  # fmt: skip
    assert "execution_error" == failed.zero_yield_reason
    assert "1 / 0" in log.artifacts.get(failed.artifacts["traceback"])


def test_a_failure_can_be_said_without_an_exception(log):
    """fail() records code and message; a retryable one is queued again."""
    with attempt(log, "r/p1") as live:
        live.fail("tests_failed", "two of nine", retryable=True)

    assert ["phase.failed", "phase.requeued"] == types_of(log, "phase-r/p1")[-2:]
    assert "QUEUED" == states(log)["p1"]


def test_what_failed_is_not_completed_after_all(log):
    """complete() after fail() changes nothing."""
    with attempt(log, "r/p1") as live:
        live.fail("tests_failed", "two of nine")
        live.complete({"a.md": "text"})

    assert "FAILED" == states(log)["p1"]


def test_a_block_may_ask_a_person(log):
    """needs_person() leaves the phase at its gate, with what was done."""
    with attempt(log, "r/p1") as live:
        live.needs_person("Merge?", {"a.md": "the text"}, summary="one file")
    (gated,) = found(log, "phase.gated")

    assert ("GATED", "Merge?", "one file") == (states(log)["p1"], gated.question, gated.summary)
    assert "the text" == log.artifacts.get(gated.outputs["a.md"])


def test_an_interrupt_gives_the_phase_back(log):
    """KeyboardInterrupt releases the phase and spends no attempt."""
    with pytest.raises(KeyboardInterrupt), attempt(log, "r/p1"):
        raise KeyboardInterrupt
    row = replay(log, "phases").rows["r/p1"]

    assert "phase.released" == types_of(log, "phase-r/p1")[-1]
    assert ("QUEUED", 0, 1) == (row.status, row.attempts_spent, row.attempts)


def test_usage_after_a_lost_lease_is_late_and_stops_the_worker(clocked, clock):
    """The call is recorded as late, changes no state, counts in the totals; then the error."""
    with pytest.raises(LeaseLostError), attempt(clocked, "r/p1") as live:
        clock.now += 31
        lose(clocked)
        live.record_usage(call_id="c1", model="m", input_tokens=10, output_tokens=20)
    usage = replay(clocked, "attempts").total.all.use

    assert [True] == [event.late for event in found(clocked, "llm.usage_recorded")]
    assert "QUEUED" == states(clocked)["p1"]
    assert (1, 30) == (usage.late_calls, usage.total_tokens)


def test_a_result_after_a_lost_lease_is_late(clocked, clock):
    """What the worker gave is kept as a late result; the phase stays as it is."""
    with pytest.raises(LeaseLostError), attempt(clocked, "r/p1") as live:
        clock.now += 31
        lose(clocked)
        live.complete({"a": "text"}, summary="done all the same")
    (late,) = found(clocked, "phase.result_late")

    assert ("complete", "done all the same", 1) == (late.outcome, late.message, late.attempt)
    assert "text" == clocked.artifacts.get(late.outputs["a"])
    assert "QUEUED" == states(clocked)["p1"]


def test_its_deadline_is_seen_as_cancelled(clocked, clock):
    """At the moment itself there is no time left; a millisecond before, there is."""
    create_run(clocked, "s", specs("p", timeout_s=5.0))
    with attempt(clocked, "s/p") as live:
        clock.now += 4.999
        before = live.cancelled
        clock.now += 0.001
        at_it = live.cancelled

    assert (False, True) == (before, at_it)


def test_a_lost_lease_is_seen_as_cancelled(clocked, clock):
    """attempt.cancelled turns true after the renewal that found the lease gone."""
    with contextlib.suppress(LeaseLostError), attempt(clocked, "r/p1") as live:
        clock.now += 31
        lose(clocked)
        live._claims.renew()
        seen = live.cancelled

    assert seen


@pytest.mark.parametrize(
    ("caps", "figures", "unit"),
    [
        ({"tokens": 100}, {"input_tokens": 90, "output_tokens": 20}, "tokens"),
        ({"usd": 1.0}, {"output_tokens": 1, "cost_usd": 1.5, "cost_source": "reported"}, "usd"),
    ],
)
def test_at_a_cap_the_call_is_recorded_then_the_worker_is_stopped(any_log, caps, figures, unit):
    """The call that crosses the run's cap is on record, then CapReachedError says the figures."""
    create_run(any_log, "capped", specs("p1"), caps=caps)
    with pytest.raises(CapReachedError) as caught, attempt(any_log, "capped/p1") as live:
        live.record_usage(call_id="c1", model="m", **figures)

    assert 1 == len(found(any_log, "llm.usage_recorded"))
    assert (unit, caps[unit]) == (caught.value.unit, caught.value.cap)


def test_the_same_call_twice_is_recorded_once(log):
    """A repeat with equal figures gives the first answer; nothing is counted twice."""
    with attempt(log, "r/p1") as live:
        first = live.record_usage(call_id="c1", model="m", output_tokens=20)
        again = live.record_usage(call_id="c1", model="m", output_tokens=20)

    assert first.position == again.position
    assert 1 == len(found(log, "llm.usage_recorded"))


def test_a_known_call_with_other_figures_is_refused(log):
    """A call id that comes with other figures is an error, and nothing is appended."""
    with pytest.raises(UsageConflictError) as refused, attempt(log, "r/p1") as live:
        live.record_usage(call_id="c1", provider="ex", model="m", output_tokens=20)
        live.record_usage(call_id="c1", provider="ex", model="m", output_tokens=21)

    assert "Call 'c1' of provider 'ex' is recorded already" in str(refused.value)
    assert "for r/p1 attempt 1; now it is told with output_tokens 21, not 20." in str(refused.value)
    assert ("ex", "c1", {"output_tokens": (20, 21)}) == (
        refused.value.provider, refused.value.call_id, refused.value.figures,
    )  # fmt: skip
    assert [20] == [event.output_tokens for event in found(log, "llm.usage_recorded")]


def test_the_same_call_at_another_moment_is_refused(log):
    """A moment that is given is part of the fact."""
    said = pytest.raises(UsageConflictError, match="another lease or moment")
    with said, attempt(log, "r/p1") as live:
        live.record_usage(call_id="c1", model="m", occurred_at=from_us(1))
        live.record_usage(call_id="c1", model="m", occurred_at=from_us(2))


def test_an_unknown_figure_is_refused_by_name(log):
    """A misspelt figure would be lost money, so it is an error that lists the known ones."""
    with pytest.raises(InvalidInputError, match="completion_tokens"), attempt(log, "r/p1") as a:
        a.record_usage(call_id="c1", model="m", completion_tokens=3)


def test_a_phase_without_a_call_has_a_reason(log):
    """A completion without usage says so."""
    with attempt(log, "r/p1"):
        pass

    assert ["success_no_llm_calls"] == [
        event.zero_yield_reason for event in found(log, "phase.completed")
    ]


@pytest.mark.parametrize(
    ("run_id", "phase_id", "error"),
    [("none", "p1", RunMissingError), ("r", "none", PhaseMissingError)],
)
def test_what_is_not_there_cannot_be_attempted(log, run_id, phase_id, error):
    """The error names what is missing, and nothing is written."""
    before = log.head()
    with pytest.raises(error), attempt(log, (run_id, phase_id)):
        pytest.fail("the block must not run")

    assert before == log.head()


def test_a_complete_phase_is_not_attempted_again(log):
    """A phase that is not queued is refused with its state."""
    with attempt(log, "r/p1"):
        pass

    with pytest.raises(MoveRefusedError, match="COMPLETE"), attempt(log, "r/p1"):
        pytest.fail("the block must not run")


@pytest.mark.parametrize(
    ("figures", "cut"),
    [
        ({"stop_reason": "max_tokens"}, True),
        ({"stop_reason": "LENGTH"}, True),
        ({"stop_reason": "end_turn"}, False),
        ({}, None),
        ({"stop_reason": "max_tokens", "truncated": False}, False),
    ],
)
def test_a_stop_reason_tells_whether_an_output_was_cut(log, figures, cut):
    """What the caller does not say is read from why the model stopped; unknown stays None."""
    with attempt(log, "r/p1") as live:
        recorded = live.record_usage(model="m", output_tokens=5, **figures)

    assert cut is recorded.event.truncated
    assert bool(cut) is live.is_cut


def test_every_figure_of_a_call_is_documented():
    """What names the call at the method, its figures at their typed dictionary."""
    for name in ("call_id", "model", "occurred_at", "figures"):
        assert f"{name}: " in Attempt.record_usage.__doc__
        assert f"{name}: " in LiveAttempt.record_usage.__doc__
    for name in get_type_hints(UsageFigures):
        assert re.search(rf"\b{name}\b.*: ", UsageFigures.__doc__), name
    assert signature(Attempt.record_usage) == signature(LiveAttempt.record_usage)


def test_it_says_in_which_folder_it_works(log, tmp_path, monkeypatch):
    """A relative folder is told whole; without one the attempt has none."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tree").mkdir()
    with attempt(log, "r/p1", workspace=Path("tree")) as placed:
        pass
    with attempt(log, "r/p2") as other:
        pass

    assert (tmp_path / "tree").resolve() == placed.workspace
    assert None is other.workspace


def test_a_drain_tells_its_attempts_their_folder(log, tmp_path):
    """What a drain is given as its workspace is each attempt's."""
    seen = []
    drain(log, executor=lambda _phase, live: seen.append(live.workspace), workspace=tmp_path)

    assert {tmp_path.resolve()} == set(seen)

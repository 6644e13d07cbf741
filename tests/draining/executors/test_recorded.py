"""Executor ``recorded``: answers without a model, and the log says so."""

import pytest

from autopack import Completed, Failed, PhaseView, create_run, drain
from autopack.draining.executors.recorded import RecordedExecutor
from autopack.errors import InvalidInputError
from autopack.ports.prediction import Sample
from drains import found, specs

NO_FAULTS = {"failure_share": 0.0, "zero_usage_share": 0.0, "truncated_share": 0.0}


def executor(**shares):
    return RecordedExecutor(latency_scale=0.0, **{**NO_FAULTS, **shares})


def test_the_log_says_that_it_was_simulated(log):
    """The drain's settings name the executor and say simulated; usage names the provider."""
    drain(log, executor=executor())
    (started,) = found(log, "drain.started")

    assert ("recorded", True) == (started.executor, started.settings["simulated"])
    assert {"recorded"} == {event.provider for event in found(log, "llm.usage_recorded")}


def test_a_phase_may_fail(log):
    """failure_share 1: every attempt fails with code and message."""
    report = drain(log, executor=executor(failure_share=1.0))

    assert 0 == report.completed
    assert all(event.code and event.message for event in found(log, "phase.failed"))


def test_a_phase_may_be_truncated(log):
    """truncated_share 1: the call uses the whole budget and is marked."""
    drain(log, executor=executor(truncated_share=1.0))
    (used, *_others) = found(log, "llm.usage_recorded")

    assert used.truncated
    assert (used.max_tokens, "max_tokens") == (used.output_tokens, used.stop_reason)
    assert {"truncated"} == {event.failure_class for event in found(log, "phase.failed")}


def test_a_phase_may_use_nothing(log):
    """zero_usage_share 1: completed without a call, with the reason."""
    report = drain(log, executor=executor(zero_usage_share=1.0))

    assert (2, 0) == (report.completed, report.calls)
    assert {"success_no_llm_calls": 2} == report.zero_yield


def test_the_same_seed_gives_the_same_answers():
    """An answer depends on seed, phase and number of the attempt alone."""
    phase = PhaseView(run_id="r", phase_id="p", order=1, category="docs", complexity="low")
    one, other = executor(failure_share=0.5), executor(failure_share=0.5)

    assert [one.answer(phase, n) for n in range(1, 9)] == [
        other.answer(phase, n) for n in range(1, 9)
    ]
    assert 1 < len({one.answer(phase, n) for n in range(1, 9)})


def test_answers_may_come_from_a_history(any_log):
    """With samples of the phase's group, the output is one of theirs."""
    history = [
        Sample(
            position=n, run_id=None, phase_id=None, attempt=None, category="docs",
            complexity="low", predicted_output_tokens=1, actual_output_tokens=tokens,
            success=True, truncated=False, split="measured",
        )
        for n, tokens in enumerate((111, 222))
    ]  # fmt: skip
    create_run(any_log, "r", specs(*"abcdefghijkl"))
    drain(any_log, executor=RecordedExecutor(history=history, latency_scale=0.0, **NO_FAULTS))

    assert {111, 222} == {event.output_tokens for event in found(any_log, "llm.usage_recorded")}


def test_a_cancelled_attempt_ends_early(log):
    """It looks at attempt.cancelled while it waits."""

    class Cancelled:
        cancelled, number, lease_token, budget_tokens = True, 1, "t", 100
        calls = ()

        def progress(self, note):
            pass

        def record_usage(self, **figures):
            self.calls = (*self.calls, figures)

    phase = PhaseView(run_id="r", phase_id="p", order=1, category="docs", complexity="high")
    outcome = RecordedExecutor(latency_scale=1000.0, **NO_FAULTS).execute(phase, Cancelled())

    assert isinstance(outcome, Completed | Failed)


@pytest.mark.parametrize(
    "options",
    [
        {"seed": "abc"},
        {"failure_share": 7},
        {"zero_usage_share": -0.1},
        {"truncated_share": True},
        {"latency_scale": float("nan")},
        {"latency_scale": float("inf")},
    ],
)
def test_odd_options_are_refused(options):
    """Before a phase meets them."""
    with pytest.raises(InvalidInputError) as refused:
        RecordedExecutor(**options)

    assert list(options) == [refused.value.name]

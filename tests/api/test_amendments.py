"""Figures that a call's source corrected later."""

import pytest

import autopack
from autopack import PhaseSpec
from autopack.errors import InvalidInputError


@pytest.fixture
def log(tmp_path):
    """A log with one call of one attempt."""
    with autopack.create_log(tmp_path / "work.db") as log:
        autopack.create_run(log, "r", [PhaseSpec("p", category="docs", complexity="low")])
        with autopack.attempt(log, "r/p") as attempt:
            attempt.record_usage(
                call_id="c1", provider="ex", model="m", input_tokens=5, output_tokens=20
            )
        yield log


def test_totals_and_samples_follow_and_both_figures_stay(log):
    """The amendment names the call's phase and attempt, so the sample is the new one too."""
    amended = autopack.amend_usage(
        log, call_id="c1", provider="ex", why="the bill", output_tokens=30
    )

    assert ("phase-r/p", "r", "p", 1) == (
        amended.stream, amended.event.run_id, amended.event.phase_id, amended.event.attempt,
    )  # fmt: skip
    assert (1, 30) == (autopack.status(log).calls, autopack.status(log).output_tokens)
    assert [30] == [sample.actual_output_tokens for sample in autopack.list_samples(log)]
    assert [20] == [
        recorded.event.output_tokens
        for recorded in autopack.history(log, "r", "p")
        if recorded.type == "llm.usage_recorded"
    ]


def test_the_split_stays_unless_it_is_told(log):
    """A measured call stays measured; a guess can be told."""
    kept = autopack.amend_usage(log, call_id="c1", provider="ex", why="a bill", cost_usd=0.5)
    told = autopack.amend_usage(log, call_id="c1", provider="ex", why="no", split="inferred")

    assert ("measured", "inferred") == (kept.event.split, told.event.split)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"call_id": "c2", "provider": "ex", "output_tokens": 1}, "No call 'c2' of provider 'ex'"),
        ({"call_id": "c1", "output_tokens": 1}, "No call 'c1' of provider None"),
        ({"call_id": "c1", "provider": "ex"}, "given was none"),
        ({"call_id": "c1", "provider": "ex", "tokens": 1}, "given was tokens"),
    ],
)
def test_what_cannot_be_amended_is_refused(log, given, said):
    """An unknown call, and an unknown figure, change nothing."""
    head = log.head()
    with pytest.raises(InvalidInputError, match=said):
        autopack.amend_usage(log, why="the bill", **given)

    assert head == log.head()


def test_an_amendment_of_a_call_that_another_process_recorded_counts_under_caps(tmp_path):
    """Whatever was known of the phase here before: the cap is told by how much."""
    path = tmp_path / "work.db"
    with autopack.create_log(path) as log, autopack.open_log(path) as other:
        autopack.create_run(log, "r", [PhaseSpec("p")], caps={"tokens": 100_000})
        autopack.get_phase(log, "r/p")
        with autopack.attempt(other, "r/p") as attempt:
            autopack.get_phase(log, "r/p")
            with pytest.raises(autopack.errors.MoveRefusedError):
                autopack.requeue(log, "r/p", why="is it free?")
            attempt.record_usage(call_id="c1", model="m", output_tokens=20)
        autopack.amend_usage(log, call_id="c1", why="the bill", input_tokens=5, output_tokens=30)
        (cap,) = (one for one in autopack.get_caps(log, "r") if one.unit == "tokens")

    assert 35 == cap.used

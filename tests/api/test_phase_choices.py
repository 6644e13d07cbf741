"""By whom a phase was taken last, and what its budget rests on."""

import pytest

import autopack
from autopack import Choose, PhaseSpec, Stop
from autopack.errors import PhaseMissingError


def last(view):
    """Take the last phase that is ready."""
    return Choose(view.ready[-1].ref, "the last first") if view.ready else Stop("done")


def write(phase, attempt):
    """Write 90 tokens."""
    attempt.record_usage(model="m", output_tokens=90)


def test_a_drain_says_who_chose_and_why(log):
    """With the calibrator, which gave the budget once it knew enough."""
    autopack.create_run(log, "r", [PhaseSpec(f"p{n}") for n in range(12)])
    autopack.drain(log, executor=write, strategy=last, calibrator="mixture", tau=0.9)
    first, late = (autopack.get_choice(log, f"r/{name}") for name in ("p11", "p0"))

    assert ("last", "the last first", "mixture", 1) == (
        late.strategy, late.reason, late.calibrator, late.attempt,
    )  # fmt: skip
    assert (None, 0.9) == (first.tau, late.tau)
    assert late.budget_basis.startswith("mixture at 0.9: ")
    assert autopack.get_phase(log, "r/p0").budget_tokens == late.budget_tokens


def test_an_attempt_of_ones_own_asked_no_strategy(log):
    """It has a budget all the same."""
    autopack.create_run(log, "r", [PhaseSpec("p")])
    with autopack.attempt(log, "r/p"):
        pass
    found = autopack.get_choice(log, "r/p")

    assert (None, None, "deliverables") == (found.drain, found.strategy, found.estimator)
    assert found.budget_basis


def test_what_was_never_taken_has_none(log):
    """And what is not there is refused."""
    autopack.create_run(log, "r", [PhaseSpec("p")])

    assert autopack.get_choice(log, "r/p") is None
    with pytest.raises(PhaseMissingError):
        autopack.get_choice(log, "r/q")

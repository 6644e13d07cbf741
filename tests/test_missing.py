"""Errors of what is not in a log say what is there, and what was probably meant."""

from autopack.errors import PhaseMissingError, RunMissingError
from autopack.errors.nearest import listed


def test_names_are_listed_in_order_and_a_cut_is_told():
    """A number in a name counts as a number; what is left out is counted."""
    told = listed(f"p{n}" for n in reversed(range(1, 61)))

    assert "p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, … and 50 more" == told
    assert "a, b-2, b-10, c" == listed(["c", "b-10", "a", "b-2"])


def test_the_run_that_was_meant_is_named():
    """One that is spelled nearly so; none where none is near."""
    near = str(RunMissingError("nigthly", known=["weekly", "nightly"]))
    far = str(RunMissingError("x", known=["nightly"]))

    assert near.endswith("in this log. Did you mean 'nightly'? Runs here: nightly, weekly.")
    assert far.endswith("in this log. Runs here: nightly.")


def test_the_phase_that_was_meant_is_named():
    """It is looked for by its id within the run."""
    told = str(PhaseMissingError("nightly/docs-l", known=["tests-1", "docs-1"]))

    assert told.endswith("in this log. Did you mean 'docs-1'? Phases there: docs-1, tests-1.")

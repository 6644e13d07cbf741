"""The attempts of a log as trials: which phases are one task, and whose word is the truth."""

import pytest

from autopack import ANY, Completed, PhaseSpec, advise_models, create_run, drain
from autopack.api.recorded_trials import trials_of_log
from autopack.errors import InvalidInputError, RunMissingError
from autopack.events import PhaseChecked, PhaseJudged


def paid(phase, attempt):
    """Make one call for a cent."""
    attempt.record_usage(model="answered", input_tokens=9, output_tokens=9, cost_usd=0.01)
    return Completed()


class Tests:
    """A check that passes everything."""

    name = "tests"

    def check(self, _work):
        """Say that the work is right."""
        return True


@pytest.fixture
def done(any_log):
    """A log of two runs over the same three tasks, each with its model, all passed."""
    for model in ("small", "large"):
        specs = [PhaseSpec(f"p{n}", goal=f"do {n}", model=model, max_attempts=1) for n in range(3)]
        create_run(any_log, f"with-{model}", specs)
    drain(any_log, executor=paid, check=Tests())
    return any_log


def told(found):
    """Return what trials tell, by task and model."""
    return {(one.task, one.model): (one.right, one.checked, one.is_proven) for one in found.trials}


def test_phases_of_one_id_are_one_task(done):
    """Each with the model that it was claimed with, whatever the answer called itself."""
    found = trials_of_log(done, [], check=None)

    assert {(f"p{n}", m) for n in range(3) for m in ("small", "large")} == set(told(found))
    assert {0.01} == {one.cost_usd for one in found.trials}


def test_some_runs(done):
    """Others are not meant; one that is not there is refused."""
    found = trials_of_log(done, ["with-small"], check=None)

    assert {"small"} == {one.model for one in found.trials}
    with pytest.raises(RunMissingError):
        trials_of_log(done, ["with-tiny"], check=None)


def test_another_goal_is_another_task(done):
    """Ids are given anew in every run; only the same work can be compared."""
    create_run(done, "other", [PhaseSpec("p0", goal="do something else", model="other")])
    drain(done, executor=paid)
    found = trials_of_log(done, [], check=None)

    assert ("p0 (2)", "other") in told(found)
    assert any("1 phase of the same id as one of another" in note for note in found.notes)


def test_a_later_word_is_the_truth(done):
    """A person's, or another check's; the check's own word stays beside it."""
    of = {"run_id": "with-small", "attempt": 1}
    done.append(
        "phase-with-small-said",
        [
            PhaseJudged(**of, phase_id="p0", right=False, by="me", why="looked"),
            PhaseChecked(**of, phase_id="p1", check="hidden", verdict="failed", by="recheck"),
        ],
        expected_version=ANY,
    )
    found = told(trials_of_log(done, [], check=None))

    assert (False, True, True) == found["p0", "small"]
    assert (False, True, True) == found["p1", "small"]
    assert (True, True, False) == found["p2", "small"]


def test_a_check_by_name(done):
    """Its own word is what a chain would go by; another name is refused."""
    found = trials_of_log(done, [], check="tests")

    assert {True} == {one.checked for one in found.trials}
    with pytest.raises(InvalidInputError, match="There are: tests") as caught:
        trials_of_log(done, [], check="lint")
    assert "check" == caught.value.name


def test_a_log_or_a_trace(done, tmp_path):
    """One of them, and not both."""
    for given in ({}, {"log": done, "trace": tmp_path / "m.csv"}):
        with pytest.raises(InvalidInputError, match="a log or a trace"):
            advise_models(**given)

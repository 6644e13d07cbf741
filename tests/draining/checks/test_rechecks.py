"""Work judged again: by people, by checks on what was kept; and how checks have judged."""

import pytest

import autopack
from autopack import Completed, PhaseSpec, create_run, drain, get_phase, judge_phase, recheck
from autopack.errors import (
    InvalidInputError,
    MoveRefusedError,
    NothingToJudgeError,
    RunMissingError,
)
from drains import found, states, works


def gives(phase, live):
    """Record a call, and give the phase's payload as a text."""
    works(phase, live)
    return Completed({"a.md": phase.payload or "text"})


def is_good(work):
    """Pass what is good."""
    return "good" in work.outputs["a.md"] or "it is not good"


@pytest.fixture
def done(any_log):
    """A run of which one phase passed its check, and one did not."""
    phases = [PhaseSpec("p", payload="good"), PhaseSpec("q", payload="bad", max_attempts=1)]
    create_run(any_log, "c", phases)
    drain(any_log, executor=gives, check=is_good)
    return any_log


def test_a_person_says_otherwise_and_the_sample_follows(done):
    """The state stays; the work may be done again, told why."""
    before = {one.phase_id: one.success for one in autopack.list_samples(done)}
    judge_phase(done, "c/p", right=False, why="it drops rows", actor="ann")
    after = {one.phase_id: one.success for one in autopack.list_samples(done)}

    assert ({"p": True, "q": False}, {"p": False, "q": False}) == (before, after)
    assert {"p": "COMPLETE", "q": "FAILED"} == states(done)
    autopack.requeue(done, "c/p", why="again")
    phase = get_phase(done, "c/p")
    assert ("QUEUED", "it drops rows\n\nagain") == (phase.status, phase.feedback)


def test_complete_work_is_not_requeued_without_a_verdict(done):
    """And nothing is judged that was not done."""
    create_run(done, "d", [PhaseSpec("p")])

    with pytest.raises(MoveRefusedError, match="judge_phase"):
        autopack.requeue(done, "c/p", why="again")
    with pytest.raises(NothingToJudgeError):
        judge_phase(done, "d/p", right=True, why="fine")
    with pytest.raises(InvalidInputError):
        judge_phase(done, "c/p", right=True, why=" ")


def test_kept_outputs_are_judged_without_doing_anything(done):
    """Of attempts that passed and of those that failed; each verdict is recorded."""
    n_calls = len(found(done, "llm.usage_recorded"))
    seen = recheck(done, "c", check=["grep", "-q", "bad", "{outputs}/a.md"])

    assert n_calls == len(found(done, "llm.usage_recorded"))
    assert [("c/p", "right", "failed"), ("c/q", "wrong", "passed")] == [
        (one.key, one.before, one.verdict) for one in seen
    ]
    assert {"p": "COMPLETE", "q": "FAILED"} == states(done)
    assert {"p": False, "q": True} == {
        one.phase_id: one.success for one in autopack.list_samples(done)
    }
    checked = found(done, "phase.checked")[-1]
    assert ("recheck", None, 1) == (checked.by, checked.lease_token, checked.attempt)
    assert checked.judging


def test_what_was_named_is_run_again(any_log):
    """A phase's check, its run's, or its drain's; where none was, it has to be said."""
    create_run(any_log, "c", [PhaseSpec("p", check="deliverables"), PhaseSpec("q")])
    drain(any_log, executor=gives, check=["true"])
    create_run(any_log, "d", [PhaseSpec("p")])
    drain(any_log, executor=gives)

    assert ["deliverables", "true"] == [one.check for one in recheck(any_log, "c")]
    assert ["true"] == [one.check for one in recheck(any_log, "c", phase_id="q")]
    with pytest.raises(InvalidInputError, match="check"):
        recheck(any_log, "d")
    with pytest.raises(RunMissingError):
        recheck(any_log, "none", check=["true"])


def test_a_check_is_measured_by_what_was_said_since(done):
    """False passes among work that is wrong, false failures among that which is right."""
    (before,) = autopack.checks(done)
    judge_phase(done, "c/p", right=False, why="no")
    judge_phase(done, "c/q", right=True, why="yes")
    (after,) = autopack.checks(done)

    assert ("is_good", 2, 1, 1, 0) == (
        before.check, before.judged, before.passed, before.failed, before.could_not_run
    )  # fmt: skip
    assert (0, None) == (before.false_passes.known, before.false_passes.share)
    assert (1, 1, 1.0) == (
        after.false_passes.errors, after.false_passes.known, after.false_passes.share
    )  # fmt: skip
    assert (1, 1) == (after.false_failures.errors, after.false_failures.known)
    assert 0 < after.false_passes.low < after.false_passes.high == 1


def test_checks_that_judge_together_are_no_verdicts_on_each_other(any_log):
    """Of two checks of one attempt neither is the truth about the other; a recheck is."""
    create_run(any_log, "c", [PhaseSpec("p", max_attempts=1)])
    checks = [{"name": "lint", "run": ["true"]}, {"name": "tests", "run": ["false"]}]
    drain(any_log, executor=gives, check=checks)
    together = {one.check: one.false_passes.known for one in autopack.checks(any_log)}
    recheck(any_log, "c", check={"name": "other", "run": ["false"]})
    since = {one.check: one.false_passes for one in autopack.checks(any_log)}

    assert {"lint": 0, "tests": 0} == together
    assert [(1, 1), (0, 1), (0, 0)] == [
        (since[name].errors, since[name].known) for name in ("lint", "tests", "other")
    ]

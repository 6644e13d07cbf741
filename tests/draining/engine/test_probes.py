"""A probe: one phase before many, and named checks."""

import pytest

from autopack import Failed, NeedsPerson, Stop, Wait, create_run, drain, pause_run, probe
from autopack.errors import NothingReadyError
from autopack.report.probe_text import probe_text
from drains import specs, states


def good(_phase, attempt):
    attempt.record_usage(
        model="m", input_tokens=100, output_tokens=300, cost_usd=0.01, cost_source="reported"
    )


def silent(_phase, _attempt):
    return None


def guesses(_phase, attempt):
    attempt.record_usage(model="m", output_tokens=300, split="inferred")


def empty(_phase, attempt):
    attempt.record_usage(model="m", output_tokens=41)


def cut(_phase, attempt):
    attempt.record_usage(model="m", output_tokens=99_000, truncated=True)


def fails(_phase, _attempt):
    return Failed("tests_failed", "two of nine", retryable=True)


def verdict(report):
    return {check.name: check.is_ok for check in report.checks}


def test_a_good_phase_is_a_go(log):
    """Every check holds, and only that phase was taken."""
    report = probe(log, executor=good)

    assert (True, "r/p1") == (report.is_go, report.phase)
    assert {True} == set(verdict(report).values())
    assert {"p1": "COMPLETE", "p2": "QUEUED"} == states(log)


@pytest.mark.parametrize(
    ("executor", "is_go", "failing"),
    [
        (silent, False, {"usage_recorded", "split_measured", "output_plausible", "cost_reported"}),
        (guesses, False, {"split_measured", "cost_reported"}),
        (empty, True, {"output_plausible", "cost_reported"}),
        (cut, True, {"within_budget", "cost_reported"}),
        (fails, False, {"completed", "usage_recorded", "split_measured", "output_plausible",
                        "cost_reported"}),
        (lambda _p, _a: NeedsPerson("merge?"), False,
         {"completed", "usage_recorded", "split_measured", "output_plausible", "cost_reported"}),
    ],
)  # fmt: skip
def test_each_check_has_its_name(log, executor, is_go, failing):
    """What fails is named; warnings alone are still a go."""
    report = probe(log, executor=executor)

    assert is_go == report.is_go
    assert failing == {name for name, is_ok in verdict(report).items() if not is_ok}


def test_a_probe_tries_once(log):
    """A retryable failure is not tried again by the probe."""
    report = probe(log, executor=fails, run_id="r", phase_id="p2", backoff_base_s=0.0)

    assert ("r/p2", 1) == (report.phase, report.drain.attempts)


def test_nothing_to_try_is_an_error(log):
    """A paused run has no phase to try: the error says why, and nothing is written."""
    pause_run(log, "r", why="w")
    before = log.head()

    with pytest.raises(NothingReadyError, match=r"blocked: 2 queued .*, 2 x its run is paused"):
        probe(log, executor=good)
    assert before == log.head()


@pytest.mark.parametrize("answer", [Stop("enough"), Wait("for nothing")])
def test_a_strategy_that_takes_nothing_is_asked_before_anything_is_written(log, answer):
    """It is a pure function, so that what it would say is known beforehand."""
    before = log.head()

    with pytest.raises(NothingReadyError, match=f"strategy: .*{answer.reason}"):
        probe(log, executor=good, strategy=lambda _view: answer)
    assert before == log.head()


def test_a_finished_run_has_nothing_to_try(log):
    """An empty queue is said to be empty, and nothing is written."""
    drain(log, executor=good)
    before = log.head()

    with pytest.raises(NothingReadyError, match=r"\(empty\)"):
        probe(log, executor=good)
    assert before == log.head()


def test_a_phase_that_cannot_be_claimed_is_a_no_go(any_log):
    """What shows only at the claim is in the log by then: a report, and no refusal."""
    create_run(any_log, "r", specs("a"), caps={"usd": 0.5})
    report = probe(any_log, executor=good)

    assert (None, False, ["claimed"]) == (
        report.phase, report.is_go, [check.name for check in report.checks],
    )  # fmt: skip
    assert probe_text(report).startswith("NO-GO: no phase\n  FAILED   claimed")


def test_the_last_attempt_is_what_is_shown(any_log):
    """An earlier attempt's calls are not this one's."""
    create_run(any_log, "s", specs("a"))
    probe(any_log, executor=lambda p, a: good(p, a) or fails(p, a), backoff_base_s=0.0)
    report = probe(any_log, executor=silent)

    assert not verdict(report)["usage_recorded"]


def test_a_probe_of_an_empty_log_asks_whether_it_is_the_right_one(any_log):
    """It names no option that a probe does not have, and writes nothing."""
    with pytest.raises(NothingReadyError, match="no runs and no phases; is it the right one"):
        probe(any_log, executor=empty)

    assert 0 == any_log.head().position

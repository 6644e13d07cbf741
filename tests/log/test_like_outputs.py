"""What phases that list nothing to be written are budgeted by: what like phases wrote."""

import pytest

import autopack
from autopack import PhaseSpec

USUAL = 17203


def wrote(*sizes):
    """Return an executor that writes outputs of these sizes, one after the other."""
    left = iter(sizes)

    def executor(_phase, attempt):
        budgets.append(attempt.budget_tokens)
        attempt.record_usage(model="m", input_tokens=10, output_tokens=next(left))

    budgets: list[int] = []
    return executor, budgets


def drained(log, *sizes, **settings):
    """Drain as many phases as *sizes*; return the budgets that they were given."""
    executor, budgets = wrote(*sizes)
    autopack.drain(log, executor=executor, max_phases=len(sizes), workers=1, **settings)
    return budgets


@pytest.fixture
def queue(log):
    """Return a log with a run of ten phases that have nothing but an id."""
    autopack.create_run(log, "r", [PhaseSpec(f"p{n}") for n in range(10)])
    return log


def test_three_are_enough(queue):
    """The usual figure holds until three like phases are known; then twice the largest."""
    found = drained(queue, 9_000, 10_000, 8_000, 7_000)

    assert [USUAL, USUAL, USUAL, 20_000] == found


def test_the_next_drain_knows_them(tmp_path):
    """Another process finds what was written in the run, once its views are kept."""
    with autopack.create_log(tmp_path / "x.autopack") as log:
        autopack.create_run(log, "r", [PhaseSpec(f"p{n}") for n in range(10)])
        drained(log, 9_000, 10_000, 8_000)
    with autopack.open_log(tmp_path / "x.autopack") as log:
        found = drained(log, 10)

    assert [20_000] == found


def test_small_answers_leave_room(queue):
    """A budget ends what runs away: below 4,096 it is not worth a cut answer."""
    found = drained(queue, 30, 50, 40, 45)

    assert 4096 == found[-1]


def test_the_ceiling_holds(queue):
    """Not more than 64,000 tokens, whatever was written."""
    found = drained(queue, 50_000, 40_000, 45_000, 1)

    assert 64_000 == found[-1]


def test_own_loops_have_it_too(queue):
    """A block that is opened after three others is given what they wrote."""
    for n in range(3):
        with autopack.attempt(queue, f"r/p{n}") as attempt:
            attempt.record_usage(model="m", output_tokens=9_000)
    with autopack.attempt(queue, "r/p3") as attempt:
        budget = attempt.budget_tokens

    assert 18_000 == budget


def test_failures_say_nothing(queue):
    """An output that stopped with its attempt is not how large one becomes."""
    for n in range(4):
        with pytest.raises(ValueError, match="no"), autopack.attempt(queue, f"r/p{n}") as attempt:
            attempt.record_usage(model="m", output_tokens=9_000)
            raise ValueError("no")

    assert [USUAL] == drained(queue, 1)


def test_others_do_not_count(log):
    """Phases with deliverables, of other kinds or runs, keep their own budgets."""
    listed = PhaseSpec("listed", deliverables=["create src/a.py"])
    autopack.create_run(log, "r", [*(PhaseSpec(f"p{n}") for n in range(3)), listed])
    autopack.create_run(log, "s", [PhaseSpec("p")])
    drained(log, 30_000, 30_000, 30_000, run_id="r")

    assert 60_000 != drained(log, 1, run_id="r")[0]
    assert [USUAL] == drained(log, 1, run_id="s")


def test_it_says_why(queue):
    """The estimate that is recorded tells where the budget comes from."""
    drained(queue, 9_000, 10_000, 8_000, 1)
    said = [one.event for one in queue.read("phase-r/p3") if one.type == "phase.estimated"]

    assert "twice the largest of 3 outputs of like phases, 10000" == said[0].budget_basis


def test_a_chosen_calibrator_comes_first(queue):
    """Who names a calibrator budgets by that alone."""
    drained(queue, 30_000, 30_000, 30_000)
    executor, budgets = wrote(1)
    autopack.drain(
        queue, executor=executor, max_phases=1, workers=1, calibrator="shrinkage-quantile"
    )

    assert 60_000 not in budgets

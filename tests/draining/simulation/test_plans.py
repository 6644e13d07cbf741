"""--dry-run: what a drain would do."""

import sys

import pytest
from click.testing import CliRunner

from autopack import Choose, Drain, Stop, Wait, create_run
from autopack.cli.main import autopack as command
from autopack.errors import EmptyLogError, RunMissingError
from drains import specs, works


def test_a_plan_is_in_order_with_estimates(log):
    """Each phase with the strategy's reason, its prediction and its budget."""
    plan = Drain(log, executor=works).plan()

    assert ["p1", "p2"] == [planned.ref.phase_id for planned in plan]
    assert "first of 2 ready, by run and index" == plan[0].reason
    assert all(planned.budget_tokens >= planned.predicted_output_tokens for planned in plan)


def test_a_plan_writes_nothing(filed, log_path):
    """Neither an event nor a byte of the file changes."""
    filed.refresh_views()
    files = sorted(log_path.parent.glob("log.db*"))
    before = (filed.head(), {file.name: file.read_bytes() for file in files})
    Drain(filed, executor=works).plan()

    assert before == (filed.head(), {file.name: file.read_bytes() for file in files})


def test_a_plan_is_as_long_as_its_limits(log):
    """max_phases cuts it, and so does the caller."""
    create_run(log, "s", specs(*"abcdef"))

    assert 3 == len(Drain(log, executor=works, max_phases=3).plan())
    assert 1 == len(Drain(log, executor=works).plan(1))


def test_a_plan_follows_the_strategy(log):
    """The strategy is asked again with what is left."""
    plan = Drain(
        log, executor=works, strategy=lambda view: Choose(view.ready[-1].ref, "last")
    ).plan()

    assert [("p2", "last"), ("p1", "last")] == [(p.ref.phase_id, p.reason) for p in plan]


@pytest.mark.parametrize("answer", [Stop("enough"), Wait("enough")])
def test_a_plan_says_why_the_strategy_takes_no_more(log, answer):
    """A strategy that stops or waits is quoted; one that took everything is not."""
    stopped = Drain(log, executor=works, strategy=lambda view: answer).plan()
    whole = Drain(log, executor=works).plan()

    assert ([], "enough") == (stopped, stopped.ended)
    assert whole.ended is None


def test_a_dry_run_prints_why_nothing_is_taken(filed, log_path, tmp_path):
    """The reason of a strategy that only stops is on stderr."""
    file = tmp_path / "mine.py"
    file.write_text("import autopack\n\n\ndef stops(view):\n    return autopack.Stop('enough')\n")
    words = ["--log", str(log_path), "drain", "--strategy", f"{file}:stops", "--dry-run"]

    assert "takes no phase: enough" in CliRunner().invoke(command, words).stderr


def test_a_plan_refuses_what_a_drain_would(log, any_log):
    """A missing run is an error here too."""
    with pytest.raises(RunMissingError):
        Drain(log, executor=works, run_id="none").plan()


def test_a_plan_of_an_empty_log_is_refused(any_log):
    """Planning nothing is as suspicious as draining nothing."""
    with pytest.raises(EmptyLogError):
        Drain(any_log, executor=works).plan()


def calls_of(work):
    """Count the calls of Python functions that something makes."""
    n_calls = 0

    def count(_frame, event, _argument):
        nonlocal n_calls
        n_calls += event == "call"

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(before)
    return n_calls


def test_a_chain_of_phases_is_planned_one_after_the_other(another):
    """Eight times the phases take eight times the work, though each comes after another."""
    counts = []
    for n in (25, 200):
        log, run_id = another(), f"of-{n}"
        chain = [spec for i in range(n) for spec in specs(f"p{i}", after=(f"p{i - 1}",) * (i > 0))]
        create_run(log, run_id, chain)
        planner = Drain(log, executor=works, run_id=run_id)
        planned = planner.plan(1)
        counts.append(calls_of(lambda: planned.extend(planner.plan())))  # noqa: B023

        assert [f"p{i}" for i in range(n)] == [one.ref.phase_id for one in planned[1:]]

    assert counts[1] < 8 * 1.25 * counts[0]

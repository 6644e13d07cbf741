"""Strategies in real drains: what they choose is claimed, and each act is on record."""

from collections import Counter

import pytest

from autopack import Completed, Drain, Failed, create_run, drain, get_phase, open_log, pause_run
from autopack.draining.strategies.triage import Triage
from autopack.values.ids import PhaseRef
from drains import found, specs, states


class Fails:
    """Fails the named phases until it is told not to; the others complete with one call."""

    def __init__(self, *names: str) -> None:
        self.names, self.seen = set(names), []

    def execute(self, phase, attempt):
        self.seen.append(phase.key)
        if phase.key in self.names or phase.phase_id in self.names:
            return Failed("tests_failed", f"{len(self.seen)} tests failed", retryable=False)
        attempt.record_usage(model="m", input_tokens=10, output_tokens=900)
        return Completed()


def test_priority_is_drained_first(any_log):
    """Urgent phases come first, and a phase after another one comes after it all the same."""
    create_run(any_log, "r", [
        *specs("a"), *specs("b", priority=9, after="d"), *specs("c", priority=5), *specs("d"),
    ])  # fmt: skip
    executor = Fails()
    drain(any_log, executor=executor, strategy="priority")

    assert ["r/c", "r/a", "r/d", "r/b"] == executor.seen


def test_triage_gives_a_hopeless_run_up(any_log):
    """A run that fails as another one did is left after its first phase; the rest is done."""
    for run in ("bad1", "good", "bad2"):
        create_run(any_log, run, specs(*(f"{run}-{n}" for n in range(4))))
    executor = Fails(*(f"{run}-{n}" for run in ("bad1", "bad2") for n in range(4)))
    report = drain(any_log, executor=executor, strategy="triage")

    assert ["bad1/bad1-0", "good/good-0", "bad2/bad2-0"] == executor.seen[:3]
    assert 4 == report.completed
    assert "bad2" not in [key.partition("/")[0] for key in executor.seen[3:]]
    assert ("strategy", True) == (report.reason, "none is hopeful" in report.detail)


def test_triage_with_many_workers_samples_first(any_log):
    """However many are free, a run gives one phase until its first result is there."""
    create_run(any_log, "r", specs(*"abcdef"))
    most = Counter()

    def execute(phase, attempt):
        most["at once"] = max(most["at once"], len(engine.status()["in_work"]))
        most["seen"] += 1
        if most["seen"] == 1:
            most["first"] = len(engine.status()["in_work"])
        attempt.record_usage(model="m", output_tokens=9)

    engine = Drain(any_log, executor=execute, strategy="triage", workers=4)
    report = engine.run()

    assert (6, 1) == (report.completed, most["first"])


@pytest.mark.parametrize("strategy", ["fifo", "retry-failed"])
def test_failed_phases_are_retried_as_recorded_acts(any_log, strategy):
    """retry-failed requeues each with its reason and drain, takes it once, and leaves the rest."""
    create_run(any_log, "r", specs("a", "b"))
    drain(any_log, executor=Fails("a", "b"))
    create_run(any_log, "s", specs("c"))
    executor = Fails("b")
    report = drain(any_log, executor=executor, strategy=strategy)

    if strategy == "fifo":
        assert ["s/c"] == executor.seen
        return
    assert ["r/a", "r/b"] == executor.seen
    assert {"a": "COMPLETE", "b": "FAILED", "c": "QUEUED"} == states(any_log)
    requeued = found(any_log, "phase.requeued")
    assert [("r", "a"), ("r", "b")] == [(one.run_id, one.phase_id) for one in requeued]
    assert all(report.drain_id in one.by and one.why for one in requeued)
    assert (2, 3) == (
        len(found(any_log, "run.reopened")), len(found(any_log, "run.finished")),
    )  # fmt: skip
    assert "strategy" == report.reason


def test_a_retry_that_cannot_be_is_not_tried(any_log):
    """A failed phase of a paused run, or after an undone one, stays as it is."""
    create_run(any_log, "p", specs("a", "z"))
    create_run(any_log, "q", specs("b"))
    drain(any_log, executor=Fails("a", "b"), max_phases=1)
    pause_run(any_log, "p", why="wait")
    drain(any_log, executor=Fails("b"))
    executor = Fails()
    drain(any_log, executor=executor, strategy="retry-failed")

    assert ["q/b"] == executor.seen
    assert "FAILED" == get_phase(any_log, PhaseRef("p", "a")).status


def test_a_plan_of_retries_writes_nothing(any_log):
    """A dry run says which phases would be put back, and puts none."""
    create_run(any_log, "r", specs("a", "b", "c"))
    drain(any_log, executor=Fails("a", "c"))
    before = any_log.head().position
    plan = Drain(any_log, executor=Fails(), strategy="retry-failed").plan()

    assert [("a", True), ("c", True)] == [(p.ref.phase_id, p.is_retry) for p in plan]
    assert before == any_log.head().position


def test_a_plan_follows_what_comes_after(any_log):
    """Phases that wait for others are planned once those would be done."""
    create_run(any_log, "r", [*specs("a", after="b"), *specs("b"), *specs("c", after="a")])
    plan = Drain(any_log, executor=Fails()).plan()

    assert ["b", "a", "c"] == [planned.ref.phase_id for planned in plan]


def test_explore_drains_until_its_groups_are_known(any_log):
    """It stops before the queue is empty, counts what the log knew, and says why it chose."""
    create_run(any_log, "r", specs(*(f"p{n}" for n in range(30))))
    report = drain(any_log, executor=Fails(), strategy="explore")
    again = drain(any_log, executor=Fails(), strategy="explore")
    (first, *_others) = found(any_log, "drain.phase_selected")

    assert 3 < report.completed < 15
    assert (0, "strategy") == (again.attempts, again.reason)
    assert "docs/low is least known" in first.reason


def test_a_drain_that_was_killed_leaves_retries_in_the_queue(sqlite_log, log_path):
    """A phase that was put back and not done is taken by the next retry-failed."""
    create_run(sqlite_log, "r", specs("a", "b"))
    drain(sqlite_log, executor=Fails("a", "b"))

    def stop(phase, attempt):
        engine.stop(grace_s=0)
        while not attempt.cancelled:
            pass

    engine = Drain(sqlite_log, executor=stop, strategy="retry-failed")
    engine.run()
    assert "QUEUED" == get_phase(sqlite_log, PhaseRef("r", "a")).status
    executor = Fails()
    with open_log(log_path) as log:
        drain(log, executor=executor, strategy="retry-failed")

    assert ["r/a", "r/b"] == executor.seen


def test_a_drain_with_options_is_gone_on_with(any_log):
    """--resume brings the options of a strategy back with its name."""
    create_run(any_log, "r", specs(*(f"p{n}" for n in range(12))))
    drain(any_log, executor="recorded", strategy=Triage(max_zero_yield=None), max_phases=1)
    drain(any_log, resumes="last", max_phases=2)
    first, second = (one.settings["strategy_options"] for one in found(any_log, "drain.started"))

    assert first == second
    assert first["max_zero_yield"] is None

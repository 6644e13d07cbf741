"""The old system's backlog is planned, with reasons, and left as it is."""

import pytest

from autopack import Drain, create_log, import_history, open_log, simulate

pytest.importorskip("autopack_legacy")

pytestmark = pytest.mark.real


@pytest.fixture
def backlog(real_data, tmp_path):
    """Return the path of a log with the first database in it."""
    with create_log(tmp_path / "l.db") as log:
        import_history(log, "autopack-legacy", real_data / "autopack_legacy.db")
    return tmp_path / "l.db"


@pytest.mark.parametrize(("strategy", "n"), [("triage", 106), ("retry-failed", 204)])
def test_a_plan_of_the_backlog(backlog, strategy, n):
    """
    Each phase once, with a reason and what it needs; no byte of the log changes.

    One run has used 437,630 of its 300,000 tokens, so that three phases of it are held.
    """
    before = backlog.read_bytes()
    with open_log(backlog) as log:
        plan = Drain(log, executor="recorded", strategy=strategy).plan()

    assert n == len(plan) == len({planned.ref for planned in plan})
    assert all(planned.reason and planned.predicted_output_tokens > 0 for planned in plan)
    assert all((strategy == "retry-failed") == planned.is_retry for planned in plan)
    assert before == backlog.read_bytes()


def test_each_run_is_sampled_first(backlog):
    """The plan of triage begins with one phase of each run."""
    with open_log(backlog) as log:
        plan = Drain(log, executor="recorded", strategy="triage").plan()
    runs = [planned.ref.run_id for planned in plan]

    assert len(set(runs)) == len(set(runs[: len(set(runs))]))


def test_the_history_is_simulated(backlog):
    """All phases that ended; their guessed splits give no sample, and say so by having none."""
    with open_log(backlog) as log:
        fifo, triage = simulate(log, ["fifo", "triage"])

    assert (348, 141) == (fifo.completed + fifo.failed, fifo.completed)
    assert triage.hopeless_tokens < fifo.hopeless_tokens
    assert (0, None) == (fifo.samples, fifo.widest)

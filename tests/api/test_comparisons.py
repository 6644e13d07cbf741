"""Two runs beside each other: what differs is told, whatever it is."""

import pytest

import autopack
from autopack import Failed, PhaseSpec
from autopack.errors import InvalidInputError, RunMissingError
from autopack.testing.clock import VirtualClock
from autopack.testing.facts import append_all, usage
from autopack.values.money import Usd


@pytest.fixture
def log():
    """Time stands still, so that phases take none unless a test says so."""
    with autopack.create_log("memory:", clock=VirtualClock()) as log:
        yield log


def drained(log, run, phases, work=None):
    """Make a run of phases and drain it; *work* is called with the phase and its attempt."""
    autopack.create_run(log, run, [PhaseSpec(name, max_attempts=1) for name in phases])

    def execute(phase, attempt):
        return (work or _same)(phase, attempt)

    autopack.drain(log, executor=execute)


def _same(phase, attempt):
    attempt.record_usage(model="m", input_tokens=1, output_tokens=9, cost_usd="0.5")


def differs(found):
    """Return in what each phase differs, but for the time that it took."""
    told = {one.phase_id: {*one.differs} - {"seconds"} for one in found.changed}
    return {name: what for name, what in told.items() if what}


class TestTwoRuns:
    """Phases are matched by their ids."""

    def test_runs_that_are_alike_differ_in_nothing_but_time(self, log):
        """Each phase is counted once."""
        drained(log, "a", "xyz")
        drained(log, "b", "xyz")
        found = autopack.compare(log, "a", "b")

        assert {} == differs(found)
        assert 3 == found.same + len(found.changed)
        assert (found.a.work.tokens, found.a.work.cost_usd) == (30, Usd("1.5"))
        assert found.a.work.tokens == found.b.work.tokens

    def test_what_differs_is_named(self, log):
        """State and reason, tokens, cost, attempts."""

        def other(phase, attempt):
            if phase.phase_id == "failed":
                _same(phase, attempt)
                return Failed("tests_failed", "two of nine", retryable=False)
            more = {"output_tokens": 99} if phase.phase_id == "larger" else {"output_tokens": 9}
            cost = {"dearer": "0.75", "unpriced": None}.get(phase.phase_id, "0.5")
            attempt.record_usage(model="m", input_tokens=1, cost_usd=cost, **more)
            return None

        names = ("failed", "larger", "dearer", "unpriced", "same")
        drained(log, "a", names)
        drained(log, "b", names, other)
        found = autopack.compare(log, "a", "b")

        assert {
            "failed": {"state", "reason"},
            "larger": {"tokens"},
            "dearer": {"cost_usd"},
            "unpriced": {"cost_usd"},
        } == differs(found)
        assert "failed" == found.changed[0].phase_id
        assert "two of nine" == found.changed[0].b.reason
        assert (None, 1) == next(
            (one.b.cost_usd, one.b.calls_without_cost)
            for one in found.changed
            if one.phase_id == "unpriced"
        )
        assert ({"COMPLETE": 5}, {"COMPLETE": 4, "FAILED": 1}) == (
            found.a.phases_by_state,
            found.b.phases_by_state,
        )

    def test_a_phase_that_only_one_has_is_named(self, log):
        """On its side, in its order."""
        drained(log, "a", ("z", "y", "both"))
        drained(log, "b", ("both", "new"))
        found = autopack.compare(log, "a", "b")

        assert (("z", "y"), ("new",)) == (found.only_in_a, found.only_in_b)
        assert (3, 2) == (found.a.phases, found.b.phases)

    def test_all_attempts_at_a_phase_are_its_work(self, log):
        """Those that failed too."""

        def second_time(phase, attempt):
            _same(phase, attempt)
            return Failed("flaky", "once", retryable=True) if attempt.number == 1 else None

        for run, work in (("a", _same), ("b", second_time)):
            autopack.create_run(log, run, [PhaseSpec("x")])
            autopack.drain(log, executor=work)
        [one] = autopack.compare(log, "a", "b").changed

        assert {"attempts", "tokens", "cost_usd"} == {*one.differs} - {"seconds"}
        assert (2, 20, Usd("1")) == (one.b.attempts, one.b.tokens, one.b.cost_usd)

    def test_totals_are_those_of_usage(self, log):
        """There is one account."""
        drained(log, "a", "xy")
        drained(log, "b", "x")
        found = autopack.compare(log, "a", "b")
        rows = {row.group["run"]: row for row in autopack.usage(log, by="run").rows}

        assert [rows["a"].cost_usd, rows["b"].cost_usd] == [
            found.a.work.cost_usd,
            found.b.work.cost_usd,
        ]

    def test_a_run_that_only_calls_name_has_its_totals(self, log):
        """As imports leave some behind."""
        drained(log, "a", "x")
        append_all(log, [usage("c1", "implied", None, input_tokens=1, output_tokens=2)])
        found = autopack.compare(log, "a", "implied")

        assert (("x",), 3) == (found.only_in_a, found.b.work.tokens)

    @pytest.mark.parametrize("pair", [("a", "c"), ("c", "a")])
    def test_a_run_that_is_not_there_is_refused(self, log, pair):
        """By name."""
        drained(log, "a", "x")

        with pytest.raises(RunMissingError, match="'c'"):
            autopack.compare(log, *pair)

    def test_a_run_is_not_compared_with_itself(self, log):
        """Nothing could differ, so something else was meant."""
        drained(log, "a", "x")

        with pytest.raises(InvalidInputError, match="itself"):
            autopack.compare(log, "a")
        with pytest.raises(InvalidInputError, match="itself"):
            autopack.compare(log, "a", "a")


class TestMoments:
    """One run, then and later."""

    def test_a_run_at_two_moments(self, log):
        """What was not there yet is only in the later one."""
        autopack.create_run(log, "a", [PhaseSpec("x")])
        then = log.head().position
        autopack.queue_phases(log, "a", [PhaseSpec("late")])
        autopack.drain(log, executor=_same)
        found = autopack.compare(log.as_of(then), "a", other=log)
        [one] = found.changed

        assert ("QUEUED", "COMPLETE") == (one.a.state, one.b.state)
        assert (("late",), then) == (found.only_in_b, found.a.position)
        assert found.a.at is not None
        assert found.b.at is None

    def test_a_run_in_two_logs(self, log):
        """Of one id, or of two."""
        drained(log, "a", "x")
        with autopack.create_log("memory:") as other:
            drained(other, "a", "xy")
            drained(other, "b", "x")

            assert ("y",) == autopack.compare(log, "a", other=other).only_in_b
            assert () == autopack.compare(log, "a", "b", other=other).only_in_b

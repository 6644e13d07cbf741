"""What became of runs: done, cost, failures by kind, what waits, what to type."""

from datetime import UTC, datetime, timedelta

import pytest

import autopack
from autopack import Failed, NeedsPerson, PhaseSpec
from autopack.errors import InvalidInputError, RunMissingError
from autopack.events import LaneRested, PhaseFailed
from autopack.testing.clock import VirtualClock
from autopack.testing.facts import append_all, created, queued
from autopack.values.money import Usd

START = datetime(2026, 3, 3, 22, tzinfo=UTC)


@pytest.fixture
def clock():
    return VirtualClock(START)


@pytest.fixture
def log(clock, tmp_path):
    """A log whose time is moved by hand."""
    with autopack.create_log(tmp_path / "work.db", clock=clock) as log:
        yield log


def drained(log, run="nightly", n=3, outcomes=None, **settings):
    """Make a run of ``p0`` to ``pN`` and drain it; *outcomes* are by phase."""
    phases = [PhaseSpec(f"p{i}", max_attempts=1) for i in range(n)]
    autopack.create_run(log, run, phases, caps=settings.pop("caps", None))

    def execute(phase, attempt):
        attempt.record_usage(model="m", input_tokens=10, output_tokens=5, cost_usd="0.25")
        return (outcomes or {}).get(phase.phase_id)

    autopack.drain(log, executor=execute, **settings)


def steps(found):
    """Return the commands without their beginning."""
    return [step.partition(".db ")[2] for step in found.steps]


class TestRuns:
    """Whose report it is."""

    def test_a_run_is_told_from_its_beginning(self, log, clock):
        """However long ago that was, with its caps and all that it used."""
        drained(log, caps={"tokens": 100_000})
        clock.now = START + timedelta(days=9)
        found = autopack.report_runs(log, "nightly")
        [run] = found.runs

        assert ({"COMPLETE": 3}, 3, "succeeded") == (
            run.phases_by_state,
            run.phases,
            run.status,
        )
        assert (Usd("0.75"), 45) == (found.total.cost_usd, found.total.use.total_tokens)
        assert [("tokens", 100_000, 45)] == [(cap.unit, cap.cap, cap.used) for cap in found.caps]
        assert (START.date(), None) == (found.began.date(), found.since)

    def test_without_a_run_it_is_the_last_day(self, log, clock):
        """Runs in which something happened; what they did before is not counted."""
        drained(log, "old")
        clock.now = START + timedelta(days=9)
        drained(log, "new", n=2)
        found = autopack.report_runs(log)

        assert ["new"] == [run.run_id for run in found.runs]
        assert (2, clock.now - timedelta(days=1)) == (found.total.use.calls, found.since)

    def test_since_is_a_moment(self, log, clock):
        """Of a run that is named, too: what came before is left out of the sums."""
        drained(log)
        clock.now = START + timedelta(days=2)
        autopack.queue_phases(log, "nightly", [PhaseSpec("late")])
        autopack.drain(log, executor=lambda phase, attempt: None)
        found = autopack.report_runs(log, "nightly", since=START + timedelta(days=1))

        assert (0, {"COMPLETE": 4}) == (found.total.use.calls, found.phases_by_state)
        assert found.began > START + timedelta(days=1)

    def test_several_runs_are_summed(self, log):
        """And each has its line."""
        drained(log, "a", 2)
        drained(log, "b", 1, {"p0": Failed("no", "it broke", retryable=False)})
        found = autopack.report_runs(log, ["a", "b"])

        assert {"COMPLETE": 2, "FAILED": 1} == found.phases_by_state
        assert [2, 1] == [run.use.use.calls for run in found.runs]

    def test_its_sums_are_those_of_usage(self, log):
        """There is one account."""
        drained(log, "a", 2)
        drained(log, "b", 1)

        assert autopack.usage(log).total.use == autopack.report_runs(log).total.use

    def test_what_is_not_there_is_refused(self, log):
        """A run by name, a moment without a zone."""
        drained(log)

        with pytest.raises(RunMissingError, match="Did you mean 'nightly'"):
            autopack.report_runs(log, "nightli")
        with pytest.raises(InvalidInputError, match="time zone"):
            autopack.report_runs(log, since=datetime(2026, 1, 1))

    def test_an_empty_log_has_nothing_to_tell(self, log):
        """And says what to do first."""
        found = autopack.report_runs(log)

        assert ((), 0) == (found.runs, found.total.use.calls)

    def test_the_past_has_its_report(self, log, clock):
        """As it was then; nothing can be typed into the past."""
        drained(log, n=1)
        then = log.head().position
        drained(log, "later", n=1)
        found = autopack.report_runs(log.as_of(then))

        assert (["nightly"], ()) == ([run.run_id for run in found.runs], found.steps)


class TestFailures:
    """By kind, with counts, cost and one message."""

    def test_failures_that_are_alike_are_one_kind(self, log):
        """The largest first."""
        drained(
            log,
            n=5,
            outcomes={
                "p0": Failed("tests_failed", "2 of 14 tests failed", retryable=False),
                "p1": Failed("schema", "no JSON", retryable=False),
                "p2": Failed("tests_failed", "3 of 14 tests failed", retryable=False),
            },
        )
        first, second = autopack.report_runs(log, "nightly").failures

        assert (2, 2, Usd("0.5")) == (first.attempts, first.phases, first.use.cost_usd)
        assert ("nightly/p2", "3 of 14 tests failed") == (first.phase, first.message)
        assert (1, 1, "no JSON") == (second.attempts, second.phases, second.message)

    def test_an_attempt_that_was_made_good_has_cost_too(self, log):
        """It is told, and no phase stands failed because of it."""
        autopack.create_run(log, "nightly", [PhaseSpec("p0")])

        def second_time(phase, attempt):
            attempt.record_usage(model="m", input_tokens=1, output_tokens=1, cost_usd="0.25")
            return Failed("flaky", "once", retryable=True) if attempt.number == 1 else None

        autopack.drain(log, executor=second_time)
        [kind] = autopack.report_runs(log, "nightly").failures

        assert (1, 0, Usd("0.25")) == (kind.attempts, kind.phases, kind.use.cost_usd)
        assert ("nightly/p0", "once") == (kind.phase, kind.message)

    def test_an_attempt_that_told_of_no_call_is_counted(self, log):
        """What it cost is not known, and not said to be nothing."""
        autopack.create_run(log, "nightly", [PhaseSpec("p0"), PhaseSpec("p1", max_attempts=1)])

        def silent(phase, attempt):
            if phase.phase_id == "p1":
                return Failed("rate", "429", failure_class="quota", retryable=False)
            return None

        autopack.drain(log, executor=silent)
        found = autopack.report_runs(log, "nightly")
        [kind] = found.failures

        assert (1, 0) == (found.silent, found.total.use.calls)
        assert ("quota", "429") == (kind.failure_class, kind.message)

    def test_a_failure_without_an_attempt_is_told_too(self, log):
        """As imports bring them in."""
        failed = PhaseFailed(run_id="r1", phase_id="a", code="odd", message="why not")
        append_all(log, [created(), queued(), failed])
        [kind] = autopack.report_runs(log, "r1").failures

        assert (0, 1, "r1/a", "why not") == (
            kind.attempts,
            kind.phases,
            kind.phase,
            kind.message,
        )


class TestWaits:
    """What waits for whom, or until when; and what to type."""

    def test_a_gate_waits_for_a_person(self, log):
        """With its question, and the command that answers."""
        drained(log, n=1, outcomes={"p0": NeedsPerson("May it go out?")})
        found = autopack.report_runs(log, "nightly")

        assert ("nightly/p0 waits for your decision: May it go out?",) == found.waits
        assert ["phase approve nightly/p0"] == steps(found)

    def test_a_limit_is_waited_for(self, log):
        """Until when it is known."""
        autopack.create_run(log, "nightly", [PhaseSpec("p0")])
        until = START + timedelta(hours=2)
        rest = LaneRested(
            account="default", cause="usage_limit", wait_s=7200.0, until=until, closed_at=START
        )
        append_all(log, [rest])
        found = autopack.report_runs(log, "nightly")

        assert any(line.startswith("waiting for account default until") for line in found.waits)
        assert any(step.startswith("drain ") for step in steps(found))

    def test_a_paused_run_waits(self, log):
        """And the command that lets it go on is named."""
        drained(log, n=1)
        autopack.queue_phases(log, "nightly", [PhaseSpec("more")])
        autopack.pause_run(log, "nightly", why="lunch")
        found = autopack.report_runs(log, "nightly")

        assert "run nightly is paused" in found.waits
        assert "run resume nightly" in steps(found)

    def test_what_failed_can_be_put_back(self, log):
        """Run by run; and why the last of them failed."""
        drained(log, n=2, outcomes={"p1": Failed("no", "it broke", retryable=False)})
        found = steps(autopack.report_runs(log, "nightly"))

        assert [
            "history nightly p1",
            "phase requeue nightly --failed",
            "run outputs nightly --jsonl -",
        ] == found

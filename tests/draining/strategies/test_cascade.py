"""A cheap model first, the next one where it was too weak, and a person in the end."""

import json
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from autopack import (
    Ask,
    Cascade,
    Choose,
    Completed,
    Drain,
    Failed,
    GiveUp,
    Retry,
    create_log,
    create_run,
    decide_gate,
    drain,
    get_phase,
    open_log,
    simulate,
)
from autopack.cli.main import autopack as command
from autopack.draining.simulation.backlogs import Backlog
from autopack.draining.simulation.simulated_drain import Answer
from autopack.draining.strategies.cascade import TOO_WEAK, is_too_weak, next_model
from autopack.errors import InvalidInputError
from autopack.ports.drain import DrainView, PastAttempt
from autopack.ports.work import PhaseView
from autopack.report.drain_text import drain_text
from drains import found, specs, states

QUICK = {"backoff_base_s": 0.001, "backoff_cap_s": 0.001}


def failed(model, failure_class="check_failed", **fields):
    """An attempt on a model that failed."""
    given = {"number": 1, "ending": "failed", "calls": 1, **fields}
    return PastAttempt(model=model, failure_class=failure_class, **given)


class Good:
    """Does phases on the named models only; on the others the work does not pass its check."""

    def __init__(self, *models, failure_class="check_failed"):
        self.models, self.seen = models, []
        self._class = failure_class

    def execute(self, phase, attempt):
        self.seen.append(phase.model)
        attempt.record_usage(model=phase.model, input_tokens=1, output_tokens=1)
        if phase.model in self.models:
            return Completed()
        return Failed("tests_failed", f"{phase.model} broke it", failure_class=self._class)


class TestNextModel:
    """Which model is next is a function of the attempts alone."""

    @pytest.mark.parametrize(
        ("models", "attempts", "model"),
        [
            (["s", "l"], [], "s"),
            (["s", "l"], [failed("s")], "l"),
            (["s", "l"], [failed("s"), failed("l")], None),
            (["s"], [failed("s")], None),
            (["s", "s", "l"], [failed("s")], "s"),
            (["s", "s", "l"], [failed("s"), failed("s")], "l"),
            (["s", "l"], [failed("s", "rate_limited")], "s"),
            (["s", "l"], [failed("s", "execution"), failed("s", "connection")], "s"),
            (["s", "l"], [failed("other")], "s"),
            (["s", "l"], [failed(None)], "s"),
            (["s", "l"], [failed("l")], None),
            (["s", "m", "l"], [failed("m"), failed("s")], "l"),
            (["s", "l"], [failed("s", ending="reclaimed")], "s"),
            (["s", "l"], [failed("s", ending=None)], "s"),
            (["s", "l"], [failed("s", None, ending="completed")], "s"),
            (["s", "l"], [failed("s", None, ending="completed", verdict="wrong")], "l"),
            (["s", "l"], [failed("s", verdict="right")], "s"),
            (["s", "l"], [failed("s", None, ending="timed_out")], "l"),
            (["s", "l"], [failed("s", None, ending="timed_out", calls=0)], "s"),
            (["s", "l"], [failed("s", "truncated")], "s"),
            (["s", "l"], [failed("s", "truncated"), failed("s", "truncated")], "l"),
            (["s", "l"], [failed("l", "truncated"), failed("s", "truncated")], "s"),
        ],
    )
    def test_it_follows_from_what_each_attempt_came_to(self, models, attempts, model):
        """Only what says that a model was too weak leads to the next one."""
        assert model == next_model(models, attempts)

    @pytest.mark.parametrize("kind", sorted(set(TOO_WEAK) - {"timed_out", "truncated"}))
    def test_each_class_of_weakness_counts(self, kind):
        """What the work itself failed of, or the model would not or could not take."""
        assert is_too_weak(failed("s", kind))
        assert not is_too_weak(failed("s", kind), on=("other",))

    @pytest.mark.parametrize(
        "kind",
        ["rate_limited", "usage_limit", "overloaded", "connection", "timeout", "auth", "quota",
         "invalid_request", "execution", "unknown", None],
    )  # fmt: skip
    def test_what_is_nobodys_fault_does_not(self, kind):
        """The provider, the account and the machine say nothing of the model."""
        assert not is_too_weak(failed("s", kind))

    def test_what_counts_may_be_said(self):
        """Who has no checks may take any failure of the program for one."""
        assert "l" == next_model(["s", "l"], [failed("s", "execution")], on=["execution"])
        assert "s" == next_model(["s", "l"], [failed("s")], on=["execution"])


class TestDrains:
    """Cascades in real drains."""

    def test_the_next_model_is_told_what_was_wrong_with_the_work_of_the_last(self, any_log):
        """Cheap first; what did not pass goes to the strong one, with the feedback."""
        create_run(any_log, "r", specs("a", "b"))
        told = []

        def execute(phase, attempt):
            told.append((phase.phase_id, phase.model, attempt.feedback))
            if phase.model == "small" and phase.phase_id == "a":
                return Failed("check_failed", "2 of 9 failed", failure_class="check_failed")
            return None

        drain(any_log, executor=execute, strategy=Cascade(models=["small", "large"]), **QUICK)

        assert [
            ("a", "small", None), ("a", "large", "2 of 9 failed"), ("b", "small", None),
        ] == sorted(told, key=lambda one: (one[0], one[1] == "large"))  # fmt: skip
        assert {"a": "COMPLETE", "b": "COMPLETE"} == states(any_log)
        (again,) = found(any_log, "phase.requeued")
        assert "small was too weak, large is next" in again.why
        assert any("large, 2 of 2" in one.reason for one in found(any_log, "drain.phase_selected"))

    def test_a_refusal_by_the_model_leads_to_the_next_whatever_the_class_says(self, any_log):
        """A failure that is not retried on the same model is retried on another."""
        create_run(any_log, "r", specs("a"))
        executor = Good("large", failure_class="refused")
        drain(any_log, executor=executor, strategy=Cascade(models="small,large"), **QUICK)

        assert ["small", "large"] == executor.seen

    def test_in_the_end_a_person_is_asked_with_what_each_model_failed_of(self, any_log):
        """The failure stays on record, and the phase waits at a gate."""
        create_run(any_log, "r", specs("a", max_attempts=3))
        cascade = Cascade(models=["small", "middle", "large"])
        report = drain(any_log, executor=Good(), strategy=cascade, **QUICK)
        (asked,) = found(any_log, "phase.gated")

        assert {"a": "GATED"} == states(any_log)
        assert ("empty", 3, 3) == (report.reason, report.attempts, report.failed)
        assert (0, 1) == (report.left_failed, report.left_gated)
        assert "0 completed, 1 waiting for you\n" in drain_text(report)
        assert "phase approve RUN/PHASE" in drain_text(report)
        assert 3 == len(found(any_log, "phase.failed"))
        for part in (
            "small (attempt 1): tests_failed, small broke it",
            "middle (attempt 2)",
            "large",
        ):
            assert part in asked.question
        assert (None, None) == (asked.attempt, asked.lease_token)
        assert "large broke it" == get_phase(any_log, "r/a").feedback

    @pytest.mark.parametrize(
        ("decision", "state"),
        [("approve", "COMPLETE"), ("reject", "FAILED"), ("requeue", "QUEUED")],
    )
    def test_the_person_may_answer_in_any_way(self, any_log, decision, state):
        """As at every other gate."""
        create_run(any_log, "r", specs("a"))
        drain(any_log, executor=Good(), strategy=Cascade(models=["small"]), **QUICK)
        decide_gate(any_log, "r/a", decision=decision, why="I looked at it")

        assert {"a": state} == states(any_log)

    def test_a_phase_that_is_put_back_goes_on_with_the_last_model_and_asks_again(self, any_log):
        """What it has failed at stays known; the person's word goes with it."""
        create_run(any_log, "r", specs("a"))
        executor = Good()
        cascade = Cascade(models=["small", "large"])
        drain(any_log, executor=executor, strategy=cascade, **QUICK)
        decide_gate(any_log, "r/a", decision="requeue", why="mind the tests")
        drain(any_log, executor=executor, strategy=cascade, **QUICK)

        assert ["small", "large", "large"] == executor.seen
        assert {"a": "GATED"} == states(any_log)

    def test_it_may_fail_instead(self, any_log):
        """Then nobody is asked, and why no further attempt is made is on record."""
        create_run(any_log, "r", specs("a", max_attempts=9))
        executor = Good()
        drain(any_log, executor=executor, strategy=Cascade(models="s,l", then="fail"), **QUICK)
        last = found(any_log, "phase.failed")[-1]

        assert (["s", "l"], {"a": "FAILED"}) == (executor.seen, states(any_log))
        assert "l (attempt 2)" in last.given_up
        assert last.retryable is False

    def test_too_few_attempts_for_the_models_are_told(self, any_log):
        """A phase's own limit holds; the person learns what was not tried."""
        create_run(any_log, "r", specs("a", max_attempts=2))
        executor = Good("large")
        cascade = Cascade(models=["small", "middle", "large"])
        drain(any_log, executor=executor, strategy=cascade, **QUICK)
        (asked,) = found(any_log, "phase.gated")

        assert ["small", "middle"] == executor.seen
        assert "All 2 attempts are spent; not tried: large." in asked.question

    def test_the_machines_faults_stay_on_the_same_model(self, any_log):
        """A lost connection says nothing of the model."""
        create_run(any_log, "r", specs("a"))
        executor = Good(failure_class="connection")
        fine = Good("small")

        def execute(phase, attempt):
            return (fine if attempt.number > 2 else executor).execute(phase, attempt)

        drain(any_log, executor=execute, strategy=Cascade(models=["small", "large"]), **QUICK)

        assert ["small", "small", "small"] == [one.model for one in found(any_log, "phase.claimed")]

    @pytest.mark.parametrize(
        ("own", "seen"),
        [("middle", ["middle", "large"]), ("large", ["large"]), ("other", ["other"])],
    )
    def test_a_phase_that_names_a_model_begins_there(self, any_log, own, seen):
        """What is not in the cascade is done on that alone."""
        create_run(any_log, "r", specs("a", model=own))
        executor = Good()
        cascade = Cascade(models=["small", "middle", "large"])
        drain(any_log, executor=executor, strategy=cascade, **QUICK)

        assert seen == executor.seen
        assert {"a": "GATED"} == states(any_log)

    def test_a_deadline_that_passed_leads_to_the_next_model(self, any_log):
        """And the last one's to a person."""
        create_run(any_log, "r", specs("a"))

        async def execute(phase, attempt):
            import asyncio

            attempt.record_usage(model=phase.model, output_tokens=1)
            await asyncio.sleep(30)

        cascade = Cascade(models=["small", "large"])
        drain(any_log, executor=execute, strategy=cascade, timeout_s=0.05, **QUICK)

        assert ["small", "large"] == [one.model for one in found(any_log, "phase.claimed")]
        assert {"a": "GATED"} == states(any_log)

    def test_another_drain_goes_on_where_the_first_stopped(self, any_log, another):
        """Its options are in the log, so that it can be gone on with by its id alone."""
        create_run(any_log, "r", specs("a"))
        drain(any_log, executor="recorded", strategy=Cascade(models="x"), max_phases=1)
        create_run(any_log, "s", specs("b"))
        first = Good()
        drain(
            any_log, executor=first, strategy=Cascade(models=["small", "large"]), max_phases=1,
            run_id="s", drain="night", **QUICK,
        )  # fmt: skip
        second = Good("large")
        with another() as reopened:
            drain(reopened, resumes="night", executor=second, max_phases=2)

        assert (["small"], ["large"]) == (first.seen, second.seen)

    def test_an_order_of_ones_own_is_not_in_the_log(self, any_log):
        """So a drain with one is gone on with only if it is given again."""
        create_run(any_log, "r", specs("a", "b"))
        own = Cascade(models=["m"], order=lambda view: Choose(view.ready[-1].ref, "the last"))
        executor = Good("m")
        drain(any_log, executor=executor, strategy=own, max_phases=1, drain="night")

        assert ["b"] == [one.phase_id for one in found(any_log, "drain.phase_selected")]
        with pytest.raises(InvalidInputError, match="strategy"):
            drain(any_log, resumes="night", executor=executor)

    def test_it_goes_in_the_order_that_is_asked_for(self, any_log):
        """The order says which phase is next, and the cascade on which model."""
        create_run(any_log, "r", [*specs("a"), *specs("b", priority=5)])
        drain(
            any_log, executor=Good("m"), strategy=Cascade(models=["m"], order="priority"), **QUICK
        )

        assert ["b", "a"] == [one.phase_id for one in found(any_log, "drain.phase_selected")]

    def test_a_strategy_that_fails_afterwards_leaves_the_failure_as_it_is(self, any_log):
        """The attempt has ended, and is recorded all the same."""
        create_run(any_log, "r", specs("a"))

        class Odd(Cascade):
            def after_failure(self, phase, attempts):
                raise ZeroDivisionError

        drain(any_log, executor=Good(), strategy=Odd(models=["m"]), **QUICK)

        assert {"a": "FAILED"} == states(any_log)

    def test_what_a_check_says_of_the_work_leads_to_the_next_model(self, any_log, tmp_path):
        """The executor takes its work for done; the check's verdict is what counts."""
        create_run(any_log, "r", specs("a"))
        seen = []

        def execute(phase, attempt):
            seen.append((phase.model, attempt.feedback))
            (tmp_path / "out.txt").write_text(phase.model)

        check = ["sh", "-c", "grep -q large out.txt || { echo not the large one; exit 1; }"]
        cascade = Cascade(models=["small", "large"], on=["refused"])  # a verdict counts anyway
        drain(any_log, executor=execute, strategy=cascade, check=check, workspace=tmp_path, **QUICK)

        assert ["small", "large"] == [model for model, _said in seen]
        assert "not the large one" in seen[1][1]
        assert {"a": "COMPLETE"} == states(any_log)

    def test_a_model_that_rests_holds_back_only_what_is_to_go_there(self, any_log):
        """While the cheap one is refused, what it was too weak for goes on with the strong one."""
        create_run(any_log, "r", specs("a", "b"))
        seen = []

        def execute(phase, attempt):
            seen.append((phase.phase_id, phase.model))
            if phase.model == "large":
                return None
            if phase.phase_id == "a":
                return Failed("check_failed", "no", failure_class="check_failed")
            facts = {"http_status": 429, "error": "rate_limit_error"}
            return Failed("e", "slow", source_fields=facts, retry_after_s=3600)

        drain(
            any_log, executor=execute, strategy=Cascade(models=["small", "large"]),
            max_phases=3, **QUICK,
        )  # fmt: skip

        assert {("a", "small"), ("b", "small"), ("a", "large")} == set(seen)
        assert {"a": "COMPLETE", "b": "QUEUED"} == states(any_log)


class TestOptions:
    """What people type."""

    @pytest.mark.parametrize(
        "wrong",
        [
            {"models": []},
            {"models": ""},
            {"models": ["a", 3]},
            {"models": "a", "then": "wait"},
            {"models": "a", "order": "newest"},
            {"models": "a", "on": ""},
        ],
    )
    def test_wrong_ones_are_refused(self, wrong):
        """Before a drain begins."""
        with pytest.raises((ValueError, TypeError)):
            Cascade(**wrong)

    def test_a_command_names_the_models_with_commas(self, tmp_path):
        """And the program is told the model of each attempt."""
        path = tmp_path / "a.db"
        with create_log(path) as log:
            create_run(log, "r", specs("a"))
        told = {"code": "x", "message": "no", "failure_class": "check_failed"}
        line = json.dumps({"type": "autopack.failed", **told})
        script = f"test \"$1\" = large || echo '{line}'"
        arguments = [
            "--log", str(path), "drain", "--strategy", "cascade", "-s", "models=small,large",
            "--", "sh", "-c", script, "sh", "{model}",
        ]  # fmt: skip
        result = CliRunner().invoke(command, arguments, catch_exceptions=False)

        assert 0 == result.exit_code, result.output
        with open_log(path) as log:
            assert ["small", "large"] == [one.model for one in found(log, "phase.claimed")]
            assert {"a": "COMPLETE"} == states(log)

    def test_without_models_it_says_which_option_is_missing(self, tmp_path):
        """A strategy that needs an option names it."""
        path = tmp_path / "a.db"
        with create_log(path) as log:
            create_run(log, "r", specs("a"))
        result = CliRunner().invoke(
            command, ["--log", str(path), "drain", "--strategy", "cascade", "--", "true"]
        )

        assert 0 != result.exit_code
        assert "models" in result.output


class TestWithoutALog:
    """Plans and simulations ask it too."""

    def test_a_plan_names_the_first_model(self, any_log):
        """Each phase is taken to go well, so nothing goes further."""
        create_run(any_log, "r", specs("a", "b"))
        engine = Drain(any_log, executor=Good(), strategy=Cascade(models=["small", "large"]))

        assert ["small", "small"] == [planned.model for planned in engine.plan()]

    def test_a_simulation_goes_through_the_models(self):
        """What fails its check is answered by the next model; the end leaves the queue empty."""
        phases = [PhaseView(run_id="r", phase_id=name, order=n, index=n, category="docs",
                            complexity="low") for n, name in enumerate("ab")]  # fmt: skip
        seen = []

        class World(Backlog):
            def answer(self, phase, attempt):
                seen.append((phase.phase_id, phase.model))
                is_good = (phase.phase_id, phase.model) == ("a", "large")
                return Answer(ending="completed" if is_good else "failed",
                              failure_class="check_failed", total_tokens=5)  # fmt: skip

        backlog = World(
            source="made up",
            phases=phases,
            answers={"r/a": [], "r/b": []},
            runs={},
            predict=lambda _phase: 1,
        )
        (result,) = simulate(backlog, [Cascade(models=["small", "large"])])

        assert [("a", "small"), ("a", "large"), ("b", "small"), ("b", "large")] == seen
        assert (4, 1, 3) == (result.attempts, result.completed, result.failed)

    def test_its_answers_are_pure(self):
        """The same view, the same answer; nothing is kept in between."""
        phase = PhaseView(run_id="r", phase_id="a", order=1, category="docs", complexity="low",
                          attempts=1, attempts_spent=1)  # fmt: skip
        view = DrainView(
            now=datetime(2026, 1, 1, tzinfo=UTC), ready=[phase], attempts=lambda _r: (failed("s"),)
        )
        cascade = Cascade(models=["s", "l"])

        assert cascade(view) == cascade(view)
        assert ("l", "l") == (cascade(view).model, cascade.choice_for(phase, view).model)
        assert isinstance(cascade.after_failure(phase, [failed("s")]), Retry)
        done = cascade.after_failure(phase, [failed("s"), failed("l")])
        assert isinstance(done, Ask)
        given_up = Cascade(models=["s"], then="fail").after_failure(phase, [failed("s")])
        assert isinstance(given_up, GiveUp)

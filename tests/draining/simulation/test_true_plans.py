"""A dry run under what the drain would have: caps, prices, programs; and what it leaves open."""

import json
import time

import pytest
from click.testing import CliRunner

from autopack import Drain, PhaseSpec, create_run, drain, hookimpl, load_plugins, open_log
from autopack.cli.main import autopack as command
from autopack.draining.executors.command import CommandExecutor
from autopack.errors import InvalidInputError
from autopack.prediction.calibration.price_table import PriceEntry, PriceTable
from drains import found, specs, works

PRICES = PriceTable(
    entries=(PriceEntry(model="m", since="2026-01-01", input=0, output=1000),)
)  # a dollar for a thousand tokens of output


def as_predicted(log):
    """Return an executor whose phases use what was predicted for them."""

    def execute(phase, attempt):
        tokens = found(log, "phase.estimated")[-1].predicted_output_tokens
        attempt.record_usage(model=phase.model, input_tokens=0, output_tokens=tokens)

    return execute


def planned_and_done(log, **settings):
    """Return which phases a plan takes, and which the drain then does."""
    plan = Drain(log, executor=works, **settings).plan()
    drain(log, executor=as_predicted(log), **settings)
    done = [event.phase_id for event in found(log, "phase.completed")]
    return [planned.ref.phase_id for planned in plan], done, plan


@pytest.mark.parametrize(
    "settings",
    [
        {"max_tokens": 10_000},
        {"max_tokens_per_day": 9000},
        {"max_usd": 10, "prices": PRICES},
        {"max_usd_per_day": 9, "prices": PRICES},
        {"max_usd": 2, "assume_usd_per_call": 0.5},
        {"max_phases": 4},
        {"max_samples": 3},
        {},
    ],
)
def test_a_plan_takes_what_the_drain_does(any_log, settings):
    """Under each cap and limit; why no more is taken is said."""
    create_run(any_log, "r", specs(*"abcdefgh", model="m", prompt_tokens=0))
    planned, done, plan = planned_and_done(any_log, **settings)

    assert done == planned
    assert (len(done) < 8 and "max_phases" not in settings) is (plan.ended is not None)


def test_a_plan_leaves_what_a_runs_cap_or_a_phases_holds_back(any_log):
    """The others are planned, and it is told what is left and why."""
    create_run(any_log, "capped", specs("a", "b", "c", prompt_tokens=0), caps={"tokens": 5000})
    create_run(
        any_log, "free", [*specs("x", max_tokens=1, prompt_tokens=0), *specs("y", prompt_tokens=0)]
    )
    drain(any_log, executor=as_predicted(any_log), run_id="free", phase_id="x")
    planned, done, plan = planned_and_done(any_log)

    assert (["a", "y"], ["a", "y"]) == (planned, done)
    assert {"run capped", "phase free/x"} == set(plan.held)
    assert "The cap of run-capped is 5000 tokens" in plan.held["run capped"]


def test_a_plan_counts_what_caps_have_used_already(any_log):
    """Before it was set, and under the drain that is gone on with."""
    create_run(any_log, "r", specs(*"abcdef", prompt_tokens=0))
    drain(any_log, executor=as_predicted(any_log), max_tokens=10_000, max_phases=1, drain="night")
    again = Drain(any_log, executor=works, resumes="night", max_phases=9).plan()
    drain(any_log, executor=as_predicted(any_log), resumes="night", max_phases=9)

    assert len(found(any_log, "phase.completed")) == 1 + len(again)


def reads_much(phase, attempt):
    """Use far more than it writes, at a price that its output does not tell."""
    attempt.record_usage(
        model=phase.model, input_tokens=40_000, output_tokens=100, cost_usd="0.125"
    )


@pytest.mark.parametrize("cap", [{"max_tokens": 210_000}, {"max_usd": "0.7"}])
def test_a_plan_knows_what_phases_took(any_log, cap):
    """Under a cap it goes by what attempts of the log used, as the drain does."""
    for run in ("before", "after"):
        create_run(any_log, run, specs(*"abcdefghijkl", model="m", prompt_tokens=9))
    drain(any_log, executor=reads_much, run_id="before")
    plan = Drain(any_log, executor=works, run_id="after", **cap).plan()
    drain(any_log, executor=reads_much, run_id="after", **cap)
    done = [one.phase_id for one in found(any_log, "phase.completed") if one.run_id == "after"]

    assert 5 == len(done)
    assert done == [planned.ref.phase_id for planned in plan]


def test_a_plan_of_a_drain_that_goes_on_has_what_is_left_of_its_limits(any_log):
    """Phases and samples count from its first start."""
    create_run(any_log, "r", specs(*"abcdef", prompt_tokens=0))
    drain(any_log, executor=as_predicted(any_log), max_phases=2, drain="night")

    assert 1 == len(Drain(any_log, executor=works, resumes="night", max_phases=3).plan())
    assert 2 == len(
        Drain(any_log, executor=works, resumes="night", max_phases=9, max_samples=4).plan()
    )


def test_a_plan_says_who_would_be_stopped_at_a_cap(any_log):
    """One that no phase fits under lets the first in, and ends it with its first call."""
    create_run(any_log, "r", specs("a", "b", prompt_tokens=0, max_attempts=1))
    planned, done, plan = planned_and_done(any_log, max_tokens=100)

    assert (["a"], []) == (planned, done)
    assert "of 100 tokens are used" in plan[0].problem
    assert ["cap_reached"] == [event.code for event in found(any_log, "phase.failed")]


def test_a_plan_without_a_price_says_so(any_log):
    """As the drain would end: before its first call."""
    create_run(any_log, "r", specs("a", "b", model="odd"))
    plan = Drain(any_log, executor=works, max_usd=1).plan()

    assert ([], True) == (list(plan), "no price is known" in plan.ended)


def test_a_plan_writes_nothing_under_any_cap(any_log):
    """Not even the streams that a claim would open."""
    create_run(any_log, "r", specs("a", "b", max_tokens=5000), caps={"tokens": 9000})
    before = any_log.head()
    Drain(
        any_log, executor=works, max_tokens=9000, max_tokens_per_day=9000, max_tokens_per_phase=9
    ).plan()

    assert before == any_log.head()


def test_a_plan_knows_what_a_program_needs(any_log):
    """A phase without a value for a placeholder would fail, and so would who comes after it."""
    create_run(
        any_log,
        "r",
        [*specs("a"), *specs("b", model="m"), *specs("c", after=("a",)), *specs("d", after=("b",))],
    )
    plan = Drain(any_log, executor=CommandExecutor(["true", "{model}"])).plan()

    assert [("a", True), ("b", False)] == [
        (planned.ref.phase_id, planned.problem is not None) for planned in plan[:2]
    ]
    assert "no value for {model}" in plan[0].problem
    assert "c" not in [planned.ref.phase_id for planned in plan]


def test_a_plan_refuses_a_program_that_is_not_there(any_log):
    """As the drain would, before it writes anything."""
    create_run(any_log, "r", specs("a"))
    with pytest.raises(InvalidInputError, match="There is no program 'no-such-program'"):
        Drain(any_log, executor=CommandExecutor(["no-such-program"])).plan()


def test_a_plan_says_what_it_does_not_know(any_log):
    """Prompts, prices and times; how long rates take at least."""
    create_run(any_log, "r", specs(*"abcdef", model="m"))
    plan = Drain(
        any_log, executor=works, requests_per_minute=2, tokens_per_minute={"m": 2600},
        max_minutes=5, workers=3, max_tokens=10**6,
    ).plan()  # fmt: skip
    notes = "\n".join(plan.notes)

    assert "the prompts of 6 phases are not known" in notes
    assert "what 6 phases cost is not known" in notes
    assert "how long phases take is not known: 5 minutes may be over before" in notes
    assert "at 2 requests a minute model m takes at least 2 minutes" in notes
    assert "at 2,600 tokens a minute model m takes at least 5 minutes" in notes
    assert "3 workers set aside at once" in notes


def test_a_model_that_rests_is_planned_and_told_of(any_log):
    """A limit that was met an hour ago hinders nothing but the beginning."""
    from autopack import Failed

    create_run(any_log, "r", specs("a", "b", model="m"))
    limit = Failed("limit", "no", failure_class="usage_limit", retry_after_s=3600)
    drain(any_log, executor=lambda _phase, _attempt: limit, max_phases=1)
    plan = Drain(any_log, executor=works).plan()

    assert "b" in [planned.ref.phase_id for planned in plan]
    assert any("waiting for account" in note for note in plan.notes)


def test_alike_phases_are_estimated_once_in_a_plan(another):
    """Ten thousand phases that come one after the other ask for few estimates."""
    asked = []

    class Words:
        @hookimpl
        def autopack_category_for(self, category):
            asked.append(category)

    log = another(registry=load_plugins(extra=[Words()]))
    ids = [f"p{n}" for n in range(300)]
    chain = [
        PhaseSpec(name, category="docs", complexity="low", after=ids[n - 1 : n] if n else ())
        for n, name in enumerate(ids)
    ]
    create_run(log, "chain", chain)
    began = time.process_time()
    plan = Drain(log, executor=works, run_id="chain", max_tokens=10**9).plan()

    assert ids == [planned.ref.phase_id for planned in plan]
    assert 1 == len(asked)
    assert time.process_time() - began < 60


def test_the_command_tells_all_of_it(log_path):
    """The table on stdout; why it ends, what is left and what is not known on stderr."""
    with open_log(log_path) as log:
        create_run(log, "r", specs(*"abcd", model="m"), caps={"tokens": 50_000})
    words = ["--log", str(log_path), "drain", "--run-id", "r", "--dry-run"]
    told = CliRunner().invoke(command, [*words, "--", "true", "{goal}"])
    capped = CliRunner().invoke(command, [*words, "--max-tokens", "4000", "--json"])

    assert "r/a" in told.stdout
    assert "it would fail: phase r/a has no value for {goal}" in told.stdout
    assert "Not known, or not counted: " in told.stderr
    assert ["a"] == [one["ref"]["phase_id"] for one in json.loads(capped.stdout)]
    assert "Then it takes no phase: The cap of drain-" in capped.stderr

"""Phases of a history that can never be taken are named, with what to do about them."""

import json

import pytest
from click.testing import CliRunner

from autopack import Drain, Failed, PhaseRef, create_run, drain, pause_run, skip, status
from autopack.aggregates.order import find_stuck
from autopack.cli.main import autopack as main
from autopack.report.drain_text import drain_text
from autopack.report.status import next_steps, status_text
from autopack.testing.facts import append_all, created, queued
from drains import specs, states, works


@pytest.fixture
def tangled(any_log):
    """A log with a run of which some phases can never be taken."""
    return tangle(any_log)


def tangle(log):
    """Bring in a run ``r`` with a name that is not there, and with a cycle; return the log."""
    orders = {"a": (), "b": ("aa",), "c": ("d",), "d": ("c",), "e": ("d",), "f": ("a",)}
    names = [queued(name, "r", index=n, after=orders[name]) for n, name in enumerate(orders)]
    append_all(log, [created("r"), *names])
    return log


MISSING = "r/b comes after 'aa', which is not in its run. Did you mean 'a'?"
CYCLE = "r/c waits for itself: c -> d -> c (each comes after the next)."
ADD = "phase add r --id aa --category CATEGORY --complexity COMPLEXITY"


def told(stuck):
    return [f"{one.phase} {one.why}" for one in stuck]


def test_only_what_somebody_must_mend_is_named():
    """Phases that merely wait, and those behind stuck ones, are not; names are quoted."""
    after = {"a b": ("x",), "c": ("d",), "e": ("c",)}
    (missing,) = find_stuck("r", after, ["a b", "c", "d", "e"])

    assert ("r/a b", "phase add r --id x") == (missing.phase, missing.remedy[:18])
    assert [] == find_stuck("r", after, ["a b", "c", "d", "e"], starts=["c", "e"])
    assert [] == find_stuck("r", {}, [])


def test_a_drain_names_them_when_it_ends(tangled):
    """The rest is done; the report has each of them, and a command that mends the first."""
    report = drain(tangled, executor=works)
    text = drain_text(report)

    assert (2, "blocked", [MISSING, CYCLE]) == (
        report.completed, report.reason, told(report.stuck),
    )  # fmt: skip
    assert f"\n  stuck     {MISSING}\n            {CYCLE}\n" in text
    assert f"\n  next      autopack {ADD}\n" in text


def test_a_drain_of_one_phase_names_what_it_waits_for(tangled):
    """What is out of scope is not asked about, but a cycle behind the phase in scope is found."""
    found = [
        told(Drain(tangled, executor=works, run_id="r", phase_id=name).stuck()) for name in "abe"
    ]

    assert [[], [MISSING], ["r/d waits for itself: d -> c -> d (each comes after the next)."]] == (
        found
    )


def test_status_names_them_and_says_what_to_do(tangled):
    """They are in the text, and the first step mends the first of them."""
    found = status(tangled)

    assert [MISSING, CYCLE] == told(found.stuck)
    assert f"Can never be taken:\n  {MISSING}\n  {CYCLE}\n" in status_text(found)
    assert next_steps(found)[0].endswith(f" {ADD}")


@pytest.mark.parametrize("is_paused", [True, False])
def test_status_says_no_drain_where_none_could_take_anything(any_log, is_paused):
    """A paused run is to be resumed; behind a failure it is the failure that is to be mended."""
    create_run(any_log, "r", [*specs("a"), *specs("b", after=("a",))])
    if is_paused:
        pause_run(any_log, "r", why="costs")
    else:
        drain(any_log, executor=lambda _phase, _attempt: Failed("x", "y"))
    found = status(any_log)
    steps, text = next_steps(found), status_text(found)

    assert found.is_held
    assert not [step for step in steps if " drain " in step]
    assert any(step.endswith(" run resume r") for step in steps) is is_paused
    assert "no drain can take any queued phase as things stand" in text


def test_status_says_drain_where_some_phase_can_be_taken(any_log):
    """One free phase is enough, and so is one whose predecessors are done."""
    create_run(any_log, "r", [*specs("a"), *specs("b", after=("a",))])
    free = status(any_log).is_held
    drain(any_log, executor=works, max_phases=1)

    assert (False, False) == (free, status(any_log).is_held)


def test_they_go_once_they_are_mended(tangled):
    """What the remedies say lets a drain take the rest."""
    append_all(tangled, [queued("aa", "r", index=6)])
    skip(tangled, PhaseRef("r", "c"), why="not needed")
    found, plan = status(tangled), Drain(tangled, executor=works)

    assert ((), []) == (found.stuck, plan.stuck())
    assert (6, "empty") == (drain(tangled, executor=works).completed, plan.run().reason)
    assert "SKIPPED" == states(tangled)["c"]


def test_done_phases_are_nobodys_concern(tangled):
    """A phase that ended is not stuck, whatever it once came after."""
    for name in "bcd":
        skip(tangled, PhaseRef("r", name), why="w")
    create_run(tangled, "s", [*specs("x"), *specs("y", after="x")])

    assert () == status(tangled).stuck


def test_the_command_line_names_them(sqlite_log, log_path):
    """`drain --dry-run` on stderr, beside its table or its JSON; `status --json` as values."""
    tangle(sqlite_log)

    def run(*arguments):
        return CliRunner().invoke(
            main, ["--log", str(log_path), *arguments], catch_exceptions=False
        )

    for more in ([], ["--json"]):
        planned = run("drain", "--dry-run", *more)

        assert 0 == planned.exit_code
        assert f"Never: {MISSING}\nNever: {CYCLE}\nMend it with: autopack {ADD}\n" in planned.stderr
    assert [MISSING, CYCLE] == [
        f"{one['phase']} {one['why']}"
        for one in json.loads(run("status", "--json").stdout)["stuck"]
    ]


def test_many_are_counted(any_log):
    """Ten are shown, and how many more there are."""
    append_all(any_log, [queued(f"p{n}", "r", index=n, after=("gone",)) for n in range(14)])
    text = status_text(status(any_log))

    assert "\n  r/p9 comes after 'gone'" in text
    assert "\n  and 4 more\n" in text

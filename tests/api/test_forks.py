"""A fork begins where its parent stood, uses nothing of its own for it, and goes its own way."""

import threading

import pytest

from autopack import (
    Failed,
    NeedsPerson,
    PhaseSpec,
    compare,
    create_log,
    create_run,
    decide_gate,
    drain,
    fork_run,
    get_caps,
    list_phases,
    list_samples,
    open_log,
    requeue,
    set_caps,
    skip,
    usage,
    view,
)
from autopack.errors import InvalidInputError, RunExistsError, RunMissingError
from autopack.events import PhaseInherited
from autopack.log.log import journal_of
from autopack.ports.log import from_us
from autopack.testing.clock import VirtualClock

BEGUN = {"b": Failed("bad", "it is bad"), "c": NeedsPerson("which?"), "e": None}


def work(phase, attempt):
    """Do a phase: a and e come out, b fails, c asks."""
    attempt.record_usage(model=phase.model or "m", input_tokens=1, output_tokens=2, cost_usd="0.5")
    attempt.attach("said", f"{phase.phase_id} was here")
    return BEGUN.get(phase.phase_id)


@pytest.fixture
def log(any_log):
    """A run of which one phase is done, one failed, one gated, one skipped, and two wait."""
    phases = [
        PhaseSpec(
            name, category="docs", goal=f"do {name}", max_attempts=1, model="m-large",
            after=("a",) if name == "e" else (), check=["true"] if name == "e" else None,
            labels={"of": name}, payload={"n": 1}, max_tokens=50_000, timeout_s=60,
        )
        for name in "abcdef"
    ]  # fmt: skip
    create_run(any_log, "r", phases, goal="all", caps={"tokens": 10**6}, settings={"k": 1})
    skip(any_log, "r/d", why="not needed")
    drain(any_log, executor=work, max_phases=3)
    return any_log


def states(log, run):
    return {one.phase_id: one.status.value for one in list_phases(log, run)}


def test_it_begins_as_the_parent_stood(log):
    """With what the work gave, and why it is not done; what waited is queued with all it asks."""
    before = log.head().position
    fork_run(log, "r", "f")
    parent = {one.phase_id: one for one in list_phases(log, "r")}
    fork = {one.phase_id: one for one in list_phases(log, "f")}
    row = view(log, "runs").rows["f"]
    told = ("status", "reason", "reason_code", "outputs", "artifacts", "summary")
    asked = ("category", "complexity", "goal", "model", "after", "labels", "payload", "max_tokens")

    assert states(log, "r") == states(log, "f")
    for name, one in fork.items():
        assert [getattr(one, field) for field in (*told, *asked, "checks", "timeout_s")] == [
            getattr(parent[name], field) for field in (*told, *asked, "checks", "timeout_s")
        ]
    assert 0 == sum(one.attempts + one.calls for one in fork.values())
    assert (row.forked_from, row.forked_at, row.goal, dict(row.settings)) == (
        "r", before, "all", {"k": 1},
    )  # fmt: skip
    assert log.artifacts.get(fork["a"].artifacts["said"]) == "a was here"


def test_nothing_that_was_used_is_copied(log):
    """Neither in its caps nor in any total, and the calibrators learn nothing twice."""
    calls, samples = usage(log).total.use.calls, len(list_samples(log))
    fork_run(log, "r", "f")

    assert (calls, samples) == (usage(log).total.use.calls, len(list_samples(log)))
    assert [(10**6, 0)] == [(one.cap, one.used) for one in get_caps(log, "f") if one.cap]


def test_it_goes_on_from_there(log):
    """What waited is done, after what its parent did; a gate and a failure can be taken up."""
    fork_run(log, "r", "f")
    drain(log, executor=work, run_id="f")
    assert {"a": "COMPLETE", "b": "FAILED", "c": "GATED", "d": "SKIPPED"} | {
        "e": "COMPLETE", "f": "COMPLETE",
    } == states(log, "f")  # fmt: skip
    decide_gate(log, "f/c", decision="approve", why="the first")
    requeue(log, "f/b", why="once more")
    drain(log, executor=lambda _phase, _attempt: None, run_id="f")

    assert {"COMPLETE", "SKIPPED"} == set(states(log, "f").values())
    assert ("FINISHED", "succeeded") == (
        (row := view(log, "runs").rows["f"]).status, row.outcome,
    )  # fmt: skip
    assert {"QUEUED"} == {states(log, "r")[name] for name in "ef"}
    assert log.verify(views=True).is_clean


def test_another_model_is_for_what_is_not_done(log):
    """Also for what failed, once it is requeued."""
    fork_run(log, "r", "f", model="m-small")

    assert {"a": "m-large", "d": "m-large"} | dict.fromkeys("bcef", "m-small") == {
        one.phase_id: one.model for one in list_phases(log, "f")
    }


@pytest.mark.parametrize("as_time", [False, True])
def test_it_can_begin_at_any_moment_of_the_past(as_time):
    """By position or by time: what came later is not there, caps and phases among it."""
    with create_log("memory:", clock=(clock := VirtualClock())) as log:
        create_run(log, "r", [PhaseSpec("a"), PhaseSpec("b")], caps={"tokens": 10**6})
        drain(log, executor=work, max_phases=1)
        position, moment = log.head().position, from_us(journal_of(log).now_us())
        clock.advance(60)
        set_caps(log, "r", {"tokens": 2 * 10**6}, why="more")
        drain(log, executor=work)
        fork_run(log, "r", "f", at=moment if as_time else position)

        assert position == view(log, "runs").rows["f"].forked_at
        assert {"a": "COMPLETE", "b": "QUEUED"} == states(log, "f")
        assert [10**6] == [one.cap for one in get_caps(log, "f") if one.cap]


def test_work_in_flight_begins_anew(log):
    """A worker of the parent has nothing to do with the fork."""
    inside, go_on = threading.Event(), threading.Event()

    def slow(phase, attempt):
        inside.set()
        assert go_on.wait(60)

    thread = threading.Thread(target=lambda: drain(log, executor=slow, run_id="r", max_phases=1))
    thread.start()
    assert inside.wait(60)
    fork_run(log, "r", "f")
    go_on.set()
    thread.join()

    assert ("COMPLETE", "QUEUED") == (states(log, "r")["e"], states(log, "f")["e"])


def test_what_cannot_be_forked_is_refused(log):
    """And nothing is appended."""
    fork_run(log, "r", "f")
    before = log.head()
    with pytest.raises(RunExistsError):
        fork_run(log, "r", "f")
    with pytest.raises(RunMissingError, match="'rr'"):
        fork_run(log, "rr", "g")
    with pytest.raises(RunMissingError):
        fork_run(log, "r", "g", at=0)
    with pytest.raises(InvalidInputError, match=r"Position 1000000 is past the log's head"):
        fork_run(log, "r", "g", at=10**6)
    create_run(log, "done", [PhaseSpec("a")])
    skip(log, "done/a", why="not needed")
    with pytest.raises(InvalidInputError, match="Nothing of run 'done' was left to be done") as it:
        fork_run(log, "done", "g")

    assert "at" == it.value.name
    assert "g" not in view(log, "runs").rows
    assert before.position + 4 == log.head().position


def test_a_moment_before_the_run_is_told_as_that(log):
    """It is there now, so that no list of runs helps; before its phases a later one is named."""
    create_run(log, "later", [PhaseSpec("a")])
    began = next(one.position for one in log.read("run-later"))
    with pytest.raises(
        RunMissingError, match=f"no run 'later' yet at position {began - 1}: name a"
    ):
        fork_run(log, "later", "x", at=began - 1)
    with pytest.raises(InvalidInputError, match=r"had no phases yet at .*: name a later moment"):
        fork_run(log, "later", "x", at=began)
    with pytest.raises(RunMissingError, match="There is no run 'nobody' in this log"):
        fork_run(log, "nobody", "x", at=began)


@pytest.mark.parametrize("model", ["", " "])
def test_a_model_without_a_name_is_refused(log, model):
    """It is not taken for none."""
    with pytest.raises(InvalidInputError, match="model is empty"):
        fork_run(log, "r", "x", model=model)
    assert "x" not in view(log, "runs").rows


class TestCompared:
    """A fork beside its parent, from where they part."""

    def test_what_came_before_counts_for_neither(self, log):
        """Phases that had ended are in no list, and the parent's use begins at nothing."""
        parted = log.head().position
        fork_run(log, "r", "f")
        found = compare(log, "r", "f")

        assert (parted, (), 3) == (found.parted_at, found.changed, found.same)
        assert (0, 0, 0) == (found.a.work.attempts, found.a.work.calls, found.b.work.attempts)

    def test_what_each_did_since_is_told(self, log):
        """The parent with its own model, the fork with another."""
        fork_run(log, "r", "f", model="m-small")
        drain(log, executor=work, run_id="f")
        drain(log, executor=work, run_id="r", max_phases=1)
        found = compare(log, "r", "f")

        assert ["f"] == [one.phase_id for one in found.changed if "attempts" in one.differs]
        assert (1, 2) == (found.a.work.attempts, found.b.work.attempts)
        assert ("0.5", "1") == (str(found.a.work.cost_usd), str(found.b.work.cost_usd))

    def test_it_does_not_matter_which_is_named_first(self, log):
        """The other way round it is the same, turned."""
        fork_run(log, "r", "f")
        drain(log, executor=work, run_id="f")
        there, back = compare(log, "r", "f"), compare(log, "f", "r")

        assert (there.a.work, there.b.work, there.parted_at) == (
            back.b.work, back.a.work, back.parted_at,
        )  # fmt: skip

    def test_what_was_taken_up_again_is_shown(self, log):
        """A failure of before that the fork tries once more."""
        fork_run(log, "r", "f")
        requeue(log, "f/b", why="once more")

        assert ["b"] == [one.phase_id for one in compare(log, "r", "f").changed]

    def test_a_run_that_is_no_fork_is_compared_whole(self, log):
        """As before; a fork of another run too."""
        create_run(log, "s", [PhaseSpec("a")])
        fork_run(log, "r", "f")

        assert None is compare(log, "r", "s").parted_at
        assert None is compare(log, "f", "s").parted_at


def test_it_is_one_run_in_every_reading(tmp_path):
    """SQL, a replay and an opened file say what the views say."""
    import sqlite3
    from contextlib import closing

    path = tmp_path / "log.db"
    with create_log(path) as log:
        create_run(log, "r", [PhaseSpec(name, max_attempts=1) for name in "abc"])
        drain(log, executor=work, max_phases=2)
        fork_run(log, "r", "f")
        events = list(log.read_all(types=[PhaseInherited]))
    with closing(sqlite3.connect(path)) as file:
        rows = file.execute("SELECT phase_id, state, reason FROM v_phases WHERE run_id = 'f'")
        told = {name: (state, reason) for name, state, reason in rows}
    with open_log(path) as log:
        assert {"a": "COMPLETE", "b": "FAILED", "c": "QUEUED"} == states(log, "f")

    assert {"a": ("COMPLETE", None), "b": ("FAILED", "it is bad"), "c": ("QUEUED", None)} == told
    assert ["r", "r"] == [one.event.from_run for one in events]

    def test_a_fork_of_a_fork_parts_where_the_first_did(self, log):
        """From the first run; from the fork between, where it left that one."""
        first = log.head().position
        fork_run(log, "r", "f")
        drain(log, executor=work, run_id="f", max_phases=1)
        second = log.head().position
        fork_run(log, "f", "g")
        drain(log, executor=work, run_id="g")
        drain(log, executor=work, run_id="r")
        of_first, of_second = compare(log, "r", "g"), compare(log, "g", "f")

        assert (first, second) == (of_first.parted_at, of_second.parted_at)
        assert (2, 1) == (of_first.a.work.attempts, of_first.b.work.attempts)
        assert (1, 0) == (of_second.a.work.attempts, of_second.b.work.attempts)

    def test_two_forks_of_one_run_part_at_the_earlier(self, log):
        """What ended before it counts for neither."""
        parted = log.head().position
        fork_run(log, "r", "f")
        drain(log, executor=work, run_id="r", max_phases=1)
        fork_run(log, "r", "g")
        found = compare(log, "g", "f")

        assert (parted, 3) == (found.parted_at, found.same)
        assert [("e", "COMPLETE", "QUEUED")] == [
            (one.phase_id, one.a.state, one.b.state) for one in found.changed
        ]

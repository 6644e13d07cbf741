"""Which phases may be claimed now, and why the others may not."""

from datetime import UTC, datetime, timedelta

import pytest

from autopack import (
    PhaseRef,
    attempt,
    cancel,
    create_run,
    pause_run,
    queue_phases,
    requeue,
    resume_run,
    skip,
)
from autopack.draining.queue.admission import Admission
from autopack.draining.queue.hold_reasons import Held, HeldBy
from autopack.log.log import journal_of
from autopack.testing.facts import append_all, queued
from drains import specs

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def admission_of(log, is_in_scope=lambda _phase: True):
    admission = Admission(journal_of(log), is_in_scope)
    admission.catch_up(NOW)
    return admission


def ids(admission):
    return [phase.phase_id for phase in admission.ready]


def words(found):
    return {held.words for held in found}


def test_phases_are_ready_by_run_and_index(any_log):
    """The order is that of runs, then of indices within the run."""
    create_run(any_log, "b", specs("b1", "b2"))
    create_run(any_log, "a", specs("a1"))
    queue_phases(any_log, "b", specs("b3"))

    admission = admission_of(any_log)

    assert ["b1", "b2", "b3", "a1"] == ids(admission)
    assert "b2" == admission.ready[1].phase_id
    assert ["b2", "b3"] == [phase.phase_id for phase in admission.ready[1:3]]


def test_what_is_out_of_scope_is_not_sorted(log):
    """Phases out of scope are neither ready nor waiting."""
    create_run(log, "s", [*specs("q1", after=("q2",)), *specs("q2")])

    admission = admission_of(log, lambda phase: phase.phase_id == "p2")

    assert (["p2"], 0) == (ids(admission), admission.n_waiting)


def test_a_failed_phase_is_not_retried_before_what_it_comes_after(any_log):
    """What was skipped for it, and is queued again, comes first now."""
    create_run(any_log, "r", [*specs("a"), *specs("b", after=("a",))])
    skip(any_log, "r/a", why="w")
    with attempt(any_log, "r/b") as live:
        live.fail("broken", "no", retryable=False)
    admission, seen = admission_of(any_log), []
    seen.append(admission.failed.has("r/b"))
    for act in (requeue, skip):
        act(any_log, "r/a", why="w")
        admission.catch_up(NOW)
        seen.append(admission.failed.has("r/b"))

    assert [True, False, True] == seen


def test_a_claimed_phase_is_live_until_it_ends(log):
    """A claim moves a phase out of the ready ones; its end out of the live ones."""
    admission = admission_of(log)
    with attempt(log, "r/p1"):
        admission.catch_up(NOW)
        during = (ids(admission), list(admission.live))
    admission.catch_up(NOW)

    assert (["p2"], ["r/p1"]) == during
    assert (["p2"], []) == (ids(admission), list(admission.live))


def test_phases_of_a_paused_run_wait(log):
    """Pausing and resuming move all of a run's phases."""
    admission = admission_of(log)
    pause_run(log, "r", why="w")
    admission.catch_up(NOW)
    paused = (ids(admission), words(admission.reasons.values()))
    resume_run(log, "r", why="w")
    admission.catch_up(NOW)

    assert ([], {"its run is paused"}) == paused
    assert ["p1", "p2"] == ids(admission)


def test_a_phase_comes_after_others(any_log):
    """It is ready when those before it are complete or were skipped on purpose."""
    create_run(any_log, "r", [*specs("p1", "p2"), *specs("p3", after=("p1", "p2"))])
    admission = admission_of(any_log)
    with attempt(any_log, "r/p1"):
        pass
    admission.catch_up(NOW)
    between = admission.reasons["r/p3"].words
    skip(any_log, PhaseRef("r", "p2"), why="not needed")
    admission.catch_up(NOW)

    assert "it comes after p2, which is not complete yet" == between
    assert ["p3"] == ids(admission)


def test_work_on_a_predecessor_is_no_new_reason(any_log):
    """Claim and start of the phase before are noise; its failure is worth a word."""
    create_run(any_log, "r", [*specs("p1"), *specs("p2", after=("p1",))])
    admission = admission_of(any_log)
    told = words(admission.take_new_reasons().values())
    with attempt(any_log, "r/p1") as live:
        admission.catch_up(NOW)
        told |= words(admission.take_new_reasons().values())
        live.fail("tests_failed", "two of nine", retryable=False)
    admission.catch_up(NOW)

    assert {"it comes after p1, which is not complete yet"} == told
    failed = Held(HeldBy.PREDECESSOR, "it comes after p1, which is FAILED")
    assert {"r/p2": failed} == admission.take_new_reasons()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("nobody", "it comes after nobody, which does not exist"),
        ("p1", "it comes after p1, which is CANCELLED"),
    ],
)
def test_a_predecessor_that_will_not_come_is_named(log, name, reason):
    """A missing or cancelled predecessor is the reason, by name."""
    cancel(log, PhaseRef("r", "p1"), why="w")
    append_all(log, [queued("p3", "r", after=(name,), index=2)])

    assert reason == admission_of(log).reasons["r/p3"].words


def test_a_phase_backs_off_until_its_time(log):
    """not_before holds a phase back; time alone lets it go."""
    later = NOW + timedelta(minutes=5)
    cancel(log, PhaseRef("r", "p1"), why="w")
    requeue(log, PhaseRef("r", "p1"), why="w", not_before=later)
    admission = admission_of(log)
    before = (ids(admission), admission.next_ready_at)
    admission.catch_up(later)

    assert (["p2"], later) == before
    assert (["p1", "p2"], None) == (ids(admission), admission.next_ready_at)


def test_words_make_no_back_off(log):
    """A run that is held with such words is not waited for until its phase's own time."""
    requeued = PhaseRef("r", "p1")
    cancel(log, requeued, why="w")
    requeue(log, requeued, why="w", not_before=NOW + timedelta(minutes=5))
    admission = admission_of(log)
    admission.hold_run("r", "backs off for the night")

    assert admission.next_ready_at is None
    assert {HeldBy.RUN_HELD} == {held.by for held in admission.reasons.values()}


@pytest.mark.parametrize("why", ["it comes after nobody, which does not exist", "backs off"])
def test_words_make_no_predecessor(log, why):
    """A phase whose claim is refused does not wait for those before it, whatever is said of it."""
    append_all(log, [queued("p3", "r", after=("nobody",), index=2)])
    admission = admission_of(log)
    before = [row.phase_id for row in admission.coming_after()]
    admission.put_off("r/p3", why, NOW)

    assert ["p3"] == before
    assert [] == admission.coming_after()
    assert HeldBy.PUT_OFF is admission.reasons["r/p3"].by


def test_a_refused_claim_is_not_tried_again_until_something_changes(log):
    """A phase whose claim was refused waits with that reason; its next event sorts it anew."""
    admission = admission_of(log)
    admission.refuse_phase(admission.row("r/p1"), "no", NOW)
    held = (ids(admission), admission.reasons["r/p1"].words)
    cancel(log, PhaseRef("r", "p1"), why="w")
    requeue(log, PhaseRef("r", "p1"), why="w")
    admission.catch_up(NOW)

    assert (["p2"], "its claim is refused: no") == held
    assert ["p1", "p2"] == ids(admission)


def test_a_refused_run_gives_no_phases(log):
    """A run that could not be prepared is left alone, others are not."""
    create_run(log, "s", specs("q1"))
    admission = admission_of(log)
    admission.hold_run("r", "its run could not be prepared")

    assert ["q1"] == ids(admission)
    assert {"its run could not be prepared"} == words(admission.reasons.values())

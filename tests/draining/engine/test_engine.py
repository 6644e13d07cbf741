"""The drain: executors of every kind, workers, deadlines, stops, and what goes wrong."""

import asyncio
import functools
import threading
import time
from collections import defaultdict

import pytest
from structlog.testing import capture_logs

from autopack import (
    Choose,
    Completed,
    Drain,
    Failed,
    NeedsPerson,
    PhaseRef,
    Stop,
    Wait,
    attempt,
    create_run,
    drain,
    hookimpl,
    load_plugins,
    replay,
)
from autopack.errors import (
    DrainRefusedError,
    EmptyLogError,
    LogError,
    MoveRefusedError,
    PhaseMissingError,
    PluginError,
    RunMissingError,
)
from autopack.log.log import journal_of
from autopack.testing.facts import append_all, created, queued
from drains import found, specs, states, types_of, works


async def works_async(phase, attempt):
    await asyncio.sleep(0)
    return works(phase, attempt)


class Worker:
    def execute(self, phase, attempt):
        return works(phase, attempt)


class AsyncWorker:
    async def execute(self, phase, attempt):
        return await works_async(phase, attempt)


class AsyncCall:
    async def __call__(self, phase, attempt):
        return await works_async(phase, attempt)


def hands_out_a_coroutine(phase, attempt):
    return works_async(phase, attempt)


@pytest.mark.parametrize(
    "executor",
    [works, works_async, Worker(), Worker, AsyncWorker(), AsyncCall(), hands_out_a_coroutine,
     functools.partial(works_async)],
    ids=lambda executor: getattr(executor, "__name__", type(executor).__name__),
)  # fmt: skip
def test_executors_of_every_kind(log, executor):
    """Plain and async callables, objects and classes do the same."""
    report = drain(log, executor=executor)

    assert (2, 0, 2, 60, 2, 2) == (
        report.completed, report.failed, report.calls, report.total_tokens, report.samples,
        report.samples_won,
    )  # fmt: skip
    assert ("empty", {"p1": "COMPLETE", "p2": "COMPLETE"}) == (report.reason, states(log))
    assert [
        "phase.estimated", "phase.claimed", "phase.started", "llm.usage_recorded",
        "phase.completed",
    ] == types_of(log, "phase-r/p1")  # fmt: skip


def test_a_drain_tells_its_own_story(log):
    """Its stream holds the start with settings, each choice with its reason, and the end."""
    report = drain(log, executor=works, max_phases=5)
    stream = f"drain-{report.drain_id}"
    started, *chosen, stopped = [recorded.event for recorded in log.read(stream)]

    assert [
        "drain.started", "drain.phase_selected", "drain.phase_selected", "drain.stopped",
    ] == types_of(log, stream)  # fmt: skip
    assert (5, "fifo", "works") == (
        started.settings["max_phases"], started.strategy, started.executor,
    )  # fmt: skip
    assert "first of 2 ready, by run and index" == chosen[0].reason
    assert ("empty", 2) == (stopped.reason, stopped.totals["completed"])


def test_the_last_phase_finishes_the_run(log):
    """run.finished says the outcome and counts the phases."""
    drain(log, executor=works)
    (finished,) = found(log, "run.finished")

    assert ("succeeded", {"COMPLETE": 2}) == (finished.outcome, finished.phases_by_state)


def test_a_run_is_finished_by_its_last_phase_however_often_it_is_looked_at(log):
    """A look at the log while it has phases in work decides nothing, and forgets nothing."""

    async def executor(_phase, _attempt):
        begun = log.head().position
        while engine._session.account.position < begun:
            await asyncio.sleep(0.005)

    engine = Drain(log, executor=executor)
    engine.run()

    assert 1 == len(found(log, "run.finished"))


def test_a_strategy_is_told_of_attempts_without_calls(any_log):
    """How many there were in a row; one with a call begins anew."""
    create_run(any_log, "r", specs(*"abcd"))
    seen = []

    class Noting:
        name = "noting"

        def __call__(self, view):
            seen.append(view.zero_streak)
            return Choose(view.ready[0].ref, "next") if view.ready else Stop("none")

    def executor(phase, live):
        if phase.phase_id == "c":
            works(phase, live)

    drain(any_log, executor=executor, strategy=Noting())

    assert [0, 1, 2, 0] == [now for n, now in enumerate(seen) if seen[n - 1 : n] != [now]]


def test_a_drain_leaves_views_up_to_its_last_event(log):
    """So that whoever looks next has nothing to fold."""
    drain(log, executor=works)
    places = {saved.view: saved.position for saved in journal_of(log).backend.saved_views()}

    assert {"phases", "runs", "attempts"} <= places.keys()
    assert {log.head().position} == set(places.values())


def test_a_strategy_is_told_what_is_in_work_elsewhere(log, another):
    """Another worker's attempt is neither ready nor running here."""
    seen = []

    class Noting:
        name = "noting"

        def __call__(self, view):
            seen.append((view.running, view.elsewhere, len(view.ready)))
            if view.ready and len(seen) < 9:
                return Choose(view.ready[0].ref, "next")
            return Stop("enough")

    with attempt(another(), "r/p2"):
        drain(log, executor=works, strategy=Noting())

    assert (0, 1, 1) == seen[0]


def test_workers_work_at_once(any_log):
    """Three workers: three phases are in work together, and no more."""
    create_run(any_log, "r", specs(*"abcdef"))
    together = threading.Barrier(3, timeout=20)

    report = drain(any_log, executor=lambda _p, _a: together.wait() * 0 or None, workers=3)

    assert 6 == report.completed


def test_coroutines_work_at_once(any_log):
    """Async executors share the loop; each waits for the other."""
    create_run(any_log, "r", specs("a", "b"))
    arrived = []

    async def meets(phase, _attempt):
        arrived.append(phase.phase_id)
        while len(arrived) < 2:
            await asyncio.sleep(0.001)

    assert 2 == drain(any_log, executor=meets, workers=2).completed


def test_a_thread_that_overruns_is_told_and_fenced(log):
    """At the deadline the phase is TIMED_OUT; what the thread gives later is a late result."""
    recorded, timed_out = threading.Event(), defaultdict(threading.Event)

    def observe(seen):
        if seen.type == "phase.timed_out":
            timed_out[seen.event.attempt].set()
        elif seen.type == "phase.result_late":
            recorded.set()

    journal_of(log).observers.append(observe)

    def overruns(_phase, attempt):
        while not attempt.cancelled:
            time.sleep(0.005)
        assert timed_out[attempt.number].wait(60)  # or it would come just in time
        return Completed({"a": "late text"}, summary="too late")

    report = drain(
        log, executor=overruns, timeout_s=0.05, phase_id="p1", run_id="r", backoff_base_s=0.01
    )
    recorded.wait(20)
    late = found(log, "phase.result_late")

    assert (3, 0) == (report.timed_out, report.completed)
    assert "TIMED_OUT" == states(log)["p1"]
    assert {"timeout": 3} == report.zero_yield
    assert {"complete"} == {event.outcome for event in late}
    assert "late text" == log.artifacts.get(late[0].outputs["a"])


def test_a_thread_that_hangs_does_not_hold_up_the_next_phase(any_log):
    """With one worker, the phase after a hanging one still gets its whole time."""
    phases = [*specs("p1", max_attempts=1, timeout_s=0.2), *specs("p2", timeout_s=20)]
    create_run(any_log, "r", phases)
    over = threading.Event()

    def hangs(phase, _attempt):
        if phase.phase_id == "p1":
            over.wait(600)

    drain(any_log, executor=hangs)
    over.set()

    assert {"p1": "TIMED_OUT", "p2": "COMPLETE"} == states(any_log)


def test_a_coroutine_that_overruns_is_cancelled(any_log):
    """At the deadline it gets CancelledError, and may clean up."""
    create_run(any_log, "r", specs("p1", max_attempts=1))
    cleaned = []

    async def overruns(_phase, _attempt):
        try:
            await asyncio.sleep(30)
        finally:
            cleaned.append("up")

    report = drain(any_log, executor=overruns, timeout_s=0.05)

    assert (1, ["up"]) == (report.timed_out, cleaned)
    assert "no result after 0.05 s" == replay(any_log, "phases").rows["r/p1"].reason


def test_a_coroutine_handed_out_by_a_function_has_the_same_deadline(any_log):
    """The time counts from the call, and the phase is TIMED_OUT, not FAILED."""
    create_run(any_log, "r", specs("p1", max_attempts=1))

    assert (
        1
        == drain(
            any_log, executor=lambda _phase, _attempt: asyncio.sleep(30), timeout_s=0.05
        ).timed_out
    )


def test_a_phases_own_deadline_comes_first(any_log):
    """timeout_s of the phase wins over that of the drain."""
    create_run(any_log, "r", specs("p1", max_attempts=1, timeout_s=0.05))

    async def sleeps(_phase, _attempt):
        await asyncio.sleep(30)

    assert 1 == drain(any_log, executor=sleeps, timeout_s=60).timed_out


@pytest.mark.parametrize(
    ("executor", "code", "reason"),
    [
        (lambda _p, _a: Failed("tests_failed", "two of nine"), "tests_failed", "execution_error"),
        (lambda _p, _a: 1 / 0, "ZeroDivisionError", "execution_error"),
        (lambda _p, _a: 5, "bad_outcome", "bad_outcome"),
        (lambda _p, _a: Failed("max_turns", "40 of 40"), "max_turns", "llm_boundary_hit"),
        (lambda _p, _a: (_ for _ in ()).throw(ValueError), "ValueError", "execution_error"),
        (lambda _p, _a: (_ for _ in ()).throw(SystemExit(3)), "SystemExit", "execution_error"),
    ],
)
def test_every_failure_has_a_reason(log, executor, code, reason):
    """Code and message are never empty, whatever the executor did; a silent phase says why."""
    report = drain(log, executor=executor)
    failed = found(log, "phase.failed")

    assert ([code, code], {reason: 2}) == ([event.code for event in failed], report.zero_yield)
    assert all(event.message.strip() and event.fingerprint for event in failed)
    assert {"p1": "FAILED", "p2": "FAILED"} == states(log)
    assert not report.is_clean


def test_a_coroutine_that_exits_fails_its_phase_only(log):
    """SystemExit in a coroutine does not end the process that drains."""

    async def leaves(_phase, _attempt):
        raise SystemExit(3)

    assert 2 == drain(log, executor=leaves).failed


def test_a_failure_without_a_reason_cannot_be_made():
    """Failed() refuses an empty code or message."""
    with pytest.raises(Exception, match="message"):
        Failed("code", "  ")


def test_a_phase_can_wait_for_a_person(log):
    """NeedsPerson leaves the phase at a gate with its question; the run is not finished."""
    report = drain(log, executor=lambda _p, _a: NeedsPerson("Shall this be merged?"))

    assert (2, {"gated_before_llm": 2}) == (report.gated, report.zero_yield)
    assert {"p1": "GATED", "p2": "GATED"} == states(log)
    assert [] == found(log, "run.finished")


def test_a_retryable_failure_is_tried_again(log):
    """It goes back to the queue until an attempt succeeds or all are spent."""

    def second_time(phase, attempt):
        if attempt.number < 2:
            return Failed("busy", "try later", retryable=True)
        return works(phase, attempt)

    report = drain(log, executor=second_time, backoff_base_s=0.01)

    assert (4, 2, 2) == (report.attempts, report.failed, report.completed)
    assert 2 == len(found(log, "phase.requeued"))


def test_stop_lets_the_phase_in_work_end(any_log):
    """After stop() nothing new is taken; what is in work is completed."""
    create_run(any_log, "r", specs("p1", "p2"))
    holder = []

    def stops(phase, attempt):
        holder[0].stop()
        return works(phase, attempt)

    holder.append(Drain(any_log, executor=stops))
    report = holder[0].run()

    assert (True, "stopped", "asked to stop") == (
        report.is_interrupted, report.reason, report.detail,
    )  # fmt: skip
    assert {"p1": "COMPLETE", "p2": "QUEUED"} == states(any_log)


def test_stop_with_no_grace_gives_the_phase_back(any_log):
    """stop(0) releases: the phase is queued again and its attempt is not spent."""
    create_run(any_log, "r", specs("p1"))
    holder = []

    def hangs(_phase, attempt):
        holder[0].stop(0)
        while not attempt.cancelled:
            time.sleep(0.005)

    holder.append(Drain(any_log, executor=hangs))
    report = holder[0].run()
    row = replay(any_log, "phases").rows["r/p1"]

    assert (1, "QUEUED", 0) == (report.released, row.status, row.attempts_spent)
    assert [] == journal_of(any_log).backend.leases()


def test_a_second_stop_releases_at_once(any_log):
    """The first stop waits for the phase in work, the second one does not."""
    create_run(any_log, "r", specs("p1"))
    holder = []

    async def hangs(_phase, _attempt):
        holder[0].stop()
        holder[0].stop()
        await asyncio.sleep(30)

    holder.append(Drain(any_log, executor=hangs))

    assert 1 == holder[0].run().released


def test_cancelling_a_drain_releases_its_phases(any_log):
    """A cancelled arun() gives its phases back and says so in its stream."""
    create_run(any_log, "r", specs("p1"))
    begun = asyncio.Event()

    async def hangs(_phase, _attempt):
        begun.set()
        await asyncio.sleep(30)

    async def service():
        task = asyncio.create_task(Drain(any_log, executor=hangs).arun())
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(service())

    assert {"p1": "QUEUED"} == states(any_log)
    assert ["the drain's task was cancelled"] == [
        event.detail for event in found(any_log, "drain.stopped")
    ]


def test_a_drain_is_embedded_in_a_service(log):
    """Inside `async with` it works beside other tasks, and stops at the block's end."""

    async def service():
        async with Drain(log, executor=works_async, when_empty="wait") as embedded:
            while embedded.status()["completed"] < 2:
                await asyncio.sleep(0.01)
        return embedded.status()

    assert 2 == asyncio.run(service())["completed"]


def test_a_drain_waits_for_more(log):
    """when_empty="wait" takes phases that are queued while it runs."""

    async def service():
        async with Drain(log, executor=works_async, when_empty="wait") as embedded:
            while embedded.status()["completed"] < 2:
                await asyncio.sleep(0.01)
            create_run(log, "s", specs("q1"))
            while embedded.status()["completed"] < 3:
                await asyncio.sleep(0.01)

    asyncio.run(service())

    assert "COMPLETE" == states(log)["q1"]


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"max_phases": 1}, "max_phases: 1 of 1 phases taken"),
        ({"max_samples": 1}, "max_samples: 1 of 1 samples won"),
        ({"max_tokens": 20}, "max_tokens: 30 of 20 tokens used"),
        ({"max_minutes": 1e-9}, "max_minutes: 0 of 0.000000001 minutes"),
    ],
)
def test_a_limit_ends_the_drain(log, limits, reason):
    """The reason names the limit, in the report and in drain.stopped."""
    report = drain(log, executor=works, **limits)
    (stopped,) = found(log, "drain.stopped")

    assert ("limit", reason) == (report.reason, report.detail)
    assert ("limit", reason) == (stopped.reason, stopped.detail)
    assert "QUEUED" == states(log)["p2"]


def test_phases_without_usage_in_a_row_end_the_drain(log):
    """max_zero_yield stops before everything is burned on silence."""
    report = drain(log, executor=lambda _p, _a: None, max_zero_yield=1)

    assert "max_zero_yield: 1 of 1 phases without usage" == report.detail


def test_only_the_named_run_is_drained(log):
    """run_id leaves other runs alone."""
    create_run(log, "s", specs("q1"))
    drain(log, executor=works, run_id="s")

    assert {"p1": "QUEUED", "p2": "QUEUED", "q1": "COMPLETE"} == states(log)


def test_only_the_named_phase_is_drained(log):
    """phase_id takes that one, however many come before it."""
    drain(log, executor=works, run_id="r", phase_id="p2")

    assert {"p1": "QUEUED", "p2": "COMPLETE"} == states(log)


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"run_id": "none"}, RunMissingError),
        ({"run_id": "r", "phase_id": "none"}, PhaseMissingError),
    ],
)
def test_what_is_named_must_be_there(log, settings, error):
    """A missing run or phase is an error, and nothing is written."""
    before = log.head()
    with pytest.raises(error):
        drain(log, executor=works, **settings)

    assert before == log.head()


def test_a_named_phase_must_be_queued(log):
    """A complete phase is refused with what to type."""
    drain(log, executor=works)

    with pytest.raises(MoveRefusedError, match=r"requeue\(\)"):
        drain(log, executor=works, run_id="r", phase_id="p1")


def test_an_empty_log_is_refused_unless_insisted(any_log):
    """Nothing to drain is suspicious: it takes allow_empty to go on."""
    with pytest.raises(EmptyLogError, match="allow_empty=True"):
        drain(any_log, executor=works)
    before = any_log.head().position
    report = drain(any_log, executor=works, allow_empty=True)

    assert (0, "empty") == (before, report.reason)


def test_a_guard_refuses_a_drain(another):
    """autopack_guard_drain says why; nothing is written."""

    class Guard:
        @hookimpl
        def autopack_guard_drain(self, log, settings):
            return f"not on a Friday with {settings['workers']} workers"

    log = another(registry=load_plugins(extra=[Guard()]))
    create_run(log, "r", specs("p1"))
    before = log.head()
    with pytest.raises(DrainRefusedError, match="not on a Friday with 1 workers"):
        drain(log, executor=works)

    assert before == log.head()


def test_a_strategy_may_stop(log):
    """Its reason is the drain's."""
    report = drain(log, executor=works, strategy=lambda _view: Stop("enough for today"))

    assert ("strategy", "enough for today", 0) == (report.reason, report.detail, report.attempts)


def test_a_strategy_that_waits_for_nothing_ends_the_drain(log):
    """With nothing in work, waiting without an end would be for ever."""
    report = drain(log, executor=works, strategy=lambda _view: Wait("not now"))

    assert ("strategy", "it waits, and nothing is in work: not now") == (
        report.reason, report.detail,
    )  # fmt: skip


@pytest.mark.remembers
def test_a_wait_is_told_once(log):
    """A drain that could work and does not says why and until when, once for each reason."""
    answers = ["quiet hours", "quiet hours", "used up", None, "quiet hours", None]

    def strategy(view):
        reason = answers.pop(0)
        if reason is None:
            return Choose(view.ready[0].ref, "now")
        return Wait(reason, until=view.now)

    with capture_logs() as logged:
        drain(log, executor=works, strategy=strategy)

    assert ["quiet hours", "used up", "quiet hours"] == [entry["why"] for entry in logged]
    assert all(entry["until"] for entry in logged)


def test_a_wait_for_what_is_in_work_is_not_told(log):
    """While a phase is in work, waiting is nothing to wonder about."""

    def one_at_a_time(view):
        if view.running or not view.ready:  # the last may have ended just now
            return Wait("one at a time")
        return Choose(view.ready[0].ref, "the only one")

    with capture_logs() as logged:
        report = drain(log, executor=works, strategy=one_at_a_time, workers=2)

    assert (2, []) == (report.completed, logged)


@pytest.mark.parametrize("choice", [Choose(PhaseRef("r", "none"), "why not"), None, "p1"])
def test_a_strategy_that_breaks_its_promise_is_named(log, choice):
    """What it answered is in the error; the drain's stream says that it ended by an error."""

    def odd(_view):
        return choice

    with pytest.raises(PluginError, match="odd"):
        drain(log, executor=works, strategy=odd)

    assert ["error"] == [event.reason for event in found(log, "drain.stopped")]


def test_an_error_of_a_strategy_releases_what_is_in_work(log):
    """A second choice that fails gives the first phase back."""

    def fails_later(view):
        if view.running:
            raise LookupError("no more")
        return Choose(view.ready[0].ref, "first")

    async def hangs(_phase, _attempt):
        await asyncio.sleep(30)

    with pytest.raises(PluginError):
        drain(log, executor=hangs, strategy=fails_later, workers=2)

    assert {"p1": "QUEUED", "p2": "QUEUED"} == states(log)
    assert [] == journal_of(log).backend.leases()


def test_a_state_that_cannot_be_written_ends_the_drain(log, monkeypatch):
    """The error is raised, and the phase is never picked again."""
    picked = []

    def breaks_the_log(phase, attempt):
        picked.append(phase.phase_id)
        works(phase, attempt)
        monkeypatch.setattr(journal_of(log).backend, "transaction", refuse)

    def refuse():
        raise LogError("disk full")

    with pytest.raises(LogError, match="disk full"):
        drain(log, executor=breaks_the_log)

    assert (["p1"], "RUNNING") == (picked, states(log)["p1"])


def test_a_lost_phase_is_not_ended_by_its_old_worker(log, another):
    """A phase that was taken back while in work stays with its new holder."""
    from autopack import cancel

    def is_cancelled(phase, _attempt):
        if phase.phase_id == "p1":
            cancel(another(), phase.ref, why="not needed")

    report = drain(log, executor=is_cancelled)

    assert (1, 1) == (report.lost, report.completed)
    assert {"p1": "CANCELLED", "p2": "COMPLETE"} == states(log)
    assert ["complete"] == [event.outcome for event in found(log, "phase.result_late")]


def test_why_phases_are_passed_over_is_told_once(any_log):
    """A chain of three: each waiting phase has one line, however long the first is in work."""
    create_run(any_log, "r", [*specs("a"), *specs("b", after=("a",)), *specs("c", after=("b",))])
    report = drain(any_log, executor=works)

    assert [
        ("b", "it comes after a, which is not complete yet"),
        ("c", "it comes after b, which is not complete yet"),
    ] == [(event.phase_id, event.reason) for event in found(any_log, "drain.passed_over")]
    assert 3 == report.completed


def test_a_phase_that_can_never_come_blocks_the_drain(any_log):
    """The drain ends with what is left and why."""
    append_all(any_log, [created("r"), queued("b", "r", after=("nobody",))])
    report = drain(any_log, executor=works)

    assert ("blocked", "1 queued phase may not be taken") == (report.reason, report.detail)
    assert {"it comes after nobody, which does not exist": 1} == report.passed_over


def test_a_phase_that_waits_for_another_reason_counts_once(any_log):
    """What was said of it last is counted; the log has both."""
    create_run(any_log, "r", [*specs("a"), *specs("b", after=("a",))])
    report = drain(any_log, executor=lambda phase, attempt: Failed("x", "y", retryable=False))

    assert 2 == len(found(any_log, "drain.passed_over"))
    assert {"it comes after a, which is FAILED": 1} == report.passed_over


def test_an_observer_sees_every_event(log):
    """on_event is called with what this process records, while the drain lasts."""
    seen = []
    drain(log, executor=works, on_event=lambda recorded: seen.append(recorded.position))
    create_run(log, "s", specs("q"))

    assert list(range(4, log.head().position - 1)) == sorted(seen)

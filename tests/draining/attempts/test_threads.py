"""Many threads at one attempt, one log, one cap: nothing is lost, and no more is given than is."""

import threading
from datetime import timedelta

import pytest

from autopack import PhaseRef, attempt, create_run, drain, get_caps, prune_artifacts, replay
from autopack.draining.attempts import threads
from autopack.draining.attempts.machine_faults import hindrance_of
from autopack.errors import CapFullError
from autopack.log.log import journal_of
from autopack.ports.log import from_us
from drains import found, specs, states

N = 20


def at_once(work, n=N):
    """Do something in so many threads that begin together; raise the first error of any."""
    together, faults = threading.Barrier(n, timeout=60), []

    def run(number):
        together.wait()
        try:
            work(number)
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=run, args=[number]) for number in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    if faults:
        raise faults[0]


@pytest.mark.parametrize("caps", [{}, {"tokens": 10**9, "usd": 10.0**6}], ids=["free", "capped"])
def test_calls_without_ids_are_calls_of_their_own(any_log, caps):
    """Twenty threads tell of alike calls of one attempt, five each: a hundred calls."""
    create_run(any_log, "r", specs("a"), caps=caps)
    with attempt(any_log, "r/a") as live:
        at_once(lambda _number: [
            live.record_usage(model="m", input_tokens=2, output_tokens=3, cost_usd=0.1)
            for _ in range(5)
        ])  # fmt: skip
        use = live.use
    calls = found(any_log, "llm.usage_recorded")

    assert (100, 500, "10") == (use.calls, use.total_tokens, str(use.cost_usd))
    assert 100 == len({event.call_id for event in calls})
    assert replay(any_log, "attempts").total.all.use == use
    if caps:
        used = {one.unit: (float(one.used), float(one.reserved)) for one in get_caps(any_log, "r")}
        assert ((500, 0), (10, 0)) == (used["tokens"], used["usd"])


def test_threads_of_one_attempt_are_not_in_each_others_way(any_log, monkeypatch):
    """A hundred calls are a hundred appends: none is tried again since another came first."""
    create_run(any_log, "r", specs("a"))
    journal, begun = journal_of(any_log), []
    transaction = journal.transaction
    with attempt(any_log, "r/a") as live:
        monkeypatch.setattr(journal, "transaction", lambda: (begun.append(1), transaction())[1])
        at_once(lambda _number: [live.record_usage(model="m", output_tokens=3) for _ in range(5)])
        monkeypatch.undo()

    assert 100 == len(begun) == len(found(any_log, "llm.usage_recorded"))


def test_a_fresh_log_is_met_by_many_threads(another):
    """Each attempts a phase of its own, records, and replays; nobody has opened anything yet."""
    create_run(another(), "r", specs(*map(str, range(N))))
    log = another()

    def work(number):
        with attempt(log, PhaseRef("r", str(number))) as live:
            live.record_usage(model="m", total_tokens=number, split="total_only")
            replay(log, "attempts")

    at_once(work)

    assert {"COMPLETE"} == set(states(log).values())
    assert sum(range(N)) == replay(log, "attempts").total.all.use.total_tokens
    assert ["succeeded"] == [event.outcome for event in found(log, "run.finished")]
    assert log.verify().is_clean


@pytest.mark.parametrize("handles", ["one", "each its own"])
def test_of_a_cap_no_more_is_taken_than_there_is(another, handles):
    """Twenty want to begin; seven may, and each of the others is told why not."""
    log = another()
    create_run(log, "r", specs(*map(str, range(N))), caps={"attempts": 7})
    logs = [another() if handles != "one" else log for _ in range(N)]
    refused = []

    def work(number):
        try:
            with attempt(logs[number], PhaseRef("r", str(number))):
                pass
        except CapFullError as full:
            refused.append(full)

    at_once(work)

    assert (7, N - 7) == (len(found(log, "phase.claimed")), len(refused))
    assert {"COMPLETE": 7, "QUEUED": N - 7} == replay(log, "phases").total.by_state()
    assert 1 == len(found(log, "cap.set"))


def test_a_prune_beside_work_takes_no_text_of_it(any_log):
    """Equal texts are one: each attempt has its own when it ends, however often others clean up."""
    create_run(any_log, "r", specs(*map(str, range(12))))
    over, said = threading.Event(), []

    def execute(_phase, live):
        digest = live.attach("said", "ok\n")
        said.extend(any_log.artifacts.get(digest) for _ in range(5))

    def prune():
        while not over.is_set():
            moment = from_us(journal_of(any_log).now_us()) + timedelta(seconds=1)
            prune_artifacts(any_log, named_before=moment, why="w")

    pruner = threading.Thread(target=prune)
    pruner.start()
    try:
        report = drain(any_log, executor=execute, workers=3)
    finally:
        over.set()
        pruner.join()

    assert (12, ["ok\n"] * 60) == (report.completed, said)


@pytest.mark.parametrize("comes", ["never", "late"])
def test_a_thread_that_dies_before_it_has_begun_is_not_waited_for(monkeypatch, comes):
    """Whoever begins one hears that the machine has none; one that comes late does nothing."""
    monkeypatch.setattr(threads, "START_S", 0.1)
    may_begin, is_over, done = threading.Event(), threading.Event(), []

    class Starved(threads.OwnThread):
        def _bootstrap(self):
            may_begin.wait(60)
            if comes == "late":
                super()._bootstrap()
            is_over.set()

    with pytest.raises(RuntimeError) as refused:
        Starved(lambda: done.append(1), "starved").start()
    may_begin.set()
    is_over.wait(60)

    assert hindrance_of(refused.value)
    assert [] == done


def test_a_thread_that_begins_does_its_work():
    """Once, and it keeps no process alive."""
    done = []
    thread = threads.OwnThread(lambda: done.append(threading.current_thread().name), "mine")
    thread.start()
    thread.join(60)

    assert ["mine"] == done
    assert thread.daemon

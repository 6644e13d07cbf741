"""Hands on a drain that runs: what is asked through the log is done, and answered there."""

import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import pytest

import autopack
from autopack import Drain, create_run, drain, list_drains, pause_drain, resume_drain, set_drain
from autopack.draining.engine.resume import seconds_at_work
from autopack.errors import InvalidInputError
from autopack.events import DrainSetRequested
from autopack.ports.log import ANY
from drains import found, specs, states, works

LONG_S = 30.0


@pytest.fixture
def log(any_log):
    """An empty log on every backend in turn."""
    return any_log


@pytest.fixture
def gate():
    """Lets go of every phase in work once it is set; it is, at the end of the test."""
    event = threading.Event()
    yield event
    event.set()


@contextmanager
def running(log, executor, **settings):
    """A drain in a thread of its own, once its first phase is in work."""
    engine = Drain(log, executor=executor, **settings)
    reports = []
    thread = threading.Thread(target=lambda: reports.append(engine.run()), daemon=True)
    thread.start()
    until(lambda: found(log, "phase.claimed"))
    try:
        yield engine
    finally:
        engine.stop(0)
        thread.join(LONG_S)
    assert reports


def until(is_so):
    """Wait until something is so."""
    ends = time.monotonic() + LONG_S
    while not is_so():
        assert time.monotonic() < ends
        time.sleep(0.01)


def held(gate):
    """An executor whose phases end once *gate* is set."""

    def execute(phase, attempt):
        while not gate.wait(0.02):
            attempt.progress("waiting")
        works(phase, attempt)

    return execute


def in_work(log):
    """How many phases are in work."""
    return list(states(log).values()).count("RUNNING")


def answers(asked):
    """What was answered, drain by drain."""
    return [[one.answer for one in drain_.answers] for drain_ in asked]


def test_workers_are_set_while_the_drain_runs(log, gate):
    """More are begun at once; fewer let those in work end, and no other begins until then."""
    create_run(log, "r", specs(*"abcdef"))
    with running(log, held(gate), workers=1) as engine:
        asked = set_drain(log, workers=3, why="it is idle", wait_s=LONG_S)
        until(lambda: in_work(log) == 3)
        fewer = set_drain(log, workers=1, why="it is not", wait_s=LONG_S)
        seen = engine.status()["workers"], in_work(log)
        gate.set()
        until(lambda: set(states(log).values()) == {"COMPLETE"})
    events = [r.event for r in log.read_all() if r.type in ("phase.claimed", "phase.completed")]
    at_once = []
    for event in events:
        is_end = hasattr(event, "outputs")
        at_once.append((at_once[-1] if at_once else 0) + (-1 if is_end else 1))

    assert [["set"]] == answers(asked) == answers(fewer)
    assert (1, 3) == seen
    assert 3 == max(at_once)
    assert 1 == max(at_once[at_once.index(3) + 3 :])


def test_every_setting_that_can_be_changed_is(log, gate):
    """What is asked is what the drain goes by, and the log keeps it as its start does."""
    create_run(log, "r", specs("a", "b"))
    with running(log, held(gate)) as engine:
        set_drain(
            log,
            why="all of it",
            actor="ann",
            wait_s=LONG_S,
            workers=2,
            timeout_s=60,
            requests_per_minute={"m": 5},
            tokens_per_minute=1000,
            max_phases=20,
            max_minutes=30,
            max_samples=9,
            max_tokens=5000,
            max_usd="0.3",
            max_zero_yield=4,
        )
        settings = engine._session.settings
        (caps,) = found(log, "cap.set")
    (asked,) = found(log, "drain.set_requested")
    kept = {name: settings.recorded()[name] for name in asked.settings}

    assert ("ann", "all of it") == (asked.actor, asked.why)
    assert dict(asked.settings) == kept
    assert (5000, "0.3", "ann") == (caps.max_tokens, str(caps.max_usd), caps.by)
    assert settings.timeout_s == 60


def test_a_deadline_that_is_set_is_of_attempts_that_begin_then(log, gate):
    """Those in work keep theirs; the next one that outlasts the new one is timed out by it."""
    create_run(log, "r", specs("a", "b", max_attempts=1))
    with running(log, held(gate)) as engine:
        set_drain(log, timeout_s=0.3, why="they hang", wait_s=LONG_S)
        set_drain(log, workers=2, why="both", wait_s=LONG_S)
        until(lambda: found(log, "phase.timed_out"))
        until(lambda: engine.status()["in_work"] == ["r/a"])
    (late,) = found(log, "phase.timed_out")

    assert ("b", 0.3) == (late.phase_id, late.timeout_s)


def test_a_cap_that_is_lifted_binds_no_more(log):
    """And one that is set binds from what was used before."""
    create_run(log, "r", specs(*"abcd"))
    begun, go = threading.Event(), threading.Event()

    def execute(phase, attempt):
        begun.set()
        go.wait(LONG_S)
        works(phase, attempt)

    with running(log, execute, max_tokens=30):
        begun.wait(LONG_S)
        set_drain(log, max_tokens=None, why="paid for", wait_s=LONG_S)
        go.set()
        until(lambda: set(states(log).values()) == {"COMPLETE"})

    assert [30, None] == [event.max_tokens for event in found(log, "cap.set")]


def test_a_pause_lets_those_in_work_end_and_takes_no_other(log, gate):
    """The drain stays, although nothing is in work, and goes on once it is resumed."""
    create_run(log, "r", specs("a", "b"))
    with running(log, held(gate)) as engine:
        paused = pause_drain(log, why="lunch", actor="ann", wait_s=LONG_S)
        gate.set()
        until(lambda: "COMPLETE" in states(log).values())
        looks = len(found(log, "phase.claimed")), engine.status()["paused"]
        drains = autopack.status(log).drains
        resumed = resume_drain(log, wait_s=LONG_S)
        until(lambda: set(states(log).values()) == {"COMPLETE"})
        after = engine.status()["paused"]

    assert ([["paused"]], [["resumed"]]) == (answers(paused), answers(resumed))
    assert ((1, "lunch"), None) == (looks, after)
    assert [(engine.drain_id, "lunch")] == [(one.drain_id, one.paused) for one in drains]
    assert () == autopack.status(log).drains


def test_a_pause_now_gives_back_what_is_in_work(log, gate):
    """Before it answers; no attempt is spent, and the log says why."""
    create_run(log, "r", specs("a", "b"))
    with running(log, held(gate), workers=2):
        until(lambda: in_work(log) == 2)
        pause_drain(log, now=True, why="the key leaked", wait_s=LONG_S)
        seen = states(log)
        gate.set()
        resume_drain(log, wait_s=LONG_S)
        until(lambda: set(states(log).values()) == {"COMPLETE"})
    types = [r.type for r in log.read_all()]
    released = found(log, "phase.released")

    assert {"a": "QUEUED", "b": "QUEUED"} == seen
    assert ["the drain was paused: the key leaked"] * 2 == [event.why for event in released]
    assert types.index("drain.request_answered") > max(
        i for i, name in enumerate(types) if name == "phase.released"
    )


def test_a_pause_now_is_heard_while_the_drain_waits_for_its_last_phases(log, gate):
    """A limit ended it; what is in work is given back, and it ends."""
    create_run(log, "r", specs("a", "b"))
    engine = Drain(log, executor=held(gate), max_phases=1)
    thread = threading.Thread(target=engine.run, daemon=True)
    thread.start()
    until(lambda: found(log, "phase.claimed"))
    asked = pause_drain(log, now=True, wait_s=LONG_S)
    thread.join(LONG_S)

    assert [["paused"]] == answers(asked)
    assert not thread.is_alive()
    assert {"QUEUED"} == set(states(log).values())


def test_a_paused_drain_ends_by_its_limits_and_by_a_stop(log, gate):
    """And does not look for work all the while."""
    create_run(log, "r", specs("a", "b"))
    with running(log, held(gate), workers=1) as engine:
        pause_drain(log, now=True, wait_s=LONG_S)
        set_drain(log, max_minutes=0.0001, why="enough", wait_s=LONG_S)
        until(lambda: found(log, "drain.stopped"))
    (stopped,) = found(log, "drain.stopped")

    assert ("limit", engine.drain_id) == (stopped.reason, stopped.drain_id)


def test_all_that_are_at_work_are_asked(log, gate):
    """Each process of a drain answers for itself; one that has ended is not asked."""
    create_run(log, "r", specs(*"abcd"))
    ended = drain(log, executor=works, max_phases=1)
    with (
        running(log, held(gate), drain="one"),
        running(log, held(gate), drain="two") as two,
        running(log, held(gate), drain="two"),
    ):
        until(lambda: [0, 1, 2] == sorted(len(one.workers) for one in list_drains(log)))
        both = pause_drain(log, wait_s=LONG_S)
        only = resume_drain(log, drain="one", wait_s=LONG_S)
        still = two.status()["paused"]

    assert [("one", 1, 1), ("two", 2, 2)] == sorted(
        (one.drain_id, len(one.workers), len(one.answers)) for one in both
    )
    assert [("one", 1)] == [(one.drain_id, len(one.answers)) for one in only]
    assert "asked by user" == still
    assert ended.drain_id not in {event.drain_id for event in found(log, "drain.pause_requested")}


def test_another_process_obeys(sqlite_log, tmp_path):
    """The log is the channel; nothing else is shared."""
    create_run(sqlite_log, "r", specs("a", "b"))
    script = (
        "import sys, time, autopack\n"
        "def execute(phase, attempt):\n"
        "    while True:\n"
        "        attempt.progress('at it'); time.sleep(0.05)\n"
        "with autopack.open_log(sys.argv[1]) as log:\n"
        "    autopack.drain(log, executor=execute, max_minutes=1)\n"
    )
    child = subprocess.Popen([sys.executable, "-c", script, sqlite_log.target])
    try:
        until(lambda: in_work(sqlite_log) == 1)
        asked = pause_drain(sqlite_log, now=True, wait_s=LONG_S)
        seen = set(states(sqlite_log).values())
        set_drain(sqlite_log, max_minutes=0.0001, why="enough", wait_s=LONG_S)
        code = child.wait(LONG_S)
    finally:
        child.kill()

    assert ([["paused"]], {"QUEUED"}, 0) == (answers(asked), seen, code)


def test_an_idle_drain_goes_on_saying_that_it_lives(log):
    """Although it holds no phase, for longer than its leases last."""
    create_run(log, "r", [])
    engine = Drain(log, executor=works, when_empty="wait", lease_s=0.3)
    thread = threading.Thread(target=engine.run, daemon=True)
    thread.start()
    until(lambda: found(log, "drain.started"))
    for _ in range(5):
        time.sleep(0.2)
        (seen,) = list_drains(log)
    engine.stop(0)
    thread.join(LONG_S)

    assert (1, "at work") == (len(seen.workers), seen.state)
    assert [((), "stopped", "stopped")] == [
        (one.workers, one.state, one.stopped.reason) for one in list_drains(log)
    ]


def test_who_goes_on_goes_by_what_was_set_last(any_log, tmp_path):
    """Also by what was set while nobody worked on it; what is given now wins."""
    path = tmp_path / "mine.py"
    path.write_text(
        "def execute(phase, attempt):\n"
        "    attempt.record_usage(model='m', input_tokens=1, output_tokens=2)\n",
        encoding="utf-8",
    )
    create_run(any_log, "r", specs(*"abcdef"))
    first = drain(any_log, executor=f"{path}:execute", max_phases=1, max_tokens=50)
    asked = set_drain(
        any_log, drain=first.drain_id, max_phases=3, max_tokens=None, workers=2, why="more"
    )
    second = drain(any_log, resumes="last")
    third = drain(any_log, resumes="last", max_phases=4)
    starts = [event.settings for event in found(any_log, "drain.started")]

    assert [(), ()] == [asked[0].workers, asked[0].answers]
    assert (1, 3, 4) == (first.attempts, second.attempts, third.attempts)
    assert [1, 2, 2] == [one["workers"] for one in starts]
    assert [50, None, None] == [one.get("max_tokens") for one in starts]
    assert [50, None] == [event.max_tokens for event in found(any_log, "cap.set")]


def test_a_drain_stays_paused_for_who_goes_on_or_joins(any_log, tmp_path):
    """It was somebody's money: only a resume lets it take phases again."""
    path = tmp_path / "mine.py"
    path.write_text("def execute(phase, attempt):\n    pass\n", encoding="utf-8")
    create_run(any_log, "r", specs("a", "b"))
    first = drain(any_log, executor=f"{path}:execute", max_phases=1)
    pause_drain(any_log, drain=first.drain_id)
    still = drain(any_log, resumes="last", max_phases=5, max_minutes=0.01)
    resume_drain(any_log, drain=first.drain_id)
    more = drain(any_log, resumes="last", max_minutes=5)

    assert (("limit", 1), ("empty", 2)) == (
        (still.reason, still.attempts),
        (more.reason, more.attempts),
    )


def test_what_is_asked_of_a_dead_drain_adds_no_time_at_work(any_log):
    """Its stream goes on, but nobody was at work."""
    report = drain_killed(any_log)
    before = seconds_at_work(any_log, report)
    time.sleep(0.3)
    pause_drain(any_log, drain=report)

    assert before == seconds_at_work(any_log, report)


def drain_killed(log):
    """The id of a drain that never said that it ended."""
    from autopack.events import DrainStarted

    started = DrainStarted(drain_id="d", strategy="fifo", executor="x", worker="w")
    log.append("drain-d", [started], expected_version=ANY)
    return "d"


def test_what_cannot_be_done_is_refused_by_name(any_log):
    """Before anything is written."""
    create_run(any_log, "r", specs("a"))
    with pytest.raises(InvalidInputError, match="No drain is at work"):
        pause_drain(any_log)
    report = drain(any_log, executor=works)
    head = any_log.head().position
    for name, wanted, words in (
        (report.drain_id, {"executor": "x"}, "executor cannot be changed"),
        (report.drain_id, {"worker": 2}, "Did you mean 'workers'"),
        (report.drain_id, {"workers": None}, "workers"),
        (report.drain_id, {"workers": 0}, "workers"),
        (report.drain_id, {"timeout_s": -1}, "timeout_s"),
        (report.drain_id, {"max_usd": "much"}, "max_usd"),
        (report.drain_id, {"max_phases": 0}, "max_phases"),
        (report.drain_id, {"requests_per_minute": 0}, "requests_per_minute"),
        (report.drain_id, {}, "Nothing is changed"),
        ("nowhere", {"workers": 2}, "no drain 'nowhere'"),
    ):
        with pytest.raises(InvalidInputError, match=words):
            set_drain(any_log, drain=name, why="so", **wanted)
    with pytest.raises(InvalidInputError, match="say why"):
        set_drain(any_log, drain=report.drain_id, why=" ", workers=2)

    assert head == any_log.head().position


def test_a_drain_says_what_it_cannot_do_and_goes_on(log, gate):
    """A request of another version, it may be, which knows more settings."""
    create_run(log, "r", specs("a"))
    with running(log, held(gate), drain="d"):
        asked = DrainSetRequested(
            drain_id="d", settings={"workers": 3, "colour": "red"}, why="so", actor="ann"
        )
        log.append("drain-d", [asked], expected_version=ANY)
        until(lambda: found(log, "drain.request_answered"))
        gate.set()
        until(lambda: found(log, "phase.completed"))
    (answer,) = found(log, "drain.request_answered")

    assert "refused" == answer.answer
    assert "colour cannot be changed" in answer.detail

"""What the machine is to blame for holds the drain, and is no phase's failure."""

import contextlib
import errno
import os
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from structlog.testing import capture_logs

from autopack import CommandExecutor, Drain, attempt, create_run, drain, get_phase, open_log
from autopack.draining.attempts import machine_faults
from autopack.draining.attempts.machine_faults import hindrance_of, patiently
from autopack.draining.executors import orphaned_programs
from autopack.errors import (
    InvalidInputError,
    LogBusyError,
    LogFullError,
    LogHinderedError,
    MachineFaultError,
    PluginError,
)
from autopack.log.backends.sqlite import log_files
from autopack.log.log import journal_of
from autopack.report.drain_text import drain_text
from drains import found, specs, states, works
from programs import gone, script

NO_ROOM = OSError(errno.ENOSPC, "No space left on device")
NO_FILES = OSError(errno.EMFILE, "Too many open files")
posix = pytest.mark.skipif(os.name == "nt", reason="limits and groups as POSIX has them")


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch):
    monkeypatch.setattr(machine_faults, "_FIRST_WAIT_S", 0.01)
    monkeypatch.setattr(machine_faults, "_LONGEST_WAIT_S", 0.05)


@pytest.fixture
def impatient(log_path, monkeypatch):
    """A log that is told that it is locked after a moment, not after 30 s."""
    monkeypatch.setattr(log_files, "BUSY_TIMEOUT_S", 0.1)
    with open_log(log_path) as log:
        create_run(log, "r", specs(*map(str, range(8))))
        yield log


@contextlib.contextmanager
def locked(path):
    """Hold the write lock of a log as another program may."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def caused_by(fault):
    """An error of somebody else's that tells what caused it."""
    wrapped = ValueError("no connection")
    wrapped.__cause__ = fault
    return wrapped


@pytest.mark.parametrize(
    "fault",
    [NO_ROOM, NO_FILES, OSError(errno.EIO, "I/O"), OSError(errno.ENFILE, "n"), MemoryError(),
     RuntimeError("can't start new thread"), RuntimeError("can't allocate lock"),
     ValueError("no reason supplied"), LogBusyError("x", waited_s=30), LogFullError("x"),
     LogHinderedError("x"), MachineFaultError("x", NO_FILES), caused_by(NO_FILES),
     caused_by(caused_by(NO_ROOM))],
    ids=repr,
)  # fmt: skip
def test_the_machines_faults_are_known(fault):
    """Also where they caused another error; they are told in words."""
    assert hindrance_of(fault)


@pytest.mark.parametrize(
    "fault",
    [ValueError("Too many open files"), FileNotFoundError(2, "x"), PermissionError(13, "x"),
     BlockingIOError(errno.EAGAIN, "x"), RuntimeError("x"), InvalidInputError("x"),
     RuntimeError("I can't start new thread"), ValueError("can't allocate lock"), None,
     PluginError("x", "y"), KeyboardInterrupt()],
    ids=repr,
)  # fmt: skip
def test_nothing_else_is_the_machines(fault):
    """What an error says is nobody's evidence."""
    assert hindrance_of(fault) is None


@pytest.mark.parametrize("fault", [NO_ROOM, NO_FILES, MemoryError(), caused_by(NO_ROOM)], ids=repr)
@pytest.mark.parametrize("kind", ["thread", "coroutine"])
def test_a_phase_that_the_machine_hinders_is_tried_again(log, fault, kind):
    """No attempt is spent; the drain says what it waits for, and that it goes on, once."""
    left = [fault, fault]

    def in_a_thread(phase, live):
        if left:
            raise left.pop()
        works(phase, live)

    async def as_a_coroutine(phase, live):
        in_a_thread(phase, live)

    with capture_logs() as logged:
        report = drain(log, executor={"thread": in_a_thread, "coroutine": as_a_coroutine}[kind])

    assert (2, 0, 2) == (report.completed, report.failed, report.released)
    assert [1, 1] == [get_phase(log, f"r/{name}").attempts_spent for name in ("p1", "p2")]
    assert [
        "the machine hinders the drain: it waits, and no phase is to blame", "the drain goes on",
    ] == [one["event"] for one in logged]  # fmt: skip


def test_a_machine_that_hinders_for_too_long_stops_the_drain(log, monkeypatch):
    """The reason is the machine; every phase is as it was, with all its attempts."""
    monkeypatch.setattr(machine_faults, "PATIENCE_S", 0.3)

    def hindered(_phase, _live):
        raise NO_ROOM

    with capture_logs():
        report = drain(log, executor=hindered)

    assert ("machine", False) == (report.reason, report.is_clean)
    assert "No space left on device" in (report.detail or "")
    assert f"drain --resume {report.drain_id}" in drain_text(report)
    assert {"p1": "QUEUED", "p2": "QUEUED"} == states(log)
    assert 0 == get_phase(log, "r/p1").attempts_spent
    assert [] == journal_of(log).backend.leases()
    assert [report.detail] == [event.detail for event in found(log, "drain.stopped")]


def test_a_phase_that_alone_is_hindered_holds_up_no_other(sqlite_log):
    """It is left in the queue, and why is told; the others are done."""
    create_run(sqlite_log, "r", specs("bad", *map(str, range(12))))

    def executor(phase, live):
        if phase.phase_id == "bad":
            raise NO_ROOM
        works(phase, live)

    with capture_logs():
        report = drain(sqlite_log, executor=executor)
    (left,) = [name for name, state in states(sqlite_log).items() if state == "QUEUED"]

    assert ("bad", 12, "blocked") == (left, report.completed, report.reason)
    assert any("No space left" in why for why in report.passed_over)


def test_a_program_that_cannot_be_started_for_want_of_anything_is_tried_again(
    log, tmp_path, monkeypatch
):
    """No descriptor for its keeper, no process for itself."""
    left, popen = [NO_FILES, BlockingIOError(errno.EAGAIN, "no process")], subprocess.Popen

    def starting(*arguments, **settings):
        if left:
            raise left.pop()
        return popen(*arguments, **settings)

    monkeypatch.setattr(orphaned_programs.subprocess, "Popen", starting)
    with capture_logs():
        report = drain(log, executor=CommandExecutor(script(tmp_path, "print('x')")))

    assert (2, 0, 2) == (report.completed, report.failed, report.released)


def test_a_thread_that_cannot_be_started_is_no_failure(log, monkeypatch):
    """The phase waits until the machine has one."""
    left, start = [1, 1], threading.Thread.start

    def starting(thread):
        if thread.name.startswith("autopack r/") and left:
            left.pop()
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", starting)
    with capture_logs():
        report = drain(log, executor=works)

    assert (2, 0, 2) == (report.completed, report.failed, report.released)


@posix
@pytest.mark.skipif(sys.version_info >= (3, 12), reason="asyncio waits for programs in no thread")
def test_a_program_that_nobody_can_wait_for_is_ended(log, tmp_path, monkeypatch):
    """It was begun before there was no thread to wait for it in: none is left alive."""
    left, start, calm = [0, 1], threading.Thread.start, tmp_path / "calm"
    program = (
        "import os, pathlib, time\n"
        f"pathlib.Path({str(tmp_path)!r}, f'pid-{{os.getpid()}}').touch()\n"
        f"time.sleep(0 if os.path.exists({str(calm)!r}) else 60)\n"
    )

    def begun():
        return [int(path.name.removeprefix("pid-")) for path in tmp_path.glob("pid-*")]

    def starting(thread):
        if "waitpid" not in thread.name or not left:
            return start(thread)
        while len(begun()) < 3 - len(left):
            time.sleep(0.01)
        left.pop()
        if not left:
            calm.touch()
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", starting)
    with capture_logs():
        report = drain(log, executor=CommandExecutor(script(tmp_path, program)))

    assert (2, 0, 2) == (report.completed, report.failed, report.released)
    assert [True] * 4 == [gone(pid) for pid in begun()]


def test_work_that_is_done_waits_for_a_thread_to_be_judged_in(log, monkeypatch):
    """It was paid: it is not done again for want of a thread, and its calls count once."""
    left, start = [1, 1], threading.Thread.start

    def starting(thread):
        if thread.name.startswith("autopack gate") and left:
            left.pop()
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", starting)
    with capture_logs():
        report = drain(log, executor=works)

    assert (2, 2, 0) == (report.completed, report.attempts, report.released)


def test_a_phase_that_costs_each_time_is_left(log):
    """Three attempts that were paid and hindered are enough, though nothing else is tried."""

    def hindered(phase, live):
        live.record_usage(model="m", output_tokens=5)
        raise NO_ROOM

    with capture_logs():
        report = drain(log, executor=hindered)

    assert ("blocked", 6, 6) == (report.reason, report.released, report.calls)
    assert {"p1": "QUEUED", "p2": "QUEUED"} == states(log)


def test_hindrances_that_are_far_apart_do_not_add_up(monkeypatch):
    """A drain that worked for an hour between two of them has not been hindered for an hour."""
    now_s = [0.0]
    monkeypatch.setattr(machine_faults.time, "monotonic", lambda: now_s[0])
    found = machine_faults.Hindrances()
    is_enough = []
    for now_s[0] in (0, 3600, 3660, 3720, 4199, 4200, 4201):
        found.met("x")
        is_enough.append(found.is_enough)

    for now_s[0] in range(5000, 5601, 60):
        found.met("x")

    assert [False] * 7 == is_enough
    assert found.is_enough


@pytest.mark.parametrize("fault", [NO_ROOM, caused_by(NO_FILES)], ids=repr)
def test_a_block_of_ones_own_that_the_machine_hinders_is_given_back(log, fault):
    """The error goes on; the phase is queued again, with its attempt unspent and why."""
    with pytest.raises(type(fault)), attempt(log, "r/p1"):
        raise fault

    assert ("QUEUED", 0) == (states(log)["p1"], get_phase(log, "r/p1").attempts_spent)
    assert ["machine hindered it" in event.why for event in found(log, "phase.released")] == [True]


def held_up(log, log_path, executor, begun, **settings):
    """Drain while another program holds the lock for ten times as long as the log waits."""
    with ThreadPoolExecutor(1) as pool, capture_logs() as logged:
        engine = Drain(log, executor=executor, **settings)
        draining = pool.submit(engine.run)
        begun.wait(60)
        with locked(log_path):
            time.sleep(1)
        report = draining.result(60)
    return report, [one["event"] for one in logged]


def test_a_log_that_is_locked_for_long_loses_nothing(impatient, log_path):
    """Each call that was told is recorded, nothing fails, and no phase changes hands."""
    begun = threading.Event()

    def executor(phase, live):
        begun.set()
        for n in range(4):
            live.record_usage(call_id=f"{phase.phase_id}-{n}", model="m", output_tokens=5)
            live.attach(f"text {n}", "what was said")
            time.sleep(0.05)

    report, logged = held_up(impatient, log_path, executor, begun, workers=4, lease_s=0.5)

    assert (8, 8, 0, 0) == (report.completed, report.attempts, report.failed, report.lost)
    assert 32 == len(found(impatient, "llm.usage_recorded"))
    assert [] == found(impatient, "phase.reclaimed")
    assert "the machine hinders the drain: it waits, and no phase is to blame" in logged


@posix
def test_what_a_program_tells_while_the_log_is_locked_is_recorded(impatient, log_path, tmp_path):
    """Once each, also where it gave its calls no id."""
    program = (
        "import json, pathlib, sys, time\n"
        f"pathlib.Path({str(tmp_path / 'begun')!r}).touch()\n"
        "for n in range(5):\n"
        "    print(json.dumps({'type': 'autopack.usage', 'model': 'm', 'output_tokens': 5}))\n"
        "    sys.stdout.flush()\n"
        "    time.sleep(0.1)\n"
    )

    class Begun:
        def wait(self, most_s):
            until = time.monotonic() + most_s
            while not (tmp_path / "begun").exists() and time.monotonic() < until:
                time.sleep(0.01)

    executor = CommandExecutor(script(tmp_path, program))
    report, _logged = held_up(impatient, log_path, executor, Begun(), workers=2)

    assert (8, 8, 0) == (report.completed, report.attempts, report.failed)
    assert 40 == len(found(impatient, "llm.usage_recorded"))


def limit(log, pages):
    """Let SQLite itself say that there is no room, as on a full disk; never below what is there."""
    with journal_of(log).backend._write_lock:
        journal_of(log).backend._writer.execute(f"PRAGMA max_page_count = {pages}")


def test_a_full_disk_is_waited_out(filed):
    """Texts and calls are kept until there is room, and the work is done once."""
    freeing = threading.Timer(0.5, limit, [filed, 100_000])
    begun = []

    def executor(phase, live):
        if not begun:
            begun.append(1)
            limit(filed, 1)
            freeing.start()
        live.attach("long", f"{phase.key} " * 20_000)
        live.record_usage(call_id=phase.key, model="m", output_tokens=5)

    with capture_logs() as logged:
        report = drain(filed, executor=executor)
    freeing.join()

    assert (2, 2, 2, 0) == (report.completed, report.attempts, report.calls, report.failed)
    assert any("cannot grow" in one.get("why", "") for one in logged)


@pytest.mark.parametrize("tries", [1, 3])
def test_a_call_on_an_event_loop_is_kept_and_makes_nobody_wait(impatient, log_path, tries):
    """The loop goes on; what was told, again and again or once, is recorded at the end, once."""
    met = []

    async def executor(phase, live):
        if not met:
            with locked(log_path):
                for _ in range(tries):
                    with pytest.raises(LogBusyError) as met_here:
                        live.record_usage(model="m", output_tokens=5)
            met.append(met_here.value)
            raise met_here.value
        live.record_usage(model="m", output_tokens=7)

    with capture_logs():
        report = drain(impatient, executor=executor)

    assert (8, 1, 0) == (report.completed, report.released, report.failed)
    assert [5] + [7] * 8 == [one.output_tokens for one in found(impatient, "llm.usage_recorded")]


def test_no_living_worker_loses_its_phases_to_a_lock(impatient, log_path):
    """Two drains wait for it, and the leases end meanwhile; each keeps what it has."""
    begun, other_begun = threading.Event(), threading.Event()
    over = threading.Event()

    def executor(begins):
        def execute(_phase, _live):
            begins.set()
            over.wait(60)

        return execute

    with open_log(log_path) as another, ThreadPoolExecutor(2) as pool, capture_logs():
        first = pool.submit(drain, impatient, executor=executor(begun), workers=2, lease_s=0.6)
        begun.wait(60)
        second = pool.submit(drain, another, executor=executor(other_begun), lease_s=0.6)
        other_begun.wait(60)
        with locked(log_path):
            time.sleep(1.5)
        time.sleep(1)
        over.set()
        reports = [first.result(60), second.result(60)]

    assert [] == found(impatient, "phase.reclaimed")
    assert (8, 8) == (
        sum(r.completed for r in reports), sum(r.attempts for r in reports),
    )  # fmt: skip


def test_a_loop_of_ones_own_is_told_that_the_log_is_locked(impatient, log_path):
    """No word of patience; the call is told again, and counts once."""
    call = {"call_id": "paid", "model": "m", "output_tokens": 5}
    with capture_logs() as logged, attempt(impatient, "r/0") as live:
        with locked(log_path), pytest.raises(LogBusyError):
            live.record_usage(**call)
        before = len(live.account.calls), live.use.total_tokens
        live.record_usage(**call)
        after = len(live.account.calls), live.use.total_tokens

    assert [] == logged
    assert ((0, 0), (1, 5)) == (before, after)
    assert 1 == len(found(impatient, "llm.usage_recorded"))
    assert "COMPLETE" == states(impatient)["0"]


def test_a_call_of_ones_own_loop_that_is_not_told_again_is_recorded_at_the_end(impatient, log_path):
    """It was paid, whoever swallowed the error."""
    with attempt(impatient, "r/0") as live, locked(log_path), pytest.raises(LogBusyError):
        live.record_usage(call_id="paid", model="m", output_tokens=5)

    assert ["paid"] == [one.call_id for one in found(impatient, "llm.usage_recorded")]


def test_a_loop_of_ones_own_is_told_that_the_disk_is_full(impatient):
    """What the attempt says is what the log holds, before there is room and after."""
    writer = journal_of(impatient).backend._open_writer()
    told = {"model": "m", "output_tokens": 100, "source_fields": {"x": "y" * 3000}}
    with capture_logs() as logged, attempt(impatient, "r/0") as live:
        (pages,) = writer.execute("PRAGMA page_count").fetchone()
        writer.execute(f"PRAGMA max_page_count={pages}")
        with pytest.raises(LogFullError):
            for n in range(400):
                live.record_usage(call_id=f"c{n}", **told)
        held = len(found(impatient, "llm.usage_recorded"))
        said = len(live.account.calls), live.use.total_tokens
        writer.execute("PRAGMA max_page_count=1000000")
        live.record_usage(call_id=f"c{held}", **told)

        assert (held, held * 100) == said
        assert (held + 1, (held + 1) * 100) == (len(live.account.calls), live.use.total_tokens)
    assert [] == logged
    assert held + 1 == len(found(impatient, "llm.usage_recorded"))


def test_an_end_of_ones_own_that_cannot_be_written_is_raised(impatient, log_path):
    """The lease ends by itself then."""
    with (
        capture_logs() as logged,
        contextlib.ExitStack() as stack,
        pytest.raises(LogBusyError),
        attempt(impatient, "r/0"),
    ):
        stack.enter_context(locked(log_path))

    assert [] == logged
    assert "RUNNING" == states(impatient)["0"]


def test_patience_ends(monkeypatch):
    """What never gets better is raised."""
    monkeypatch.setattr(machine_faults, "PATIENCE_S", 0.1)
    tries = []

    def hindered():
        tries.append(1)
        raise NO_ROOM

    with capture_logs(), pytest.raises(OSError, match="No space"):
        patiently(hindered)

    assert len(tries) > 2


def test_what_is_not_the_machines_is_raised_at_once():
    """A mistake stays one."""
    tries = []

    def wrong():
        tries.append(1)
        raise ValueError("x")

    with pytest.raises(ValueError, match="x"):
        patiently(wrong)

    assert [1] == tries


@pytest.mark.slow
@posix
def test_few_descriptors_make_a_drain_slower_and_fail_nothing(sqlite_log, log_path, tmp_path):
    """24 workers with programs, and descriptors for some: all is done, each phase once."""
    create_run(sqlite_log, "r", specs(*map(str, range(30)), max_attempts=1))
    command = script(tmp_path, "import time; time.sleep(0.2)")
    quoted = str(command).replace("'", '"')
    line = (
        f"ulimit -n 80; exec {sys.executable} -m autopack --log {log_path} drain --workers 24 "
        f"--command '{quoted}'"
    )
    done = subprocess.run(
        ["bash", "-c", line], capture_output=True, text=True, check=False, timeout=200
    )

    assert 0 == done.returncode, done.stderr[-2000:]
    assert {"COMPLETE"} == set(states(sqlite_log).values())
    assert [] == found(sqlite_log, "phase.failed")
    assert "Traceback" not in done.stderr

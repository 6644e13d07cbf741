"""A drain that was stopped ends soon after its grace, whatever goes on."""

import asyncio
import contextlib
import subprocess
import sys
import threading

import pytest

from autopack import Drain, create_run, drain
from autopack.draining.attempts import execution
from autopack.draining.engine import event_loop, halt
from autopack.draining.engine.event_loop import run
from autopack.draining.engine.log_thread import LogThread
from autopack.log.log import journal_of
from autopack.report.drain_text import drain_text
from drains import found, specs, states, works

FAR_TOO_LONG_S = 60.0


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    """What is left is left after a second, not four: that it is left is what is tested."""
    monkeypatch.setattr(halt, "HALT_S", 1.0)
    monkeypatch.setattr(event_loop, "HALT_S", 1.0)
    monkeypatch.setattr(execution, "_TO_STOP_S", 0.5)


class Held(threading.Event):
    """What holds a drain until it is set: that somebody waits for it is an event, too."""

    def __init__(self):
        super().__init__()
        self.begun = threading.Event()

    def wait(self, timeout=None):
        self.begun.set()
        return super().wait(timeout)


@pytest.fixture
def go():
    """An event that lets go of whatever a test holds, at its end."""
    event = Held()
    yield event
    event.set()


def stopped(log, executor, begun, *, grace_s=0.1, **settings):
    """The report of a drain in a thread of its own, stopped once *begun* is set."""
    engine = Drain(log, executor=executor, **settings)
    reports = []
    thread = threading.Thread(target=lambda: reports.append(engine.run()), daemon=True)
    thread.start()
    assert begun.wait(FAR_TOO_LONG_S)
    engine.stop(grace_s)
    thread.join(FAR_TOO_LONG_S)

    assert not thread.is_alive()
    return reports[0]


def nothing_is_left(log):
    """Tell whether every phase is queued, no attempt was spent, and no lease is there."""
    return {"QUEUED"} == set(states(log).values()) and [] == journal_of(log).backend.leases()


def test_a_coroutine_that_swallows_its_cancel_is_left(log, go):
    """The drain names it, gives its phase back, and its event loop is left, too."""

    async def swallows(_phase, _attempt):
        go.begun.set()
        while not go.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(0.2)

    report = stopped(log, swallows, go.begun)
    (told,) = found(log, "drain.stopped")

    assert "stopped" == report.reason
    assert "r/p1: a coroutine of its executor" in report.held  # on a busy machine, others too
    assert report.held == tuple(told.totals["held"])
    assert "r/p1: a coroutine of its executor goes on" in drain_text(report)
    assert nothing_is_left(log)


def test_a_thread_that_sleeps_for_ever_is_left(log, go):
    """It is named, and its phase is given back at once."""
    report = stopped(log, lambda _phase, _attempt: go.wait() and None, go.begun)
    (told,) = found(log, "drain.stopped")

    assert "r/p1: a thread of its executor" in report.held
    assert report.held == tuple(told.totals["held"])
    assert nothing_is_left(log)


def test_a_thread_of_the_loop_that_does_not_return_is_left(log, go):
    """Also one that a coroutine waits for: who closes the loop does not."""

    async def waits(_phase, _attempt):
        await asyncio.to_thread(go.wait)

    report = stopped(log, waits, go.begun)

    assert "stopped" == report.reason
    assert nothing_is_left(log)


def test_a_preparation_that_hangs_is_left(log, go):
    """No phase is claimed; the drain ends, and names the run."""

    class Prepares:
        def prepare(self, _run):
            go.wait()

        def __call__(self, phase, attempt):
            works(phase, attempt)

    report = stopped(log, Prepares(), go.begun)

    assert ("run r: its preparation",) == report.held
    assert {"QUEUED"} == set(states(log).values())
    assert [] == found(log, "phase.claimed")


@pytest.mark.parametrize("at", ["phase.claimed", "phase.completed", "phase.released"])
def test_an_observer_that_blocks_holds_no_drain(log, go, at):
    """Whatever it is told of: the phases are given back past it, or had ended."""

    def blocks(recorded):
        if recorded.type == at:
            go.wait()

    at_work = threading.Event()

    async def hangs(_phase, _attempt):
        at_work.set()
        await asyncio.sleep(600)

    is_done = at == "phase.completed"
    begun = at_work if at == "phase.released" else go.begun
    report = stopped(log, works if is_done else hangs, begun, on_event=blocks)

    assert "stopped" == report.reason
    assert 1 == len(report.held)
    assert "the drain's own thread" in report.held[0]
    assert "COMPLETE" == states(log)["p1"] if is_done else nothing_is_left(log)


def test_what_was_left_can_be_drained_again(log, go):
    """Another drain takes the phase at once, with its first attempt."""

    def blocks(recorded):
        if recorded.type == "phase.claimed":
            go.wait()

    stopped(log, works, go.begun, on_event=blocks)
    report = drain(log, executor=works)

    assert {"COMPLETE"} == set(states(log).values())
    assert "empty" == report.reason


def test_a_log_that_is_locked_holds_no_drain_that_was_stopped(filed, go):
    """The drain ends, and the lease of its phase by itself."""
    create_run(filed, "q", specs("a"))
    is_locked = threading.Event()

    def locks():
        import sqlite3

        lock = sqlite3.connect(filed.target)
        lock.execute("BEGIN IMMEDIATE")
        is_locked.set()
        go.wait()
        lock.close()

    def work(_phase, _attempt):
        threading.Thread(target=locks, daemon=True).start()
        go.wait()

    engine = Drain(filed, executor=work)
    reports = []
    thread = threading.Thread(target=lambda: reports.append(engine.run()), daemon=True)
    thread.start()
    is_locked.wait(FAR_TOO_LONG_S)
    engine.stop(0.1)
    thread.join(FAR_TOO_LONG_S)
    go.set()

    assert ["stopped"] == [report.reason for report in reports]
    assert reports[0].held


LOCKS = """\
import sqlite3, sys

lock = sqlite3.connect(sys.argv[1])
lock.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def locked(log):
    """Another process holds the log's lock meanwhile."""
    with subprocess.Popen(
        [sys.executable, "-c", LOCKS, str(log.target)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as other:  # fmt: skip
        other.stdout.readline()
        try:
            yield
        finally:
            other.stdin.close()
            other.wait(FAR_TOO_LONG_S)


def test_a_stop_does_not_wait_for_a_lock_as_work_does(filed, go, monkeypatch):
    """Work that records a call waits ten minutes for a log; a stop without a grace does not."""
    create_run(filed, "q", specs("a"))
    monkeypatch.setattr(halt, "HINDERED_S", 0.5)
    begun, may_record = threading.Event(), threading.Event()

    def work(_phase, attempt):
        begun.set()
        may_record.wait(FAR_TOO_LONG_S)
        attempt.record_usage(model="m", input_tokens=1, output_tokens=1)

    engine = Drain(filed, executor=work, lease_s=1.0)
    reports = []
    thread = threading.Thread(target=lambda: reports.append(engine.run()), daemon=True)
    thread.start()
    begun.wait(FAR_TOO_LONG_S)
    with locked(filed):
        may_record.set()
        engine.stop()
        thread.join(FAR_TOO_LONG_S)
        has_ended = not thread.is_alive()

    assert has_ended
    assert ["stopped"] == [report.reason for report in reports]
    assert reports[0].held


def test_a_stop_waits_for_work_while_the_log_can_be_written():
    """A log that is locked for a moment, or before anybody stops, takes no time from the work."""
    waits = halt.Halt()
    waits.look(is_hindered=True)
    waits.ask(None)
    waits.look(is_hindered=True)
    waits.look(is_hindered=False)

    assert not waits.is_releasing


def test_a_cancelled_drain_is_left_as_well(log, go):
    """A service that cancels the task has it back, although an observer blocks."""

    def blocks(recorded):
        if recorded.type == "phase.claimed":
            go.wait()

    async def service():
        task = asyncio.create_task(Drain(log, executor=works, on_event=blocks).arun())
        while not found(log, "phase.claimed"):
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(asyncio.shield(task), FAR_TOO_LONG_S)

    run(service())


def test_a_second_stop_ends_the_grace_of_the_first():
    """It gives no new one, however long, and a first without any is no end."""
    first, second = halt.Halt(), halt.Halt()
    first.after(600)
    second.after(600)
    second.after(0)

    assert (False, True) == (first.is_releasing, second.is_releasing)
    assert (False, False) == (first.is_over, second.is_over)


def test_a_log_thread_does_what_was_handed_over_in_order():
    """Errors come back to who asked, and nothing is taken once it was ended."""
    thread, done = LogThread("order"), []
    futures = [thread.submit(done.append, n) for n in range(100)]
    failing = thread.submit(lambda: 1 // 0)
    thread.shutdown()

    assert list(range(100)) == done
    assert all(future.done() for future in futures)
    assert isinstance(failing.exception(), ZeroDivisionError)
    with pytest.raises(RuntimeError):
        thread.submit(done.append, 100)


def test_a_program_ends_whose_observer_blocks(tmp_path):
    """Nothing of the drain keeps the interpreter alive after it returned."""
    program = (
        "import sys, threading\n"
        "from autopack import Drain, PhaseSpec, create_log, create_run\n"
        "log = create_log(sys.argv[1])\n"
        "create_run(log, 'r', [PhaseSpec('a', category='docs', complexity='low')])\n"
        "def blocks(recorded):\n"
        "    if recorded.type == 'phase.claimed':\n"
        "        engine.stop(0)\n"
        "        threading.Event().wait()\n"
        "engine = Drain(log, executor=lambda phase, attempt: None, on_event=blocks)\n"
        "print(engine.run().reason)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "log.db")],
        capture_output=True, text=True, timeout=FAR_TOO_LONG_S, check=False,
    )  # fmt: skip

    assert (0, "stopped\n") == (ended.returncode, ended.stdout)

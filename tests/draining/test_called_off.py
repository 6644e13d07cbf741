"""Who calls a phase off, or takes it back, reaches its worker, whatever that is busy with."""

import asyncio
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from autopack import (
    CommandExecutor,
    Completed,
    Drain,
    attempt,
    cancel,
    create_run,
    drain,
    requeue,
)
from autopack.errors import LeaseLostError
from autopack.log.log import journal_of
from drains import found, specs, states, works
from programs import gone, script

posix = pytest.mark.skipif(os.name == "nt", reason="process groups as POSIX has them")
LONG_S = 600

PROGRAM = """\
import os, subprocess, sys, time
from pathlib import Path

child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
Path(sys.argv[1], "pids.new").write_text(f"{os.getpid()} {child.pid}")
Path(sys.argv[1], "pids.new").rename(Path(sys.argv[1], "pids"))
time.sleep(600)
"""


class Waiting:
    """An executor that waits until it is told to stop, in a thread or as a coroutine."""

    def __init__(self):
        self.began = threading.Event()
        self.stopped = []

    def in_a_thread(self, phase, live):
        self.began.set()
        until = time.monotonic() + LONG_S
        while not live.cancelled and time.monotonic() < until:
            time.sleep(0.005)
        self.stopped.append(phase.phase_id)

    async def as_a_coroutine(self, phase, live):
        self.began.set()
        try:
            await asyncio.sleep(LONG_S)
        finally:
            assert live.cancelled
            self.stopped.append(phase.phase_id)


@pytest.fixture
def one(any_log):
    """A log with one phase."""
    create_run(any_log, "r", specs("p"))
    return any_log


def drained(log, executor, begun, then, **settings):
    """Drain in a thread; do *then* once *begun* says so; return the report."""
    with ThreadPoolExecutor(1) as others:
        report = others.submit(drain, log, executor=executor, **settings)
        until = time.monotonic() + 60
        while not begun() and time.monotonic() < until:
            time.sleep(0.005)
        then()
        return report.result(timeout=60)


@pytest.mark.parametrize("kind", ["in_a_thread", "as_a_coroutine"])
def test_a_call_that_is_called_off_stops(one, another, kind):
    """``attempt.cancelled`` is true, a coroutine is cancelled; nothing renews a lease meanwhile."""
    waiting = Waiting()
    report = drained(
        one, getattr(waiting, kind), waiting.began.is_set,
        lambda: cancel(another(), "r/p", why="stop burning"), lease_s=LONG_S,
    )  # fmt: skip

    assert (["p"], {"p": "CANCELLED"}) == (waiting.stopped, states(one))
    assert (1, "empty") == (report.lost, report.reason)
    assert [] == journal_of(one).backend.leases()


@pytest.mark.slow
@posix
def test_a_program_that_is_called_off_ends_with_its_children(one, another, tmp_path: Path):
    """Its group gets SIGTERM at once."""
    command = [*script(tmp_path, PROGRAM), str(tmp_path)]
    report = drained(
        one, CommandExecutor(command), (tmp_path / "pids").exists,
        lambda: cancel(another(), "r/p", why="stop burning"),
    )  # fmt: skip

    assert (1, {"p": "CANCELLED"}) == (report.lost, states(one))
    assert all(gone(int(pid)) for pid in (tmp_path / "pids").read_text().split())


def test_what_is_called_off_while_the_drain_stops_stops_as_well(one, another):
    """A drain that waits for its last phase hears of it."""
    waiting = Waiting()
    engine = Drain(one, executor=waiting.as_a_coroutine)

    def then():
        engine.stop()
        time.sleep(0.1)
        cancel(another(), "r/p", why="stop burning")

    with ThreadPoolExecutor(1) as others:
        report = others.submit(engine.run)
        waiting.began.wait(60)
        then()

    assert ("stopped", ["p"]) == (report.result().reason, waiting.stopped)
    assert {"p": "CANCELLED"} == states(one)


def test_others_go_on(any_log, another):
    """Only the one that was called off is stopped."""
    create_run(any_log, "r", specs("p", "q"))
    waiting, go = Waiting(), threading.Event()

    async def executor(phase, live):
        if phase.phase_id == "p":
            await waiting.as_a_coroutine(phase, live)
        while not go.is_set():
            await asyncio.sleep(0.005)
        works(phase, live)

    def then():
        cancel(another(), "r/p", why="stop burning")
        while not waiting.stopped:
            time.sleep(0.005)
        go.set()

    report = drained(any_log, executor, waiting.began.is_set, then, workers=2)

    assert {"p": "CANCELLED", "q": "COMPLETE"} == states(any_log)
    assert (1, 1) == (report.lost, report.completed)


@pytest.mark.parametrize("kind", ["thread", "coroutine"])
def test_what_it_gives_back_is_kept_as_late(one, another, kind):
    """A worker that is told to stop may have something to show; it changes no state."""
    began, late = threading.Event(), threading.Event()
    journal_of(one).observers.append(
        lambda r: late.set() if r.type == "phase.result_late" else None
    )

    def in_a_thread(_phase, live):
        began.set()
        while not live.cancelled:
            time.sleep(0.005)
        return Completed({"a.md": "half of it"})

    async def as_a_coroutine(_phase, live):
        began.set()
        try:
            await asyncio.sleep(LONG_S)
        except asyncio.CancelledError:
            return Completed({"a.md": "half of it"})

    executor = {"thread": in_a_thread, "coroutine": as_a_coroutine}[kind]
    drained(one, executor, began.is_set, lambda: cancel(another(), "r/p", why="no"))
    late.wait(60)
    (event,) = found(one, "phase.result_late")

    assert "half of it" == one.artifacts.get(event.outputs["a.md"])
    assert {"p": "CANCELLED"} == states(one)


@pytest.mark.parametrize("end", ["cancel", "time out"])
def test_a_worker_that_finds_its_lease_lost_has_nothing_to_show(one, another, end):
    """Its late call is kept, and that it stopped for it is no late result."""
    began, threads = threading.Event(), []

    def executor(phase, live):
        threads.append(threading.current_thread())
        began.set()
        while not live.cancelled or states(one) == {"p": "RUNNING"}:
            time.sleep(0.005)
        works(phase, live)

    def then():
        if end == "cancel":
            cancel(another(), "r/p", why="no")

    timeout_s = {"cancel": None, "time out": 0.2}[end]
    drained(one, executor, began.is_set, then, timeout_s=timeout_s, max_phases=1)
    for thread in threads:
        thread.join(60)

    assert [True] == [call.late for call in found(one, "llm.usage_recorded")]
    assert [] == found(one, "phase.result_late")


@pytest.mark.parametrize("end", ["cancel", "time out"])
def test_what_the_last_phase_used_is_recorded_before_the_drain_ends(one, another, end):
    """Its thread is told to stop, and has a moment to do so: whoever drains closes the log next."""
    began = threading.Event()

    def executor(phase, live):
        began.set()
        while not live.cancelled:
            time.sleep(0.005)
        time.sleep(0.2)  # or it might end before the drain has looked
        works(phase, live)

    def then():
        if end == "cancel":
            cancel(another(), "r/p", why="no")

    timeout_s = {"cancel": None, "time out": 0.2}[end]
    report = drained(one, executor, began.is_set, then, timeout_s=timeout_s, max_phases=1)

    assert 1 == len(found(one, "llm.usage_recorded"))
    assert () == report.held


def test_a_thread_that_goes_on_all_the_same_is_named_and_left(one, another, monkeypatch):
    """It is not waited for without end."""
    monkeypatch.setattr("autopack.draining.engine.workers.TO_CLEAN_UP_S", 0.1)
    began, go = threading.Event(), threading.Event()

    def executor(_phase, _live):
        began.set()
        go.wait(LONG_S)

    report = drained(one, executor, began.is_set, lambda: cancel(another(), "r/p", why="no"))
    go.set()

    assert ("r/p: a thread of its executor",) == report.held


def test_a_phase_that_was_put_back_meanwhile_is_done_anew(one, another):
    """Called off and requeued: the old attempt stops, and a new one is made."""
    waiting, calls = Waiting(), []

    async def executor(phase, live):
        calls.append(live.number)
        if len(calls) == 1:
            await waiting.as_a_coroutine(phase, live)
        works(phase, live)

    def then():
        cancel(another(), "r/p", why="no")
        requeue(another(), "r/p", why="yes")

    # It waits: the queue may be empty for a moment in between.
    report = drained(one, executor, waiting.began.is_set, then, when_empty="wait", max_phases=2)

    assert ({"p": "COMPLETE"}, [1, 2]) == (states(one), calls)
    assert (1, 1) == (report.lost, report.completed)


def test_an_attempt_of_ones_own_loop_is_told(one, another):
    """Whoever looks at ``cancelled`` learns of it long before the lease is renewed."""
    with pytest.raises(LeaseLostError), attempt(one, "r/p") as live:
        assert not live.cancelled
        cancel(another(), "r/p", why="no")
        until = time.monotonic() + 60
        while not live.cancelled and time.monotonic() < until:
            time.sleep(0.005)

    assert live.cancelled
    assert {"p": "CANCELLED"} == states(one)


def test_an_attempt_of_ones_own_loop_is_told_who_has_its_phase_now(one, another):
    """Another claim's lease stands at the same place, and is not taken for its own."""
    other = another()
    with pytest.raises(LeaseLostError), attempt(one, "r/p") as live:
        cancel(other, "r/p", why="no")
        requeue(other, "r/p", why="yes")
        with attempt(other, "r/p"):
            until = time.monotonic() + 60
            while not live.cancelled and time.monotonic() < until:
                time.sleep(0.005)
            is_told = live.cancelled

    assert is_told
    assert {"p": "COMPLETE"} == states(one)


def test_looking_costs_next_to_nothing(one):
    """A loop that looks all the time reads the lease twice a second."""
    looks, lease = [], journal_of(one).backend.lease

    def looking(key):
        looks.append(key)
        return lease(key)

    with attempt(one, "r/p") as live:
        journal_of(one).backend.lease = looking
        began = time.monotonic()
        while time.monotonic() - began < 0.2:
            assert not live.cancelled
        journal_of(one).backend.lease = lease

    assert len(looks) <= 2


def test_an_executor_that_says_wrongly_that_it_lost_its_lease_gives_it_back(one):
    """The phase is queued again at once, and its attempt is not spent."""
    raised = []

    def executor(phase, live):
        if not raised:
            raised.append(1)
            raise LeaseLostError(live.ref, token="x", state="lost", holder=None)
        works(phase, live)

    report = drain(one, executor=executor)

    assert ({"p": "COMPLETE"}, 1, 2) == (states(one), report.released, report.attempts)

"""A claim that was committed is known to its drain: whoever is interrupted leaves none behind."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from autopack import Drain, Failed, attempt, cancel, create_run, drain, queue_phases
from autopack.errors import DrainUsedError, EmptyLogError, LogError
from autopack.log.log import journal_of
from drains import found, specs, states, types_of, works
from programs import heeds_ctrl_c

posix = pytest.mark.skipif(os.name == "nt", reason="signals are sent as POSIX has them")


async def hangs(_phase, _attempt):
    await asyncio.sleep(600)


class Gate:
    """An observer that holds the drain's log thread after a commit, until it is let go."""

    def __init__(self, at):
        self.at, self.reached, self.go = at, threading.Event(), threading.Event()

    def __call__(self, recorded):
        if recorded.type == self.at and not self.reached.is_set():
            self.reached.set()
            self.go.wait(60)


def nothing_is_left(log):
    """Tell whether no phase and no lease is held, and no attempt was spent."""
    is_back = {"QUEUED"} == set(states(log).values())
    return is_back and [] == journal_of(log).backend.leases() and not found(log, "phase.reclaimed")


@pytest.mark.parametrize("n_cancels", [1, 2, 3])
def test_a_drain_that_is_cancelled_in_a_claim_gives_it_back(log, n_cancels):
    """The claim is committed, and the task that asked for it is cancelled meanwhile."""
    gate = Gate("phase.claimed")

    async def service():
        task = asyncio.create_task(Drain(log, executor=hangs, on_event=gate).arun())
        await asyncio.to_thread(gate.reached.wait, 60)
        for _ in range(n_cancels):
            task.cancel()
            await asyncio.sleep(0.01)
        gate.go.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(service())

    assert nothing_is_left(log)
    assert 1 == len(found(log, "phase.claimed"))
    assert 1 == len(found(log, "phase.released"))


def test_a_stop_gives_back_what_is_in_work_after_its_grace(log):
    """It ends then, however long the work would take."""

    async def service():
        async def hangs_on(_phase, _attempt):
            engine.stop(grace_s=0.01)
            await hangs(_phase, _attempt)

        engine = Drain(log, executor=hangs_on)
        return await asyncio.wait_for(engine.arun(), 30)

    report = asyncio.run(service())

    assert ("stopped", 1) == (report.reason, len(found(log, "phase.released")))
    assert nothing_is_left(log)


def test_a_drain_that_is_cancelled_tells_all_that_it_used(log):
    """Also the call that was recorded just before, which it had not looked at yet."""

    async def service():
        async def works_on(_phase, live):
            await live.arecord_usage(model="m", input_tokens=10, output_tokens=20)
            task.cancel()
            await asyncio.sleep(600)

        task = asyncio.create_task(Drain(log, executor=works_on).arun())
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(service())
    (stopped,) = found(log, "drain.stopped")

    assert (1, 30) == (stopped.totals["attempts"], stopped.totals["total_tokens"])


@pytest.mark.parametrize("n_cancels", [1, 2, 3])
def test_a_drain_that_is_cancelled_while_it_gives_back_gives_all_back(log, n_cancels):
    """However often: the phases in work are queued, and their executors are cancelled."""
    gate, cancelled = Gate("phase.released"), []

    async def notes(_phase, _attempt):
        try:
            await asyncio.sleep(600)
        except asyncio.CancelledError:
            cancelled.append(1)
            raise

    async def service():
        engine = Drain(log, executor=notes, on_event=gate, workers=2)
        task = asyncio.create_task(engine.arun())
        while len(engine.status()["in_work"]) < 2:
            await asyncio.sleep(0.01)
        for _ in range(n_cancels):
            task.cancel()
            await asyncio.sleep(0.01)
        gate.go.set()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await asyncio.sleep(0.01)

    asyncio.run(service())

    assert nothing_is_left(log)
    assert [1, 1] == cancelled


@pytest.mark.parametrize("n_stops", [2, 3])
@pytest.mark.parametrize("fault", [None, Failed("network", "again")])
def test_stops_while_an_end_is_written_count_the_attempt_once(log, n_stops, fault):
    """It has ended as it did: it is not lost besides, and its call is not paid for twice."""
    gate = Gate("phase.completed" if fault is None else "phase.failed")

    async def works_on(_phase, live):
        await live.arecord_usage(model="m", input_tokens=100, output_tokens=50, cost_usd=1)
        return fault

    async def service():
        engine = Drain(log, executor=works_on, on_event=gate)
        task = asyncio.create_task(engine.arun())
        await asyncio.to_thread(gate.reached.wait, 60)
        for _ in range(n_stops):
            engine.stop()
            await asyncio.sleep(0.3)  # longer than it takes to look whether to give back
        gate.go.set()
        return await task

    report = asyncio.run(service())
    (stopped,) = found(log, "drain.stopped")

    assert (1, 1, 150, 1) == (report.attempts, report.calls, report.total_tokens, report.cost_usd)
    assert (int(fault is None), 0) == (report.completed, report.lost)
    assert (1, 150, "1") == tuple(
        stopped.totals[name] for name in ("calls", "total_tokens", "cost_usd")
    )
    assert [] == [*found(log, "phase.released"), *journal_of(log).backend.leases()]


def test_a_drain_that_is_cancelled_at_its_end_has_ended_once(log):
    """It says so in the log a single time, whatever its task hears meanwhile."""
    gate = Gate("drain.stopped")

    async def service():
        task = asyncio.create_task(Drain(log, executor=works, on_event=gate).arun())
        await asyncio.to_thread(gate.reached.wait, 60)
        task.cancel()
        await asyncio.sleep(0.01)
        gate.go.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(service())

    assert ["empty"] == [event.reason for event in found(log, "drain.stopped")]


def test_a_service_that_is_cancelled_gives_its_phases_back(log):
    """Leaving the block by a cancellation does not wait for what is in work."""

    async def service():
        async with Drain(log, executor=hangs) as engine:
            while not engine.status()["in_work"]:
                await asyncio.sleep(0.01)
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(asyncio.wait_for(service(), 60))

    assert nothing_is_left(log)


def test_a_service_that_fails_lets_its_phases_end(log):
    """An ordinary error stops the drain as the block's end does."""

    async def takes_a_moment(phase, attempt):
        await asyncio.sleep(0.05)
        works(phase, attempt)

    async def service():
        async with Drain(log, executor=takes_a_moment) as engine:
            while not engine.status()["in_work"]:
                await asyncio.sleep(0.001)
            raise LookupError("no more")

    with pytest.raises(LookupError):
        asyncio.run(service())

    assert {"p1": "COMPLETE", "p2": "QUEUED"} == states(log)


@pytest.fixture
def _hears_ctrl_c():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@posix
@pytest.mark.usefixtures("_hears_ctrl_c")
@pytest.mark.parametrize("at", ["phase.claimed", "phase.started", "phase.released"])
def test_ctrl_c_in_the_midst_of_an_attempts_claim_gives_it_back(log, at):
    """A real signal, right after the commit."""
    presses = [signal.raise_signal, signal.raise_signal]

    def press(recorded):
        if recorded.type == at and presses:
            presses.pop()(signal.SIGINT)

    journal_of(log).observers.append(press)
    with pytest.raises(KeyboardInterrupt), attempt(log, "r/p1"):
        raise KeyboardInterrupt

    assert nothing_is_left(log)


def test_an_interrupt_stays_one_where_the_lease_is_lost(log):
    """What ends more than the block is not hidden by what became of the phase."""
    with pytest.raises(KeyboardInterrupt) as raised, attempt(log, "r/p1"):
        cancel(log, "r/p1", why="not needed")
        raise KeyboardInterrupt

    assert "The phase was not given back: Phase r/p1 is no longer held" in str(
        raised.value.__notes__
    )
    assert {"p1": "CANCELLED", "p2": "QUEUED"} == states(log)


@pytest.mark.parametrize("kind", ["phase.completed"])
def test_what_could_not_be_recorded_is_given_back(log, kind, monkeypatch):
    """The error ends the drain; the phase is queued as soon as the log takes it."""
    append, left = journal_of(log).backend.transaction, [1]

    class FailsOnce:
        def __init__(self, store):
            self.store = store

        def __getattr__(self, name):
            return getattr(self.store, name)

        def insert(self, rows):
            if left and any(row[4] == kind for row in rows):
                left.pop()
                raise LogError("the disk is not well")
            self.store.insert(rows)

    @contextlib.contextmanager
    def fails_once():
        with append() as store:
            yield FailsOnce(store)

    monkeypatch.setattr(journal_of(log).backend, "transaction", fails_once)
    with pytest.raises(LogError, match="not well"):
        drain(log, executor=works)

    assert nothing_is_left(log)
    assert "drain.stopped" == list(log.read_all())[-1].type


def test_a_drain_is_run_once(log):
    """A second run is an error that says what to do; nothing is written by it."""
    engine = Drain(log, executor=works)
    engine.run()
    queue_phases(log, "r", specs("p3"))
    head = log.head()

    with pytest.raises(DrainUsedError, match=f"resumes='{engine.drain_id}'"):
        engine.run()
    assert head == log.head()
    assert 1 == Drain(log, executor=works, resumes=engine.drain_id).run().completed - 2


def test_a_drain_that_was_refused_can_be_run(any_log):
    """It has written nothing, and may find what it needs later."""
    engine = Drain(any_log, executor=works)
    with pytest.raises(EmptyLogError):
        engine.run()
    create_run(any_log, "r", specs("p1"))
    report = engine.run()

    assert (1, 1) == (report.completed, report.calls)


PROGRAM = """\
import signal, sys, time
import autopack

signal.signal(signal.SIGINT, signal.default_int_handler)  # or a shell may have it ignored

def executes(phase, attempt):
    print("at work", flush=True)
    time.sleep(600)

with autopack.open_log(sys.argv[1]) as log:
    autopack.Drain(log, executor=executes).run()
"""


@pytest.mark.slow
@posix
def test_ctrl_c_ends_a_program_that_drains(filed, log_path):
    """``Drain.run()`` in a program of one's own: the phase is given back, and so is the prompt."""
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(log_path)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=heeds_ctrl_c,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert "at work\n" == process.stdout.readline()
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)

    assert -signal.SIGINT == process.returncode
    assert time.monotonic() - began < 50
    assert nothing_is_left(filed)
    assert (
        "drain.stopped" == types_of(filed, f"drain-{found(filed, 'drain.started')[0].drain_id}")[-1]
    )

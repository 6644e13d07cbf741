"""Attempts of an event loop: nothing waits for the log on it, nothing is lost or done twice."""

import asyncio
import contextlib
import sqlite3
import sys
import threading

import pytest

import autopack
from autopack import Completed, areplay, attempt, create_run, drain
from autopack.errors import CapReachedError, LeaseLostError, MoveRefusedError
from autopack.log.log import journal_of
from autopack.ports.log import ANY
from autopack.testing.facts import created
from drains import found, specs, states


class LoopsThread:
    """Sees what the thread of an event loop asks of SQLite."""

    def __init__(self):
        self.statements = []

    def __call__(self, _frame, event, called):
        mine = isinstance(getattr(called, "__self__", None), sqlite3.Connection | sqlite3.Cursor)
        if event == "c_call" and mine:
            self.statements.append(called.__name__)


@contextlib.contextmanager
def seen_statements():
    """Yield what this thread asks of SQLite meanwhile, by the names of the calls."""
    seen = LoopsThread()
    sys.setprofile(seen)
    try:
        yield seen.statements
    finally:
        sys.setprofile(None)


@contextlib.contextmanager
def lock_held(log):
    """Hold a log's write lock in another thread until the block ends."""
    held, over = threading.Event(), threading.Event()

    def hold():
        with journal_of(log).transaction():
            held.set()
            over.wait(60)

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(60)
    try:
        yield
    finally:
        over.set()
        thread.join()


async def turns(n):
    """Let the loop go round so often, each time after other threads had a turn."""
    for _ in range(n):
        await asyncio.sleep(0.001)


def test_a_hundred_tasks_ask_nothing_of_sqlite_on_their_loop(sqlite_log):
    """Twenty at a time: claims, calls, notes, texts and ends are all waited for in threads."""
    ids = [f"p{n}" for n in range(100)]
    create_run(sqlite_log, "many", specs(*ids))

    async def work(phase_id, gate):
        async with gate, attempt(sqlite_log, ("many", phase_id)) as live:
            await live.aprogress("asking")
            for n in range(3):
                await asyncio.sleep(0)
                await live.arecord_usage(call_id=f"{phase_id}-{n}", model="m", output_tokens=7)
            await live.aattach("notes", f"of {phase_id}")
            live.complete({"a.md": phase_id})

    async def main():
        gate = asyncio.Semaphore(20)
        with seen_statements() as statements:
            await asyncio.gather(*(work(phase_id, gate) for phase_id in ids))
        return statements, await areplay(sqlite_log, "phases")

    statements, phases = asyncio.run(main())
    calls = [call.output_tokens for call in found(sqlite_log, "llm.usage_recorded")]

    assert [] == statements
    assert {"COMPLETE"} == {str(row.status) for row in phases.rows.values()}
    assert 300 * [7] == calls
    assert 1 == len(found(sqlite_log, "run.finished"))


def test_what_asks_on_the_loop_is_seen(sqlite_log):
    """The look that the test before rests on sees what ordinary calls ask."""
    create_run(sqlite_log, "seen", specs("p0"))

    async def main():
        with seen_statements() as statements, attempt(sqlite_log, ("seen", "p0")) as live:
            live.record_usage(model="m")
        return statements

    assert "execute" in asyncio.run(main())


@pytest.mark.parametrize("step", ["begin", "call", "attach", "progress", "end"])
def test_the_loop_goes_on_while_the_log_is_held(log, another, step):
    """Another process writes for as long as it likes; other tasks have their turns meanwhile."""
    other, ticks = another(), []

    async def work():
        async with attempt(log, "r/p1") as live:
            if step == "call":
                await held(live.arecord_usage(call_id="c", model="m", output_tokens=5))
            elif step == "attach":
                await held(live.aattach("notes", "short"))
            elif step == "progress":
                await held(live.aprogress("asking"))
            elif step == "end":
                gate.enter_context(lock_held(other))

    async def held(waiting):
        gate.enter_context(lock_held(other))
        await waiting

    async def main():
        if step == "begin":
            gate.enter_context(lock_held(other))
        task = asyncio.create_task(work())
        for _ in range(50):
            await asyncio.sleep(0.002)
            ticks.append(task.done())
        gate.close()
        await task

    with contextlib.ExitStack() as gate:
        asyncio.run(main())

    assert not ticks[-1] or step == "progress"
    assert "COMPLETE" == states(log)["p1"]


def test_a_failure_and_a_refusal_are_as_in_ordinary_code(log):
    """What leaves the block fails the phase and goes on; what cannot be claimed is refused."""

    async def main():
        with pytest.raises(ZeroDivisionError):
            async with attempt(log, "r/p1"):
                _ = 1 / 0
        with pytest.raises(MoveRefusedError, match="FAILED"):
            async with attempt(log, "r/p1"):
                pass

    asyncio.run(main())
    (failed,) = found(log, "phase.failed")

    assert "ZeroDivisionError: division by zero" == failed.message


def test_a_cap_and_a_lost_lease_are_told_by_the_awaited_call(log):
    """The call is recorded, and its error comes back to the task."""
    autopack.set_caps(log, "r", {"tokens": 10_000}, why="little")

    async def main():
        async with attempt(log, "r/p1") as live:
            with pytest.raises(CapReachedError):
                await live.arecord_usage(call_id="c1", model="m", output_tokens=20_000)
        autopack.set_caps(log, "r", {"tokens": 100_000}, why="more")
        with pytest.raises(LeaseLostError):
            async with attempt(log, "r/p2") as live:
                await log.acall(autopack.cancel, "r/p2", why="no need")
                await live.arecord_usage(call_id="c2", model="m", output_tokens=5)

    asyncio.run(main())

    assert ["c1", "c2"] == [call.call_id for call in found(log, "llm.usage_recorded")]


class TestCancelled:
    """A task that is cancelled neither loses nor doubles what it asked for."""

    @staticmethod
    async def cancelled_while_held(other, work):
        """Cancel a task that waits for the log, then let it have the log."""
        ready, goes_on = asyncio.Event(), asyncio.Event()
        task = asyncio.create_task(work(ready, goes_on))
        await ready.wait()
        with lock_held(other):
            goes_on.set()
            await turns(20)
            task.cancel()
            await turns(20)
            was_over = task.done()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not was_over

    def test_a_claim_is_given_back(self, log, another):
        """A task that is cancelled while it claims leaves the phase in the queue, unspent."""

        async def main():
            async def work(ready, goes_on):
                ready.set()
                await goes_on.wait()
                async with attempt(log, "r/p1"):
                    raise AssertionError("it was cancelled before")

            await self.cancelled_while_held(another(), work)

        asyncio.run(main())
        row = autopack.get_phase(log, "r/p1")

        assert ("QUEUED", 0, None) == (row.status, row.attempts_spent, row.lease_token)
        assert ["interrupted"] == [released.why for released in found(log, "phase.released")]

    def test_a_call_is_recorded_once(self, log, another):
        """Whoever is cancelled while a call is recorded has recorded it; told again, it is one."""

        async def main():
            async def work(ready, goes_on):
                async with attempt(log, "r/p1") as live:
                    ready.set()
                    await goes_on.wait()
                    await live.arecord_usage(call_id="c", model="m", output_tokens=5)

            await self.cancelled_while_held(another(), work)
            async with attempt(log, "r/p1") as live:
                with contextlib.suppress(autopack.errors.UsageConflictError):
                    await live.arecord_usage(call_id="c", model="m", output_tokens=5)

        asyncio.run(main())
        (call,) = found(log, "llm.usage_recorded")

        assert (1, 5, False) == (call.attempt, call.output_tokens, call.late)

    def test_an_end_is_recorded(self, log, another):
        """Whoever is cancelled while the block ends has ended it."""

        async def main():
            async def work(ready, goes_on):
                async with attempt(log, "r/p1") as live:
                    live.complete(summary="done")
                    ready.set()
                    await goes_on.wait()

            await self.cancelled_while_held(another(), work)

        asyncio.run(main())

        assert "COMPLETE" == states(log)["p1"]
        assert ["done"] == [done.summary for done in found(log, "phase.completed")]

    def test_many_tasks_cancelled_anywhere_leave_nothing_in_work(self, any_log):
        """Each phase is complete, or back in the queue; each call that was asked for is there."""
        ids, told, done = [f"p{n}" for n in range(40)], [], []
        create_run(any_log, "many", specs(*ids))

        async def work(phase_id):
            async with attempt(any_log, ("many", phase_id)) as live:
                for n in range(3):
                    told.append(f"{phase_id}-{n}")
                    await live.arecord_usage(call_id=told[-1], model="m", output_tokens=7)
            done.append(phase_id)

        async def main():
            tasks = [asyncio.create_task(work(phase_id)) for phase_id in ids]
            for n, task in enumerate(tasks):
                await turns(n % 4)
                task.cancel()
            return await asyncio.gather(*tasks, return_exceptions=True)

        asyncio.run(main())
        calls = [call.call_id for call in found(any_log, "llm.usage_recorded")]
        rows = autopack.list_phases(any_log, "many")

        assert sorted(told) == sorted(calls)
        assert {"COMPLETE", "QUEUED"} >= {str(row.status) for row in rows}
        assert set(done) <= {row.phase_id for row in rows if row.status == "COMPLETE"}
        assert 0 == sum(row.attempts_spent for row in rows if row.status == "QUEUED")


class TestExecutors:
    """Async executors of a drain have the same awaited calls."""

    @pytest.mark.counts_reads
    def test_a_drain_asks_nothing_of_sqlite_on_its_loop(self, sqlite_log):
        """Its checks, claims, looks and ends are made in threads, as its executor's calls are."""
        create_run(sqlite_log, "many", specs(*(f"p{n}" for n in range(20))))

        async def execute(phase, attempt):
            await attempt.arecord_usage(call_id=phase.key, model="m", output_tokens=5)
            await asyncio.sleep(0)
            return Completed({"a.md": phase.phase_id})

        async def main():
            made = await sqlite_log.acall(autopack.Drain, executor=execute, workers=5)
            with seen_statements() as statements:
                report = await made.arun()
            return report, statements

        report, statements = asyncio.run(main())

        assert ([], 20) == (statements, report.completed)

    def test_a_held_log_holds_up_no_other_phase(self, log, another):
        """While one call waits for the log, another phase works on."""
        other, ticks = another(), []

        async def execute(phase, attempt):
            if phase.phase_id == "p1":
                with lock_held(other):
                    waiting = asyncio.create_task(
                        attempt.arecord_usage(call_id="c", model="m", output_tokens=5)
                    )
                    await turns(20)
                    ticks.append(waiting.done())
                await waiting
            return Completed()

        report = drain(log, executor=execute, workers=2)

        assert [False] == ticks
        assert (2, 5) == (report.completed, report.total_tokens)

    def test_what_is_recorded_at_the_deadline_is_recorded(self, log):
        """An attempt that times out amid a call has told it, once."""

        async def execute(phase, attempt):
            while True:
                await attempt.arecord_usage(call_id="c", model="m", output_tokens=5)

        drain(log, executor=execute, run_id="r", phase_id="p1", timeout_s=0.2, max_phases=1)

        assert ["c"] == [call.call_id for call in found(log, "llm.usage_recorded")]
        assert 1 == len(found(log, "phase.timed_out"))


class TestLog:
    """The log's own calls have an awaited form."""

    def test_what_is_appended_is_returned(self, log):
        """As by the ordinary calls; conflicts are told."""

        async def main():
            (one,) = await log.aappend("run-a", [created("a")], expected_version=0)
            two = await log.aappend_batch([("run-b", [created("b")], ANY), ("run-a", [], 1)])
            with pytest.raises(autopack.errors.VersionConflictError):
                await log.aappend("run-a", [created("a")], expected_version=7)
            return [one, *two]

        told = asyncio.run(main())

        assert ["run-a", "run-b"] == [recorded.stream for recorded in told]

    def test_a_subscription_asks_nothing_of_sqlite_on_the_loop(self, log):
        """Neither while it hands events out, nor when a handler fails; it stands before that."""

        async def handle(recorded):
            if recorded.position == 3:
                raise ValueError("no room")

        async def main():
            with seen_statements() as statements:
                with pytest.raises(ValueError, match="no room") as stopped:
                    await log.asubscribe("mail", handle, batch=2)
                async for recorded in log.afollow(until=lambda: True):
                    last = recorded.position
            return statements, stopped.value.__notes__, last

        statements, notes, last = asyncio.run(main())

        assert ([], log.head().position) == (statements, last)
        assert "stopped before position 3" in notes[0]
        assert 2 == journal_of(log).backend.checkpoint("subscription:mail").position

    def test_whatever_takes_a_log_can_be_awaited(self, log):
        """With its arguments, by place and by name."""

        async def main():
            await log.acall(create_run, "later", specs("a"), goal="rest")
            await log.acall(autopack.skip, "later/a", why="not now")
            row = await log.acall(autopack.get_phase, "later/a")
            until = await areplay(log, "phases", until=3)
            return row, until

        row, until = asyncio.run(main())

        assert "SKIPPED" == row.status
        assert {"r/p1", "r/p2"} == set(until.rows)

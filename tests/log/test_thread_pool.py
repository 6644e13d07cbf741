"""Coroutines wait for a log in its threads; what they asked for is done, and waited for."""

import asyncio
import contextlib
import contextvars
import os
import threading

import pytest

import autopack
from autopack.errors import LogClosedError, LogForkedError
from autopack.log.thread_pool import Block, Pool

NAMED = contextvars.ContextVar("NAMED", default="nobody")


@pytest.fixture
def pool():
    """A pool that is closed in the end."""
    made = Pool("the log")
    yield made
    made.close()


class Held:
    """A call that begins, and goes on until it is let go."""

    def __init__(self):
        self.has_begun, self.may_end, self.n_ended = threading.Event(), threading.Event(), 0

    def __call__(self, answer=None, fault=None):
        self.has_begun.set()
        assert self.may_end.wait(60)
        self.n_ended += 1
        if fault is not None:
            raise fault
        return answer


async def turns(n):
    """Let the loop go round, so that what can happen in it happens."""
    for _ in range(n):
        await asyncio.sleep(0)


async def until(event):
    """Wait for another thread, while the loop goes on."""
    while not event.is_set():
        await asyncio.sleep(0.001)


def test_a_call_is_made_in_a_thread_with_the_tasks_context(pool):
    """Its answer comes back, or what it raised."""

    async def main():
        NAMED.set("ann")
        thread, name = await pool.call(lambda: (threading.get_ident(), NAMED.get()))
        with pytest.raises(ZeroDivisionError):
            await pool.call(lambda: 1 / 0)
        return thread, name, await pool.call(pow, 2, exp=5)

    thread, name, power = asyncio.run(main())

    assert thread != threading.get_ident()
    assert ("ann", 32) == (name, power)


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("fault", [None, ValueError("no")])
def test_a_cancelled_task_ends_once_its_call_is_done(pool, times, fault):
    """However often it is cancelled; it ends as cancelled, whatever the call gives or raises."""
    held = Held()

    async def main():
        task = asyncio.create_task(pool.call(held, fault=fault))
        await until(held.has_begun)
        for _ in range(times):
            task.cancel()
            await turns(5)
        was_over = task.done()
        held.may_end.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        return was_over

    assert not asyncio.run(main())
    assert 1 == held.n_ended


def test_what_waits_for_its_turn_is_done_too(pool):
    """A task that is cancelled before a thread was free has asked for it all the same."""
    held, done = Held(), []

    async def main():
        busy = [asyncio.create_task(pool.call(held)) for _ in range(20)]
        waiting = asyncio.create_task(pool.call(done.append, "recorded"))
        await until(held.has_begun)
        waiting.cancel()
        await turns(5)
        held.may_end.set()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await asyncio.gather(*busy)

    asyncio.run(main())

    assert ["recorded"] == done


def test_closing_waits_for_what_was_handed_over(pool):
    """And nothing is taken after it."""
    held = Held()

    async def main():
        task = asyncio.create_task(pool.call(held, "told"))
        await until(held.has_begun)
        threading.Timer(0.05, held.may_end.set).start()
        pool.close()
        assert 1 == held.n_ended
        with pytest.raises(LogClosedError, match="the log is closed"):
            await pool.call(held)
        return await task

    assert "told" == asyncio.run(main())


def test_a_log_can_be_closed_by_one_of_its_own_calls(log_path):
    """It does not wait for itself."""

    async def main():
        log = autopack.open_log(log_path)
        await log.acall(autopack.Log.close)
        with pytest.raises(LogClosedError):
            await log.acall(autopack.status)

    asyncio.run(main())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
def test_a_forked_child_is_refused_and_waits_for_nobody(pool):
    """Threads are not forked with it, so that what it asked for would never be done."""
    asyncio.run(pool.call(int))
    child = os.fork()
    if child == 0:
        refused = 1
        with contextlib.suppress(LogForkedError):
            asyncio.run(pool.call(int))
            refused = 0
        pool.close()
        os._exit(refused)

    assert 1 == os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_pool_that_nobody_waits_in_has_no_thread(log_path):
    """Ordinary code never pays for it."""
    with autopack.open_log(log_path) as log:
        before = set(threading.enumerate())
        autopack.create_run(log, "r")

        assert [] == [one for one in threading.enumerate() if one not in before]


class TestBlock:
    """A block is entered and left either way; one that is cancelled at its door is left too."""

    @staticmethod
    def block(pool, told, held=None):
        @contextlib.contextmanager
        def inner():
            told.append("in")
            if held is not None:
                held()
            try:
                yield "work"
            except BaseException as fault:
                told.append(type(fault).__name__)
                raise
            finally:
                told.append("out")

        return Block(pool, inner())

    def test_by_with(self, pool):
        """In this thread, as any other block."""
        told = []
        with self.block(pool, told) as work:
            told.append(work)

        assert ["in", "work", "out"] == told

    def test_by_async_with(self, pool):
        """In the pool's threads; what leaves the block goes on."""
        told = []

        async def main():
            async with self.block(pool, told) as work:
                told.append(work)
            async with self.block(pool, told):
                raise ValueError("no")

        with pytest.raises(ValueError, match="no"):
            asyncio.run(main())
        assert ["in", "work", "out", "in", "ValueError", "out"] == told

    def test_a_task_that_is_cancelled_at_the_door_goes_out_again(self, pool):
        """What the block took when it began is given back."""
        told, held = [], Held()

        async def main():
            async with self.block(pool, told, held):
                told.append("never")

        async def cancelled():
            task = asyncio.create_task(main())
            await until(held.has_begun)
            task.cancel()
            await turns(5)
            held.may_end.set()
            with pytest.raises(asyncio.CancelledError):
                await task

        asyncio.run(cancelled())

        assert ["in", "CancelledError", "out"] == told

    def test_one_that_could_not_begin_has_nothing_to_leave(self, pool):
        """What kept it out is the error."""
        held = Held()
        held.may_end.set()

        @contextlib.contextmanager
        def refused():
            raise ValueError("not today")
            yield

        async def main():
            async with Block(pool, refused()):
                pass

        with pytest.raises(ValueError, match="not today"):
            asyncio.run(main())

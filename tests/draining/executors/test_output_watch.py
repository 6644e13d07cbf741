"""What a program tells while it works is recorded, whatever becomes of the work."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from autopack import attempt, get_phase
from autopack.draining.executors.json_lines import ProgramReader
from autopack.draining.executors.output_watch import WatchedProgram
from autopack.draining.executors.usage_files import UsageChannel
from drains import found


def test_a_call_that_was_told_is_recorded_though_the_work_is_called_off(log):
    """Also while all threads of the event loop itself are busy with something else."""
    may_end, busy = threading.Event(), ThreadPoolExecutor(1)

    async def main():
        asyncio.get_running_loop().set_default_executor(busy)
        busy.submit(may_end.wait, 60)
        with UsageChannel() as channel:
            async with attempt(log, "r/p1") as live:
                await called_off(live, channel)
        may_end.set()

    async def called_off(live, channel):
        reader = ProgramReader(live.lease_token)
        reader.calls += [{"call_id": "c", "model": "m", "output_tokens": 5}]
        phase = get_phase(log, "r/p1")
        work = WatchedProgram(phase=phase, attempt=live, reader=reader, capture_bytes=1000)
        work.channel = channel
        looking = asyncio.create_task(work.look())
        await asyncio.sleep(0)
        looking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await looking
        await work.finish()

    asyncio.run(main())

    assert ["c"] == [call.call_id for call in found(log, "llm.usage_recorded")]


def test_calls_beyond_a_bound_are_told(log):
    """A flood of calls holds up the end of an attempt that was ended for a bounded time."""

    async def main():
        with UsageChannel() as channel:
            async with attempt(log, "r/p1") as live:
                reader = ProgramReader(live.lease_token)
                reader.calls += [{"model": "m", "output_tokens": n} for n in range(50)]
                phase = get_phase(log, "r/p1")
                work = WatchedProgram(phase=phase, attempt=live, reader=reader, capture_bytes=1000)
                work.channel = channel
                await work.finish(20)
        return reader.problems

    problems = asyncio.run(main())

    assert 20 == len(found(log, "llm.usage_recorded"))
    assert ["30 calls were too many, and are not recorded"] == problems

"""How late an event loop is while its tasks record what they do."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.benchmarks.measuring import Row, most_row

from autopack import attempt, create_log, create_run
from autopack.log.log import Log
from autopack.ports.prediction import PhaseSpec

_TICK_S: Final = 0.002
_AT_A_TIME: Final = 20
_CALLS: Final = 3


def lag_rows(folder: Path, n_tasks: int) -> Iterator[Row]:
    """Measure by how much a task that sleeps wakes too late, by the wall's clock."""
    with create_log(folder / "loop.db") as log:
        phases = [PhaseSpec(f"p{n:05}", category="docs", complexity="low") for n in range(n_tasks)]
        create_run(log, "r", phases)
        late = sorted(asyncio.run(_lateness(log, [phase.id for phase in phases])))
    beside = f"{n_tasks} tasks, {_AT_A_TIME} at a time, {_CALLS} calls each, durable"
    for name, share, most in (("p50", 0.5, 20), ("p95", 0.95, 50)):
        late_s = late[int(share * (len(late) - 1))]
        yield most_row(f"event-loop lag, {name}", late_s * 1000, "ms", most=most, beside=beside)


async def _lateness(log: Log, ids: list[str]) -> list[float]:
    gate, late = asyncio.Semaphore(_AT_A_TIME), list[float]()
    ticking = asyncio.create_task(_tick(late))
    await asyncio.gather(*(_work(log, phase_id, gate) for phase_id in ids))
    ticking.cancel()
    return late


async def _tick(late: list[float]) -> None:
    while True:
        began = time.perf_counter()
        await asyncio.sleep(_TICK_S)
        late.append(time.perf_counter() - began - _TICK_S)


async def _work(log: Log, phase_id: str, gate: asyncio.Semaphore) -> None:
    async with gate, attempt(log, ("r", phase_id)) as live:
        for number in range(_CALLS):
            await asyncio.sleep(_TICK_S)
            call_id = f"{phase_id}-{number}"
            await live.arecord_usage(call_id=call_id, model="m", output_tokens=900)

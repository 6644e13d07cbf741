"""
Phases of no work drained from PostgreSQL, beside jobs of no work of procrastinate's own worker.

Both have the same server, as many processes with as many at a time, and take turns. A phase is
estimated, claimed under its lease, begun and ended, each an event that is hashed and durable; a job
is fetched and finished, each an update of its row with an event of its table.
"""

import asyncio
import contextlib
import subprocess
import sys
import time
from statistics import median
from typing import Any, Final

from tests.benchmarks.measuring import ROOT, Row
from tests.postgres_server import PostgresServer

from autopack import PhaseSpec, create_log, create_run, drain, open_log
from autopack_postgres.database_address import parsed

_CHILD: Final = "import sys; from tests.benchmarks import queueing; queueing.work(*sys.argv[1:])"


async def _nothing(*_given: Any) -> None:
    """Do no work."""


def rows(*, processes: int = 4, workers: int = 4, n: int = 400, rounds: int = 5) -> list[Row]:
    """Measure both in turns, and tell the median of the ratios of each turn."""
    with PostgresServer(is_synced=True) as server:
        url, conninfo = server.url("queue"), parsed(server.url()).conninfo
        with create_log(url) as log:
            asyncio.run(_create(conninfo))
            turns = []
            for turn in range(rounds):
                create_run(log, f"r{turn}", [PhaseSpec(f"p{i}") for i in range(n)])
                asyncio.run(_defer(conninfo, f"r{turn}", n))
                each = [
                    _rate(n, processes, kind, target, f"r{turn}", workers)
                    for kind, target in (("phases", url), ("jobs", conninfo))
                ]
                turns.append(each)
    ratios = sorted(ours / theirs for ours, theirs in turns)
    return [
        Row(
            what=f"PostgreSQL, phases of no work, {processes} processes of {workers}",
            ours=f"{median(ours for ours, _theirs in turns):,.0f}/s",
            raw=f"{median(theirs for _ours, theirs in turns):,.0f}/s (procrastinate)",
            beside=f"{median(ratios):.2f} x procrastinate ({ratios[0]:.2f} to {ratios[-1]:.2f})",
            to_reach=">= 1 x procrastinate",
            holds=median(ratios) >= 1,
        )
    ]


def _rate(n: int, processes: int, *words: object) -> float:
    """Return how many a second several processes did, from when all were ready."""
    call = [sys.executable, "-c", _CHILD, *map(str, words)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with contextlib.ExitStack() as running:
        started = [
            running.enter_context(subprocess.Popen(call, cwd=ROOT, **pipes))
            for _ in range(processes)
        ]
        for process in started:
            assert b"ready\n" == process.stdout.readline()
        began = time.perf_counter()
        for process in started:
            process.communicate(b"go\n")
        assert {0} == {process.returncode for process in started}
        return n / (time.perf_counter() - began)


def _app(conninfo: str) -> Any:
    from procrastinate import App, PsycopgConnector

    app = App(connector=PsycopgConnector(conninfo=conninfo))
    app.task(name="nothing")(_nothing)
    return app


async def _create(conninfo: str) -> None:
    async with _app(conninfo).open_async() as app:
        await app.schema_manager.apply_schema_async()


async def _defer(conninfo: str, queue: str, n: int) -> None:
    async with _app(conninfo).open_async() as app:
        deferrer = app.configure_task("nothing", queue=queue)
        await deferrer.batch_defer_async(*({} for _ in range(n)))


def _ready() -> None:
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()


def _phases(url: str, run_id: str, workers: int) -> None:
    with open_log(url) as log:
        _ready()
        drain(log, executor=_nothing, run_id=run_id, workers=workers)


def _jobs(conninfo: str, queue: str, workers: int) -> None:
    async def until_empty() -> None:
        async with _app(conninfo).open_async() as app:
            _ready()
            await app.run_worker_async(queues=[queue], concurrency=workers, wait=False)

    asyncio.run(until_empty())


def work(kind: str, target: str, name: str, workers: str) -> None:
    """Do what one process does: drain a run, or work on a queue."""
    {"phases": _phases, "jobs": _jobs}[kind](target, name, int(workers))

"""
``python -m tests.benchmarks.worker_counts``: what a phase costs as more processes take phases.

Phases of no work, so that all of it is the log's, or that wait and do nothing: each is estimated,
claimed under its lease, begun and ended. Processor time is counted, since a machine that others use
tells nothing by the clock on its wall; appends and transactions are counted by the server.
"""

import argparse
import asyncio
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, Final

from tests.benchmarks.measuring import ROOT
from tests.postgres_server import PostgresServer

from autopack import PhaseSpec, create_log, create_run, drain, open_log
from autopack_postgres.connections import PostgresConnection
from autopack_postgres.database_address import parsed

HEADER: Final = (
    "processes", "slots of each", "a drain's ms", "the server's ms", "appends", "transactions",
    "events",
)  # fmt: skip
_COUNTS: Final = (1, 2, 4, 8, 16)
_SETTINGS: Final = "track_functions = all\n"
_CHILD: Final = (
    "import sys; from tests.benchmarks import worker_counts; worker_counts.work(*sys.argv[1:])"
)
_SEEN: Final = """
SELECT (SELECT coalesce(sum(calls), 0) FROM pg_stat_user_functions
        WHERE schemaname = 'counted' AND funcname LIKE 'append%'),
    (SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()),
    (SELECT count(*) FROM counted.events)
"""
_TOLD_WITHIN_S: Final = 2.0
"""The server's counts come from its sessions a second after they ended."""


def rows(
    *, counts: Sequence[int], slots: int, n: int, takes_s: float = 0.0
) -> Iterator[tuple[str, ...]]:
    """
    Yield a row for each number of processes: what a phase cost.

    Args:
        n: How many phases there are for each number; with *takes_s*, for each slot.
        takes_s: How long each phase takes.
    """
    with PostgresServer(is_synced=True, settings=_SETTINGS) as server:
        url = server.url("counted")
        create_log(url).close()
        for count in counts:
            phases = n * count * slots if takes_s else n
            with open_log(url) as log:
                create_run(log, f"r{count}", [PhaseSpec(f"p{i}") for i in range(phases)])
            before = _counted(server)
            drained_s = _drained(count, url, f"r{count}", slots, takes_s)
            time.sleep(_TOLD_WITHIN_S)
            used_s, *seen = (now - then for now, then in zip(_counted(server), before, strict=True))
            yield (
                str(count),
                str(slots),
                f"{1000 * drained_s / phases:.1f}",
                f"{1000 * used_s / phases:.1f}",
                *(f"{one / phases:.1f}" for one in seen),
            )


def _drained(count: int, url: str, run_id: str, slots: int, takes_s: float) -> float:
    """Return the processor seconds of several processes, from when all were ready."""
    call = [sys.executable, "-c", _CHILD, url, run_id, str(slots), str(takes_s)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with ExitStack() as running:
        started = [
            running.enter_context(subprocess.Popen(call, cwd=ROOT, **pipes)) for _ in range(count)
        ]
        for process in started:
            assert b"ready\n" == process.stdout.readline()
        for process in started:
            process.stdin.write(b"go\n")
            process.stdin.flush()
        return sum(float(process.communicate()[0]) for process in started)


def work(url: str, run_id: str, slots: str, takes_s: str) -> None:
    """Do what one process does: drain a run, and print its processor seconds."""
    with open_log(url) as log:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.readline()
        began = time.process_time()
        drain(log, executor=_sleeping(float(takes_s)), run_id=run_id, workers=int(slots))
        print(time.process_time() - began)


def _sleeping(takes_s: float) -> Callable[..., Coroutine[Any, Any, None]]:
    async def execute(_phase: object, _attempt: object) -> None:
        await asyncio.sleep(takes_s)

    return execute


def _counted(server: PostgresServer) -> tuple[float, ...]:
    """Return the server's processor seconds, appends, transactions and events until now."""
    with closing(PostgresConnection(parsed(server.url()))) as connection:
        ((appends, commits, events),) = connection.rows(_SEEN)
    used_s = _processor_s(int((server.folder / "data/postmaster.pid").read_text().split()[0]))
    return used_s, float(appends), float(commits), float(events)


def _processor_s(pid: int) -> float:
    """Return what a process, its children that are there, and those that have ended used."""
    ticks = 0
    for stat in Path("/proc").glob("[1-9]*/stat"):
        try:
            words = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has ended since
        if pid in (int(stat.parent.name), int(words[1])):
            ticks += sum(map(int, words[11:15]))
    return ticks / 100


def main() -> None:
    """Measure and print a table."""
    options = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.worker_counts", description=__doc__
    )
    options.add_argument("--counts", type=int, nargs="+", default=_COUNTS, metavar="N")
    options.add_argument("--slots", type=int, default=4, help="phases at a time of each process")
    options.add_argument("--phases", type=int, default=400, help="of each number of processes")
    options.add_argument(
        "--takes-s", type=float, default=0.0, help="--phases are of each slot then"
    )
    given = options.parse_args()
    print(f"| {' | '.join(HEADER)} |\n|{' --- |' * len(HEADER)}")
    for row in rows(counts=given.counts, slots=given.slots, n=given.phases, takes_s=given.takes_s):
        print(f"| {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main()

"""The launcher ``procrastinate``: workers as jobs that its own worker takes from a queue."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

from procrastinate import App
from procrastinate.exceptions import ProcrastinateException
from procrastinate.jobs import Job
from psycopg import AsyncConnection
from psycopg import Error as PsycopgError
from psycopg.errors import UndefinedFunction, UndefinedObject, UndefinedTable

from autopack.errors import PluginError
from autopack.types import Launched, WorkerOrder
from autopack_procrastinate.app import app_at, database_of
from autopack_procrastinate.tasks import QUEUE, TASK

T = TypeVar("T")
_WAITING: Final = "todo"
_AT_WORK: Final = "doing"
_UNDEFINED: Final = (UndefinedTable, UndefinedFunction, UndefinedObject)
_NO_TABLES: Final = (
    ". If its tables were never made: procrastinate --app autopack_procrastinate.app.app schema "
    "--apply"
)


class ProcrastinateLauncher:
    """
    Starts workers by jobs, which procrastinate's worker runs on whichever machine it is.

    Workers that offer something are put into a queue of their own, as ``autopack-gpu-1``: start a
    procrastinate worker for it where there is such a machine.

    Args:
        conninfo: The database of procrastinate, as libpq has it; else what the variable
            AUTOPACK_PROCRASTINATE says, else PGHOST and its like.
        queue: The queue of workers that offer nothing; its name begins the others'.
    """

    name = "procrastinate"

    def __init__(self, *, conninfo: str | None = None, queue: str = QUEUE) -> None:
        self._conninfo, self._queue = conninfo, queue

    def running(self, log_id: str) -> list[Launched]:
        """Return the jobs of a log's workers; those whose procrastinate worker is gone are none."""

        async def listed(app: App) -> list[Launched]:
            jobs = app.job_manager
            there = [
                job
                for status in (_WAITING, _AT_WORK)
                for job in await jobs.list_jobs_async(task=TASK, status=status)
            ]
            gone = {job.id for job in await jobs.get_stalled_jobs(task_name=TASK)}
            return [_launched(job) for job in there if job.id not in gone]

        return [one for one in self._asked(listed) if one.is_of(log_id)]

    def start(self, order: WorkerOrder, n: int) -> list[str]:
        """Defer a job for each worker."""

        async def deferred(app: App) -> list[str]:
            task = app.configure_task(TASK, queue=queue_of(self._queue, order))
            job: dict[str, Any] = {"name": order.name, "command": list(order.command)}
            return [str(one) for one in await task.batch_defer_async(*[job] * n)]

        return self._asked(deferred) if n > 0 else []

    def stop(self, ids: Sequence[str]) -> None:
        """Cancel the jobs that nobody has taken, and let the others be aborted."""

        async def cancelled(app: App) -> None:
            for one in ids:
                await app.job_manager.cancel_job_by_id_async(int(one), abort=True)

        self._asked(cancelled)

    def _asked(self, ask: Callable[[App], Awaitable[T]]) -> T:
        """Return what an open app answers; in a thread, since an event loop may run in this one."""

        async def answered() -> T:
            app = app_at(self._conninfo)
            async with await AsyncConnection.connect(database_of(self._conninfo)):
                pass  # a pool that reaches nobody would try for half a minute
            async with app.open_async():
                return await ask(app)

        with ThreadPoolExecutor(1) as thread:
            try:
                return thread.submit(asyncio.run, answered()).result()
            except (ProcrastinateException, PsycopgError) as fault:
                told = " ".join(f"{fault} {fault.__cause__ or ''}".split())
                hint = _NO_TABLES if isinstance(fault.__cause__, _UNDEFINED) else ""
                raise PluginError(self.name, f"its database refuses: {told}{hint}") from fault


def queue_of(queue: str, order: WorkerOrder) -> str:
    """Return the queue for workers that offer so much."""
    return "-".join((queue, *(part for pair in order.offered for part in pair)))


def _launched(job: Job) -> Launched:
    is_waiting = job.status == _WAITING
    why = f"no worker of procrastinate has taken it from {job.queue}" if is_waiting else None
    name = str(job.task_kwargs.get("name", ""))
    return Launched(id=str(job.id), name=name, is_waiting=is_waiting, why=why)

"""A table of tasks, answered: each row once, whoever asks again, and the answers as they come."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Final, Unpack

import attrs

from autopack.api.batch_rows import BatchResult, Changed, OpenRows, queue_rows
from autopack.api.logs import create_log, open_log
from autopack.errors import LogMissingError
from autopack.exchange.task_rows import Task, tasks_of
from autopack.log.log import Log
from autopack.ports.log import Recorded
from autopack.ports.work import ExecutorLike

if TYPE_CHECKING:
    from autopack.draining.engine.drain_report import DrainReport
    from autopack.draining.engine.engine import Drain
    from autopack.draining.settings.parameters import DrainSettings

BATCH: Final = "batch"
"""The run of a batch that is given no other."""


def batch(
    rows: Iterable[Mapping[str, Any] | str],
    executor: ExecutorLike,
    *,
    log: Log | str | Path,
    id: str | None = None,
    goal: str | None = None,
    model: str | None = None,
    category: str | None = None,
    max_attempts: int | None = None,
    changed: Changed = "keep",
    **settings: Unpack["DrainSettings"],
) -> Iterator[BatchResult]:
    """
    Answer each row once, and yield what became of it as it comes.

    What the log knows already comes first, and nobody is asked for it again: the same call goes
    on where one before ended, however that ended. Leaving the loop gives back what is in work.
    Rows that nobody was asked for, because a cap or a limit ended it, come last: their state is
    QUEUED, and ``error`` says why.

    Args:
        rows: A table a row (it is the phase's payload), or a text, which is its goal.
        executor: Does a row: a callable ``(phase, attempt)`` that returns the answer, or what else
            :func:`drain` takes.
        log: A log, or where one is; it is made if there is none.
        id: The column of a row's id; ``id`` where there is one, else the row's digest is its id.
        goal: The column of what is to be done; else the first there is of ``goal``, ``prompt``,
            ``task``, ``question`` and ``text``.
        model, category: Of rows without such a column.
        max_attempts: Of each row; 3 if it is left out.
        changed: ``requeue`` asks a row again that says something else than it did under its id.
        settings: As of :func:`drain`; ``run_id`` is ``batch`` if it is left out.

    Raises:
        InvalidInputError: A row or a setting is wrong; nobody was asked anything.
    """
    tasks = tasks_of(
        rows, id=id, goal=goal, model=model, category=category, max_attempts=max_attempts
    )
    return _batch(_Batch(tasks, executor, changed, settings), log)


def abatch(
    rows: Iterable[Mapping[str, Any] | str],
    executor: ExecutorLike,
    *,
    log: Log | str | Path,
    id: str | None = None,
    goal: str | None = None,
    model: str | None = None,
    category: str | None = None,
    max_attempts: int | None = None,
    changed: Changed = "keep",
    **settings: Unpack["DrainSettings"],
) -> AsyncIterator[BatchResult]:
    """Answer each row once, as :func:`batch` does, in the event loop that runs already."""
    tasks = tasks_of(
        rows, id=id, goal=goal, model=model, category=category, max_attempts=max_attempts
    )
    return _abatch(_Batch(tasks, executor, changed, settings), log)


@attrs.frozen
class _Batch:
    """A batch as it was asked for: its rows, and how they are done."""

    tasks: list[Task]
    executor: ExecutorLike
    changed: Changed
    settings: Mapping[str, Any]

    @property
    def run_id(self) -> str:
        return self.settings.get("run_id") or BATCH

    def queued(self, log: Log) -> OpenRows:
        """Queue what is new, and return the rows with what is known of them."""
        found = queue_rows(log, self.run_id, self.tasks, changed=self.changed)
        return OpenRows(log, self.run_id, found.phases)

    def engine(self, log: Log, rows: OpenRows, told: Callable[[str], None]) -> "Drain":
        """Return a drain that tells of every event of a row's phase."""
        from autopack.draining.engine.engine import Drain

        def see(recorded: Recorded[Any]) -> None:
            if phase := rows.phase_in(recorded.event):
                told(phase)

        settings = {**self.settings, "run_id": self.run_id}
        return Drain(log, executor=self.executor, on_event=see, **settings)


def _batch(given: _Batch, target: Log | str | Path) -> Iterator[BatchResult]:
    with held(target) as log:
        rows = given.queued(log)
        yield from rows.known
        if not rows.left:
            return
        news: SimpleQueue[str | None] = SimpleQueue()
        engine, faults = given.engine(log, rows, news.put), list[BaseException]()
        reports: list[DrainReport] = []

        def work() -> None:
            try:
                reports.append(engine.run())
            except BaseException as fault:
                faults.append(fault)
            finally:
                news.put(None)

        thread = threading.Thread(target=work, name="autopack batch")
        thread.start()
        try:
            while (phase := news.get()) is not None:
                if result := rows.ended(phase):
                    yield result
        finally:
            engine.stop(0)
            thread.join()
        for fault in faults:
            raise fault
        for report in reports:
            yield from rows.not_asked(_why_ended(report))


async def _abatch(given: _Batch, target: Log | str | Path) -> AsyncIterator[BatchResult]:
    with held(target) as log:
        rows = await log.acall(given.queued)
        for result in rows.known:
            yield result
        if not rows.left:
            return
        loop, news = asyncio.get_running_loop(), asyncio.Queue[str | None]()
        engine = given.engine(log, rows, lambda one: _put(loop, news, one))
        work = asyncio.create_task(engine.arun())
        work.add_done_callback(lambda _: news.put_nowait(None))
        try:
            while (phase := await news.get()) is not None:
                if found := await log.acall(lambda _log, name: rows.ended(name), phase):
                    yield found
        finally:
            engine.stop(0)
            await asyncio.wait([work])
        why = _why_ended(await work)
        for result in await log.acall(lambda _log: list(rows.not_asked(why))):
            yield result


def _why_ended(report: "DrainReport") -> str:
    detail = f": {report.detail}" if report.detail else ""
    return f"not asked: the drain ended ({report.reason}{detail})"


def _put(loop: asyncio.AbstractEventLoop, news: "asyncio.Queue[str | None]", phase: str) -> None:
    loop.call_soon_threadsafe(news.put_nowait, phase)


@contextlib.contextmanager
def held(target: Log | str | Path) -> Iterator[Log]:
    """Hold a log: the one that is given, or the one at a place, made if there is none."""
    if isinstance(target, Log):
        yield target
        return
    try:
        log = open_log(target)
    except LogMissingError:
        log = create_log(target)
    with log:
        yield log

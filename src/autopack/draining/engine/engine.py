"""The drain: takes queued phases through an executor until nothing is left or a limit says stop."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any, Final, Self, Unpack

import attrs

from autopack.aggregates.order import Stuck
from autopack.draining.attempts.threads import to_the_end
from autopack.draining.checks.named_checks import check_ready
from autopack.draining.engine.choices import Reason, asked, check_can_begin
from autopack.draining.engine.conclusion import Conclusion
from autopack.draining.engine.drain_report import DrainReport
from autopack.draining.engine.drain_session import DrainSession
from autopack.draining.engine.dry_run import plan_of
from autopack.draining.engine.event_loop import run
from autopack.draining.engine.halt import Halt, bounded, last_acts
from autopack.draining.engine.idle_spells import IdleSpells
from autopack.draining.engine.resume import resumed
from autopack.draining.engine.wait_notes import WaitNotes
from autopack.draining.engine.workers import Workers
from autopack.draining.queue.drain_limits import is_of_time, limit_reached
from autopack.draining.queue.idle_wait import sooner
from autopack.draining.settings.parameters import DrainSettings
from autopack.draining.settings.settings import Settings, settings_of
from autopack.draining.simulation.plans import Plan
from autopack.draining.strategies.strategy_call import not_to_be_had
from autopack.errors import DrainUsedError
from autopack.log.log import Log, registry_of
from autopack.log.thread_pool import Block
from autopack.ports.drain import Choose, Retry, StrategyLike, Wait
from autopack.ports.log import Recorded
from autopack.ports.states import PhaseStatus
from autopack.ports.work import ExecutorLike
from autopack.projections.phases import FAILED_STATES

_AT_ONCE: Final = 4


class Drain:
    """
    Takes queued phases through an executor.

    Args:
        log: The log whose queue is worked off.
        executor: A registered name, ``file.py:name``, an executor, or a plain or async callable
            ``(phase, attempt) -> Completed | Failed | NeedsPerson | str | None``; a text is the
            result. Only a drain that is gone on with may leave it out.
        strategy: A name, ``file.py:name``, or a strategy; ``fifo``, if it is left out.
        on_event: Called with each event as this process records it.
        settings: Limits and the rest, each by its name in
            :class:`autopack.types.DrainSettings`.

    Installs no signal handlers: call :meth:`stop` from yours.
    """

    def __init__(
        self,
        log: Log,
        *,
        executor: ExecutorLike | None = None,
        strategy: StrategyLike | None = None,
        on_event: Callable[[Recorded[Any]], None] | None = None,
        **settings: Unpack[DrainSettings],
    ) -> None:
        given: dict[str, Any] = {"executor": executor, "strategy": strategy, **settings}
        if given.get("resumes") is not None:
            given = resumed(log, given)
        self._session = DrainSession(log, settings_of(registry_of(log), **given))
        self.log, self.drain_id = log, self._session.drain_id
        self._journal = self._session.journal
        self._on_event = on_event
        self._workers, self._conclusion = Workers(self._session), Conclusion(self._session)
        self._stop_reason: Reason | None = None
        self._ending: Reason | None = None
        self._halt = Halt()
        self._look_at: datetime | None = None
        self._notes, self._idle = WaitNotes(), IdleSpells(self._session, self._workers)
        self._began: float | None = None
        self._is_used = False
        self._faults_before = log.observer_faults
        self._wake: Callable[[], None] = lambda: None
        self._uncapped = attrs.evolve(self._settings.limits, max_tokens=None, max_usd=None)

    @property
    def _settings(self) -> Settings:
        return self._session.settings

    def run(self) -> DrainReport:
        """Drain from ordinary code; inside a running event loop use :meth:`arun`."""
        return run(self.arun())

    async def arun(self) -> DrainReport:
        """
        Drain until the queue is empty, a limit is reached, or :meth:`stop` is called.

        Raises:
            DrainUsedError: It has been run before.
            EmptyLogError: The log holds no runs and no phases.
            DrainRefusedError: A plugin's guard said no.
            RunMissingError, PhaseMissingError, MoveRefusedError: What was named is not there, or
                not queued.
            InvalidInputError: The executor's own check, if it has one, found something missing.
                In all these cases nothing was written.
        """
        if self._is_used:
            raise DrainUsedError(self.drain_id)
        self._is_used = True
        work = asyncio.create_task(self._whole())
        if await bounded(work, self._halt, lambda: self._session.claims.is_hindered):
            return work.result()
        return await self._left()

    async def _whole(self) -> DrainReport:
        try:
            await self._journal.pool.call(self._check)
        except BaseException:
            self._is_used = False  # nothing was written, so that it may be run yet
            raise
        async with contextlib.AsyncExitStack() as stack:
            if self._on_event is not None:
                self._journal.observers.append(self._on_event)
                stack.callback(self._tell_no_more)
            await stack.enter_async_context(Block(self._journal.pool, self._session.claims))
            return await self._drained()

    async def _left(self) -> DrainReport:
        """End although the log's thread, or one that it waits for, does not."""
        reason: Reason = self._stop_reason or ("stopped", None)
        held = [*self._held(), "the drain's own thread, which an observer or the log holds"]
        self._tell_no_more()
        await last_acts(self._conclusion.at_last(*reason, held))
        self._wake = lambda: None
        took_s = 0.0 if self._began is None else time.monotonic() - self._began
        return self._report(reason, took_s, held)

    def _tell_no_more(self) -> None:
        if self._on_event is not None and self._on_event in self._journal.observers:
            self._journal.observers.remove(self._on_event)

    def _held(self) -> list[str]:
        runs = self._session.preparations.under_way
        return [*self._workers.held.names(), *(f"run {one}: its preparation" for one in runs)]

    def _check(self) -> None:
        self._session.check()
        self._workers.control.begin()
        self._session.executors.check()
        for keeper in self._session.keepers.all():
            if check := getattr(keeper, "check", None):
                check()
        if checks := self._settings.checks:
            check_ready(self._session.registry, checks)

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self.arun())
        return self

    async def __aexit__(self, _kind: object, fault: BaseException | None, _trace: object) -> None:
        # Whoever is cancelled, or interrupted, has no time to wait for what is in work.
        self.stop(None if fault is None or isinstance(fault, Exception) else 0)
        await self._task

    def stop(self, grace_s: float | None = None, *, why: str = "asked to stop") -> None:
        """
        Take no further phase; let those in work finish, or release them after *grace_s*.

        A second call releases at once, and so does a log that cannot be written for long. Four
        seconds after that a drain ends whatever still goes on; its report names it as ``held``.
        Safe to call from a signal handler or another thread.
        """
        if self._stop_reason is not None:
            grace_s = 0
        self._halt.ask(grace_s)
        self._stop_reason = self._stop_reason or ("stopped", why)
        self._wake()

    def status(self) -> dict[str, Any]:
        """
        Return the totals so far, the phases in work with what they used and will use, and the rest.

        Safe to call from another thread while the drain runs.
        """
        session, workers, began = self._session, self._workers, self._began
        paused, in_work = workers.control.paused, sorted(str(claim.ref) for claim in workers.claims)
        n_claimed = sum(map(session.admission.is_ready, in_work))  # it has not read so far yet
        return {
            "drain_id": self.drain_id,
            **session.sums(),
            "in_work": in_work,
            "working": workers.working(),
            "ready": len(session.admission.ready) - n_claimed,
            "waiting": session.admission.n_waiting,
            "elsewhere": max(0, len(session.admission.live) - len(workers)),
            "waits": list(session.waiting.waits),
            "idle": self._idle.words,
            "elapsed_s": 0.0 if began is None else time.monotonic() - began,
            "workers": self._settings.workers,
            "paused": None if paused is None else paused.why or f"asked by {paused.actor}",
            "limits": attrs.asdict(self._settings.limits),
        }

    def plan(self, most: int = 10_000) -> Plan:
        """
        Return what the strategy would choose now, in order, with estimates; writes nothing.

        It is a list: under the drain's limits and caps, with its prices, and with what its executor
        knows of each phase beforehand. ``ended`` is why it would take no more, ``held`` what caps
        would hold back, and ``notes`` what the plan cannot know.

        Raises:
            AutopackError: Whatever :meth:`run` would refuse to begin for.
        """
        self._check()
        return plan_of(self._session, most)

    def check_can_begin(self) -> None:
        """
        Return if the drain may begin and would take a phase, now or once one is free.

        Raises:
            NothingReadyError: It would end at once. Nothing was written.
            AutopackError: Whatever else :meth:`run` would refuse to begin for.
        """
        check_can_begin(self._session)

    def stuck(self) -> list[Stuck]:
        """
        Return the queued phases that no drain can ever take, because of what they come after.

        Not to be called while the drain runs; its report has them too. Writes nothing.
        """
        self._session.admission.catch_up(self._session.now())
        return self._session.admission.stuck()

    async def _drained(self) -> DrainReport:
        began, changed = time.monotonic(), asyncio.Event()
        self._began = began
        self._wake = partial(_set_soon, asyncio.get_running_loop(), changed)
        self._session.preparations.wake = self._wake
        workers, self._workers.when_ended = self._workers, changed.set
        workers.is_stopping = lambda: self._stop_reason is not None
        reason: Reason = ("error", None)
        try:
            await workers.in_io(self._session.open)
            await self._session.folders.swept()
            with self._idle.hearing(self._wake):
                reason = await self._loop(began, changed)
            await workers.settle(lambda: self._halt.is_releasing)
            await workers.tend()
            workers.raise_fault()
            await self._session.folders.swept()
            held = self._held()
            await workers.surely(lambda: self._conclusion.close(*reason, held))
        except BaseException as fault:
            await to_the_end(self._given_up(*_reason_of(fault)))
            raise
        finally:
            self._wake = lambda: None
            await to_the_end(workers.close())
        report = self._report(reason, time.monotonic() - began, self._held())
        self._session.registry.observe("autopack_drain_stopped", {"report": report})
        return report

    async def _given_up(self, reason: str, detail: str | None) -> None:
        """Give everything back, and say why the drain ended, as far as the log takes it."""
        await self._workers.release()
        with contextlib.suppress(Exception):  # the first error is the one to be told
            held = self._held()
            await self._workers.surely(lambda: self._conclusion.close(reason, detail, held))

    async def _loop(self, began: float, changed: asyncio.Event) -> Reason:
        session, workers = self._session, self._workers
        while True:
            changed.clear()
            await workers.tend()
            workers.raise_fault()
            if reason := self._stop_reason or session.guards.must_stop:
                return reason
            is_paused = workers.control.paused is not None
            elapsed_s = session.elapsed_before_s + time.monotonic() - began
            limit = limit_reached(
                self._settings.limits if self._settings.at_cap == "stop" else self._uncapped,
                session.account.work,
                zero_streak=session.history.zero_streak,
                elapsed_s=elapsed_s,
                idle_s=self._idle.seconds(is_at_work=len(workers) > 0 or self._is_awaited),
                waited_s=0.0
                if len(workers) or is_paused
                else session.waiting.waited_s(session.now()),
            )
            await self._collect(0 if is_paused else max(_AT_ONCE, self._settings.workers))
            # What was taken and is with a provider is in work: it is let finish too.
            ending = self._ending if limit is None else ("limit", limit)
            is_awaited = len(workers) > 0 or self._is_awaited  # who is in work may submit it
            if ending is not None and (is_of_time(ending) or not is_awaited):
                return ending
            if workers.hindrances.is_enough:
                return ("machine", workers.hindrances.why)
            if is_paused:
                self._look_at = None
            elif ending is None and self._has_room:
                step = await self._choose()
                if isinstance(step, tuple):
                    self._ending = step
                    continue
                if step and len(workers) < self._settings.workers:
                    continue  # else there is nothing to choose for until one ends
            await self._idle.end(changed, self._look_at)

    @property
    def _has_room(self) -> bool:
        workers = self._workers
        return len(workers) < self._settings.workers and not workers.hindrances.wait_s

    @property
    def _is_awaited(self) -> bool:
        """Whether a submitted phase is asked for just now, or will be."""
        session = self._session
        is_due = session.submitted.next_at(session.now()) is not None
        return is_due or self._workers.n_collecting > 0

    async def _collect(self, most: int) -> None:
        """Ask for submitted phases that are due, *most* at once."""
        session, workers = self._session, self._workers
        for key in session.submitted.due(session.now(), most - workers.n_collecting):
            await workers.take(partial(session.collector.take, key))

    async def _choose(self) -> bool | Reason:
        """Take what the strategy chooses; say whether anything was taken, or why to stop."""
        session, workers = self._session, self._workers
        if not (len(workers) or session.admission.ready) and session.admission.has_put_off:
            await workers.in_io(session.let_put_off)
        view = session.view()
        self._look_at = view.next_ready_at
        choice = asked(session, view, n_in_work=len(workers), is_awaited=self._is_awaited)
        match choice:
            case tuple():
                return choice
            case Wait(until=until):
                if view.ready and not len(workers):
                    self._notes.tell(choice)
                if not (view.ready or len(workers)):
                    self._notes.tell_rests(session.waiting.waits, view.now)
                self._look_at = sooner(view, until)
                return False
            case Choose(ref=ref) if session.admission.is_ready(str(ref)):
                if session.must_wait(choice) is not None:
                    return True  # it waits from now on: another one may be had
                claim = await workers.take(lambda: session.take(choice))
                if claim is not None:
                    self._notes.forget()
                # What is not to be had any more is chosen no more: look at the next at once.
                return claim is not None or not session.admission.is_ready(str(ref))
            case Retry(ref=ref) if session.admission.failed.has(str(ref)):
                if (until := session.must_wait(choice)) is not None:
                    self._look_at = sooner(view, until)
                    return False
                await workers.take(lambda: session.retry(choice))
                return True
        why = session.admission.standing(str(choice.ref))
        raise not_to_be_had(self._settings.strategy_name, choice, why)

    def _report(self, reason: Reason, duration_s: float, held: list[str]) -> DrainReport:
        return DrainReport(
            drain_id=self.drain_id,
            reason=reason[0],
            detail=reason[1],
            duration_s=self._session.elapsed_before_s + duration_s,
            left_failed=self._session.left_in(*FAILED_STATES),
            left_gated=self._session.left_in(PhaseStatus.GATED),
            left=self._session.admission.n_queued,
            stuck=tuple(self._session.admission.stuck()),
            held=tuple(held),
            observer_faults=dict(self.log.observer_faults - self._faults_before),
            **self._session.sums(),
        )


def _reason_of(fault: BaseException) -> Reason:
    if isinstance(fault, asyncio.CancelledError):
        return ("stopped", "the drain's task was cancelled")
    return ("error", f"{type(fault).__name__}: {fault}")


def _set_soon(loop: asyncio.AbstractEventLoop, event: asyncio.Event) -> None:
    with contextlib.suppress(RuntimeError):  # the loop ended in the meantime
        loop.call_soon_threadsafe(event.set)

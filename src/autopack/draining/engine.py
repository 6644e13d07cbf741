"""The drain: takes queued phases through an executor until nothing is left or a limit says stop."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final, Self, TypeVar

import attrs

from autopack.draining.claims import Claim
from autopack.draining.limits import limit_reached
from autopack.draining.planning import Planned, plan
from autopack.draining.recording import LiveAttempt
from autopack.draining.session import Session
from autopack.draining.settings import settings_of
from autopack.draining.work import call
from autopack.errors import LeaseLostError
from autopack.log import Log
from autopack.ports.drain import Choose, Stop
from autopack.ports.log import Recorded

T = TypeVar("T")

_LOOK_S: Final = 0.25
_Reason = tuple[str, str | None]


@attrs.frozen(kw_only=True)
class DrainReport:
    """
    What a drain did, and why it ended.

    The reason is ``empty``, ``blocked``, ``limit``, ``strategy`` or ``stopped``.
    """

    drain_id: str
    reason: str
    detail: str | None
    attempts: int
    completed: int
    failed: int
    timed_out: int
    gated: int
    released: int
    lost: int
    calls: int
    total_tokens: int
    samples: int
    zero_yield: dict[str, int]
    failures: dict[str, int]
    passed_over: dict[str, int]
    duration_s: float

    @property
    def is_interrupted(self) -> bool:
        """Tell whether the drain was stopped from outside."""
        return self.reason == "stopped"

    @property
    def is_clean(self) -> bool:
        """Tell whether no attempt failed or ran out of time."""
        return not (self.failed or self.timed_out)


class Drain:
    """
    Takes queued phases through an executor.

    Args:
        log: The log whose queue is worked off.
        on_event: Called with each event as this process records it.
        settings: ``executor``: a registered name, ``file.py:name``, an executor, or a plain or
            async callable ``(phase, attempt) -> Completed | Failed | NeedsPerson | None``.
            ``strategy="fifo"``: a name, ``file.py:name``, or a strategy.
            ``run_id``, ``phase_id``: take phases of this run only, or only this one.
            ``workers=1``: how many phases are in work at once.
            ``when_empty="stop"``: or ``"wait"`` for new phases.
            ``timeout_s``: the deadline of phases that name none.
            ``lease_s=30``: how long a dead worker's phases stay with it.
            ``allow_empty``: drain a log that holds no runs.
            ``workspace``: the folder in which deliverables are looked up for the estimate.
            ``resumes``: the drain that this one goes on from; the log alone says what is left.
            ``max_phases, max_minutes, max_samples, max_tokens, max_zero_yield``: limits.

    Installs no signal handlers: call :meth:`stop` from yours.
    """

    def __init__(
        self,
        log: Log,
        *,
        on_event: Callable[[Recorded[Any]], None] | None = None,
        **settings: Any,
    ) -> None:
        self._settings = settings_of(log.registry, **settings)
        self._session = Session(log, self._settings)
        self.log, self.drain_id = log, self._session.drain_id
        self._on_event = on_event
        self._inflight: dict[asyncio.Task[None], Claim] = {}
        self._stop_reason: _Reason | None = None
        self._is_releasing = False
        self._grace_ends: float | None = None
        self._fault: BaseException | None = None
        self._wake: Callable[[], None] = lambda: None

    def run(self) -> DrainReport:
        """Drain from ordinary code; inside a running event loop use :meth:`arun`."""
        return asyncio.run(self.arun())

    async def arun(self) -> DrainReport:
        """
        Drain until the queue is empty, a limit is reached, or :meth:`stop` is called.

        Raises:
            EmptyLogError: The log holds no runs and no phases.
            DrainRefusedError: A plugin's guard said no.
            RunMissingError, PhaseMissingError, MoveRefusedError: What was named is not there, or
                not queued. In all these cases nothing was written.
        """
        self._session.check()
        with contextlib.ExitStack() as stack:
            if self._on_event is not None:
                self.log.observers.append(self._on_event)
                stack.callback(self.log.observers.remove, self._on_event)
            self._io = stack.enter_context(ThreadPoolExecutor(1, "autopack-log"))
            stack.enter_context(self._session.claims)
            return await self._drained()

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self.arun())
        return self

    async def __aexit__(self, *_fault: object) -> None:
        self.stop()
        await self._task

    def stop(self, grace_s: float | None = None, *, why: str = "asked to stop") -> None:
        """
        Take no further phase; let those in work finish, or release them after *grace_s*.

        A second call releases at once. Safe to call from a signal handler or another thread.
        """
        self._is_releasing = self._stop_reason is not None or grace_s == 0
        if grace_s is not None:
            self._grace_ends = time.monotonic() + grace_s
        self._stop_reason = self._stop_reason or ("stopped", why)
        self._wake()

    def status(self) -> dict[str, Any]:
        """Return the totals so far, the phases in work, and how many are left."""
        admission = self._session.admission
        return {
            "drain_id": self.drain_id,
            **self._session.totals.as_dict(),
            "in_work": sorted(str(claim.ref) for claim in self._inflight.values()),
            "ready": len(admission.ready),
            "waiting": admission.n_waiting,
        }

    def plan(self, most: int = 10_000) -> list[Planned]:
        """Return what the strategy would choose now, in order, with estimates; writes nothing."""
        session = self._session
        session.check()
        most = min(most, self._settings.limits.max_phases or most)
        view = session.view(running=0, reserved_tokens=0)
        return plan(view, self._settings.strategy, session.estimate, most=most)

    async def _drained(self) -> DrainReport:
        began, loop, changed = time.monotonic(), asyncio.get_running_loop(), asyncio.Event()
        self._wake = partial(_set_soon, loop, changed)
        pool = ThreadPoolExecutor(self._settings.workers, "autopack-phase")
        await self._in_io(self._session.open)
        reason: _Reason = ("error", "see the error that the drain raised")
        try:
            reason = await self._loop(began, changed, pool)
            await self._settle()
        except asyncio.CancelledError:
            self._is_releasing, reason = True, ("stopped", "the drain's task was cancelled")
            await self._settle()
            raise
        finally:
            self._wake = lambda: None
            pool.shutdown(wait=False)
            await self._in_io(lambda: self._session.close(*reason))
        report = self._report(reason, time.monotonic() - began)
        self.log.registry.observe("autopack_drain_stopped", report=report)
        return report

    async def _loop(
        self, began: float, changed: asyncio.Event, pool: ThreadPoolExecutor
    ) -> _Reason:
        session, limits = self._session, self._settings.limits
        while True:
            changed.clear()
            await self._in_io(self._tend)
            self._raise_fault()
            if self._stop_reason is not None:
                return self._stop_reason
            elapsed_s = time.monotonic() - began
            if limit := limit_reached(limits, session.totals, elapsed_s):
                return ("limit", limit)
            if len(self._inflight) < self._settings.workers:
                step = await self._choose(changed, pool)
                if isinstance(step, tuple):
                    return step
                if step:
                    continue
            await self._something_new(changed)

    async def _choose(self, changed: asyncio.Event, pool: ThreadPoolExecutor) -> bool | _Reason:
        """Take what the strategy chooses; say whether anything was taken, or why to stop."""
        admission = self._session.admission
        if not (admission.ready or admission.live or admission.next_ready_at or self._inflight):
            if self._settings.when_empty == "wait":
                return False
            n = admission.n_waiting
            return ("blocked", f"{n} queued phases may not be taken") if n else ("empty", None)
        reserved = sum(claim.estimate.budget_tokens for claim in self._inflight.values())
        view = self._session.view(running=len(self._inflight), reserved_tokens=reserved)
        choice = self._settings.strategy(view)
        if isinstance(choice, Stop):
            return ("strategy", choice.reason)
        if not isinstance(choice, Choose):
            return False
        claim = await self._in_io(lambda: self._session.take(choice))
        if claim is None:
            return False
        task = asyncio.create_task(self._work(claim, pool))
        self._inflight[task] = claim

        def ended(task: asyncio.Task[None]) -> None:
            self._inflight.pop(task, None)
            changed.set()

        task.add_done_callback(ended)
        return True

    async def _something_new(self, changed: asyncio.Event) -> None:
        wait_s, ready_at = _LOOK_S, self._session.admission.next_ready_at
        if ready_at is not None:
            until_s = (ready_at - self._session.now()).total_seconds()
            wait_s = min(wait_s, max(until_s, 0.001))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(changed.wait(), wait_s)

    async def _settle(self) -> None:
        while self._inflight:
            if self._is_releasing or time.monotonic() >= (self._grace_ends or float("inf")):
                for task in self._inflight:
                    task.cancel()
                await asyncio.wait(set(self._inflight))
            else:
                await asyncio.wait(set(self._inflight), timeout=_LOOK_S)
        await self._in_io(self._tend)
        self._raise_fault()

    async def _work(self, claim: Claim, pool: ThreadPoolExecutor) -> None:
        session, settings = self._session, self._settings
        live = LiveAttempt(session.handler, session.claims, claim)
        began = time.monotonic()
        try:
            await self._in_io(lambda: session.claims.start(claim))
            outcome = await call(
                settings.execute,
                live,
                claim,
                pool,
                timeout_s=settings.timeout_of(claim.phase),
                when_late=lambda late: session.end(claim, live, late, duration_s=0.0),
            )
            duration_s = time.monotonic() - began
            await self._in_io(lambda: session.end(claim, live, outcome, duration_s=duration_s))
        except asyncio.CancelledError:
            why = "the drain was stopped before the phase had ended"
            await self._in_io(lambda: session.give_back(claim, why))
        except LeaseLostError:
            session.claims.forget(claim.token)
            session.totals.lost += 1
        except BaseException as fault:
            # A state that cannot be written ends the drain: going on would pick the same phase
            # again and again.
            self._fault = fault
            session.claims.forget(claim.token)

    def _tend(self) -> None:
        self._session.tend([claim.token for claim in self._inflight.values()])

    def _raise_fault(self) -> None:
        if self._fault is not None:
            raise self._fault

    async def _in_io(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._io, work)

    def _report(self, reason: _Reason, duration_s: float) -> DrainReport:
        return DrainReport(
            drain_id=self.drain_id,
            reason=reason[0],
            detail=reason[1],
            duration_s=duration_s,
            **self._session.totals.as_dict(),
        )


def _set_soon(loop: asyncio.AbstractEventLoop, event: asyncio.Event) -> None:
    loop.call_soon_threadsafe(event.set)

"""The phases that a drain has in work: one task each, from claim to recorded end."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final, TypeVar

from autopack.draining.attempts.attempt import LiveAttempt
from autopack.draining.attempts.claims import Claim
from autopack.draining.attempts.execution import TO_CLEAN_UP_S, call
from autopack.draining.attempts.executor_results import Capped, Late, Lost, TimedOut, alarmed
from autopack.draining.attempts.machine_faults import Hindrances, hindrance_of
from autopack.draining.attempts.submissions import (
    COLLECT_S,
    CollectingAttempt,
    can_collect,
    cannot_collect,
    collecting,
)
from autopack.draining.attempts.threads import off_loop
from autopack.draining.checks.attempt_checks import AttemptChecks, checks_of_attempt
from autopack.draining.engine.control import Control
from autopack.draining.engine.drain_session import DrainSession
from autopack.draining.engine.halt import WorkUnderWay
from autopack.draining.engine.judgement import check_again, judged
from autopack.draining.engine.log_thread import LogThread
from autopack.errors import LeaseLostError
from autopack.events import DrainPauseRequested
from autopack.ports.work import Failed, Outcome, Pending

T = TypeVar("T")

_LOOK_S: Final = 0.25
_LATE_LOOK_S: Final = 0.02
_STOPPED: Final = "the drain was stopped before the phase had ended"
_PAUSED: Final = "the drain was paused"
_TERMINATED: Final = "signal_SIGTERM"
_TOLD_WITHIN_S: Final = 1.0
"""How much later than our programs we are told to end, by who ends all of a job at once."""


class Workers:
    """
    Runs claimed phases at once, each to its recorded end.

    Everything that touches the log goes through one thread; ``fault`` is the first error that
    kept a state from being written, after which nothing more may be begun.
    """

    def __init__(self, session: DrainSession) -> None:
        self.fault: BaseException | None = None
        self.when_ended: Callable[[], None] = lambda: None
        self.is_stopping: Callable[[], bool] = lambda: False
        self.hindrances, self._busy = Hindrances(), Hindrances()
        self.control = Control(session)
        self._session, self._why_released = session, _STOPPED
        self._inflight: dict[asyncio.Task[None], Claim] = {}
        self._live: dict[str, tuple[LiveAttempt, float]] = {}
        self._lost: dict[str, asyncio.Event] = {}
        self._taking: asyncio.Future[Claim | None] | None = None
        self._io = LogThread("autopack-log")
        self.held, self._late = WorkUnderWay(), WorkUnderWay()

    def __len__(self) -> int:
        return len(self._inflight) - self.n_collecting

    @property
    def is_idle(self) -> bool:
        """Whether nothing is in work, and no provider is asked."""
        return not self._inflight

    @property
    def n_collecting(self) -> int:
        """How many submitted phases are asked for just now, which takes nobody's place."""
        return sum(claim.submitted is not None for claim in self._inflight.values())

    @property
    def claims(self) -> list[Claim]:
        """The claims in work."""
        return list(self._inflight.values())

    def working(self) -> list[dict[str, Any]]:
        """Return the phases in work, oldest first: step, seconds, tokens used and remaining."""
        self._session.foresight.ask()
        now = time.monotonic()
        return [
            {
                "phase": str(live.ref),
                "attempt": live.number,
                "step": live.step,
                "since_s": now - began,
                "calls": live.use.calls,
                "tokens": live.use.total_tokens,
                "remaining": live.remaining,
            }
            for live, began in list(self._live.values())
        ]

    async def in_io(self, work: Callable[[], T]) -> T:
        """Do something with the log in the one thread that may; it is done even if we are not."""
        return await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._io, work))

    async def surely(self, work: Callable[[], T]) -> T:
        """Do something with the log as :meth:`in_io` does, waiting for what the machine hinders."""
        return await self._insisted(lambda: self.in_io(work))

    async def _insisted(self, work: Callable[[], Awaitable[T]]) -> T:
        while True:
            try:
                found = await work()
            except Exception as fault:
                why = hindrance_of(fault)
                if why is None or self._busy.is_enough:
                    raise
                self._busy.met(why)
                self._session.claims.hindered()
                await asyncio.sleep(self._busy.wait_s)
            else:
                self._busy.over()
                return found

    async def take(self, work: Callable[[], Claim | None]) -> Claim | None:
        """
        Claim a phase and hand it to the executor; what was claimed is, even if we are not.

        Returns:
            None if it was not to be had, or if the machine hindered it.
        """
        self._taking = asyncio.get_running_loop().run_in_executor(self._io, work)
        self._taking.add_done_callback(self._taken)  # before whoever waits for it goes on
        try:
            return await asyncio.shield(self._taking)
        except Exception as fault:
            if (why := hindrance_of(fault)) is None:
                raise
            self.hindrances.met(why)
            return None

    def _taken(self, taking: "asyncio.Future[Claim | None]") -> None:
        if taking.exception() is None and (claim := taking.result()) is not None:
            task = asyncio.get_running_loop().create_task(self._work(claim))
            self._inflight[task] = claim
            task.add_done_callback(self._ended)

    async def tend(self) -> None:
        """Catch up with the log, stop work at phases not ours any more, and do what is asked."""
        tokens, watched = [claim.token for claim in self.claims], list(self._lost)
        lives = list(self._live.values())

        def look() -> list[str]:
            self._session.tend(tokens)
            self._session.foresight.look([live for live, _began in lives])
            odd = {live.lease_token for live, _began in lives if live.alarm is not None}
            return [one for one in watched if one in odd or self._session.claims.is_lost(one)]

        for token in await self.surely(look):
            if token in self._lost:
                self._lost[token].set()
        for request in self.control.take():
            if isinstance(pause := request.event, DrainPauseRequested) and pause.is_now:
                await self.release(": ".join(filter(None, (_PAUSED, pause.why))))
            await self.surely(partial(self.control.do, request))

    async def settle(self, is_releasing: Callable[[], bool]) -> None:
        """
        Wait for the phases in work to end; give them back once *is_releasing* says so.

        What was told to end, since its phase was lost or its time was up, has a moment to do so: a
        thread could not record what it used once the drain, and the log with it, has ended.
        """
        while self._inflight:
            if is_releasing() or self.fault is not None:
                await self.release()
            else:
                await asyncio.wait(set(self._inflight), timeout=_LOOK_S)
                await self.tend()
        ends_s = time.monotonic() + TO_CLEAN_UP_S
        while self._late.names() and time.monotonic() < ends_s:
            if is_releasing() or self.fault is not None:
                return
            await asyncio.sleep(_LATE_LOOK_S)

    async def release(self, why: str = _STOPPED) -> None:
        """Give back every phase in work, without spending its attempt."""
        self._why_released = why
        if self._taking is not None:
            await asyncio.wait({self._taking})
        while self._inflight:
            for task in self._inflight:
                task.cancel()
            await asyncio.wait(set(self._inflight))

    async def close(self) -> None:
        """Wait for what was handed to the log's thread; end what works on all the same."""
        for task in list(self._inflight):
            task.cancel()
        await off_loop(self._io.shutdown, "end")

    def raise_fault(self) -> None:
        """Raise the error that kept a state from being written, if there was one."""
        if self.fault is not None:
            raise self.fault

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._inflight.pop(task, None)
        self.when_ended()

    async def _work(self, claim: Claim) -> None:
        session = self._session
        is_kept = session.keepers.of(claim.ref.run_id) is not None
        place = None if is_kept else session.settings.folder
        kind = LiveAttempt if claim.submitted is None else CollectingAttempt
        live = kind(session.handler, session.claims, claim, workspace=place)
        began = time.monotonic()
        self._live[claim.token] = live, began
        try:
            lost = self._lost.setdefault(claim.token, asyncio.Event())
            live.when_capped = _setter(lost)
            checks = self._checks(claim, live)
            live.is_watched = claim.submitted is None
            outcome = await self._outcome(claim, live, checks, lost)
            live.is_watched = False
            if outcome is None:
                return
            if await self._is_ended_with_us(outcome):
                await self._give_back(claim, live)
                return
            given = outcome
            if live.alarm is not None and not isinstance(outcome, Lost | Pending):
                given = alarmed(live, live.alarm, outcome)
            found = await judged(
                session, claim, live, given, checks=checks, lost=lost, insisted=self._insisted
            )
            if isinstance(found.outcome, Lost):
                session.claims.forget(claim.token)
                self._hear_late(claim, live, found.outcome)
                return
            await self.surely(
                lambda: session.ends.end(
                    claim,
                    live,
                    found.outcome,
                    duration_s=found.duration_s,
                    question=found.question,
                )
            )
            self.hindrances.over()
            if self._session.admission.has_put_off:
                await self.surely(self._session.let_put_off)
            if isinstance(outcome, TimedOut | Capped):
                self._hear_late(claim, live, outcome)
        except asyncio.CancelledError:
            await self._give_back(claim, live, self._why_released)
        except LeaseLostError:
            await self._give_back(claim, live)  # if it is ours after all
        except KeyboardInterrupt as fault:
            self.fault = self.fault or fault
            await self._give_back(claim, live)
        except BaseException as fault:
            if why := hindrance_of(fault):
                await self._hindered(claim, live, why)
                return
            # A state that cannot be written ends the drain: going on would pick the same phase
            # again and again. It is given back when the drain ends, if that can be written.
            self.fault = self.fault or fault
        finally:
            self._live.pop(claim.token, None)
            self._lost.pop(claim.token, None)

    async def _outcome(
        self, claim: Claim, live: LiveAttempt, checks: AttemptChecks, lost: asyncio.Event
    ) -> Outcome | TimedOut | Capped | Lost | None:
        """Return how the executor's work ended; None if it is with its provider still."""
        executor, timeout_s = self._session.collector.executor_of(claim), claim.timeout_s
        execute, begun = executor.execute, None
        if claim.submitted is not None:
            execute = collecting(executor.executor, claim.submitted.event.handle)
            timeout_s = timeout_s or COLLECT_S
        else:
            begun = await checks.unready() or await self._session.folders.opened(
                claim, live, partial(check_again, checks)
            )
        outcome = begun or await call(
            execute, live, claim, timeout_s=timeout_s, lost=lost, begun=self.held.add
        )
        if claim.submitted is not None and isinstance(outcome, Pending | TimedOut):
            await self.surely(lambda: self._session.collector.put_back(claim, live, outcome))
            return None
        if isinstance(outcome, Pending) and not can_collect(executor.executor):
            return cannot_collect(executor.name, outcome)
        return outcome

    def _hear_late(self, claim: Claim, live: LiveAttempt, outcome: Late) -> None:
        told = outcome.when_late(lambda late: self._session.ends.late(claim, live, late))
        self._late.add(str(claim.ref), told)

    async def _is_ended_with_us(self, outcome: object) -> bool:
        """Tell whether somebody ends all of the job that we are part of, the program first."""
        if not isinstance(outcome, Failed) or outcome.code != _TERMINATED:
            return False
        ends_s = time.monotonic() + _TOLD_WITHIN_S
        while not self.is_stopping() and time.monotonic() < ends_s:
            await asyncio.sleep(_TOLD_WITHIN_S / 20)
        return self.is_stopping()

    def _checks(self, claim: Claim, live: LiveAttempt) -> AttemptChecks:
        session = self._session
        checks, foreign = checks_of_attempt(session.handler, claim.phase, session.settings.checks)
        return AttemptChecks(
            handler=session.handler,
            registry=session.registry,
            claim=claim,
            live=live,
            checks=checks,
            foreign=foreign,
            by="drain",
            in_log=self.surely,
            begun=self.held.add,
        )

    async def _hindered(self, claim: Claim, live: LiveAttempt, why: str) -> None:
        """Give a phase back that the machine has hindered: it spends no attempt."""
        self.hindrances.met(why)
        await self._give_back(claim, live, f"the machine hindered it: {why}")
        is_paid = await self.surely(lambda: live.use.calls > 0)
        is_its_own = self.hindrances.is_of(claim.phase.key, is_paid=is_paid)
        put = self._session.leave if is_its_own else self._session.put_off
        await self.surely(lambda: put(claim.phase.key, why))

    async def _give_back(self, claim: Claim, live: LiveAttempt, why: str = _STOPPED) -> None:
        try:
            await self.surely(lambda: self._session.ends.give_back(claim, live, why))
        except Exception as fault:
            self.fault = self.fault or fault


def _setter(event: asyncio.Event) -> Callable[[], None]:
    """Return what sets an event from any thread, also one that outlives the loop."""
    loop = asyncio.get_running_loop()

    def set_it() -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed, and nobody waits
            loop.call_soon_threadsafe(event.set)

    return set_it

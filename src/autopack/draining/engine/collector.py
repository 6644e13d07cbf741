"""Asks providers for the work that they have: when, by which executor, and what comes of it."""

import random
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from autopack.draining.attempts.attempt import LiveAttempt
from autopack.draining.attempts.backoff import Backoff
from autopack.draining.attempts.claims import Claim, Claims
from autopack.draining.attempts.executor_results import TimedOut
from autopack.draining.attempts.failure_classes import HOPELESS, WAITING
from autopack.draining.attempts.failures import failed_by
from autopack.draining.attempts.lease_keys import phase_key
from autopack.draining.attempts.recorded_ends import end_or_late
from autopack.draining.attempts.refusals import told_wait_s
from autopack.draining.attempts.submissions import (
    Unreached,
    can_collect,
    claim_again,
    is_of_this_log,
    last_submitted,
    submitted_by,
)
from autopack.draining.engine.named_executors import Executors, NamedExecutor
from autopack.draining.queue.submitted_phases import SubmittedPhases
from autopack.plugins.narrator import Narrator
from autopack.ports.log import from_us
from autopack.ports.prediction import Estimate
from autopack.ports.work import Classed, Failed, Pending, PhaseView

_narrator: Final = Narrator("autopack.drain")
_SOON: Final = timedelta(seconds=1)
_LEAST_S: Final = 0.05
_PASSING: Final = WAITING | {"timeout"}


class Collector:
    """
    One drain's dealings with submitted phases; all but :meth:`executor_of` from the log's thread.

    Args:
        rows: The submitted phases in scope by key, as of the log's *position*.
        phases: Says which of them are due.
        classify: Names the class of a failure to reach a provider.
        estimate: Returns what is known of a phase's output.
    """

    def __init__(
        self,
        claims: Claims,
        executors: Executors,
        *,
        rows: Mapping[str, PhaseView],
        position: Callable[[], int],
        phases: SubmittedPhases,
        classify: Callable[[Failed, bool], Classed],
        backoff: Backoff,
        estimate: Callable[[PhaseView], Estimate],
    ) -> None:
        self._claims, self._executors, self.phases = claims, executors, phases
        self._rows, self._position, self._handler = rows, position, claims.handler
        self._classify, self._backoff, self._estimate = classify, backoff, estimate
        self._made: dict[str, NamedExecutor] = {}
        self._faults: Counter[str] = Counter()
        self.collected = 0

    def take(self, key: str) -> Claim | None:
        """Return a due phase in this worker's hands; None if it is not to be asked for now."""
        row = self._rows.get(key)
        submitted = None if row is None else last_submitted(self._handler, row.ref)
        if row is None or submitted is None:
            return None
        is_own, event = is_of_this_log(self._handler, submitted), submitted.event
        try:
            executor = self._executors.collecting(event, is_own=is_own)
        except Exception as fault:  # what a plugin cannot make again is no end of a drain
            self._leave(key, f"executor {event.executor} cannot be made again: {fault}")
            return None
        if executor is None or not can_collect(executor.executor):
            why = f"executor {event.executor} is not here to ask for them: give it to the drain"
            self._leave(key, why)
            return None
        position = self._position()
        claim = claim_again(self._claims, row, submitted, self._estimate, phase_at=position)
        if claim is None:  # another drain asks for it, or has done so
            self.phases.again(key, self._now() + _SOON)
            return None
        self._claims.enter(claim.token, executor.lanes)
        self._made[claim.token] = executor
        return claim

    def executor_of(self, claim: Claim) -> NamedExecutor:
        """Return who does a claim, or asks for it. Any thread."""
        return self._made.get(claim.token) or self._executors.named(claim.executor)

    def submitted(self, claim: Claim, live: LiveAttempt, pending: Pending) -> None:
        """
        Record that a provider has an attempt's work, and leave it there.

        Raises:
            LeaseLostError: The phase is not this worker's any more; it is recorded as late.
        """
        executor = self.executor_of(claim).executor
        event = submitted_by(self._handler, claim, live, pending, executor)
        end_or_late(self._handler, self._claims, claim, live, event)

    def put_back(self, claim: Claim, live: LiveAttempt, outcome: Any = None) -> None:
        """Leave a phase with its provider, which has not answered, or was not reached."""
        assert claim.submitted is not None
        before = claim.submitted.event
        if isinstance(outcome, TimedOut):
            fault = TimeoutError("no answer in time")
            outcome = Unreached(before.handle, fault=fault)
        if isinstance(outcome, Unreached):
            self._unreached(claim, outcome)
        elif isinstance(outcome, Pending) and outcome.handle != before.handle:
            self.submitted(claim, live, outcome)
            return
        else:
            self._faults.pop(before.executor, None)
            wait_s = outcome.poll_after_s if isinstance(outcome, Pending) else 0.0
            at = self._now() + timedelta(seconds=max(_LEAST_S, wait_s))
            self.phases.again(claim.phase.key, at)
        self._made.pop(claim.token, None)
        self._claims.let_go(phase_key(claim.ref), claim.token)
        self._claims.forget(claim.token)

    def ended(self, claim: Claim) -> None:
        """Take note that a phase was collected."""
        self.collected += 1
        self._made.pop(claim.token, None)

    def _unreached(self, claim: Claim, outcome: Unreached) -> None:
        """Ask later where it passes by itself; else leave it to a drain that somebody mended."""
        name, key, now = claim.executor or "", claim.phase.key, self._now()
        failed = failed_by(outcome.fault)
        kind = self._classify(failed, False).kind
        if kind not in _PASSING:
            why = f"executor {name} could not ask for them: {failed.message}"
            (self.phases.refuse if kind in HOPELESS else self.phases.leave)(
                name if kind in HOPELESS else key, why
            )
            _narrator.error("submitted work is left with its provider", phase=key, why=why)
            return
        self._faults[name] += 1
        asked_s = failed.retry_after_s
        if asked_s is None:
            asked_s = told_wait_s(failed.source_fields, now)
        draw = random.random()
        wait_s = self._backoff.wait_s(self._faults[name], draw=draw, retry_after_s=asked_s)
        until = now + timedelta(seconds=max(_LEAST_S, wait_s))
        if self._faults[name] == 1:
            _narrator.warning("a provider could not be asked", phase=key, why=failed.message)
        self.phases.rest(name, until)
        self.phases.again(key, until)

    def _leave(self, key: str, why: str) -> None:
        self.phases.leave(key, why)
        _narrator.error("submitted work is left with its provider", phase=key, why=why)

    def _now(self) -> datetime:
        return from_us(self._handler.journal.now_us())

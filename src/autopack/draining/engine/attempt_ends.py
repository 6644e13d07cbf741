"""How attempts of a drain end: with an outcome, too late, or given back."""

import contextlib
from collections.abc import Callable
from datetime import datetime
from typing import Any

from autopack.draining.attempts.attempt import LiveAttempt
from autopack.draining.attempts.claims import Claim, Claims
from autopack.draining.attempts.failures import Failing
from autopack.draining.attempts.recorded_ends import end_attempt, record_late
from autopack.draining.engine.collector import Collector
from autopack.errors import LeaseLostError
from autopack.events import PhaseReleased
from autopack.log.command_handler import Handler
from autopack.ports.work import Pending


class AttemptEnds:
    """Records how each attempt ends; but for :meth:`late`, from the drain's own thread."""

    def __init__(
        self,
        handler: Handler,
        *,
        claims: Claims,
        collector: Collector,
        failing: Failing,
        now: Callable[[], datetime],
        touch: Callable[[str], None],
    ) -> None:
        """Call *touch* with a run whose last phase may have ended."""
        self._handler, self._claims, self._collector = handler, claims, collector
        self._failing, self._now, self._touch = failing, now, touch

    def end(
        self,
        claim: Claim,
        live: LiveAttempt,
        outcome: Any,
        *,
        duration_s: float,
        question: str | None = None,
    ) -> None:
        """Record how an attempt ended, the *question* that it leaves open, or who has its work."""
        live.catch_up()
        if isinstance(outcome, Pending) and claim.submitted is None:
            with contextlib.suppress(LeaseLostError):
                self._collector.submitted(claim, live, outcome)
            return
        with contextlib.suppress(LeaseLostError):  # it is recorded as late, and counts as lost
            end_attempt(
                self._handler,
                self._claims,
                claim,
                live,
                outcome,
                failing=self._failing,
                now=self._now(),
                duration_s=duration_s,
                timeout_s=claim.timeout_s,
                question=question,
            )
        if claim.submitted is not None:
            self._collector.ended(claim)
            self._touch(claim.ref.run_id)

    def late(self, claim: Claim, live: LiveAttempt, outcome: Any) -> None:
        """Record a result that came after the deadline; it changes no state. Any thread."""
        record_late(self._handler, claim, live, outcome)

    def give_back(self, claim: Claim, live: LiveAttempt, why: str) -> None:
        """Release a phase without spending its attempt, or leave it with its provider."""
        live.catch_up()
        if claim.submitted is not None:
            self._collector.put_back(claim, live)
            return
        released = PhaseReleased(**claim.names, why=why, duration_s=live.elapsed_s)
        with contextlib.suppress(LeaseLostError):
            self._claims.end(claim, released)

"""What a drain's strategy makes of a phase that has just failed."""

from typing import Any, Final

import attrs

from autopack.draining.attempts.claims import Claim
from autopack.draining.attempts.followed_ends import Followup
from autopack.draining.strategies.past_attempts import past_attempt, past_attempts
from autopack.draining.strategies.strategy_call import followed
from autopack.errors import PluginError
from autopack.events import PhaseFailed, PhaseTimedOut
from autopack.log.command_handler import Handler
from autopack.plugins.narrator import Narrator
from autopack.ports.drain import PastAttempt
from autopack.projections.attempt_row import AttemptRow
from autopack.projections.attempts import attempt_key, ended
from autopack.values.ids import PhaseRef

_narrator: Final = Narrator("autopack.drain")


class Followed:
    """
    Asks a strategy once an attempt has failed, before that is recorded.

    One that fails is told, and says nothing: the attempt ended, and is to be recorded all the same.

    Args:
        worker: Who asks.
    """

    def __init__(self, handler: Handler, strategy: Any, name: str, *, worker: str) -> None:
        self._handler, self._strategy, self._name = handler, strategy, name
        self._worker = worker

    def __call__(self, claim: Claim, event: PhaseFailed | PhaseTimedOut) -> Followup:
        """Return what is to follow, and what it was asked on."""
        if not hasattr(self._strategy, "after_failure"):
            return Followup()
        ref, number = claim.ref, claim.number
        position = self._handler.known_phase(ref)[1].position
        went_by = {"worker": self._worker, "phase_at": claim.phase_at, "attempts_at": position}
        phase = attrs.evolve(claim.phase, model=self._handler.queued(ref).model)
        attempts = attempts_shown(self._handler, ref, number, event, until=position)
        try:
            after = followed(self._strategy, phase, attempts, self._name)
        except PluginError as fault:
            what = "the strategy was asked what comes after a failure, and failed"
            _narrator.error(what, phase=str(ref), why=str(fault), exc_info=fault)
            return Followup(went_by=went_by, fault=fault.what)
        return Followup(after=after, went_by=went_by)


def attempts_shown(
    handler: Handler, ref: PhaseRef, number: int, event: PhaseFailed | PhaseTimedOut, *, until: int
) -> tuple[PastAttempt, ...]:
    """
    Return the attempts at a phase as a strategy is shown them once one of them has failed.

    Args:
        event: How attempt *number*, the last one, ends.
        until: The position up to which the others are known, and what this one used.
    """
    key = attempt_key(ref.run_id, ref.phase_id, number)
    row = handler.attempts_until(ref, until).get(key) or AttemptRow(position=0)
    last = past_attempt(ended(row, event, 0), number)
    return (*past_attempts(handler, ref, number - 1, until), last)

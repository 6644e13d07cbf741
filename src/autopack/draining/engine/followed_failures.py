"""What a drain's strategy makes of a phase that has just failed."""

from typing import Any, Final

import attrs

from autopack.draining.attempts.claims import Claim
from autopack.draining.strategies.past_attempts import past_attempt, past_attempts
from autopack.draining.strategies.strategy_call import followed
from autopack.errors import PluginError
from autopack.events import PhaseFailed, PhaseTimedOut
from autopack.log.command_handler import Handler
from autopack.plugins.narrator import Narrator
from autopack.ports.drain import Afterwards
from autopack.projections.attempts import ended

_narrator: Final = Narrator("autopack.drain")


class Followed:
    """
    Asks a strategy once an attempt has failed, before that is recorded.

    One that fails is told, and says nothing: the attempt ended, and is to be recorded all the same.
    """

    def __init__(self, handler: Handler, strategy: Any, name: str) -> None:
        self._handler, self._strategy, self._name = handler, strategy, name

    def __call__(self, claim: Claim, event: PhaseFailed | PhaseTimedOut) -> Afterwards:
        """Return what is to follow; None leaves it to the failure's class."""
        if not hasattr(self._strategy, "after_failure"):
            return None
        ref, number = claim.ref, claim.number
        row = ended(self._handler.attempt(ref, number), event, 0)
        attempts = (*past_attempts(self._handler, ref, number - 1), past_attempt(row, number))
        phase = attrs.evolve(claim.phase, model=self._handler.queued(ref).model)
        try:
            return followed(self._strategy, phase, attempts, self._name)
        except PluginError as fault:
            what = "the strategy was asked what comes after a failure, and failed"
            _narrator.error(what, phase=str(ref), why=str(fault), exc_info=fault)
            return None

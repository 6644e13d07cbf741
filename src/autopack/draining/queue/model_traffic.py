"""Follows the log for the rates: what everybody asks of the models, here and in other processes."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from autopack.draining.queue.rate_limits import Lanes
from autopack.events import (
    LlmUsageRecorded,
    PhaseClaimed,
    PhaseCompleted,
    PhaseFailed,
    PhaseGated,
    PhaseReclaimed,
    PhaseReleased,
    PhaseTimedOut,
)
from autopack.log.command_handler import Handler
from autopack.log.journal import Journal
from autopack.log.views.replay import position_at
from autopack.ports.log import Recorded, from_us
from autopack.projections.call_use import call_of
from autopack.values.ids import PhaseId, PhaseRef, RunId

_LOOKS_BACK: Final = timedelta(minutes=1)
_ENDS: Final = (
    PhaseCompleted,
    PhaseFailed,
    PhaseTimedOut,
    PhaseGated,
    PhaseReleased,
    PhaseReclaimed,
)
_KINDS: Final = (PhaseClaimed, LlmUsageRecorded, *_ENDS)


class Traffic:
    """
    Tells the lanes of claims, calls and ends.

    Since it goes by the log, a drain that begins now knows what others have just asked for.

    Args:
        lanes: Who is told.
        model_of: Returns the model of the attempt that a call is of, where its claim was not seen.
    """

    def __init__(
        self, journal: Journal, lanes: Lanes, model_of: Callable[[LlmUsageRecorded], str | None]
    ) -> None:
        self._journal, self._lanes, self._model_of = journal, lanes, model_of
        self._position = 0

    def closed(self, now: datetime) -> dict[str, datetime]:
        """Return the models whose rates are used up, with when to look again."""
        return self._lanes.closed(now)

    def begin(self, head: int) -> None:
        """Tell the lanes what is still of interest in the log, up to *head*."""
        self._position = head
        if not self._lanes.are_limited:
            return
        start = position_at(self._journal, from_us(self._journal.now_us()) - _LOOKS_BACK)
        names = self._journal.codec.names_of(_KINDS)
        for rows in self._journal.pages(after=start, until=head, types=names):
            for recorded in self._journal.decode(rows):
                self._tell(recorded)

    def hear(self, events: Sequence[Recorded[Any]]) -> None:
        """Tell the lanes what is new in the log; they may be given rates while the drain runs."""
        for recorded in events:
            if recorded.position > self._position and isinstance(recorded.event, _KINDS):
                self._tell(recorded)

    def _tell(self, recorded: Recorded[Any]) -> None:
        event, at = recorded.event, recorded.recorded_at
        token = event.lease_token or ""
        match event:
            case PhaseClaimed():
                self._lanes.begin(token, event.model, event.reserved_tokens or 0, at)
            case LlmUsageRecorded():
                tokens = call_of(event, "").known_tokens
                model = None if self._lanes.knows(token) else self._model_of(event)
                self._lanes.call(token, model, tokens, at)
            case _:
                self._lanes.end(token)


def models_by(handler: Handler) -> Callable[[LlmUsageRecorded], str | None]:
    """Return what says by which model's lane the attempt of a call went."""

    def model_of(call: LlmUsageRecorded) -> str | None:
        if call.run_id is None or call.phase_id is None or call.attempt is None:
            return None
        ref = PhaseRef(RunId(call.run_id), PhaseId(call.phase_id))
        return handler.attempt(ref, call.attempt).claimed_model

    return model_of

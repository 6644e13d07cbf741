"""Follows the log for the lanes: what everybody asks of the models, here and in other processes."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from autopack.draining.attempts.failure_classes import WAITING
from autopack.draining.attempts.told_waits import LONGEST_WAIT_S
from autopack.draining.queue.rate_limits import Lanes, lane_of
from autopack.draining.queue.resting_lanes import RestingLanes
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
from autopack.log.journal import Journal
from autopack.log.views.replay import position_at
from autopack.ports.log import Recorded, from_us
from autopack.projections.call_use import call_of

_LOOKS_BACK: Final = timedelta(minutes=1)
_RESTS_FOR: Final = timedelta(seconds=LONGEST_WAIT_S)
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
    Tells the lanes of claims, calls and ends, of refusals, and of pauses that a provider asked for.

    Since it goes by the log, a drain that begins now knows what others have just asked for, and
    which models want to be left alone.

    Args:
        lanes, resting: Who is told: of rates, and of rests.
        model_of: Returns the model of the phase that an event is about.
    """

    def __init__(
        self,
        journal: Journal,
        lanes: Lanes,
        resting: RestingLanes,
        model_of: Callable[[str, str], str | None],
    ) -> None:
        self._journal, self._lanes, self._resting = journal, lanes, resting
        self._model_of = model_of
        self._position = 0

    def closed(self, now: datetime) -> dict[str, datetime]:
        """Return the lanes that let nothing in now, with when to look again."""
        found = self._resting.closed(now)
        for lane, until in self._lanes.closed(now).items():
            found[lane] = max(until, found.get(lane, until))
        return found

    def begin(self, head: int) -> None:
        """Tell the lanes what is still of interest in the log, up to *head*."""
        now = from_us(self._journal.now_us())
        start = position_at(self._journal, now - _LOOKS_BACK) if self._lanes.are_limited else head
        self._read(position_at(self._journal, now - _RESTS_FOR), start, (PhaseFailed,))
        self._read(start, head, _KINDS)
        self._position = head

    def hear(self, events: Sequence[Recorded[Any]]) -> None:
        """Tell the lanes what is new in the log."""
        for recorded in events:
            if recorded.position > self._position and isinstance(recorded.event, _KINDS):
                self._tell(recorded)

    def _read(self, after: int, until: int, kinds: tuple[type, ...]) -> None:
        names = self._journal.codec.names_of(kinds)
        for rows in self._journal.pages(after=after, until=until, types=names):
            for recorded in self._journal.decode(rows):
                self._tell(recorded)

    def _tell(self, recorded: Recorded[Any]) -> None:
        event, at = recorded.event, recorded.recorded_at
        token, model = event.lease_token or "", self._model(event)
        match event:
            case PhaseClaimed():
                self._lanes.begin(token, model, event.reserved_tokens or 0, at)
                self._resting.begun(token, lane_of(model), at)
            case LlmUsageRecorded():
                self._lanes.call(token, model, call_of(event, "").known_tokens, at)
                self._resting.answered(token, lane_of(model))
            case _:
                self._lanes.end(token)
                self._end(event, token, lane_of(model), at)

    def _end(self, event: Any, token: str, lane: str, at: datetime) -> None:
        """Tell what the end of an attempt says of its lane."""
        resting = self._resting
        if isinstance(event, PhaseFailed) and (
            event.failure_class in WAITING or event.retry_after_s is not None
        ):
            is_window = event.failure_class == "usage_limit"
            resting.refused(token, lane, at, wait_s=event.retry_after_s, is_window=is_window)
        elif isinstance(event, PhaseCompleted | PhaseGated | PhaseFailed):
            resting.answered(token, lane)
        resting.ended(token)

    def _model(self, event: Any) -> str | None:
        return self._model_of(event.run_id, event.phase_id)

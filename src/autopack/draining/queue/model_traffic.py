"""Follows the log for the lanes: what everybody asks of the models, in this process or another."""

from collections.abc import Callable, Sequence
from datetime import timedelta
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
from autopack.log.journal import Journal
from autopack.log.views.replay import position_at
from autopack.ports.log import Recorded, from_us
from autopack.projections.call_totals import call_of

_LOOKS_BACK: Final = timedelta(minutes=1)
_SUSPENDS_FOR: Final = timedelta(days=1)
_ENDS: Final = (
    PhaseCompleted,
    PhaseFailed,
    PhaseTimedOut,
    PhaseGated,
    PhaseReleased,
    PhaseReclaimed,
)


class Traffic:
    """
    Tells the lanes of claims, calls and ends, and of pauses that a provider asked for.

    Since it goes by the log, a drain that begins now knows what others have just asked for, and
    which models want to be left alone. Without rates only those pauses are looked for.

    Args:
        model_of: Returns the model of the phase that an event is about.
    """

    def __init__(
        self,
        journal: Journal,
        lanes: Lanes,
        model_of: Callable[[str, str], str | None],
        *,
        has_rates: bool,
    ) -> None:
        self._journal, self._lanes, self._model_of = journal, lanes, model_of
        kinds = (PhaseClaimed, LlmUsageRecorded, *_ENDS) if has_rates else (PhaseFailed,)
        self._kinds: tuple[type, ...] = kinds
        self._position = 0

    def begin(self, head: int) -> None:
        """Tell the lanes what is still of interest in the log, up to *head*."""
        now = from_us(self._journal.now_us())
        start = position_at(self._journal, now - _LOOKS_BACK)
        self._read(position_at(self._journal, now - _SUSPENDS_FOR), start, (PhaseFailed,))
        self._read(start, head, self._kinds)
        self._position = head

    def hear(self, events: Sequence[Recorded[Any]]) -> None:
        """Tell the lanes what is new in the log."""
        for recorded in events:
            if recorded.position > self._position and isinstance(recorded.event, self._kinds):
                self._tell(recorded)

    def _read(self, after: int, until: int, kinds: tuple[type, ...]) -> None:
        names = self._journal.codec.names_of(kinds)
        for rows in self._journal.pages(after=after, until=until, types=names):
            for recorded in self._journal.decode(rows):
                self._tell(recorded)

    def _tell(self, recorded: Recorded[Any]) -> None:
        event, at, lanes = recorded.event, recorded.recorded_at, self._lanes
        match event:
            case PhaseClaimed():
                tokens = event.reserved_tokens or 0
                lanes.begin(event.lease_token, self._model(event), tokens, at)
            case LlmUsageRecorded():
                lanes.call(
                    event.lease_token or "", self._model(event), call_of(event, "").known_tokens, at
                )
            case _:
                lanes.end(event.lease_token or "")
        if isinstance(event, PhaseFailed) and event.retry_after_s is not None:
            lanes.suspend(self._model(event), event.retry_after_s, at)

    def _model(self, event: Any) -> str | None:
        return self._model_of(event.run_id, event.phase_id)

"""A process's own drains, as they happen."""

import os
import threading
from typing import TYPE_CHECKING, Any, Final

import structlog

from autopack.events import PhaseClaimed
from autopack.log.log import journal_of
from autopack.values.ids import phase_stream, run_stream
from autopack_otel.environment import other_protocol
from autopack_otel.folding import SpanFold
from autopack_otel.pipeline import Pipeline

if TYPE_CHECKING:
    from autopack import Log, Recorded

logger = structlog.get_logger("autopack_otel")

_PAST_US: Final = 60 * 1_000_000
"""A claim that is older when it is recorded is history that is brought in."""


class Live:
    """What one log's process sends; attempts that were not claimed here are not its own."""

    def __init__(self, log: "Log") -> None:
        self._log, self._lock = log, threading.Lock()
        self._mine: set[tuple[str, str]] = set()
        self.drains: set[str | None] = set()
        if named := other_protocol(os.environ, "TRACES"):
            logger.warning("spans go over HTTP with protobuf, not as asked", protocol=named)
        origin = journal_of(log).backend.identity.origin_id
        self._fold, self._pipeline = SpanFold(origin, began=self._began), Pipeline(os.environ)

    def take(self, recorded: "Recorded[Any]") -> None:
        """Send the spans that end with an event."""
        event = recorded.event
        run_id, phase_id = getattr(event, "run_id", None), getattr(event, "phase_id", None)
        with self._lock:
            if isinstance(event, PhaseClaimed) and recorded.row[7] - recorded.row[6] < _PAST_US:
                self._mine.add((event.run_id, event.phase_id))
                self.drains.add(event.drain)
            is_end = recorded.type == "run.finished" and run_id in {run for run, _ in self._mine}
            if (run_id, phase_id) in self._mine or is_end:
                for span in self._fold.take(recorded):
                    self._pipeline.put(span)

    def end(self) -> None:
        """Send what has not ended, as it stands, and say what did not arrive."""
        with self._lock:
            for span in self._fold.rest():
                self._pipeline.put(span)
            lost, given = self._pipeline.end(), self._pipeline.given
        if lost:
            logger.warning(
                "not all spans arrived; the log has them: autopack otel send",
                lost=lost,
                of=given,
            )

    def _began(self, run_id: str, phase_id: str | None) -> int | None:
        stream = run_stream(run_id) if phase_id is None else phase_stream(run_id, phase_id)
        first = journal_of(self._log).backend.stream_page(stream, after_version=0, limit=1)
        return first[0][6] if first else None

"""The failures of a drain's attempts, as its strategy was shown them before they were recorded."""

from collections.abc import Sequence
from typing import Any

import attrs

from autopack.draining.engine.followed_failures import attempts_shown
from autopack.errors import ArtifactMissingError, LogDamagedError
from autopack.events import PhaseFailed, PhaseQueued, PhaseTimedOut
from autopack.log.command_handler import Handler
from autopack.log.log import Log, journal_of
from autopack.ports.drain import PastAttempt
from autopack.ports.log import Recorded
from autopack.ports.work import PhaseView
from autopack.projections.phases import PHASES
from autopack.values.ids import PhaseRef, phase_stream, run_stream


class PastFailures:
    """
    Tells what a strategy was shown of failures, from the streams of their phases and runs alone.

    A text that was erased is shown as the log has it: cut.
    """

    def __init__(self, log: Log) -> None:
        self._journal = journal_of(log)
        self._handler = Handler(self._journal)
        self._queued: dict[str, dict[str, PhaseView]] = {}

    def shown(self, failed: PhaseFailed | PhaseTimedOut) -> tuple[PhaseView, Sequence[PastAttempt]]:
        """Return the phase and the attempts that a strategy was asked on."""
        ref, number = PhaseRef(failed.run_id, failed.phase_id), failed.attempt or 1
        event: Any = failed
        event = attrs.evolve(event, message=self._whole(failed.message))
        until = failed.followed["attempts_at"]
        attempts = attempts_shown(self._handler, ref, number, event, until=until)
        return self._phase(ref, failed.followed["phase_at"]), attempts

    def _phase(self, ref: PhaseRef, until: int) -> PhaseView:
        row: PhaseView | None = self._rows(ref.run_id)[ref.phase_id]
        for recorded in self._journal.read(phase_stream(ref.run_id, ref.phase_id)):
            if recorded.position > until:
                break
            if isinstance(recorded.event, PHASES.types):
                row = PHASES.project(row, recorded)
        assert row is not None
        goal = row.goal if row.goal is None else self._whole(row.goal)
        return attrs.evolve(row, goal=goal, feedback=self._journal.with_wholes(row.feedback))

    def _rows(self, run_id: str) -> dict[str, PhaseView]:
        """Return the phases of a run as they were queued."""
        if (rows := self._queued.get(run_id)) is None:
            rows = self._queued[run_id] = {}
            every = self._journal.read(run_stream(run_id), types=[PhaseQueued])
            for recorded in every:
                _add(rows, recorded)
        return rows

    def _whole(self, text: str) -> str:
        try:
            return self._journal.whole(text) or text
        except (ArtifactMissingError, LogDamagedError):
            return text


def _add(rows: dict[str, PhaseView], recorded: Recorded[PhaseQueued]) -> None:
    row = PHASES.project(rows.get(recorded.event.phase_id), recorded)
    if row is not None:
        rows[row.phase_id] = row

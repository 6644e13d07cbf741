"""What a log says of folders, for whoever keeps them: rows, phases, leases, ends of attempts."""

import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeAlias, get_args

from autopack.aggregates.phase.state import verdict_of
from autopack.errors import AutopackError
from autopack.events import (
    PhaseCancelled,
    PhaseChecked,
    PhaseCompleted,
    PhaseFailed,
    PhaseGated,
    PhaseJudged,
    PhaseReclaimed,
    PhaseReleased,
    PhaseTimedOut,
    RunPrepared,
    WorkspaceEvent,
)
from autopack.events.verdicts import SWEEP
from autopack.log.command_handler import Handler
from autopack.ports.log import ANY, Recorded, from_us
from autopack.ports.states import PhaseStatus
from autopack.ports.work import PhaseView
from autopack.ports.workspaces import Ended, WorkspaceRow
from autopack.projections.phases import standing
from autopack.projections.workspaces import WORKSPACES
from autopack.report.failure_words import one_line, start_of
from autopack.values.ids import PhaseId, PhaseRef, RunId, phase_stream

LateCheck: TypeAlias = Callable[[WorkspaceRow, Path], str | None]
"""Runs the checks of an attempt that has ended, in a folder; says which one is not passed."""

_TYPES: Final = (RunPrepared, *get_args(WorkspaceEvent))
_SAID_CHARS: Final = 160
_ENDS: Final[dict[type, str]] = {
    PhaseCompleted: "completed",
    PhaseFailed: "failed",
    PhaseTimedOut: "timed_out",
    PhaseGated: "gated",
    PhaseReleased: "released",
    PhaseReclaimed: "reclaimed",
    PhaseCancelled: "cancelled",
}


class FolderLog:
    """
    A log as whoever keeps folders sees it; implements ``WorkspaceLog``. Any thread.

    Args:
        check: Runs the checks of attempts that have ended; without it nothing passes them.
    """

    def __init__(self, handler: Handler, check: LateCheck | None = None) -> None:
        self._handler, self._journal = handler, handler.journal
        self._check = check
        self.log_id = handler.journal.log_id
        self._lock = threading.Lock()
        self._rows: dict[str, dict[str, WorkspaceRow]] = {}
        self._prepared: dict[str, RunPrepared] = {}
        self._position = 0

    def folders(self, run_id: str | None = None) -> Sequence[WorkspaceRow]:
        """Return the folders of attempts as they stand, the oldest first; of a run, or of all."""
        with self._lock:
            self._catch_up()
            of = self._rows.values() if run_id is None else [self._rows.get(run_id, {})]
            return sorted((row for rows in of for row in rows.values()), key=_position)

    def unsettled(self) -> frozenset[str]:
        """Return the runs with a folder that is there, or with approved work that is not merged."""
        return frozenset(
            row.run_id for row in self.folders() if not row.is_closed or self._is_to_merge(row)
        )

    def _is_to_merge(self, row: WorkspaceRow) -> bool:
        if row.commit is None or row.merged is not None:
            return False
        phase = self.phase(row.run_id, row.phase_id)
        is_last = phase is not None and phase.attempts == row.attempt
        return phase is not None and is_last and phase.status is PhaseStatus.COMPLETE

    def prepared(self, run_id: str) -> RunPrepared | None:
        """Return what a run started from; None if nobody captured that."""
        with self._lock:
            self._catch_up()
            return self._prepared.get(run_id)

    def _catch_up(self) -> None:
        for recorded in self._journal.read_all(after=self._position, types=_TYPES):
            event = recorded.event
            if isinstance(event, RunPrepared):
                self._prepared[event.run_id] = event
            else:
                rows, key = self._rows.setdefault(event.run_id, {}), WORKSPACES.key(recorded)
                rows[key] = WORKSPACES.project(rows.get(key), recorded)
            self._position = recorded.position

    def phase(self, run_id: str, phase_id: str) -> PhaseView | None:
        """Return a phase as it stands."""
        ref = _ref(run_id, phase_id)
        try:
            return standing(self._handler.queued(ref), self._handler.phase_state(ref))
        except AutopackError:  # an import may tell of folders, and not of what they were for
            return None

    def is_live(self, lease_token: str | None) -> bool:
        """Tell whether an attempt is in work still: its lease is there, be it over or not."""
        return any(lease.token == lease_token for lease in self._journal.backend.leases())

    def ended(self, run_id: str, phase_id: str, attempt: int) -> Ended | None:
        """Return how an attempt ended first, and when; None if nothing says so."""
        stream = phase_stream(RunId(run_id), PhaseId(phase_id))
        for recorded in self._journal.read(stream, types=tuple(_ENDS)):
            if recorded.event.attempt == attempt:
                return Ended(_ENDS[type(recorded.event)], recorded.recorded_at)
        return None

    def now(self) -> datetime:
        """Return the log's time."""
        return from_us(self._journal.now_us())

    def check(self, row: WorkspaceRow, folder: Path) -> str | None:
        """Run the checks of an attempt that has ended, in a folder; None if all are passed."""
        return "nothing here runs its checks" if self._check is None else self._check(row, folder)

    def unpassed(self, row: WorkspaceRow) -> str | None:
        """Return which check found an attempt's work wrong there, if that was said of it last."""
        last = self._late_verdict(row)
        return unpassed_words(last) if last is not None and last.verdict == "failed" else None

    def hindered(self, row: WorkspaceRow) -> str | None:
        """Return which check could not run there, if that was said of the attempt last."""
        last = self._late_verdict(row)
        return unpassed_words(last) if last is not None and last.verdict != "failed" else None

    def _late_verdict(self, row: WorkspaceRow) -> PhaseChecked | None:
        """Return what a check said of an attempt's work before its merge, if nobody spoke since."""
        stream = phase_stream(RunId(row.run_id), PhaseId(row.phase_id))
        said = [
            recorded.event
            for recorded in self._journal.read(stream, types=(PhaseChecked, PhaseJudged))
            if recorded.event.attempt == row.attempt and _says_something(recorded.event)
        ]
        last = said[-1] if said else None
        return last if isinstance(last, PhaseChecked) and last.by == SWEEP else None

    def record(self, event: WorkspaceEvent) -> Recorded[Any]:
        """Record a fact that has happened, whoever works on its phase now."""
        stream = phase_stream(RunId(event.run_id), PhaseId(event.phase_id))
        (recorded,) = self._journal.append(stream, [event], expected_version=ANY)
        return recorded


def _says_something(event: PhaseChecked | PhaseJudged) -> bool:
    """Tell whether a verdict says something new: another's check that could not run does not."""
    return verdict_of(event) is not None or getattr(event, "by", None) == SWEEP


def unpassed_words(event: PhaseChecked) -> str | None:
    """Return in a few words that a check is not passed; None if it is."""
    if event.verdict == "passed":
        return None
    how = "failed" if event.verdict == "failed" else "could not run"
    said = [one_line(line) for line in (event.excerpt or "").splitlines() if line.strip()]
    last = f": {start_of(said[-1], _SAID_CHARS)}" if said else ""
    return f"check {event.check} {how}{last}"


def _position(row: WorkspaceRow) -> int:
    return row.position


def _ref(run_id: str, phase_id: str) -> PhaseRef:
    return PhaseRef(RunId(run_id), PhaseId(phase_id))

"""The checks of work that was approved, in the very folder that is to be merged."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

from autopack.draining.checks.attempt_checks import checks_of_attempt
from autopack.draining.checks.kept_attempts import checked_again, drain_checks, kept_attempts
from autopack.draining.workspaces.folder_log import LateCheck, unpassed_words
from autopack.events.verdicts import SWEEP
from autopack.log.command_handler import Handler
from autopack.log.log import Log, handler_of
from autopack.ports.check_specs import Checks
from autopack.ports.log import Entry
from autopack.ports.work import PhaseView
from autopack.ports.workspaces import WorkspaceRow
from autopack.projections.phases import standing
from autopack.values.ids import PhaseId, PhaseRef, RunId

_LOST: Final = (
    "the check of its drain is not in the log, or came by a restore: drain with that check again"
)


def late_checks(log: Log, of_drain: Checks | None) -> LateCheck:
    """
    Return what runs an attempt's checks once it has ended: those of its phase, else of its run.

    Without these it is judged by those of the drain that it was done by, as at a recheck; if a log
    has none of them, by those of this drain.

    Args:
        of_drain: Those that the drain names which merges the work; None outside of one.
    """
    handler = handler_of(log)

    def check(row: WorkspaceRow, folder: Path) -> str | None:
        """Return in a few words which check is not passed; None if all are."""
        ref = PhaseRef(RunId(row.run_id), PhaseId(row.phase_id))
        view = standing(handler.queued(ref), handler.phase_state(ref))
        kept = next(one for one in kept_attempts(log, ref) if one.number == row.attempt)
        done_by = drain_checks(log, kept.drain)
        checks, foreign = checks_of_attempt(handler, view, done_by.checks or of_drain)
        if foreign is not None:
            return foreign
        if not checks:
            is_named = (
                view.checks is not None or handler.known_run(row.run_id)[1].checks is not None
            )
            return _LOST if done_by.is_lost and not is_named else None
        try:
            told = checked_again(
                log,
                view,
                kept,
                checks,
                folder=folder,
                has_work=True,
                by=SWEEP,
                unless=partial(_nothing_new, handler, view),
            )
        except _OverruledError:
            return "it was called wrong meanwhile"
        return unpassed_words(told[-1])

    return check


class _OverruledError(Exception):
    """Somebody has called the work wrong while its checks ran."""


def _nothing_new(handler: Handler, before: PhaseView) -> Sequence[Entry]:
    """Return nothing; whoever has called work wrong by now is not contradicted by its checks."""
    is_wrong = handler.known_phase(before.ref)[1].state.is_right is False
    if is_wrong and before.is_right is not False:
        raise _OverruledError
    return ()

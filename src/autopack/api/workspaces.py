"""Folders of attempts: which there are, what was merged of the work in them, and a sweep."""

import contextlib
from collections.abc import Iterator

import attrs

from autopack.api.views import phase_rows
from autopack.draining.settings.named_workspaces import keeper_in, keeper_named, workspace_of
from autopack.draining.workspaces.folder_log import FolderLog
from autopack.errors import AutopackError, InvalidInputError, RunMissingError
from autopack.log import views
from autopack.log.log import Log, handler_of, journal_of, registry_of
from autopack.ports.states import PhaseStatus
from autopack.ports.workspaces import Swept, WorkspaceLike, WorkspaceRow
from autopack.projections.runs import RUNS
from autopack.projections.workspaces import WORKSPACES


def list_workspaces(log: Log, run_id: str | None = None) -> list[WorkspaceRow]:
    """
    Return the folders that attempts were given, the oldest first, with what was merged of each.

    Of a log as it stood, ``log.as_of(120)``, it says what was merged then.

    Args:
        run_id: Those of this run only.

    Raises:
        RunMissingError: There is no such run.
    """
    journal = journal_of(log)
    if run_id is not None and run_id not in (known := views.current(journal, RUNS).rows):
        raise RunMissingError(run_id, known=known)
    rows = views.current(journal, WORKSPACES).rows.values()
    found = [row for row in rows if run_id in (None, row.run_id)]
    return sorted(_decided(log, found), key=lambda row: row.position)


def _decided(log: Log, found: list[WorkspaceRow]) -> Iterator[WorkspaceRow]:
    """Yield folders with what their phases say: whether a person is waited for, or has approved."""
    undecided = {row.ref for row in found if row.commit is not None and row.merged is None}
    phases = phase_rows(log, sorted(undecided)) if undecided else {}
    folders = FolderLog(handler_of(log))  # folds what it reads: one for all rows
    for row in found:
        phase = phases.get(row.ref)
        is_last = phase is not None and phase.attempts == row.attempt
        status = phase.status if phase is not None and is_last else None
        is_approved = status is PhaseStatus.COMPLETE and (
            phases[row.ref].is_right is not False or folders.unpassed(row) is not None
        )
        why = _why_unmerged(log, folders, row) if is_approved else None
        yield attrs.evolve(row, waits=status is PhaseStatus.GATED, unmerged=why)


def _why_unmerged(log: Log, folders: FolderLog, row: WorkspaceRow) -> str:
    """Return why approved work is not merged, as far as whoever keeps it can tell from here."""
    with contextlib.suppress(AutopackError, OSError):
        keeper = keeper_named(registry_of(log), row.workspace)
        ask = getattr(keeper, "why_unmerged", None)
        if ask is not None and (why := ask(folders, row)):
            return str(why)
    hindered = folders.hindered(row)
    return f"not merged yet: {f'{hindered}; ' if hindered else ''}the next drain tries"


def sweep_workspaces(log: Log, workspace: WorkspaceLike) -> Swept:
    """
    Bring folders and log in agreement, as a drain does when it begins.

    What a drain that was killed has merged is recorded, what a person approved is merged, and
    folders that nobody needs are taken away once their work is kept.

    Args:
        workspace: Who keeps the folders: a registered name, that with options, or an object.

    Raises:
        InvalidInputError: It is one folder, or cannot be used.
    """
    keeper = keeper_in(workspace_of(registry_of(log), workspace))
    if keeper is None:
        raise InvalidInputError(
            f"{str(workspace)!r} is a folder, which nobody keeps: name a workspace, such as "
            "'worktree'.",
            name="workspace",
            value=workspace,
        )
    from autopack.draining.checks.late_checks import late_checks

    return keeper.sweep(FolderLog(handler_of(log), late_checks(log, None)))

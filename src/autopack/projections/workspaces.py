"""The folders of attempts: which are there, what became of the work in them, what was merged."""

from typing import Any, Final, get_args

import attrs

from autopack.events import (
    WorkspaceClosed,
    WorkspaceCommitted,
    WorkspaceEvent,
    WorkspaceIntegrated,
    WorkspaceOpened,
)
from autopack.ports.log import Recorded
from autopack.ports.workspaces import WorkspaceRow
from autopack.projections.attempts import attempt_key


class WorkspaceBoard:
    """Every attempt that had a folder of its own, by ``RUN/PHASE#ATTEMPT``."""

    name: Final = "workspaces"
    version: Final = 1
    types: Final[tuple[type, ...]] = get_args(WorkspaceEvent)
    row_type: Final = WorkspaceRow

    def key(self, recorded: Recorded[Any]) -> str:
        """Return the attempt's key."""
        event = recorded.event
        return attempt_key(event.run_id, event.phase_id, event.attempt)

    def project(self, row: WorkspaceRow | None, recorded: Recorded[Any]) -> WorkspaceRow:
        """Return the attempt's folder after the event."""
        event: WorkspaceEvent = recorded.event
        if row is None:
            row = WorkspaceRow(
                run_id=event.run_id,
                phase_id=event.phase_id,
                attempt=event.attempt,
                position=recorded.position,
            )
        match event:
            case WorkspaceOpened():
                return attrs.evolve(
                    row,
                    position=recorded.position,
                    lease_token=event.lease_token,
                    workspace=event.workspace,
                    path=event.path,
                    source=event.source,
                    branch=event.branch,
                    base=event.base,
                    is_closed=False,
                )
            case WorkspaceCommitted():
                return attrs.evolve(
                    row,
                    commit=event.commit,
                    branch=event.branch,
                    base=event.base,
                    files=event.files,
                    lines_added=event.lines_added,
                    lines_removed=event.lines_removed,
                    waits=event.waits,
                )
            case WorkspaceIntegrated():
                return attrs.evolve(
                    row,
                    merged=event.commit,
                    target=event.target,
                    before=event.before,
                    after=event.after,
                    how=event.how,
                    merged_by=event.by,
                    merged_at=recorded.position,
                )
            case WorkspaceClosed():
                return attrs.evolve(row, is_closed=True, kept=event.kept)


WORKSPACES: Final = WorkspaceBoard()

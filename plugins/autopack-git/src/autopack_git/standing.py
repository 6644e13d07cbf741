"""How a run's folders and branches stand, by its log."""

from typing import Final

import attrs

from autopack.types import WorkspaceLog, WorkspaceRow
from autopack_git.commits import Origin

NAME: Final = "worktree"
LOST: Final = ("reclaimed", "released")
"""How an attempt ends whose worker was gone, or was stopped: nothing is wrong with its work."""


@attrs.frozen(kw_only=True)
class Standing:
    """
    A run, by what its log says.

    Args:
        start: The commit that it began with; None if nobody captured it.
        branch: The branch that was checked out then; None if none was.
        target: The branch that its work is merged into, as it was chosen then.
        integrate: How it was to be merged then.
        remote: The address of the remote that it is merged at; None if it has none.
        rows: Its attempts' folders, in order.
    """

    start: str | None = None
    branch: str | None = None
    target: str | None = None
    integrate: str | None = None
    remote: str | None = None
    rows: tuple[WorkspaceRow, ...] = ()

    @property
    def merged(self) -> str | None:
        """The head of its branch after the last merge that the log knows."""
        found = [row for row in self.rows if row.merged_at is not None]
        return max(found, key=lambda row: row.merged_at or 0).after if found else None

    def of_phase(self, phase_id: str) -> list[WorkspaceRow]:
        """Return the folders of a phase's attempts, in order."""
        return [row for row in self.rows if row.phase_id == phase_id]


def standing_of(log: WorkspaceLog, run_id: str) -> Standing:
    """Return how a run stands."""
    rows = tuple(row for row in log.folders(run_id) if row.workspace == NAME)
    prepared = log.prepared(run_id)
    if prepared is not None and prepared.environment.get("workspace") == NAME:
        told = prepared.environment
        return Standing(
            start=prepared.commit,
            branch=told.get("branch"),
            target=told.get("target"),
            integrate=told.get("integrate"),
            remote=told.get("remote"),
            rows=rows,
        )
    targets = [row.target for row in rows if row.target is not None]
    start = rows[0].base if rows else None
    return Standing(start=start, target=targets[0] if targets else None, rows=rows)


def origin_of(log: WorkspaceLog, row: WorkspaceRow) -> Origin:
    """Return what the trailers of an attempt's commit say."""
    return Origin(
        run_id=row.run_id,
        phase_id=row.phase_id,
        attempt=row.attempt,
        log_id=log.log_id,
        position=row.position,
    )

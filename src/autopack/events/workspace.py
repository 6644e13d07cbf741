"""Facts of the folders that attempts work in, each on its phase's own stream."""

from typing import Literal

from autopack.events.schema import Attempt, Count, Key, ReasonText, event

How = Literal["fast-forward", "rebase", "by hand"]


@event("workspace.opened")
class WorkspaceOpened:
    """
    An attempt is to have a folder of its own; written before it is made.

    ``source`` is where it comes from (a repository), ``base`` what stands in it at first (a commit)
    and ``branch`` what its work is kept under.
    """

    run_id: Key
    phase_id: Key
    attempt: Attempt
    lease_token: Key
    workspace: Key
    path: Key
    source: Key | None = None
    branch: Key | None = None
    base: Key | None = None


@event("workspace.committed")
class WorkspaceCommitted:
    """
    An attempt's work was kept as a commit: how many files it changes, and lines.

    ``waits`` says that a person decides before it is merged.
    """

    run_id: Key
    phase_id: Key
    attempt: Attempt
    lease_token: Key
    commit: Key
    branch: Key
    base: Key
    files: Count
    lines_added: Count
    lines_removed: Count
    waits: bool = False


@event("workspace.integrated")
class WorkspaceIntegrated:
    """
    An attempt's work is in a branch: as ``commit``, which a rebase has made of ``work``.

    ``before`` is the branch's head before it, None for a new branch, and ``after`` the one since.
    ``by`` is who did it: the drain, a sweep that found it done, or a person.
    """

    run_id: Key
    phase_id: Key
    attempt: Attempt
    commit: Key
    work: Key
    target: Key
    before: Key | None = None
    after: Key
    how: How
    by: str


@event("workspace.closed")
class WorkspaceClosed:
    """
    An attempt's folder is gone; what was left in it and is in no branch of the user's is kept.

    ``kept`` is the commit that holds it, on ``branch``; None if nothing was left.
    """

    run_id: Key
    phase_id: Key
    attempt: Attempt
    path: Key
    kept: Key | None = None
    branch: Key | None = None
    why: ReasonText


WorkspaceEvent = WorkspaceOpened | WorkspaceCommitted | WorkspaceIntegrated | WorkspaceClosed

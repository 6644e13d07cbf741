"""Worktrees that are left: brought in agreement with the log, kept as commits, taken away."""

from collections.abc import Iterator
from pathlib import Path

from autopack.errors import AutopackError
from autopack.events import WorkspaceClosed
from autopack.types import Swept, WorkspaceLog, WorkspaceRow
from autopack_git import trees
from autopack_git.baseline import target_of
from autopack_git.commits import UnkeepableError
from autopack_git.integration import Integration
from autopack_git.judged_trees import clear
from autopack_git.mirror import RemoteMovedError, RemoteRefusedError
from autopack_git.names import WORK
from autopack_git.options import Options
from autopack_git.program import Git, GitError
from autopack_git.repository import Repository
from autopack_git.standing import NAME, Standing, origin_of, standing_of


def sweep(log: WorkspaceLog, repository: Repository, options: Options) -> Swept:
    """Bring worktrees, branches and log in agreement; take away what nobody needs."""
    removed = saved = left = 0
    notes: list[str] = []
    try:
        repository.fetch()
    except (AutopackError, OSError) as fault:
        notes.append(f"runs are swept by what was there before: {fault}")
    for run_id in dict.fromkeys(row.run_id for row in log.folders() if row.workspace == NAME):
        if repository.remote is None and standing_of(log, run_id).remote is not None:
            continue  # what is merged of it is merged at a remote
        standing = _reconciled(log, repository, options, run_id, notes)
        for row in _open(standing, repository):
            why = _why_over(log, row, standing, repository, options)
            try:
                if why is None:
                    left += 1
                    continue
                kept = close(log, repository, row, why)
                removed, saved = removed + 1, saved + (kept is not None)
            except (UnkeepableError, AutopackError, OSError) as fault:
                left += 1
                notes.append(f"{row.path} stays: {fault}")
        for row in _abandoned(log, standing, repository, options):
            log.record(_closed(row, None, "the machine that has it did not take it away"))
        _drop_merged(standing_of(log, run_id), repository)
    clear(repository, options)
    return Swept(removed=removed, saved=saved, left=left, notes=tuple(notes))


def close(log: WorkspaceLog, repository: Repository, row: WorkspaceRow, why: str) -> str | None:
    """
    Take an attempt's worktree away once what stands in it is kept, and return the commit that is.

    Returns:
        None if nothing is to be kept: it was merged, or there was nothing.

    Raises:
        UnkeepableError: A part of it would be lost, so that it stays.
    """
    path, branch, base = Path(row.path or ""), row.branch or "", row.base or ""
    if trees.was_handed_out(path):
        if not trees.is_git_tree(path):
            raise UnkeepableError("git does not know it any more")
        trees.save(repository, path, branch, origin_of(log, row), base)
    if (saved := repository.bare.head_of(branch)) not in (None, base, row.commit):
        try:
            repository.publish(branch, str(saved))
        except (RemoteMovedError, RemoteRefusedError) as fault:
            raise UnkeepableError(f"it is not pushed: {fault}") from fault
    trees.remove(repository, path)
    head = repository.bare.head_of(branch)
    is_merged = head is not None and row.merged is not None and head == row.commit
    if head is not None and (is_merged or head == base):
        trees.drop_branch(repository, branch, head)
        head = None
    log.record(_closed(row, head, why))
    return head


def _closed(row: WorkspaceRow, kept: str | None, why: str) -> WorkspaceClosed:
    return WorkspaceClosed(
        run_id=row.run_id,
        phase_id=row.phase_id,
        attempt=row.attempt,
        path=row.path or "",
        kept=kept,
        branch=None if kept is None else row.branch,
        why=why,
    )


def _abandoned(
    log: WorkspaceLog, standing: Standing, repository: Repository, options: Options
) -> Iterator[WorkspaceRow]:
    """Yield the worktrees of other machines that nobody there has taken away in time."""
    for row in standing.rows if repository.remote is not None else ():
        if row.is_closed or row.source == repository.source or log.is_live(row.lease_token):
            continue
        ended = log.ended(row.run_id, row.phase_id, row.attempt)
        if ended is not None and (log.now() - ended.at).total_seconds() > 2 * options.keep_failed_s:
            yield row


def _reconciled(
    log: WorkspaceLog,
    repository: Repository,
    options: Options,
    run_id: str,
    notes: list[str],
) -> Standing:
    """Let the log learn of merges, and merge what was approved; return how the run stands then."""
    standing = standing_of(log, run_id)
    try:
        target = target_of(repository, options, run_id, standing)
        integration = Integration(repository, options, log, run_id, target)
        with repository.merging(target):
            integration.reconcile()
            notes += [one.told for one in integration.merge_approved()]
    except (AutopackError, OSError) as fault:
        notes.append(f"run {run_id} could not be brought in agreement: {fault}")
    return standing_of(log, run_id)


def _drop_merged(standing: Standing, repository: Repository) -> None:
    """Delete branches of work that is merged, though the worker was lost before that was seen."""
    git = repository.bare
    words = ("for-each-ref", "--format=%(refname:short) %(objectname)", f"refs/heads/{WORK}")
    heads = dict(line.rsplit(" ", 1) for line in git.read(*words).splitlines())
    for row in standing.rows:
        head = heads.get(row.branch or "")
        if head is None or head != row.commit or not row.is_closed:
            continue
        if row.merged is not None or _is_taken(row, standing, git):
            trees.drop_branch(repository, row.branch or "", head)


def _is_taken(row: WorkspaceRow, standing: Standing, git: Git) -> bool:
    """Tell whether a later attempt has gone on with a lost one's commit, and that is merged."""
    if row.commit is None:
        return False
    later = [
        one.commit
        for one in standing.of_phase(row.phase_id)
        if one.attempt > row.attempt and one.base == row.base and one.merged and one.commit
    ]
    if not later or any(git.commit_of(one) is None for one in (row.commit, *later)):
        return False
    tree, *trees_of_later = git.read(
        "rev-parse", *(f"{one}^{{tree}}" for one in (row.commit, *later))
    ).split()
    return tree in trees_of_later


def _open(standing: Standing, repository: Repository) -> Iterator[WorkspaceRow]:
    """
    Yield the worktrees of this repository that are not closed.

    Another machine may have closed one while this one was away for long.
    """
    is_shared = repository.remote is not None
    for row in standing.rows:
        if row.source == repository.source:
            is_there = is_shared and row.path is not None and Path(row.path).exists()
            if is_there or not row.is_closed:
                yield row


def _why_over(
    log: WorkspaceLog,
    row: WorkspaceRow,
    standing: Standing,
    repository: Repository,
    options: Options,
) -> str | None:
    """Return why a worktree is needed no more; None while it is."""
    if log.is_live(row.lease_token):
        return None
    path = Path(row.path or "")
    if row.merged is not None or _is_taken(row, standing, repository.bare):
        return "its work is merged"
    if not path.exists():
        return "there was none any more"
    ended = log.ended(row.run_id, row.phase_id, row.attempt)
    if ended is not None and ended.how == "gated":
        return "its work waits for a person"
    if not trees.was_handed_out(path) or _is_untouched(path, row, repository):
        return "nothing was done in it"
    since = ended.at if ended is not None else None
    if since is None or (log.now() - since).total_seconds() >= options.keep_failed_s:
        return f"it was kept for {options.keep_failed_s:,.0f} s"
    return None


def _is_untouched(path: Path, row: WorkspaceRow, repository: Repository) -> bool:
    try:
        at_base = repository.bare.head_of(row.branch or "") == row.base
        return at_base and trees.is_git_tree(path) and trees.is_clean(path)
    except GitError:
        return False

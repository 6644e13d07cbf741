"""The workspace ``worktree``: a git worktree and a branch for each attempt, merged when checked."""

import contextlib
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from autopack.errors import AutopackError, InvalidInputError
from autopack.events import WorkspaceCommitted, WorkspaceOpened
from autopack.types import (
    CheckAt,
    Completed,
    Failed,
    NeedsPerson,
    Opened,
    Prepared,
    Result,
    RunView,
    Swept,
    WorkspaceAttempt,
    WorkspaceLog,
    WorkspaceRow,
)
from autopack_git import trees
from autopack_git.baseline import baseline, target_of
from autopack_git.commits import (
    Size,
    UnkeepableError,
    made,
    message_of,
    size_line,
    size_of,
    staged_tree,
)
from autopack_git.integration import Integration
from autopack_git.judged_trees import checked_out, judged_at
from autopack_git.mirror import (
    Confirm,
    Mirror,
    RemoteAwayError,
    RemoteMovedError,
    RemoteRefusedError,
)
from autopack_git.names import again_path, tree_path, work_branch
from autopack_git.options import KEEP_S, Integrate, OnConflict, Options, Submodules
from autopack_git.program import Git
from autopack_git.repository import Repository
from autopack_git.standing import LOST, NAME, Standing, origin_of, standing_of
from autopack_git.sweeping import close, sweep

_UNCHANGED: Final = "no file was changed"


class Worktrees:
    """
    Gives each attempt a worktree and a branch, and makes a commit of its work.

    Args:
        integrate: ``branch``: work is merged into ``autopack/RUN``, which nobody has checked out;
            ``fast-forward`` and ``rebase``: into the branch that was checked out when the run
            began, as it is or rebased; ``ask``: into that, once a person has approved it.
        repository: A folder in it; the one in which the drain was begun, if it is left out. With
            *remote* the folder of its mirror, which is made below the user's cache if it is left
            out.
        remote: The address of a repository that workers on several machines share: trees are made
            of what is there, and work is pushed there.
        target: The branch that work is merged into, if it is another one.
        trees: The folder of all worktrees; ``CHECKOUT.trees`` beside the checkout.
        keep_failed_s: For how many seconds the trees of attempts that failed are kept; then what
            is in them is kept as a commit on the attempt's branch.
        on_conflict: ``retry``: work that meets what was merged meanwhile goes back to the queue;
            ``ask``: a person decides. The last attempt always asks.
        submodules: ``init`` checks them out in each tree, ``empty`` leaves their folders empty; a
            repository that has some is refused without a word on them.
    """

    name: Final = NAME

    def __init__(
        self,
        *,
        integrate: Integrate = "branch",
        repository: str | Path | None = None,
        remote: str | None = None,
        target: str | None = None,
        trees: str | Path | None = None,
        keep_failed_s: float = KEEP_S,
        on_conflict: OnConflict = "retry",
        submodules: Submodules | None = None,
    ) -> None:
        self._options = Options(
            integrate=integrate,
            repository=repository or (Path.cwd() if remote is None else None),
            remote=remote,
            target=target,
            trees=trees,
            keep_failed_s=keep_failed_s,
            on_conflict=on_conflict,
            submodules=submodules,
        )

    @property
    def settings(self) -> dict[str, Any]:
        """The options as the log keeps them, so that a drain can be gone on with."""
        return self._options.plain()

    @cached_property
    def repository(self) -> Repository:
        """The repository; made when it is first needed."""
        if self._options.remote is not None:
            return Mirror(self._options.remote, self._options.repository)
        return Repository(self._options.repository or Path.cwd())

    @property
    def folder(self) -> Path | None:
        """The checkout, in which estimates look for files; None for a bare repository."""
        return self.repository.top

    def check(self) -> None:
        """
        Return if attempts can have worktrees; a drain asks before it writes anything.

        Raises:
            InvalidInputError: Git, the repository, a commit or a branch is missing, or something
                in it needs a word; says what to do.
        """
        self._begin(None)
        baseline(self.repository, self._options)

    def prepare(self, run: RunView, check: CheckAt | None) -> Prepared:
        """Return what a run starts from: commit, branch, dirty files, and whether checks pass."""
        self._begin(lambda: None)
        found = baseline(self.repository, self._options)
        return found.prepared(run.run_id, check)

    def _begin(self, confirm: Confirm | None) -> None:
        """
        See where a remote stands; one that is away is waited for, or was seen before.

        Raises:
            InvalidInputError: It was never seen, and cannot be now.
        """
        mirror = self.repository
        if not isinstance(mirror, Mirror):
            return
        try:
            mirror.begin(confirm)
        except (RemoteAwayError, RemoteRefusedError) as fault:
            if isinstance(fault, RemoteAwayError) and mirror.is_filled:
                return
            raise InvalidInputError(f"{fault}.", name="remote", value=mirror.remote) from fault

    def open(self, attempt: WorkspaceAttempt) -> Opened:
        """Return a new worktree of all that the run has merged by now."""
        log, phase = attempt.log, attempt.phase
        integration = self._integration(attempt)
        with self.repository.merging(integration.target, attempt):
            self.repository.fetch()
            integration.reconcile()
            unmerged = integration.merge_approved()
        if blocked := [one for one in unmerged if one.row.phase_id in phase.after]:
            told = f"{blocked[0].told} Then send this back to the queue."
            return Opened(None, NeedsPerson(f"What this comes after is not merged. {told}"))
        standing = standing_of(log, phase.run_id)
        before = self._left_by_a_lost_one(attempt, standing)
        is_kept = before is not None and before.merged is None
        head = self.repository.bare.head_of(integration.target)
        base = before.base if before is not None and is_kept else head or standing.start
        at = before.commit if before is not None and is_kept else base
        if base is None or at is None or self.repository.bare.commit_of(at) is None:
            raise InvalidInputError(
                f"Run {phase.run_id!r} begins at commit {at or base}, which is not in "
                f"{self.repository.common}. Fetch it, or name the repository that has it with the "
                "workspace's option repository=FOLDER.",
                name="repository",
                value=self.repository.common,
            )
        path = self._add(attempt, base, at)
        if before is None:
            return Opened(path)
        told = f"attempt {before.attempt} had done it when its worker was lost"
        return Opened(path, Completed(summary=told))

    def settle(self, attempt: WorkspaceAttempt, outcome: Result) -> Result:
        """Make a commit of what was done, and merge it if it is completed."""
        if isinstance(outcome, Failed):
            return outcome
        row = self._row(attempt)
        path = Path(row.path or "")
        if not trees.is_git_tree(path):
            told = (
                f"the worktree {path} is gone, or is one no more: whoever worked there removed it"
            )
            return Failed("workspace_gone", told, retryable=True, failure_class="execution")
        try:
            row = self._committed(attempt, row, path, waits=isinstance(outcome, NeedsPerson))
        except (UnkeepableError, RemoteRefusedError, RemoteMovedError) as fault:
            told = f"Its work, which stands in {path}, cannot be kept as a commit: {fault}."
            return _asking(outcome, told)
        if row.commit is None:
            self._close(attempt, row, _UNCHANGED)
            return _noted(outcome, _UNCHANGED)
        if isinstance(outcome, NeedsPerson):
            self._close(attempt, row, "its work waits for a person")
            return _asking(outcome, _where(row))
        return self._merged(attempt, row, path, outcome)

    def sweep(self, log: WorkspaceLog) -> Swept:
        """Bring worktrees, branches and log in agreement; take away what nobody needs."""
        return sweep(log, self.repository, self._options)

    def why_unmerged(self, log: WorkspaceLog, row: WorkspaceRow) -> str | None:
        """Return in a few words why approved work cannot be merged; None if a drain can do it."""
        standing = standing_of(log, row.run_id)
        target, repository = standing.target, Repository(Path(row.source or ""))
        if target is None:
            return None
        return Integration(repository, self._options, log, row.run_id, target).why_unmerged(row)

    @contextlib.contextmanager
    def at(self, row: WorkspaceRow) -> Iterator[Path]:
        """
        Yield a worktree with an attempt's work as it was committed, which is gone afterwards.

        Raises:
            InvalidInputError: The commit is in this repository no more, or never was.
        """
        commit, repository = row.commit or "", self.repository
        if repository.bare.commit_of(commit) is None:
            repository.fetch()
        if repository.bare.commit_of(commit) is None:
            raise InvalidInputError(
                f"The work of {row.ref}, attempt {row.attempt}, is commit {commit}, which is not "
                f"in {repository.common}. Fetch it, or name the repository that has it with the "
                "workspace's option repository=FOLDER.",
                name="repository",
                value=repository.common,
            )
        with judged_at(repository, self._options, again_path(row.run_id, commit), commit) as path:
            yield path

    def _integration(self, attempt: WorkspaceAttempt) -> Integration:
        standing = standing_of(attempt.log, attempt.phase.run_id)
        if standing.remote is not None and self.repository.remote is None:
            raise InvalidInputError(
                f"Run {attempt.phase.run_id!r} is merged at a remote: give the workspace's option "
                f"remote={standing.remote}.",
                name="remote",
                value=None,
            )
        target = target_of(self.repository, self._options, attempt.phase.run_id, standing)
        return Integration(
            self.repository, self._options, attempt.log, attempt.phase.run_id, target
        )

    def _merged(
        self, attempt: WorkspaceAttempt, row: WorkspaceRow, path: Path, outcome: Completed
    ) -> Result:
        integration = self._integration(attempt)
        if self._options.integrate == "ask":
            self._close(attempt, row, "its work waits for a person")
            return _asking(outcome, f"Merge it into {integration.target}? {_where(row)}")
        instead = integration.merge(attempt, row, path)
        if instead is None:
            self._close(attempt, self._row(attempt), "its work is merged")
            return outcome
        if isinstance(instead, NeedsPerson):
            self._close(attempt, row, "its work waits for a person")
            return _asking(outcome, instead.question)
        return instead

    def _add(self, attempt: WorkspaceAttempt, base: str, at: str) -> Path:
        phase, token = attempt.phase, attempt.lease_token
        names = (phase.run_id, phase.phase_id, attempt.number, token)
        root = trees.root_of(self.repository, self._options.trees)
        path, branch = root / tree_path(*names), work_branch(*names)
        attempt.record(
            WorkspaceOpened(
                run_id=phase.run_id,
                phase_id=phase.phase_id,
                attempt=attempt.number,
                lease_token=token,
                workspace=NAME,
                path=str(path),
                source=self.repository.source,
                branch=branch,
                base=base,
            )
        )
        checked_out(self.repository, self._options, path, branch, at)
        return path

    def _left_by_a_lost_one(
        self, attempt: WorkspaceAttempt, standing: Standing
    ) -> WorkspaceRow | None:
        """Return the last attempt, if its work was checked, and its worker was lost after that."""
        rows = standing.of_phase(attempt.phase.phase_id)
        if not rows or rows[-1].commit is None or rows[-1].waits:
            return None
        ended = attempt.log.ended(rows[-1].run_id, rows[-1].phase_id, rows[-1].attempt)
        return rows[-1] if ended is None or ended.how in LOST else None

    def _committed(
        self, attempt: WorkspaceAttempt, row: WorkspaceRow, path: Path, *, waits: bool
    ) -> WorkspaceRow:
        """Return an attempt's folder with its commit, which is on its branch and in the log."""
        phase, base, branch = attempt.phase, row.base or "", row.branch or ""
        git = Git(path)
        tree = staged_tree(path, base, phase.deliverables)
        if tree == git.read("rev-parse", f"{base}^{{tree}}"):
            return row
        if row.commit is None or tree != git.read("rev-parse", f"{row.commit}^{{tree}}"):
            message = message_of(git, phase, base, git.commit_of("HEAD") or base)
            commit = made(git, tree, base, message, origin_of(attempt.log, row))
        else:  # it was made before the machine hindered us
            commit = row.commit
        git("update-ref", "-m", "autopack: work", f"refs/heads/{branch}", commit)
        git("symbolic-ref", "HEAD", f"refs/heads/{branch}")
        self.repository.publish(branch, commit, attempt.confirm)
        size = size_of(git, base, commit)
        attempt.record(
            WorkspaceCommitted(
                run_id=phase.run_id,
                phase_id=phase.phase_id,
                attempt=attempt.number,
                lease_token=attempt.lease_token,
                commit=commit,
                branch=branch,
                base=base,
                files=size.files,
                lines_added=size.added,
                lines_removed=size.removed,
                waits=waits or self._options.integrate == "ask",
            )
        )
        return self._row(attempt)

    def _row(self, attempt: WorkspaceAttempt) -> WorkspaceRow:
        rows = standing_of(attempt.log, attempt.phase.run_id).of_phase(attempt.phase.phase_id)
        return next(row for row in reversed(rows) if row.lease_token == attempt.lease_token)

    def _close(self, attempt: WorkspaceAttempt, row: WorkspaceRow, why: str) -> None:
        try:
            close(attempt.log, self.repository, row, why)
        except (AutopackError, UnkeepableError, OSError):
            return  # the next sweep does it, or says why it cannot


def _where(row: WorkspaceRow) -> str:
    size = Size(files=row.files, added=row.lines_added, removed=row.lines_removed)
    return f"It is commit {(row.commit or '')[:12]} ({size_line(size)}) on branch {row.branch}."


def _asking(outcome: Completed | NeedsPerson, more: str) -> NeedsPerson:
    asked = outcome.question if isinstance(outcome, NeedsPerson) else ""
    question = " ".join(filter(None, (asked, more)))
    return NeedsPerson(question, outcome.outputs, outcome.summary)


def _noted(outcome: Completed | NeedsPerson, note: str) -> Result:
    summary = f"{outcome.summary} ({note})" if outcome.summary else note
    if isinstance(outcome, NeedsPerson):
        return NeedsPerson(outcome.question, outcome.outputs, summary)
    return Completed(outcome.outputs, summary)

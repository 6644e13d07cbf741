"""Work of a run onto its branch, under a lock, and what the log has to learn of that."""

from pathlib import Path
from typing import Final

from autopack.events import WorkspaceIntegrated
from autopack.events.workspace import How
from autopack.types import (
    Failed,
    NeedsPerson,
    PhaseStatus,
    Result,
    WorkspaceAttempt,
    WorkspaceLog,
    WorkspaceRow,
)
from autopack_git import trees
from autopack_git.commits import found_in
from autopack_git.judged_trees import judged_at
from autopack_git.merging import ConflictError, HeldBackError, Merge, MovedError, move, planned
from autopack_git.names import again_path
from autopack_git.options import Options
from autopack_git.program import Git
from autopack_git.repository import Repository
from autopack_git.standing import standing_of
from autopack_git.unmerged import UNMERGED, NotForwardError, Unmerged, UnpassedError, unmerged

_TRIES: Final = 5
_REMOTE_TRIES: Final = 20
_TOLD_MOST: Final = 20


class Integration:
    """A run's branch: what is merged into it, and by whom."""

    def __init__(
        self,
        repository: Repository,
        options: Options,
        log: WorkspaceLog,
        run_id: str,
        target: str,
    ) -> None:
        self.target, self.run_id = target, run_id
        self._repository, self._options, self._log = repository, options, log

    def merge(self, attempt: WorkspaceAttempt, row: WorkspaceRow, tree: Path) -> Result | None:
        """
        Merge an attempt's commit; checked again if it had to be rebased.

        Returns:
            None if it is merged; or what is to be recorded instead.
        """
        tries = _TRIES if self._repository.remote is None else _REMOTE_TRIES
        with self._repository.merging(self.target, attempt):
            for _ in range(tries):
                self._repository.fetch(attempt.confirm)
                self.reconcile(row)
                if self._is_done(row):
                    return None
                try:
                    return self._merged(attempt, row, tree)
                except MovedError:
                    continue
                except ConflictError as fault:
                    return self._conflict(attempt, row, fault)
                except HeldBackError as fault:
                    return NeedsPerson(f"{fault}. Commit or put away what is there, then approve.")
        told = f"{self.target} was moved {tries} times while work was to be merged into it"
        return Failed("branch_moved", told, retryable=True, failure_class="execution")

    def _merged(self, attempt: WorkspaceAttempt, row: WorkspaceRow, tree: Path) -> Result | None:
        merge = self._planned(row)
        if merge.is_rebased and self._options.integrate == "fast-forward":
            return self._again(attempt, row, _moved_on(self.target), "not_fast_forward")
        if merge.is_rebased and merge.commit != merge.before:
            Git(tree)("checkout", "--quiet", "--detach", merge.commit)
            instead = attempt.check(tree)
            if instead is not None:
                return instead
        attempt.confirm()
        move(self._repository, self.target, merge, attempt.confirm)
        self._record(row, merge, by="drain")
        return None

    def merge_approved(self) -> list[Unmerged]:
        """Merge what a person approved and nobody has merged; return what cannot be."""
        left = []
        for row in standing_of(self._log, self.run_id).rows:
            if row.merged is not None or not self._is_approved(row):
                continue
            try:
                self._merge_late(row)
            except UNMERGED as fault:
                left.append(unmerged(row, self.target, fault))
        return left

    def _merge_late(self, row: WorkspaceRow) -> None:
        """Merge approved work; checked again if it had to be rebased, as that of an attempt is."""
        if why := self._log.unpassed(row):
            raise UnpassedError(why, has_failed=True)
        merge = self._planned_late(row)
        if merge.is_rebased and merge.commit != merge.before:
            place = again_path(row.run_id, row.commit or "")
            with judged_at(self._repository, self._options, place, merge.commit) as folder:
                why = self._log.check(row, folder)
            if not self._is_approved(row):
                return  # somebody has thought better of it meanwhile
            if why is not None:
                raise UnpassedError(why, has_failed=self._log.unpassed(row) is not None)
        move(self._repository, self.target, merge)
        self._record(row, merge, by="sweep")

    def why_unmerged(self, row: WorkspaceRow) -> str | None:
        """Return in a few words why approved work is not merged; None if a drain can do it."""
        try:
            if why := self._log.unpassed(row):
                raise UnpassedError(why, has_failed=True)
            self._planned_late(row)
        except (ConflictError, NotForwardError, UnpassedError) as fault:
            return unmerged(row, self.target, fault).why
        return None

    def reconcile(self, own: WorkspaceRow | None = None) -> None:
        """
        Tell the log of merges that it does not know: the worker was killed, or a person did.

        Args:
            own: The attempt that we are at; others' that are in work say so themselves.
        """
        standing = standing_of(self._log, self.run_id)
        git = self._repository.bare
        head = git.head_of(self.target)
        if head is None or standing.start is None:
            return
        since = standing.merged if standing.merged and git.commit_of(standing.merged) else None
        if self._repository.remote is not None:
            since = None  # others may have merged before what we know, and not said so yet
            if all(row.merged or not row.commit for row in standing.rows):
                return
        elif head == standing.merged:
            return
        known = {(row.phase_id, row.attempt): row for row in standing.rows}
        for found in found_in(git, f"{since or standing.start}..{head}"):
            row = known.get((found.phase_id, found.attempt))
            is_ours = found.log_id == self._log.log_id and found.run_id == self.run_id
            if row is None or not is_ours or row.merged is not None:
                continue
            is_own = own is not None and row.lease_token == own.lease_token
            is_others = self._repository.remote is not None and not is_own
            if is_others and self._log.is_live(row.lease_token):
                continue
            is_rebased = found.commit != row.commit
            merge = Merge(commit=found.commit, before=found.parent, is_rebased=is_rebased)
            ended = self._log.ended(row.run_id, row.phase_id, row.attempt)
            was_asked = row.waits or (ended is not None and ended.how == "gated")
            self._record(row, merge, by="person" if was_asked else "sweep")

    def _is_done(self, row: WorkspaceRow) -> bool:
        """
        Tell whether an attempt's work is merged, or that of one before it since it was opened.

        A push may have got through of which nobody was told, and so may one of a worker that had
        lost the phase by then.
        """
        of_phase = standing_of(self._log, self.run_id).of_phase(row.phase_id)
        merged = [one for one in of_phase if (one.merged_at or 0) > row.position]
        return any(one.attempt <= row.attempt for one in merged)

    def _planned(self, row: WorkspaceRow) -> Merge:
        git = self._repository.bare
        return planned(git, row.commit or "", row.base or "", git.head_of(self.target))

    def _planned_late(self, row: WorkspaceRow) -> Merge:
        """Plan the merge of approved work; where a rebase is none of ours, a person makes it."""
        merge = self._planned(row)
        is_to_be_made = merge.is_rebased and merge.commit != merge.before
        if is_to_be_made and self._options.integrate == "fast-forward":
            raise NotForwardError(_moved_on(self.target))
        return merge

    def _is_approved(self, row: WorkspaceRow) -> bool:
        if row.commit is None or self._repository.bare.commit_of(row.commit) is None:
            return False  # there is none; or it is another repository's
        phase = self._log.phase(row.run_id, row.phase_id)
        if phase is None or phase.status is not PhaseStatus.COMPLETE:
            return False
        is_wrong = phase.is_right is False and self._log.unpassed(row) is None
        return phase.attempts == row.attempt and not is_wrong

    def _record(self, row: WorkspaceRow, merge: Merge, *, by: str) -> None:
        self._log.record(_integrated(row, merge, self.target, by=by))
        if row.is_closed and row.branch and row.commit:
            trees.drop_branch(self._repository, row.branch, row.commit)

    def _conflict(
        self, attempt: WorkspaceAttempt, row: WorkspaceRow, fault: ConflictError
    ) -> Result:
        files = ", ".join(fault.files[:_TOLD_MOST])
        told = f"what was done conflicts with what was merged into {self.target} meanwhile: {files}"
        return self._again(attempt, row, told, "merge_conflict")

    def _again(self, attempt: WorkspaceAttempt, row: WorkspaceRow, told: str, code: str) -> Result:
        """Send work that could not be merged back to the queue, or to a person."""
        phase = attempt.phase
        is_last = phase.attempts_spent + 1 >= phase.max_attempts
        if self._options.on_conflict == "ask" or is_last:
            return NeedsPerson(
                f"{told[0].upper()}{told[1:]}. Merge branch {row.branch} into {self.target} by "
                "hand and approve; or send it back, or reject it."
            )
        told += ". The next attempt begins with what is there now: do it again, so that both stand"
        return Failed(code, told, retryable=True, failure_class="execution")


def _moved_on(target: str) -> str:
    told = f"{target} has moved on since this was begun"
    return f"{told}, and integrate=fast-forward rebases nothing"


def _integrated(row: WorkspaceRow, merge: Merge, target: str, *, by: str) -> WorkspaceIntegrated:
    how: How = "rebase" if merge.is_rebased else "fast-forward"
    return WorkspaceIntegrated(
        run_id=row.run_id,
        phase_id=row.phase_id,
        attempt=row.attempt,
        commit=merge.commit,
        work=row.commit or merge.commit,
        target=target,
        before=merge.before,
        after=merge.commit,
        how="by hand" if by == "person" else how,
        by=by,
    )

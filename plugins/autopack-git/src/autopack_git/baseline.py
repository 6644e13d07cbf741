"""What a run starts from: the commit, the branch, what is dirty, and whether its checks pass."""

from typing import Any

import attrs

from autopack.errors import InvalidInputError
from autopack.types import CheckAt, Failed, NeedsPerson, Prepared
from autopack_git.judged_trees import judged_at
from autopack_git.names import merged_branch, start_path
from autopack_git.options import Options
from autopack_git.repository import Repository
from autopack_git.standing import NAME, Standing


@attrs.frozen(kw_only=True)
class Baseline:
    """A repository as it is at the start of a run, found fit to be worked with."""

    repository: Repository
    options: Options
    commit: str
    branch: str | None

    def prepared(self, run_id: str, check: CheckAt | None) -> Prepared:
        """Return what the log is told of it."""
        dirty, artifacts = self.repository.dirty, dict[str, str]()
        target = target_of(self.repository, self.options, run_id, Standing(branch=self.branch))
        told = {
            "workspace": NAME,
            "git": self.repository.version,
            "repository": str(self.repository.common),
            "remote": self.repository.remote or "",
            "branch": self.branch or "",
            "target": target,
            "integrate": self.options.integrate,
            "dirty_files": str(len(dirty)),
        }
        if dirty:
            artifacts["dirty-files"] = "\n".join(dirty)
        if check is not None:
            told["checks_at_start"] = self._checked(run_id, check)
        return Prepared(
            commit=self.commit,
            environment={name: text for name, text in told.items() if text},
            artifacts={name: _storable(text) for name, text in artifacts.items()},
            summary=self._summary(target, len(dirty)),
        )

    def _summary(self, target: str, n_dirty: int) -> str:
        at = f"worktrees begin at {self.commit[:12]}, and are merged into {target}"
        if not n_dirty:
            return at
        files = "1 file" if n_dirty == 1 else f"{n_dirty} files"
        return f"{at}; {files} of the checkout that are not committed are not in them"

    def _checked(self, run_id: str, check: CheckAt) -> str:
        place = start_path(run_id, self.commit)
        with judged_at(self.repository, self.options, place, self.commit) as folder:
            found = check(folder)
        if isinstance(found, Failed):
            return f"failed: {found.message}"[:500]
        return f"unknown: {found.question}"[:500] if isinstance(found, NeedsPerson) else "passed"


def baseline(repository: Repository, options: Options) -> Baseline:
    """
    Return what a run would start from now.

    Raises:
        InvalidInputError: There is no commit or no branch, or something in the repository needs a
            word; says what to do.
    """
    commit, branch = repository.head, repository.branch
    if commit is None:
        raise _refused(
            repository,
            "has no commit yet, so there is nothing to make worktrees of. Make the first one: "
            "git commit --allow-empty -m 'Begin'.",
        )
    if options.integrate != "branch" and branch is None and options.target is None:
        raise _refused(
            repository,
            f"has a detached HEAD, so that integrate={options.integrate} has no branch to merge "
            "into. Check one out, name one with target=BRANCH, or leave integrate out.",
        )
    if options.submodules is None and (found := repository.submodules(commit)):
        raise _refused(
            repository,
            f"has submodules ({', '.join(found[:3])}). Say submodules=init to check them out in "
            "each worktree, from where they come, or submodules=empty to leave them out.",
        )
    if repository.lacks_lfs(commit):
        raise _refused(
            repository,
            "keeps files with git-lfs, which is not set up here: install it, and run "
            "`git lfs install`.",
        )
    return Baseline(repository=repository, options=options, commit=commit, branch=branch)


def target_of(repository: Repository, options: Options, run_id: str, standing: Standing) -> str:
    """
    Return the branch that a run's work is merged into.

    It is what was chosen when the run began. A branch of the run's name that was there by then is
    another log's, and left alone.
    """
    if options.target is not None:
        return options.target
    if standing.target is not None and standing.integrate in (None, options.integrate):
        return standing.target
    if options.integrate != "branch":
        found = standing.branch or repository.branch
        if found is None:
            raise _refused(repository, "has a detached HEAD: name a branch with target=BRANCH.")
        return found
    n = 1
    while repository.bare.head_of(merged_branch(run_id, n)) is not None:
        n += 1
    return merged_branch(run_id, n)


def _refused(repository: Repository, why: str) -> InvalidInputError:
    return InvalidInputError(
        f"The repository {repository.common} {why}", name="repository", value=repository.common
    )


def _storable(text: Any) -> str:
    return str(text).encode("utf-8", "replace").decode("utf-8")

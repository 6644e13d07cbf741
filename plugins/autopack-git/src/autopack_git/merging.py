"""Work onto a branch: as it is, or rebased; never over what somebody else has there."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import attrs

from autopack_git.commits import author
from autopack_git.mirror import RemoteMovedError, RemoteRefusedError
from autopack_git.program import Git, GitError
from autopack_git.repository import Repository

_NOTHING: Final = "0" * 40


class ConflictError(Exception):
    """Work meets what was merged meanwhile, in these files."""

    def __init__(self, files: Sequence[str]) -> None:
        super().__init__(", ".join(files))
        self.files = tuple(files)


class HeldBackError(Exception):
    """A branch is not moved, since somebody works on it; says where, and what to do."""


class MovedError(Exception):
    """The branch was moved while it was to be: look again."""


@attrs.frozen(kw_only=True)
class Merge:
    """A commit as it is to be on a branch whose head is *before*; None if there is no branch."""

    commit: str
    before: str | None
    is_rebased: bool


def planned(git: Git, commit: str, base: str, head: str | None) -> Merge:
    """
    Return how an attempt's commit gets onto a branch: as it is, or made anew on its head.

    Nothing is written but objects: no branch moves, and no folder changes.

    Raises:
        ConflictError: It changes what was changed there since *base*.
    """
    if head in (None, base):
        return Merge(commit=commit, before=head, is_rebased=False)
    if git.asks("merge-base", "--is-ancestor", commit, head):
        return Merge(commit=head, before=head, is_rebased=True)  # somebody has merged it by hand
    tree = merged_tree(git, commit, base, head)
    if tree == git.read("rev-parse", f"{head}^{{tree}}"):
        return Merge(commit=head, before=head, is_rebased=True)  # all of it is there already
    return Merge(commit=on_top(git, commit, tree, head), before=head, is_rebased=True)


def merged_tree(git: Git, commit: str, base: str, head: str) -> str:
    """
    Return the tree of *head* with what *commit* changes against *base*.

    The head stands in for a child of *base*: so nothing of *base* comes back that somebody took
    off the branch.

    Raises:
        ConflictError: Both change the same.
    """
    stand_in = git("commit-tree", f"{head}^{{tree}}", "-p", base, "-m", "autopack", **author(git))
    words = ("merge-tree", "--write-tree", "--name-only", "--no-messages", "-z")
    code, out, said = git.tried(*words, stand_in, commit)
    tree, *files = out.rstrip("\0").split("\0")
    if code == 1:
        raise ConflictError(sorted({one for one in files if one}))
    if code != 0:
        raise GitError(words, code, said or out)
    return tree


def on_top(git: Git, commit: str, tree: str, head: str) -> str:
    """Return a commit with another's message, author and date, and a new parent."""
    told = git.read("log", "-1", "--format=%an%x00%ae%x00%ad", "--date=raw", commit).split("\0")
    names = ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_AUTHOR_DATE")
    message = git.read("log", "-1", "--format=%B", commit)
    env = {**author(git), **dict(zip(names, told, strict=True))}
    return git("commit-tree", tree, "-p", head, "-F", "-", stdin=message, **env)


def move(
    repository: Repository,
    target: str,
    merge: Merge,
    confirm: Callable[[], object] | None = None,
) -> None:
    """
    Move a branch to a commit that follows it, with the checkout that has it, if one has.

    With a remote it is the remote's branch, and ours follows.

    Args:
        confirm: Asked while a remote is waited for that is away.

    Raises:
        HeldBackError: The checkout has changes, or the remote does not take it.
        MovedError: The branch is not where it was any more.
    """
    if merge.commit == merge.before:
        return
    if repository.remote is not None:
        _move_remote(repository, target, merge, confirm)
        return
    for folder in repository.holders(target):
        _move_checkout(folder, target, merge)
        return
    git = repository.bare
    words = ("update-ref", "-m", "autopack: merged", f"refs/heads/{target}", merge.commit)
    code, _out, said = git.tried(*words, merge.before or _NOTHING)
    if code == 0:
        return
    if git.head_of(target) != merge.before:
        raise MovedError(said)
    raise GitError(words, code, said)


def _move_remote(
    repository: Repository, target: str, merge: Merge, confirm: Callable[[], object] | None
) -> None:
    """Push a commit that follows the branch, which the remote takes if nobody was faster."""
    try:
        repository.publish(target, merge.commit, confirm)
    except RemoteMovedError as fault:
        raise MovedError(str(fault)) from fault
    except RemoteRefusedError as fault:
        raise HeldBackError(f"{target} is not moved: {fault}") from fault


def _move_checkout(folder: Path, target: str, merge: Merge) -> None:
    git = Git(folder)
    if git.read("status", "--porcelain", "--untracked-files=no"):
        raise HeldBackError(
            f"{target} is checked out in {folder}, with changes that are not committed"
        )
    code, _out, said = git.tried("merge", "--ff-only", "--quiet", merge.commit)
    if code == 0:
        return
    if git.commit_of("HEAD") != merge.before:
        raise MovedError(said)
    why = " ".join(said.split())[:500]
    raise HeldBackError(f"{target} is checked out in {folder}, and git does not move it: {why}")

"""Worktrees of attempts: made on branches of their own, taken away once nothing would be lost."""

import contextlib
import shutil
import time
from pathlib import Path
from typing import Final

from autopack_git.commits import Origin, author, made, staged_tree
from autopack_git.merging import ConflictError, merged_tree
from autopack_git.program import Git, GitError
from autopack_git.repository import Repository

_STALE_S: Final = 10.0
_READY: Final = "autopack-ready"


def root_of(repository: Repository, given: Path | None) -> Path:
    """Return the folder of all trees: beside the checkout, unless one is given."""
    if given is not None:
        return given
    place = repository.top or repository.common
    return place.parent / f"{place.name}.trees"


def add(repository: Repository, path: Path, branch: str | None, commit: str) -> None:
    """Make a worktree, on a new branch, or on none to look at a commit only."""
    root = path.parent.parent
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError), (root / ".gitignore").open("x") as file:
        file.write("*\n")  # it may stand in somebody's repository
    where = ("--detach",) if branch is None else ("--no-track", "-b", branch)
    with repository.adding():
        repository.bare("worktree", "add", "--quiet", *where, "--", str(path), commit)
    if (mark := _mark(path)) is not None:
        mark.touch()


def remove(repository: Repository, path: Path) -> None:
    """
    Take a worktree away, and the folders above it that are empty then.

    It is renamed first: what is left of a tree by a kill has a name by which it may be deleted.
    """
    gone = path.with_name(f"{path.name}.gone")
    if path.exists():
        shutil.rmtree(gone, ignore_errors=True)
        path.rename(gone)
    words = ("worktree", "remove", "--force", "--force", "--", str(path))
    code, _out, said = repository.bare.tried(*words)
    if code != 0 and "is not a working tree" not in said:
        raise GitError(words, code, said)
    shutil.rmtree(gone, ignore_errors=True)
    with contextlib.suppress(OSError):
        path.parent.rmdir()
        if [one.name for one in path.parent.parent.iterdir()] == [".gitignore"]:
            shutil.rmtree(path.parent.parent)


def was_handed_out(path: Path) -> bool:
    """Tell whether anybody may have worked in a tree: it was made whole, or git cannot say."""
    if not (path / ".git").exists():
        return path.exists() and any(path.iterdir())
    mark = _mark(path)
    return mark is None or mark.exists()


def _mark(path: Path) -> Path | None:
    code, out, _said = Git(path).tried("rev-parse", "--absolute-git-dir", GIT_OPTIONAL_LOCKS="0")
    return Path(out, _READY) if code == 0 else None


def is_git_tree(path: Path) -> bool:
    """Tell whether a folder is a worktree that git can look into."""
    return (path / ".git").exists() and Git(path).tried("rev-parse", "--git-dir")[0] == 0


def is_clean(path: Path) -> bool:
    """Tell whether all that stands in a worktree is committed."""
    words = ("status", "--porcelain", "--untracked-files=all", "--ignore-submodules=none")
    return not Git(path).read(*words)


def save(repository: Repository, path: Path, branch: str, origin: Origin, base: str) -> str | None:
    """
    Keep what stands in a worktree as a commit on its branch, and return the branch's head.

    Returns:
        None if it is what it was begun with, and nothing is to be kept.

    Raises:
        UnkeepableError: A part of it would be lost.
    """
    git = Git(path)
    _unlock(git)
    head, work = git.commit_of("HEAD") or base, repository.bare.head_of(branch)
    if not is_clean(path):
        tree = staged_tree(path, head)
        if tree != git.read("rev-parse", f"{head}^{{tree}}"):
            message = f"Keep what attempt {origin.attempt} at {origin.phase_id} left"
            head = made(git, tree, head, message, origin)
    elif work is not None and head != work and is_rebased(git, head, work, base):
        return work  # it was put on top of others' work, to be checked again
    on_branch = repository.bare.head_of(branch)
    if on_branch not in (None, head, base) and not git.asks(
        "merge-base", "--is-ancestor", str(on_branch), head
    ):
        tree = git.read("rev-parse", f"{head}^{{tree}}")  # it left its branch: both are kept
        head = git(
            "commit-tree", tree, "-p", head, "-p", str(on_branch), "-m", "Keep both", **author(git)
        )
    if head == base:
        return None
    repository.bare("update-ref", f"refs/heads/{branch}", head)
    return head


def is_rebased(git: Git, commit: str, work: str, base: str) -> bool:
    """Tell whether a commit is an attempt's own, put by us on top of another commit."""
    words = ("log", "-1", "--format=%an%x00%ae%x00%at%x00%B")
    if base == commit or git.read(*words, commit) != git.read(*words, work):
        return False
    parent = git.commit_of(f"{commit}^")
    with contextlib.suppress(ConflictError):
        told = git.read("rev-parse", f"{commit}^{{tree}}")
        return parent is not None and merged_tree(git, work, base, parent) == told
    return False


def drop_branch(repository: Repository, branch: str, at: str) -> None:
    """Delete an attempt's branch if it is at a commit that is kept elsewhere, and nobody has it."""
    if repository.holders(branch):
        return
    repository.bare.tried("update-ref", "-d", f"refs/heads/{branch}", at)
    repository.unpublish(branch, at)


def _unlock(git: Git) -> None:
    """Take away the lock of a git that was killed in a worktree whose attempt has ended."""
    lock = Path(git.read("rev-parse", "--path-format=absolute", "--git-path", "index.lock"))
    with contextlib.suppress(FileNotFoundError):
        if time.time() - lock.stat().st_mtime > _STALE_S:
            lock.unlink()

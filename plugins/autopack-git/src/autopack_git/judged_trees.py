"""Worktrees in which commits are judged, for as long as that takes."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from autopack_git import trees
from autopack_git.lock import locked, locked_if_free
from autopack_git.names import JUDGED
from autopack_git.options import Options
from autopack_git.program import Git
from autopack_git.repository import Repository


@contextlib.contextmanager
def judged_at(repository: Repository, options: Options, place: str, commit: str) -> Iterator[Path]:
    """Yield a worktree of a commit, at a place below that of all trees; it is gone afterwards."""
    path = trees.root_of(repository, options.trees) / place
    with locked(_lock_of(repository, path)):
        trees.remove(repository, path)  # of one who was killed here
        try:
            checked_out(repository, options, path, None, commit)
            yield path
        finally:
            trees.remove(repository, path)


def clear(repository: Repository, options: Options) -> None:
    """Take away worktrees in which nobody judges any more: whoever did was killed."""
    root = trees.root_of(repository, options.trees)
    found = [(one, JUDGED.fullmatch(one.name)) for one in root.glob("*/*")]
    for path in sorted({one.with_name(is_ours[1]) for one, is_ours in found if is_ours}):
        with locked_if_free(_lock_of(repository, path)) as is_free:
            if is_free:
                trees.remove(repository, path)


def _lock_of(repository: Repository, path: Path) -> Path:
    return repository.common / "autopack" / f"{path.parent.name}-{path.name}.lock"


def checked_out(
    repository: Repository, options: Options, path: Path, branch: str | None, commit: str
) -> None:
    """Make a worktree with its submodules, if they are wanted; on a new branch, or on none."""
    trees.add(repository, path, branch, commit)
    if options.submodules == "init" and (path / ".gitmodules").exists():
        Git(path)("submodule", "update", "--init", "--recursive", "--quiet")

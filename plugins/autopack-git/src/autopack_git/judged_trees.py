"""Worktrees in which commits are judged, for as long as that takes."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from autopack.types import WorkspaceRow
from autopack_git import trees
from autopack_git.lock import locked
from autopack_git.names import again_path
from autopack_git.options import Options
from autopack_git.program import Git
from autopack_git.repository import Repository


@contextlib.contextmanager
def judged_at(
    repository: Repository, options: Options, row: WorkspaceRow, commit: str
) -> Iterator[Path]:
    """Yield a worktree of a commit that holds an attempt's work; it is gone afterwards."""
    path = trees.root_of(repository, options.trees) / again_path(row.run_id, row.commit or "")
    with locked(repository.common / "autopack" / f"{path.name}.lock"):
        trees.remove(repository, path)  # of one who was killed here
        try:
            checked_out(repository, options, path, None, commit)
            yield path
        finally:
            trees.remove(repository, path)


def checked_out(
    repository: Repository, options: Options, path: Path, branch: str | None, commit: str
) -> None:
    """Make a worktree with its submodules, if they are wanted; on a new branch, or on none."""
    trees.add(repository, path, branch, commit)
    if options.submodules == "init" and (path / ".gitmodules").exists():
        Git(path)("submodule", "update", "--init", "--recursive", "--quiet")

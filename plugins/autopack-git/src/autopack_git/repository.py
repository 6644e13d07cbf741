"""A repository: where it is, what it stands at, and whether it can be worked with."""

import contextlib
import re
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Final

from autopack.errors import InvalidInputError
from autopack_git.lock import locked
from autopack_git.names import safe
from autopack_git.program import Git, GitError

_LEAST: Final = (2, 38)
_LFS: Final = re.compile(r"^[^#\n]*\sfilter=lfs\b", re.MULTILINE)


class Repository:
    """
    The repository of a folder, or a bare one.

    Raises:
        InvalidInputError: Git is missing or too old, or the folder is in no repository; says what
            to do.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.git = Git(self.folder)
        if not self.folder.is_dir():
            raise InvalidInputError(
                f"There is no folder {self.folder} to look for a repository in.",
                name="repository",
                value=folder,
            )
        self.version = _version(self.git)
        self.common = _common(self.git, folder)
        self.remote: str | None = None

    @property
    def source(self) -> str:
        """What the log calls it, so that trees of other repositories are left alone."""
        return str(self.common)

    @contextlib.contextmanager
    def adding(self) -> Iterator[None]:
        """Hold back, in the block, whatever minds a tree that is being made."""
        yield

    def fetch(self, confirm: Callable[[], object] | None = None) -> None:
        """See what other machines have done; there are none where there is no remote."""

    def publish(
        self, branch: str, commit: str, confirm: Callable[[], object] | None = None
    ) -> None:
        """Let other machines have an attempt's work, before anybody is told of it."""

    def unpublish(self, branch: str, at: str) -> None:
        """Take away what other machines have of a branch that is deleted."""

    @cached_property
    def top(self) -> Path | None:
        """The folder of its checkout; None for a bare repository."""
        code, out, _said = self.git.tried("rev-parse", "--show-toplevel", GIT_OPTIONAL_LOCKS="0")
        return Path(out) if code == 0 and out else None

    @cached_property
    def bare(self) -> Git:
        """Git in the repository's own folder, whatever becomes of the checkout."""
        return Git(self.common)

    @property
    def head(self) -> str | None:
        """The commit that the checkout is at; None if there is none yet."""
        return self.git.commit_of("HEAD")

    @property
    def branch(self) -> str | None:
        """The branch that is checked out; None if HEAD is detached."""
        code, out, _said = self.git.tried("symbolic-ref", "--quiet", "--short", "HEAD")
        return out if code == 0 else None

    @property
    def dirty(self) -> list[str]:
        """What differs from the commit in the checkout, a line for each file."""
        if self.top is None:
            return []
        return [one for one in self.git.read("status", "--porcelain", "-z").split("\0") if one]

    def submodules(self, commit: str) -> list[str]:
        """Return the paths of a commit's submodules."""
        return sorted(gitlinks(self.bare, commit))

    def lacks_lfs(self, commit: str) -> bool:
        """Tell whether files of a commit are kept by git-lfs, and it is not set up here."""
        code, out, _said = self.bare.tried("show", f"{commit}:.gitattributes")
        is_set = self.bare.tried("config", "--get", "filter.lfs.clean")[0] == 0
        return code == 0 and _LFS.search(out) is not None and not is_set

    def holders(self, branch: str) -> list[Path]:
        """Return the folders in which a branch is checked out."""
        found, folder = [], ""
        for line in self.bare.read("worktree", "list", "--porcelain", "-z").split("\0"):
            if line.startswith("worktree "):
                folder = line.removeprefix("worktree ")
            elif line == f"branch refs/heads/{branch}" and Path(folder).is_dir():
                found.append(Path(folder))
        return found

    @contextlib.contextmanager
    def merging(self, target: str, attempt: "object | None" = None) -> Iterator[None]:
        """Hold the lock under which work is merged into a branch."""
        confirm = getattr(attempt, "confirm", lambda: None)
        with locked(self.common / "autopack" / f"{safe(target)}.lock", confirm):
            yield


def gitlinks(git: Git, tree: str) -> dict[str, str]:
    """Return the submodules of a commit or a tree: commits by path."""
    found = {}
    for entry in git.read("ls-tree", "-r", "-z", tree).split("\0"):
        what, _tab, path = entry.partition("\t")
        if what.startswith("160000 "):
            found[path] = what.split()[2]
    return found


def _version(git: Git) -> str:
    try:
        told = git.read("version")
    except GitError as fault:
        raise InvalidInputError(
            f"Workspace 'worktree' needs git, {_LEAST[0]}.{_LEAST[1]} or newer, and it cannot be "
            f"started: {fault.said}. Install it, and see that it is on the PATH.",
            name="git",
        ) from fault
    found = re.search(r"(\d+)\.(\d+)[\w.]*", told)
    if found is None or (int(found[1]), int(found[2])) < _LEAST:
        raise InvalidInputError(
            f"Workspace 'worktree' needs git {_LEAST[0]}.{_LEAST[1]} or newer; this is {told!r}. "
            "Install a newer one.",
            name="git",
            value=told,
        )
    return found[0]


def _common(git: Git, folder: Path) -> Path:
    try:
        found = git.read("rev-parse", "--path-format=absolute", "--git-common-dir")
    except GitError as fault:
        raise InvalidInputError(
            f"{git.folder} is in no git repository that can be used ({fault.said}). Begin one with "
            "`git init`, or name another with the workspace's option repository=FOLDER.",
            name="repository",
            value=folder,
        ) from fault
    return Path(found)

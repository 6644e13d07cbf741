"""Real repositories for tests, and a git that knows nothing of whose machine this is."""

import os
import subprocess
from pathlib import Path

CONFIG = """\
[user]
	name = Ann
	email = ann@example.com
[init]
	defaultBranch = main
[protocol "file"]
	allow = always
"""


def quiet_environment(folder: Path) -> dict[str, str]:
    """Return variables under which git reads one file of settings, made in *folder*."""
    config = folder / "gitconfig"
    config.write_text(CONFIG, encoding="utf-8")
    return {"GIT_CONFIG_GLOBAL": str(config), "GIT_CONFIG_SYSTEM": os.devnull}


def git(folder: Path, *words: str, check: bool = True) -> str:
    """Call git as a person would, and return what it printed."""
    done = subprocess.run(
        ["git", *words], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    assert not check or done.returncode == 0, f"git {words}: {done.stderr}"
    return done.stdout.strip()


def write(folder: Path, files: dict[str, str]) -> None:
    """Write files by their paths."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def commit(folder: Path, files: dict[str, str], message: str = "More") -> str:
    """Write files, commit all there is, and return the commit."""
    write(folder, files)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "-m", message)
    return git(folder, "rev-parse", "HEAD")


def new_repository(folder: Path, files: dict[str, str] | None = None) -> Path:
    """Make a repository with one commit, on ``main``, and return its folder."""
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet", "--initial-branch=main")
    commit(folder, files or {"a.txt": "one\ntwo\nthree\n"}, "Begin")
    return folder


def branches(folder: Path) -> list[str]:
    """Return the names of all branches."""
    return git(folder, "for-each-ref", "--format=%(refname:short)", "refs/heads").splitlines()


def trees(folder: Path) -> list[str]:
    """Return the worktrees of a repository but its own checkout."""
    lines = git(folder, "worktree", "list", "--porcelain").splitlines()
    found = [line.removeprefix("worktree ") for line in lines if line.startswith("worktree ")]
    return [one for one in found if Path(one) != folder]


def merged_phases(folder: Path, target: str = "autopack/r") -> list[str]:
    """Return the phases whose work is on a branch, in order."""
    trailer = "--format=%(trailers:key=Autopack-Phase,valueonly)"
    return git(folder, "log", "--reverse", trailer, target).split()


def files_at(folder: Path, name: str) -> dict[str, str]:
    """Return the files of a commit: texts by path."""
    paths = git(folder, "ls-tree", "-r", "--name-only", name).splitlines()
    return {path: git(folder, "show", f"{name}:{path}") for path in paths}

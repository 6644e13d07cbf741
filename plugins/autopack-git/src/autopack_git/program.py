"""Git's own program: called with bounds, in a session of its own, and without asking anybody."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from autopack.errors import AutopackError

_READ_S: Final = 120.0
_WRITE_S: Final = 1800.0
_SAID_MOST: Final = 2000
_CONFIG: Final = {
    "core.hooksPath": os.devnull,  # a hook of the user's is for the user's own commits
    "core.quotePath": "false",
    "core.fsmonitor": "false",
    "commit.gpgSign": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "submodule.recurse": "false",
    "advice.addEmbeddedRepo": "false",
    "advice.detachedHead": "false",
    "i18n.commitEncoding": "UTF-8",
    "i18n.logOutputEncoding": "UTF-8",
}
_PLACES: Final = (
    "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_PREFIX", "GIT_NAMESPACE", "GIT_CEILING_DIRECTORIES",
    "GIT_EXTERNAL_DIFF", "GIT_TRACE",
)  # fmt: skip
"""What a hook, from which a drain may be begun, says of a repository that is not meant."""


class GitError(AutopackError):
    """Git did not do what it was asked to; ``said`` is what it printed of it."""

    def __init__(self, words: Sequence[str], code: int, said: str) -> None:
        said = said.strip()[-_SAID_MOST:] or "it says nothing of it"
        super().__init__(f"git {' '.join(words)} failed ({code}): {said}")
        self.words, self.code, self.said = tuple(words), code, said


class Git:
    """
    Git in one folder: a checkout, a worktree, or a repository's own folder.

    Every call is bounded in time, reads what it prints in English, never asks for a password, and
    runs no hook of the user's.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *words: str, stdin: str | None = None, **env: str) -> str:
        """
        Return what git printed, without the last line end.

        Raises:
            GitError: It failed, or took too long.
        """
        code, out, said = self.tried(*words, stdin=stdin, **env)
        if code != 0:
            raise GitError(words, code, said or out)
        return out

    def read(self, *words: str) -> str:
        """Do as a call does, and lock nothing, so that nobody at work in the folder is held up."""
        return self(*words, GIT_OPTIONAL_LOCKS="0")

    def asks(self, *words: str) -> bool:
        """Return whether git answers yes; no is 1."""
        code, out, said = self.tried(*words, GIT_OPTIONAL_LOCKS="0")
        if code > 1:
            raise GitError(words, code, said or out)
        return code == 0

    def commit_of(self, name: str) -> str | None:
        """Return the id of a commit, by any name for it; None if there is none."""
        words = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        code, out, _said = self.tried(*words, GIT_OPTIONAL_LOCKS="0")
        return out if code == 0 and out else None

    def head_of(self, branch: str) -> str | None:
        """Return the commit that a branch is at; None if there is no such branch."""
        return self.commit_of(f"refs/heads/{branch}")

    def tried(self, *words: str, stdin: str | None = None, **env: str) -> tuple[int, str, str]:
        """Return git's exit code, and what it printed and said; for answers that are no faults."""
        limit_s = _READ_S if env.get("GIT_OPTIONAL_LOCKS") == "0" else _WRITE_S
        try:
            process = subprocess.Popen(
                ["git", *_options(), *words],
                cwd=self.folder,
                env=_environment(env),
                stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,  # a Ctrl-C in the terminal is not for it
            )
        except (FileNotFoundError, NotADirectoryError) as fault:
            why = f"there is no folder {self.folder}"
            is_there = self.folder.is_dir()
            raise GitError(words, 127, f"there is no git ({fault})" if is_there else why) from fault
        return _ended(process, words, stdin, limit_s)


def _ended(
    process: "subprocess.Popen[bytes]", words: Sequence[str], stdin: str | None, limit_s: float
) -> tuple[int, str, str]:
    given = None if stdin is None else stdin.encode("utf-8", "surrogateescape")
    try:
        out, said = process.communicate(given, timeout=limit_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise GitError(words, 124, f"it took longer than {limit_s:.0f} s") from None
    except BaseException:
        process.kill()
        process.wait()
        raise
    return process.returncode, _text(out).removesuffix("\n"), _text(said)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _options() -> list[str]:
    return [word for name, value in _CONFIG.items() for word in ("-c", f"{name}={value}")]


def _environment(more: Mapping[str, str]) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if name not in _PLACES}
    said = {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_EDITOR": "true", "GIT_PAGER": "cat"}
    return {**own, **said, **more}

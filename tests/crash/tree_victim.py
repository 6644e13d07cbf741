"""Drains runs in worktrees until it is killed; its agent notes all that it writes."""

import hashlib
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

from autopack import Completed, Failed, NeedsPerson, PhaseSpec, create_run, drain, open_log
from autopack_git import Worktrees

PHASES = (("a", ()), ("b", ("a",)), ("c", ()), ("d", ("b", "c")))


class Agent:
    """Writes a file of a name of its own in each attempt, and ends as a draw by its phase says."""

    def __init__(self, diary: Path) -> None:
        self._diary = diary

    def __call__(self, phase: Any, attempt: Any) -> Any:
        """Do an attempt: files, some of them in commits, some where others write too."""
        draw = random.Random(hashlib.sha256(f"{phase.key}#{attempt.number}".encode()).digest())
        tree, kind = attempt.workspace, draw.random()
        if kind < 0.1:
            return Completed()
        name = f"{phase.run_id}-{phase.phase_id}-{attempt.number}-{attempt.lease_token}.txt"
        (tree / name).write_text(f"{phase.key}\n", encoding="utf-8")
        self._note(name)
        if draw.random() < 0.3:
            _git(tree, "add", "--all")
            _git(tree, "commit", "--quiet", "-m", f"Step of {phase.phase_id}")
        if draw.random() < 0.4:
            with (tree / "shared.txt").open("a", encoding="utf-8") as shared:
                shared.write(f"{name}\n")
        if kind < 0.25:
            return Failed("red", "a test fails", retryable=True)
        if kind < 0.45:
            return NeedsPerson("Is it as it should be?")
        return Completed()

    def _note(self, name: str) -> None:
        file = os.open(self._diary, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(file, f"{name}\n".encode())
        os.close(file)


def _git(folder: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, timeout=60)


def main(log_path: str, repository: str, integrate: Any, diary: str, remote: str = "") -> None:
    """Drain what is left, then one run after the other, until killed."""
    keeper = Worktrees(repository=repository, integrate=integrate, remote=remote or None)
    agent = Agent(Path(diary))
    Path(diary).touch()
    with open_log(log_path) as log:
        sys.stdout.write("R\n")
        sys.stdout.flush()
        while True:
            drain(
                log, executor=agent, workspace=keeper, check=["sleep", "0.05"], workers=2,
                lease_s=0.5, allow_empty=True, backoff_base_s=0.01, backoff_cap_s=0.01,
                max_fingerprint_repeats=100_000,
            )  # fmt: skip
            name = f"run {log.head().position}-{os.getpid()}"
            create_run(log, name, [PhaseSpec(one, after=after) for one, after in PHASES])


if __name__ == "__main__":
    main(*sys.argv[1:])

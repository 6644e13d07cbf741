"""
Kills drains in worktrees at random moments, and looks whether repository and log agree.

``python -m tests.long workspaces`` runs the whole of it. What must not be found: a file that an
agent wrote and that is neither in a commit nor in a worktree that the log knows; a worktree or a
branch that it does not know; a merge that it does not know, or that is in no branch; a repository
that ``git fsck`` complains of; a checkout that is not as its owner left it.

With ``--machines 2`` so many drains work at once, each with a mirror of its own of one remote, and
all are killed; what must be there is at the remote.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from math import ceil
from pathlib import Path
from typing import Any

import attrs
from tests.benchmarks.measuring import ROOT
from tests.crash.tree_victim import Agent
from tests.repositories import branches, git, new_repository, quiet_environment, trees

from autopack import (
    Log,
    create_log,
    decide_gate,
    drain,
    list_workspaces,
    open_log,
    replay,
    sweep_workspaces,
)
from autopack.ports.states import FINAL, PhaseStatus
from autopack_git import Worktrees

KILLS_A_REPOSITORY = 25
_START_S = 0.8
_LONGEST_S = 1.6


@attrs.define
class Tally:
    """What was counted; ``faults`` must stay empty."""

    kills: int = 0
    attempts: int = 0
    merged: int = 0
    approved: int = 0
    saved: int = 0
    files: int = 0
    faults: list[str] = attrs.Factory(list)


@attrs.frozen
class Place:
    """A repository with its log and its diary."""

    folder: Path
    integrate: Any
    machines: int = 1

    @property
    def repository(self) -> Path:
        """The checkout, or the remote that machines share."""
        return self.folder / ("demo" if self.machines == 1 else "remote.git")

    @property
    def homes(self) -> list[Path]:
        """The repositories that have worktrees."""
        if self.machines == 1:
            return [self.repository]
        return [self.folder / f"mirror {n}.git" for n in range(self.machines)]

    @property
    def log(self) -> Path:
        """The log's file."""
        return self.folder / "work.db"

    @property
    def diary(self) -> Path:
        """The names of all files that agents wrote."""
        return self.folder / "diary.txt"

    @property
    def remote(self) -> str:
        """The address of the remote; empty if there is one machine."""
        return "" if self.machines == 1 else f"file://{self.repository}"

    def make(self) -> None:
        """Make the repository, or a bare one of it, and the log."""
        checkout = new_repository(self.folder / "demo")
        if self.remote:
            git(self.folder, "clone", "--quiet", "--bare", str(checkout), str(self.repository))
        create_log(self.log).close()

    def keepers(self, keep_failed_s: float = 3600.0) -> list[Worktrees]:
        """Return who keeps the worktrees, on each machine."""
        return [
            Worktrees(
                repository=home,
                remote=self.remote or None,
                integrate=self.integrate,
                keep_failed_s=keep_failed_s,
            )
            for home in self.homes
        ]

    def written(self) -> set[str]:
        """Return the names of all files that agents wrote."""
        return set(self.diary.read_text(encoding="utf-8").splitlines())


def kill_many(folder: Path, *, times: int, seed: int, machines: int = 1) -> Tally:
    """Kill drains at random moments, and check after each kill, and at the end of each log."""
    chance, tally = random.Random(seed), Tally()
    environment = {**os.environ, **quiet_environment(folder)}
    os.environ.update(quiet_environment(folder))
    while tally.kills < times:
        integrate = chance.choice(("branch", "branch", "rebase"))
        place = Place(folder / f"place {tally.kills}", integrate, machines)
        place.make()
        for _ in range(min(KILLS_A_REPOSITORY, ceil((times - tally.kills) / machines))):
            tally.approved += _approve(place, chance)
            _kill(place, chance, environment)
            tally.kills += machines
            _check(place, tally)
        _end(place, tally)
        if tally.faults:
            break
    return tally


def _kill(place: Place, chance: random.Random, environment: dict[str, str]) -> None:
    """Kill a drain on each machine, and the git that it has begun with it, or not."""
    said, began = place.folder / "errors.txt", time.monotonic()
    with said.open("a", encoding="utf-8") as errors:
        children = [
            subprocess.Popen(
                [
                    sys.executable, "-m", "tests.crash.tree_victim", str(place.log), str(home),
                    place.integrate, str(place.diary), place.remote,
                ],
                cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=errors,
            )
            for home in place.homes
        ]  # fmt: skip
    for child in children:
        assert child.stdout is not None
        if child.stdout.readline() != b"R\n":
            raise AssertionError(f"it did not start: {said.read_text(encoding='utf-8')[-2000:]}")
    slow = max(1.0, (time.monotonic() - began) / _START_S)  # on a machine with much to do
    for child in children:
        time.sleep(chance.random() * _LONGEST_S * slow)
        _kill_one(place, child, chance, said)


def _kill_one(
    place: Place, child: "subprocess.Popen[bytes]", chance: random.Random, said: Path
) -> None:
    git_too = place.integrate == "branch" and chance.random() < 0.5
    others = descendants(child.pid) if git_too else []
    if child.poll() is not None:
        raise AssertionError(f"it ended by itself: {said.read_text(encoding='utf-8')[-2000:]}")
    for pid in (child.pid, *others):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    child.communicate()
    _wait_for(others)


def _approve(place: Place, chance: random.Random) -> int:
    """Approve some of what waits, and return how much: a sweep merges it, and checks it again."""
    with open_log(place.log) as log:
        phases = replay(log, "phases").rows.items()
        waiting = [
            ref for ref, row in phases if row.status is PhaseStatus.GATED and chance.random() < 0.7
        ]
        for ref in waiting:
            decide_gate(log, ref, decision="approve", actor="ann", why="good")
    return len(waiting)


def descendants(pid: int) -> list[int]:
    """Return the processes that a process has begun, and those that these have."""
    parents: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            rest = path.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            parents.setdefault(int(rest[1]), []).append(int(path.parent.name))
    found, ahead = [], [pid]
    while ahead:
        children = parents.get(ahead.pop(), [])
        found += children
        ahead += children
    return found


def _wait_for(pids: list[int]) -> None:
    give_up = time.monotonic() + 10
    while time.monotonic() < give_up and any(Path(f"/proc/{pid}/cwd").exists() for pid in pids):
        time.sleep(0.01)


def _check(place: Place, tally: Tally) -> None:
    """Look at what a kill left, before anybody has tidied up."""
    with open_log(place.log) as log:
        rows = list_workspaces(log)
    known = {str(Path(row.path or "").resolve()) for row in rows}
    for tree in _trees(place):
        if Path(tree).name.startswith(("again-", "start-")):
            continue  # of a check, and its path says of which; the end looks that none is left
        if str(Path(tree).resolve()).removesuffix(".gone") not in known:
            tally.faults.append(f"the log does not know {tree}")
    own = {row.branch for row in rows} | {"main"}
    named = {branch for home in (*place.homes, place.repository) for branch in _branches(home)}
    unknown = [b for b in sorted(named) if b not in own and b[:9] != "autopack/"]
    tally.faults += [f"the log does not know the branch {name}" for name in unknown]
    tally.faults += _lost(place, {row.path for row in rows if not row.is_closed}, place.homes)


def _trees(place: Place) -> list[str]:
    """Return the worktrees that git knows, and the folders that stand where they are made."""
    there = [home for home in place.homes if home.exists()]
    known = [tree for home in there for tree in trees(home)]
    roots = [home.with_name(f"{home.name}.trees") for home in there]
    return [*known, *(str(one) for root in roots for one in root.glob("*/*") if one.is_dir())]


def _branches(home: Path) -> list[str]:
    return branches(home) if home.exists() else []


def _lost(place: Place, open_trees: set[str | None], also: Sequence[Path] = ()) -> list[str]:
    """Return the files that were written, and are in no commit of a branch and in no tree."""
    there = set[str]()
    for home in {place.repository, *(one for one in also if one.exists())}:
        there |= set(git(home, "log", "--branches", "--format=", "--name-only", "-m").splitlines())
    for tree in filter(None, open_trees):
        with suppress(FileNotFoundError):
            there |= set(os.listdir(tree))
    return [f"{name} is lost" for name in sorted(place.written() - there)]


def _end(place: Place, tally: Tally) -> None:
    """Let a drain go on to the end, sweep, and look at all of it."""
    agent = Agent(place.diary)
    with open_log(place.log) as log:
        for _ in range(20):
            time.sleep(0.3)
            report = drain(
                log, executor=agent, workspace=place.keepers()[0], check=["true"], lease_s=0.5,
                allow_empty=True, backoff_base_s=0.01, backoff_cap_s=0.01,
                max_fingerprint_repeats=100_000,
            )  # fmt: skip
            if not report.left or report.stuck:
                break
        time.sleep(0.6)
        told = [note for one in place.keepers(0) for note in sweep_workspaces(log, one).notes]
        notes = [note for note in told if "is approved, but" not in note]
        tally.faults += [f"after a sweep: {note}" for note in notes]
        tally.faults += _judged(place, log)
        rows = list_workspaces(log)
        tally.attempts += len(rows)
        tally.merged += sum(row.merged is not None for row in rows)
        tally.saved += sum(row.kept is not None for row in rows)
        tally.files += len(place.written())


def _judged(place: Place, log: Log) -> list[str]:
    rows, repository = list_workspaces(log), place.repository
    faults = [
        f"{row.ref}#{row.attempt}: {row.path} is not closed" for row in rows if not row.is_closed
    ]
    faults += [f"{tree} is left" for tree in _trees(place)]
    faults += _lost(place, set())
    for home in {repository, *place.homes}:
        fsck = git(home, "fsck", "--full", "--no-dangling", check=False)
        faults += [f"fsck of {home.name}: {line}" for line in fsck.splitlines()]
    if not place.remote and (told := git(repository, "status", "--porcelain")):
        faults.append(f"the checkout is dirty: {told}")
    faults += _merges(place, log)
    for key, phase in replay(log, "phases").rows.items():
        waits = PhaseStatus.GATED, PhaseStatus.QUEUED  # what comes after one that waits or failed
        if phase.status not in FINAL and phase.status not in waits:
            faults.append(f"{key} is {phase.status}")
    return [*faults, *(f"verify: {fault}" for fault in log.verify().faults)]


def _merges(place: Place, log: Log) -> list[str]:
    """Compare the merges that the log tells with those that the branches' trailers tell."""
    repository, faults = place.repository, list[str]()
    told: dict[str, str] = {}
    run, phase, attempt = (
        f"%(trailers:key=Autopack-{name},valueonly,separator=)"
        for name in ("Run", "Phase", "Attempt")
    )
    form = f"%H {run}/{phase}#{attempt}"
    for branch in ("main", *(b for b in branches(repository) if b[:9] == "autopack/")):
        for line in git(repository, "log", f"--format={form}", branch).splitlines():
            commit, _, whose = line.partition(" ")
            if whose != "/#":
                told[commit] = whose
    merged = {row.merged: f"{row.ref}#{row.attempt}" for row in list_workspaces(log) if row.merged}
    faults += [
        f"{whose} is merged as {c}, and not in the log"
        for c, whose in told.items()
        if c not in merged
    ]
    faults += [f"{whose} is not in any branch" for c, whose in merged.items() if c not in told]
    faults += [
        f"{c} is of {told[c]}, and {merged[c]} in the log"
        for c in told.keys() & merged.keys()
        if told[c] != merged[c]
    ]
    return faults

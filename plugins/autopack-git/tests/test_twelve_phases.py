"""Twelve phases on a real repository: checks that fail, work that meets, a drain that is killed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.repositories import branches, git, new_repository, trees

import autopack
from autopack import PhaseRef, PhaseSpec
from autopack.events import PhaseChecked, WorkspaceIntegrated

AFTER = {
    "p1": (), "p2": ("p1",), "p3": ("p1",), "p4": ("p1",), "p5": ("p2", "p3"), "p6": ("p4",),
    "p7": ("p5",), "p8": ("p5", "p6"), "p9": ("p6",), "p10": ("p7", "p8"), "p11": ("p9",),
    "p12": ("p10", "p11"),
}  # fmt: skip
CHECK = """\
import pathlib, sys

bad = [one.name for one in sorted(pathlib.Path("parts").glob("*.txt")) if "bad" in one.read_text()]
sys.exit(f"bad: {', '.join(bad)}" if bad else 0)
"""
AGENT = """\
import os, pathlib, sys, time

phase, attempt = os.environ["AUTOPACK_PHASE_ID"], int(os.environ["AUTOPACK_ATTEMPT"])
told = os.environ.get("AUTOPACK_FEEDBACK", "")
marks = pathlib.Path(sys.argv[1], phase)
tries = len(marks.read_text()) if marks.exists() else 0
is_bad = tries < {"p2": 1, "p5": 2}.get(phase, 0)
parts = pathlib.Path("parts")
parts.mkdir(exist_ok=True)
(parts / f"{phase}.txt").write_text("bad\\n" if is_bad else f"good, told: {bool(told)}\\n")
shared = pathlib.Path("shared.txt")
shared.write_text(f"{phase} was here last\\n" + shared.read_text())
time.sleep(0.1)
marks.write_text("x" * (tries + 1))
"""


@pytest.fixture
def place(tmp_path):
    """Return a folder with a repository, an agent and a log with the run."""
    new_repository(tmp_path / "demo", {"check.py": CHECK, "shared.txt": "begin\n"})
    (tmp_path / "agent.py").write_text(AGENT, encoding="utf-8")
    (tmp_path / "marks").mkdir()
    with autopack.create_log(tmp_path / "work.db") as log:
        specs = [PhaseSpec(name, after=after, max_attempts=9) for name, after in AFTER.items()]
        autopack.create_run(log, "night", specs, check=[sys.executable, "check.py"])
    return tmp_path


def begun(place):
    """Begin a drain by the command line, as somebody would in the evening."""
    return subprocess.Popen(
        [
            Path(sys.executable).with_name("autopack"), "--log", place / "work.db", "drain",
            "--workspace", "worktree", "--workers", "3", "--lease-s", "1", "--timeout-s", "60",
            "--", sys.executable, place / "agent.py", place / "marks",
        ],
        cwd=place / "demo", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def killed_after(place, n_merges):
    """Kill a drain once so much is merged."""
    drain, give_up = begun(place), time.monotonic() + 120
    with autopack.open_log(place / "work.db") as log:
        while len(list(log.read_all(types=[WorkspaceIntegrated]))) < n_merges:
            assert drain.poll() is None
            assert time.monotonic() < give_up
            time.sleep(0.02)
    os.kill(drain.pid, signal.SIGKILL)
    drain.wait()


def check_at(repository, commit, folder):
    """Return whether the check passes at a commit."""
    git(repository, "worktree", "add", "--quiet", "--detach", str(folder), commit)
    done = subprocess.run([sys.executable, "check.py"], cwd=folder, check=False)
    git(repository, "worktree", "remove", "--force", str(folder))
    return done.returncode == 0


@pytest.mark.slow
def test_every_phase_ends_in_a_checked_commit_or_in_a_persons_hands(place, tmp_path):
    """Whatever failed, met or was killed on the way; and the log says so, then and now."""
    repository = place / "demo"
    for n_merges in (2, 6):
        killed_after(place, n_merges)
    for _ in range(4):
        begun(place).wait(timeout=240)
    with autopack.open_log(place / "work.db") as log:
        phases = {name: autopack.get_phase(log, PhaseRef("night", name)) for name in AFTER}
        rows = autopack.list_workspaces(log, "night")
        merged = {row.phase_id: row for row in rows if row.merged}
        failed = [r for r in log.read_all(types=[PhaseChecked]) if r.event.verdict == "failed"]
        merges = list(log.read_all(types=[WorkspaceIntegrated]))

        assert {"COMPLETE"} == {str(row.status) for row in phases.values()} - {"GATED"}
        done = {name for name, row in phases.items() if row.status == "COMPLETE"}
        assert done == merged.keys()
        assert len(failed) >= 2
        for name, row in merged.items():
            assert check_at(repository, row.merged, tmp_path / f"at {name}"), name
            names = "".join(
                f"%(trailers:key=Autopack-{one},valueonly)" for one in ("Phase", "Position")
            )
            told = git(repository, "log", "-1", f"--format={names}", row.merged).split()
            (opened,) = log.read_all(after=int(told[1]) - 1, limit=1)
            assert [name, name] == [told[0], opened.event.phase_id]
            assert row.attempt == opened.event.attempt
        for merge in merges:
            then = autopack.list_workspaces(log.as_of(merge.position), "night")
            there = git(repository, "rev-list", f"main..{merge.event.after}").split()
            assert {row.merged for row in then if row.merged} == set(there)
        assert log.verify().is_clean
    assert "" == git(repository, "fsck", "--full", "--no-dangling")
    assert "" == git(repository, "status", "--porcelain")
    waiting = [row.branch for row in rows if row.commit and not row.merged]
    kept = {row.branch for row in rows if not row.is_closed} | {*waiting, "main", "autopack/night"}
    assert set(branches(repository)) <= kept
    assert set(trees(repository)) <= {row.path for row in rows if not row.is_closed}

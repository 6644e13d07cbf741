"""Worktrees of several machines at one remote: pushed before it is told, merged by whoever is."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest
from tests.repositories import branches, commit, files_at, git, merged_phases, trees, write

import autopack
from autopack import Completed, NeedsPerson, PhaseSpec
from autopack.errors import InvalidInputError
from autopack.events import PhaseClaimed, PhaseFailed, WorkspaceCommitted, WorkspaceIntegrated
from autopack_git import Worktrees

QUICK = {"backoff_base_s": 0.01, "backoff_cap_s": 0.05}


@pytest.fixture
def remote(tmp_path, repository):
    """A bare repository that all machines reach."""
    git(tmp_path, "clone", "--quiet", "--bare", str(repository), "remote.git")
    return tmp_path / "remote.git"


def address(remote):
    return f"file://{remote}"


def machine(remote, name="north", **options):
    """Return who keeps worktrees on a machine of that name, with a mirror of its own."""
    place = remote.with_name(f"{name}.git")
    return Worktrees(remote=address(remote), repository=place, **options)


def drained(log, keeper, work, *specs, **settings):
    if specs:
        autopack.create_run(log, "r", specs)
    return autopack.drain(log, executor=work, workspace=keeper, **{**QUICK, **settings})


def writes(phase, attempt):
    write(attempt.workspace, {f"{phase.phase_id}.txt": f"{phase.phase_id}\n"})
    return Completed(summary="written")


def hook(remote, name, code):
    """Let the remote run something at each push; a flag beside it tells whether it has by then."""
    path = remote / "hooks" / name
    path.write_text(f"#!/bin/sh\n{textwrap.dedent(code)}", encoding="utf-8")
    path.chmod(0o755)


def phase_of(log, name="a"):
    return autopack.get_phase(log, f"r/{name}")


class TestOneRemote:
    """Whoever works, the remote has it."""

    def test_work_is_merged_at_the_remote(self, log, remote, repository):
        """And nothing else is left there, nor here; whose checkout it came from sees nothing."""
        report = drained(log, machine(remote), writes, PhaseSpec("a"), PhaseSpec("b", after=["a"]))

        assert 2 == report.completed
        assert ["a.txt", "b.txt"] == sorted(files_at(remote, "autopack/r"))
        assert ["a", "b"] == merged_phases(remote)
        assert ["autopack/r", "main"] == branches(remote)
        assert [] == trees(remote.with_name("north.git"))
        assert ["main"] == branches(repository)

    def test_machines_share_the_work(self, log, remote):
        """Each begins with what all have merged; nothing is merged twice, and nothing is lost."""
        names = [f"p{n}" for n in range(8)]
        after = {"p5": ["p0", "p1"], "p6": ["p2"], "p7": ["p5", "p6"]}
        seen = {}

        def work(phase, attempt):
            seen[phase.phase_id] = {path.stem for path in attempt.workspace.glob("p*.txt")}
            return writes(phase, attempt)

        autopack.create_run(log, "r", [PhaseSpec(n, after=after.get(n, ())) for n in names])
        both = [
            threading.Thread(
                target=drained, args=(log, machine(remote, name), work), kwargs={"workers": 2}
            )
            for name in ("north", "south")
        ]
        for one in both:
            one.start()
        for one in both:
            one.join()

        left = [
            (row.phase_id, row.status, row.reason)
            for row in (phase_of(log, name) for name in names)
        ]

        assert [(name, "COMPLETE", None) for name in names] == left
        assert sorted(names) == sorted(merged_phases(remote))
        assert {"a.txt", *(f"{name}.txt" for name in names)} == set(files_at(remote, "autopack/r"))
        assert all(set(after[name]) <= seen[name] for name in after)
        assert 8 == len(list(log.read_all(types=[WorkspaceIntegrated])))
        assert ["autopack/r", "main"] == branches(remote)

    def test_what_one_machine_asked_about_another_merges(self, log, remote):
        """The commit waits at the remote."""

        def asks(phase, attempt):
            writes(phase, attempt)
            return NeedsPerson("Is it fit?")

        drained(log, machine(remote), asks, PhaseSpec("a"))
        waiting = branches(remote)
        autopack.decide_gate(log, "r/a", decision="approve", why="it is")
        drained(log, machine(remote, "south"), writes)

        assert 2 == len(waiting)
        assert waiting[0].startswith("autopack-work/r/a/1-")
        assert ["a"] == merged_phases(remote)

    def test_a_run_that_has_a_remote_is_merged_nowhere_else(self, log, remote, repository):
        """A drain without that option is told which one it is."""
        drained(log, machine(remote), writes, PhaseSpec("a"), PhaseSpec("b"), max_phases=1)
        drained(log, Worktrees(repository=repository), writes, max_phases=1)

        assert f"remote={address(remote)}" in phase_of(log, "b").reason
        assert ["main"] == branches(repository)


class TestOthersAreFaster:
    """The remote's branch moves while work is to be merged into it."""

    def test_it_is_rebased_and_checked_again(self, log, remote, repository):
        """Between the look at the branch and the push."""
        other = commit(repository, {"other.txt": "theirs\n"}, "Others' work")
        git(repository, "push", "--quiet", str(remote), f"{other}:refs/heads/aside")
        hook(
            remote,
            "update",
            f"""
            test "$1" = refs/heads/autopack/r && ! test -e flag || exit 0
            touch flag
            git update-ref refs/heads/autopack/r {other}
            """,
        )
        checked = []

        def check(work):
            checked.append(sorted(path.name for path in work.workspace.glob("*.txt")))
            return True

        report = drained(log, machine(remote), writes, PhaseSpec("b"), check=check)

        assert (1, 1) == (report.completed, report.attempts)
        assert [["a.txt"], ["a.txt", "b.txt"], ["a.txt", "b.txt", "other.txt"]] == checked
        assert ["a.txt", "b.txt", "other.txt"] == sorted(files_at(remote, "autopack/r"))
        assert other == git(remote, "rev-parse", "autopack/r~1")


KILLED = """
import sys
from pathlib import Path
import autopack
from autopack import Completed
from autopack_git import Worktrees

log, remote, mirror = sys.argv[1:]

def work(phase, attempt):
    (attempt.workspace / f"{phase.phase_id}.txt").write_text("done\\n")
    Path(remote, "pid").write_text(str(__import__("os").getpid()))
    return Completed()

keeper = Worktrees(remote=f"file://{remote}", repository=mirror)
with autopack.open_log(log) as opened:
    autopack.drain(opened, executor=work, workspace=keeper)
"""


class TestKills:
    """A worker is killed once the remote has its work, and before the log knows."""

    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("branch", "n_done"), [("refs/heads/autopack/r", 0), ("refs/heads/autopack-work/*", 1)]
    )
    def test_nothing_is_lost_and_nothing_merged_twice(self, tmp_path, log, remote, branch, n_done):
        """Another machine finds what was merged; what nobody was told of is done again."""
        autopack.create_run(log, "r", [PhaseSpec("b")])
        hook(
            remote,
            "post-receive",
            f"""
            read old new name
            case "$name" in {branch}) ;; *) exit 0 ;; esac
            test -e flag && exit 0
            touch flag
            kill -9 "$(cat pid)"
            """,
        )
        place = tmp_path / "north.git"
        call = [sys.executable, "-c", KILLED, str(tmp_path / "work.db"), str(remote), str(place)]
        killed = subprocess.run(call, capture_output=True, timeout=120, check=False)
        done = []

        def again(phase, attempt):
            done.append(phase.phase_id)
            return writes(phase, attempt)

        report = drained(log, machine(remote, "south"), again)

        assert -signal.SIGKILL == killed.returncode, killed.stderr
        assert 1 == report.completed
        assert n_done == len(done)
        assert ["b"] == merged_phases(remote)
        assert 1 == len(list(log.read_all(types=[WorkspaceIntegrated])))


class TestRefusals:
    """The remote does not take what it is given."""

    def test_a_branch_that_is_kept_by_the_remote_asks_a_person(self, log, remote):
        """Once it is let in, approving is enough."""
        hook(remote, "update", 'test "$1" != refs/heads/autopack/r')
        drained(log, machine(remote), writes, PhaseSpec("b"))
        asked = phase_of(log, "b")
        (remote / "hooks" / "update").unlink()
        autopack.decide_gate(log, "r/b", decision="approve", why="let in")
        drained(log, machine(remote), writes)

        assert "GATED" == asked.status
        assert "autopack/r is not moved: file://" in asked.reason
        assert "hook declined" in asked.reason
        assert ["b"] == merged_phases(remote)

    def test_work_that_it_does_not_take_stays_in_its_tree(self, log, remote):
        """A person is told where; nothing says that it is kept."""
        hook(remote, "update", "exit 1")
        drained(log, machine(remote), writes, PhaseSpec("b"))
        (left,) = trees(remote.with_name("north.git"))

        assert "GATED" == phase_of(log, "b").status
        assert left in phase_of(log, "b").reason
        assert "b.txt" in os.listdir(left)
        assert [] == list(log.read_all(types=[WorkspaceCommitted]))

    @pytest.mark.parametrize(
        "given", ["https://token@example.org/a.git", "ssh://me:pw@example.org/a.git", "-x", ""]
    )
    def test_an_address_that_the_log_must_not_keep_is_refused(self, given):
        """Or that git would take for an option."""
        with pytest.raises(ValueError, match=r"^remote "):
            Worktrees(remote=given)


class TestAway:
    """The remote is not to be reached."""

    def test_one_that_was_never_seen_refuses_the_drain(self, log, remote):
        """Nothing is written."""
        autopack.create_run(log, "r", [PhaseSpec("b")])
        before = log.head()
        remote.rename(remote.with_name("gone"))
        with pytest.raises(InvalidInputError, match="cannot be reached"):
            drained(log, machine(remote), writes)

        assert before == log.head()

    def test_a_drain_waits_for_one_that_was_seen(self, log, remote):
        """No attempt is spent: the failure is one of connections."""
        drained(log, machine(remote), writes, PhaseSpec("a"), PhaseSpec("b", after=["a"]),
                max_phases=1)  # fmt: skip
        gone = remote.with_name("gone")
        remote.rename(gone)

        def comes_back(recorded):
            if isinstance(recorded.event, PhaseFailed) and gone.exists():
                gone.rename(remote)

        report = drained(log, machine(remote), writes, on_event=comes_back)
        row = phase_of(log, "b")

        assert 1 == report.completed
        assert {"connection"} == {
            recorded.event.failure_class for recorded in log.read_all(types=[PhaseFailed])
        }
        assert ("COMPLETE", 1) == (row.status, row.attempts_spent)
        assert ["a", "b"] == merged_phases(remote)

    def test_work_that_is_done_waits_for_it(self, log, remote):
        """What was paid for is not done again."""
        gone = remote.with_name("gone")

        def work(phase, attempt):
            remote.rename(gone)
            threading.Timer(1.0, gone.rename, (remote,)).start()
            return writes(phase, attempt)

        report = drained(log, machine(remote), work, PhaseSpec("b"))

        assert (1, 1) == (report.completed, report.attempts)
        assert 1 == len(list(log.read_all(types=[PhaseClaimed])))
        assert ["b"] == merged_phases(remote)


def test_the_mirror_lies_in_the_users_cache(log, remote, tmp_path, monkeypatch):
    """By the whole address, so that two of one name are two."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    keepers = [Worktrees(remote=one) for one in (address(remote), str(remote))]
    places = [keeper.repository.common for keeper in keepers]
    drained(log, keepers[0], writes, PhaseSpec("b"))

    assert 2 == len(set(places))
    assert {tmp_path / "cache" / "autopack" / "git"} == {place.parent for place in places}
    assert all(Path(place).name.startswith("remote-") for place in places)
    assert ["b"] == merged_phases(remote)

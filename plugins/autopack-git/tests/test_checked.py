"""Checks and worktrees: before there is any work, on what was done, and on what was rebased."""

import gc
import threading

import pytest
from tests.repositories import files_at, git, new_repository, trees, write

import autopack
from autopack import PhaseRef, PhaseSpec
from autopack.errors import InvalidInputError
from autopack.events import PhaseChecked, RunPrepared
from autopack_git import Worktrees

NOT_BOTH = ["sh", "-c", "! { test -e one.txt && test -e two.txt; }"]


def started(log):
    (event,) = [recorded.event for recorded in log.read_all(types=[RunPrepared])]
    return event.environment["checks_at_start"]


def test_what_the_checks_say_at_the_start_is_recorded(log, repository):
    """In a worktree of that commit, which is gone afterwards."""
    autopack.create_run(log, "r", [PhaseSpec("p")], check=["test", "-e", "a.txt"])
    keeper = Worktrees(repository=repository)
    autopack.drain(log, executor=lambda _phase, _attempt: None, workspace=keeper)

    assert "passed" == started(log)
    assert [] == trees(repository)


def test_a_start_that_does_not_pass_is_told(log, repository):
    """Whoever mends it begins with what fails, and the run goes on."""

    def work(_phase, attempt):
        write(attempt.workspace, {"new.txt": "x\n"})

    autopack.create_run(log, "r", [PhaseSpec("p")], check=["test", "-e", "new.txt"])
    autopack.drain(log, executor=work, workspace=Worktrees(repository=repository))

    assert started(log).startswith("failed: ")
    assert "COMPLETE" == autopack.get_phase(log, PhaseRef("r", "p")).status


def test_what_was_rebased_is_checked_again_before_it_is_merged(log, tmp_path):
    """Each passes by itself, both together do not: the second is merged by nobody."""
    repository = new_repository(tmp_path / "project")
    both = threading.Barrier(2, timeout=60)

    def work(phase, attempt):
        write(attempt.workspace, {f"{phase.phase_id}.txt": "x\n"})
        if attempt.number == 1:
            both.wait()

    specs = [PhaseSpec(name, max_attempts=1) for name in ("one", "two")]
    autopack.create_run(log, "r", specs, check=NOT_BOTH)
    autopack.drain(log, executor=work, workspace=Worktrees(repository=repository), workers=2)
    phases = {str(row.status): row for row in autopack.list_phases(log, "r")}
    merged = phases["COMPLETE"].phase_id
    verdicts = [recorded.event.verdict for recorded in log.read_all(types=[PhaseChecked])]

    assert "check_failed" == phases["FAILED"].reason_code
    assert {"a.txt", f"{merged}.txt"} == files_at(repository, "autopack/r").keys()
    assert ["passed", "passed", "failed"] == verdicts


class TestJudgedAgain:
    """What was committed is judged again where it stood, and nothing is left of that."""

    @staticmethod
    def _done(log, repository, **given):
        def work(phase, attempt):
            write(attempt.workspace, {f"{phase.phase_id}.txt": f"{attempt.number}\n"})

        autopack.create_run(log, "r", [PhaseSpec("one"), PhaseSpec("two", after=["one"])], **given)
        return work

    @pytest.mark.parametrize("whose", ["drain", "run", "given"])
    def test_each_commit_is_looked_at_as_it_was(self, log, repository, whose, monkeypatch):
        """The first one knows nothing of the second, whoever keeps the folders."""
        monkeypatch.chdir(repository)
        work = self._done(log, repository, workspace="worktree" if whose == "run" else None)
        keeper = None if whose == "run" else "worktree"
        autopack.drain(log, executor=work, workspace=keeper)
        given = Worktrees(repository=repository) if whose == "given" else None
        found = autopack.recheck(log, "r", check=["test", "!", "-e", "two.txt"], workspace=given)

        assert [("one", "passed"), ("two", "failed")] == [
            (one.phase_id, one.verdict) for one in found
        ]
        assert [] == trees(repository)
        assert "" == git(repository, "fsck", "--no-dangling")

    def test_a_check_finds_git_there(self, log, repository):
        """It may ask for what was changed."""
        keeper = Worktrees(repository=repository)
        autopack.drain(log, executor=self._done(log, repository), workspace=keeper)
        says = ["sh", "-c", "git show --stat HEAD | grep one.txt"]
        (found,) = autopack.recheck(log, "r", phase_id="one", check=says, workspace=keeper)

        assert "passed" == found.verdict

    def test_what_a_killed_one_left_is_made_anew(self, log, repository):
        """A folder of that name is nobody's work."""
        keeper = Worktrees(repository=repository)
        autopack.drain(log, executor=self._done(log, repository), workspace=keeper)
        row = autopack.list_workspaces(log, "r")[0]
        killed = keeper.at(row)
        left = killed.__enter__()
        write(left, {"half.txt": "x\n"})
        del killed
        gc.collect()
        write(left, {"half.txt": "x\n"})
        (found,) = autopack.recheck(
            log, "r", phase_id="one", check=["test", "!", "-e", "half.txt"], workspace=keeper
        )

        assert "passed" == found.verdict
        assert [] == trees(repository)

    def test_a_commit_that_is_nowhere_is_told(self, log, repository, tmp_path):
        """With where it was looked for, and what to name."""
        keeper = Worktrees(repository=repository)
        autopack.drain(log, executor=self._done(log, repository), workspace=keeper)
        other = Worktrees(repository=new_repository(tmp_path / "other"))

        with pytest.raises(InvalidInputError, match=r"which is not in .*other.*repository=FOLDER"):
            autopack.recheck(log, "r", check=["true"], workspace=other)

"""Checks and worktrees: before there is any work, on what was done, and on what was rebased."""

import gc
import threading
from pathlib import Path

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


class TestApprovedAndRebased:
    """What a person approved is merged once its checks pass on top of what was merged since."""

    SPECS = tuple(PhaseSpec(name, labels={"gate": "Good?"}) for name in ("one", "two"))

    @staticmethod
    def work(phase, attempt):
        write(attempt.workspace, {f"{phase.phase_id}.txt": f"{attempt.number}\n"})

    def approved(self, log, repository, check=None, checks_of_run=NOT_BOTH, specs=SPECS):
        """Two phases waited for a person in one drain; both were approved, and are to be merged."""
        autopack.create_run(log, "r", specs, check=checks_of_run)
        self.drain(log, repository, check=check)
        for name in ("one", "two"):
            ref = PhaseRef("r", name)
            autopack.decide_gate(log, ref, decision="approve", actor="ann", why="good")

    def drain(self, log, repository, **given):
        keeper = Worktrees(repository=repository)
        return autopack.drain(log, executor=self.work, workspace=keeper, **given)

    def merged(self, log):
        rows = autopack.list_workspaces(log, "r")
        return [row.phase_id for row in rows if row.merged is not None]

    def verdicts(self, log):
        """Return who had each attempt checked, and what was found."""
        found = [recorded.event for recorded in log.read_all(types=[PhaseChecked])]
        return [(event.phase_id, event.by, event.verdict) for event in found]

    def test_what_breaks_the_check_there_is_not_merged(self, log, repository):
        """Each passes by itself, and git sees no conflict; the second is merged by nobody."""
        self.approved(log, repository)
        self.drain(log, repository)

        assert ["one"] == self.merged(log)
        assert {"a.txt", "one.txt"} == files_at(repository, "autopack/r").keys()
        assert ("two", "sweep", "failed") == self.verdicts(log)[-1]
        assert "COMPLETE" == autopack.get_phase(log, PhaseRef("r", "two")).status
        assert [] == trees(repository)
        assert "" == git(repository, "fsck", "--no-dangling")

    def test_it_is_told_with_what_to_type(self, log, repository):
        """By the list and by each sweep; the check is not run again for that."""
        self.approved(log, repository)
        self.drain(log, repository)
        n_verdicts = len(self.verdicts(log))
        (note,) = autopack.sweep_workspaces(log, Worktrees(repository=repository)).notes
        row = autopack.list_workspaces(log, "r")[1]

        assert row.unmerged.startswith("not merged: check sh -c ! { test -e one.txt")
        assert "r/two is approved, but its work is not merged: on top of what autopack/r" in note
        assert f"git checkout autopack/r && git merge {row.branch}." in note
        assert "what is there: autopack phase requeue r/two --why REASON." in note
        assert "--wrong" not in note
        assert "autopack phase judge r/two --right --why REASON" in note
        assert n_verdicts == len(self.verdicts(log))

    def test_it_is_merged_by_hand(self, log, repository):
        """A person may know better than the check."""
        self.approved(log, repository)
        self.drain(log, repository)
        branch = autopack.list_workspaces(log, "r")[1].branch
        git(repository, "checkout", "--quiet", "autopack/r")
        git(repository, "merge", "--quiet", "--no-edit", branch)
        git(repository, "checkout", "--quiet", "main")
        self.drain(log, repository)
        row = autopack.list_workspaces(log, "r")[1]

        assert ("by hand", None) == (row.how, row.unmerged)

    def test_it_is_done_anew(self, log, repository):
        """The next attempt begins with what is merged, and is told what the check said."""
        seen = []
        self.approved(log, repository, checks_of_run=["sh", "-c", f"{NOT_BOTH[2]} || ! echo both"])
        self.drain(log, repository)
        autopack.requeue(log, PhaseRef("r", "two"), actor="ann", why="anew")

        def anew(_phase, attempt):
            seen.append((attempt.feedback, (attempt.workspace / "one.txt").exists()))
            write(attempt.workspace, {"three.txt": "x\n"})

        autopack.drain(log, executor=anew, workspace=Worktrees(repository=repository))

        ((feedback, has_first),) = seen
        assert has_first
        assert "failed\nboth\n\nanew" in feedback
        assert "GATED" == autopack.get_phase(log, PhaseRef("r", "two")).status
        assert ["one"] == self.merged(log)

    def test_it_is_tried_again_once_it_is_called_right(self, log, repository, tmp_path):
        """By the check that judged it first, mended; what another drain names is not asked."""
        check = tmp_path / "check.sh"
        check.write_text(NOT_BOTH[2])
        self.approved(log, repository, checks_of_run=None, check=["sh", str(check)])
        self.drain(log, repository, check=["true"])
        assert ["one"] == self.merged(log)

        check.write_text("test -e two.txt")
        ref = PhaseRef("r", "two")
        autopack.judge_phase(log, ref, right=True, actor="ann", why="the check was wrong")
        self.drain(log, repository, check=["false"])
        assert ["one", "two"] == self.merged(log)
        assert ("two", "sweep", "passed") == self.verdicts(log)[-1]

    def test_what_passes_is_merged(self, log, repository):
        """It was checked in the tree that is merged, and only where that is another one."""
        self.approved(log, repository, checks_of_run=["sh", "-c", "ls > /dev/null"])
        self.drain(log, repository)

        assert ["one", "two"] == self.merged(log)
        assert [("two", "sweep", "passed")] == [
            one for one in self.verdicts(log) if one[1] == "sweep"
        ]

    def test_the_checks_of_the_drain_that_did_the_work_hold(self, log, repository):
        """A sweep that names none finds them in the log."""
        self.approved(log, repository, checks_of_run=None, check=NOT_BOTH)
        autopack.sweep_workspaces(log, Worktrees(repository=repository))

        assert ["one"] == self.merged(log)
        assert ("two", "sweep", "failed") == self.verdicts(log)[-1]

    def test_a_check_that_is_not_in_the_log_is_no_pass(self, log, repository):
        """A function is known to the drain that names it; until then it is told."""

        def is_there(work):
            return (work.folder / "two.txt").exists() or (work.folder / "one.txt").exists()

        self.approved(log, repository, checks_of_run=None, check=is_there)
        (note,) = autopack.sweep_workspaces(log, Worktrees(repository=repository)).notes
        assert ["one"] == self.merged(log)
        assert "the check of its drain is not in the log" in note

        self.drain(log, repository, check=is_there)
        assert ["one", "two"] == self.merged(log)

    def test_a_check_that_cannot_run_is_tried_again(self, log, repository, tmp_path):
        """It found nothing wrong; once it runs, the work is merged, and nobody has to say so."""
        mended = tmp_path / "mended"
        alone = "test ! -e one.txt -o ! -e two.txt"
        absent = {"name": "absent", "run": ["sh", "-c", f"{alone} -o -e {mended} || exit 127"]}
        self.approved(log, repository, checks_of_run=absent)
        keeper = Worktrees(repository=repository)
        notes = [autopack.sweep_workspaces(log, keeper).notes for _ in range(2)]
        row = autopack.list_workspaces(log, "r")[1]

        assert ["one"] == self.merged(log)
        assert [("two", "sweep", "could_not_run")] * 2 == self.verdicts(log)[-2:]
        assert notes[0] == notes[1]
        assert "r/two is approved, but its work is not merged yet: on top of" in notes[0][0]
        assert "autopack phase judge r/two --wrong --why REASON" in notes[0][0]
        assert "Until then each drain tries again." in notes[0][0]
        assert row.unmerged.startswith("not merged yet: check absent could not run: ")
        assert row.unmerged.endswith("; the next drain tries")
        mended.touch()
        assert () == autopack.sweep_workspaces(log, keeper).notes
        assert ["one", "two"] == self.merged(log)

    def test_a_recheck_that_cannot_run_changes_nothing(self, log, repository):
        """The work is wrong still, and is told of still."""
        self.approved(log, repository)
        keeper = Worktrees(repository=repository)
        autopack.sweep_workspaces(log, keeper)
        autopack.recheck(log, "r", check=["sh", "-c", "exit 127"], workspace=keeper)
        (note,) = autopack.sweep_workspaces(log, keeper).notes

        assert "r/two is approved, but its work is not merged: " in note
        assert ["one"] == self.merged(log)

    @pytest.mark.parametrize("verdict", [True, False])
    def test_who_calls_it_wrong_while_it_is_checked_is_right(self, log, repository, verdict):
        """What the check says then is not recorded over a person's word, and merges nothing."""

        def check(work):
            if work.by == "sweep":
                ref = PhaseRef("r", "two")
                autopack.judge_phase(log, ref, right=False, actor="ann", why="it drops rows")
                return verdict
            return True

        self.approved(log, repository, checks_of_run=None, check=check)
        self.drain(log, repository, check=check)
        self.drain(log, repository, check=check)
        phase = autopack.get_phase(log, PhaseRef("r", "two"))

        assert ["one"] == self.merged(log)
        assert phase.is_right is False
        assert [] == [one for one in self.verdicts(log) if one[1] == "sweep"]
        assert () == autopack.sweep_workspaces(log, Worktrees(repository=repository)).notes

    def test_what_is_put_back_while_it_is_checked_is_not_merged(self, log, repository):
        """A person may think better of it at any moment."""

        def check(work):
            if work.by == "sweep":
                ref = PhaseRef("r", "two")
                autopack.judge_phase(log, ref, right=False, actor="ann", why="thought better of it")
                autopack.requeue(log, ref, actor="ann", why="anew")
            return True

        self.approved(log, repository, checks_of_run=None, check=check)
        self.drain(log, repository, check=check)

        assert ["one"] == self.merged(log)
        assert {"a.txt", "one.txt"} == files_at(repository, "autopack/r").keys()

    def test_what_comes_after_is_told(self, log, repository):
        """It waits for a person, and not for a tree that would break its check."""
        specs = (*self.SPECS, PhaseSpec("three", after=("two",)))
        self.approved(log, repository, specs=specs)
        self.drain(log, repository)
        phase = autopack.get_phase(log, PhaseRef("r", "three"))

        assert "GATED" == phase.status
        assert "What this comes after is not merged. r/two is approved" in phase.reason

    @pytest.mark.parametrize("suffix", ["", ".gone"])
    def test_what_a_killed_check_left_is_swept(self, log, repository, suffix):
        """A folder for a check alone is nobody's work; an attempt's may be called like one."""
        keeper = Worktrees(repository=repository)
        name = "again-0123456789ab"
        autopack.create_run(log, "r", [PhaseSpec(name)])

        def fails(_phase, attempt):
            write(attempt.workspace, {"half.txt": "x\n"})
            return autopack.Failed("busy", "not now", retryable=False)

        autopack.drain(log, executor=fails, workspace=keeper)
        (row,) = autopack.list_workspaces(log, "r")
        left = repository.with_name("demo.trees") / "r" / name
        git(repository, "worktree", "add", "--quiet", "--detach", str(left))
        left.rename(f"{left}{suffix}")
        autopack.sweep_workspaces(log, keeper)

        assert [row.path] == trees(repository)
        assert [Path(row.path)] == list(left.parent.iterdir())

    def test_a_check_at_work_is_left_alone(self, log, repository):
        """Another process may sweep meanwhile."""

        def sweeps(work):
            autopack.sweep_workspaces(log, Worktrees(repository=repository))
            return work.folder.is_dir() or "it was taken away"

        autopack.create_run(log, "r", [PhaseSpec("one")], workspace=None)
        self.drain(log, repository, check=sweeps)

        assert "passed" == started(log)

"""Attempts in worktrees of a real repository: what is committed, merged, kept and asked."""

import subprocess
import sys
from pathlib import Path

import pytest
import structlog
from tests.repositories import branches, commit, files_at, git, trees, write

import autopack
from autopack import Completed, Failed, NeedsPerson, PhaseRef, PhaseSpec
from autopack.events import WorkspaceClosed, WorkspaceCommitted, WorkspaceIntegrated
from autopack.types import CommandExecutor
from autopack_git import Worktrees


def drained(log, repository, work, *specs, run="r", options=None, **settings):
    """Make a run, drain it in worktrees, and return the report."""
    if specs:
        autopack.create_run(log, run, specs)
    keeper = Worktrees(repository=repository, **(options or {}))
    quick = {"backoff_base_s": 0.01, "backoff_cap_s": 0.01}
    return autopack.drain(log, executor=work, workspace=keeper, **quick, **settings)


def writes(**files):
    """Return an executor that writes files: a text, or by the phase's id."""

    def work(phase, attempt):
        wanted = files.get(phase.phase_id, {f"{phase.phase_id}.txt": "done\n"})
        write(attempt.workspace, wanted)
        return Completed(summary="written")

    return work


def row_of(log, phase_id, attempt=1, run="r", until=None):
    rows = autopack.replay(log, "workspaces", until=until).rows
    return rows[f"{run}/{phase_id}#{attempt}"]


def folder_log(log):
    from autopack.draining.workspaces.folder_log import FolderLog
    from autopack.log.log import handler_of

    return FolderLog(handler_of(log))


def phase_of(log, phase_id, run="r"):
    return autopack.get_phase(log, PhaseRef(run, phase_id))


class TestCompleted:
    """Work that is done."""

    def test_it_is_one_commit_on_the_branch_of_its_run(self, log, repository):
        """Nothing of the checkout changes, and no worktree and no branch of it is left."""
        drained(log, repository, writes(), PhaseSpec("one", goal="Write one\n\nAs it is."))

        assert {"a.txt": "one\ntwo\nthree", "one.txt": "done"} == files_at(repository, "autopack/r")
        assert "Write one" == git(repository, "log", "-1", "--format=%s", "autopack/r")
        assert ["autopack/r", "main"] == branches(repository)
        assert ["a.txt"] == list(files_at(repository, "main"))
        assert "" == git(repository, "status", "--porcelain")
        assert [] == trees(repository)
        assert not (repository.parent / "demo.trees").exists()

    def test_its_trailers_lead_to_its_events_and_back(self, log, repository):
        """Run, phase, attempt, log and the position at which its folder was opened."""
        drained(log, repository, writes(), PhaseSpec("one"), run="nightly")
        told = git(repository, "log", "-1", "--format=%(trailers:only,unfold)", "autopack/nightly")
        trailers = dict(line.split(": ", 1) for line in told.splitlines())
        (opened,) = log.read_all(after=int(trailers["Autopack-Position"]) - 1, limit=1)
        row = row_of(log, "one", run="nightly")

        assert {"Run": "nightly", "Phase": "one", "Attempt": "1"}.items() <= {
            name.removeprefix("Autopack-"): value for name, value in trailers.items()
        }.items()
        assert log.head().log_id == trailers["Autopack-Log"]
        assert ("workspace.opened", "one") == (opened.type, opened.event.phase_id)
        assert git(repository, "rev-parse", "autopack/nightly") == row.merged == row.after

    def test_its_size_is_recorded(self, log, repository):
        """Files, and lines added and removed."""
        work = writes(one={"a.txt": "one\n2\nthree\nfour\n", "b/c.txt": "x\n"})
        drained(log, repository, work, PhaseSpec("one"))
        (event,) = [recorded.event for recorded in log.read_all(types=[WorkspaceCommitted])]

        assert (2, 3, 1) == (event.files, event.lines_added, event.lines_removed)

    def test_an_attempt_that_changes_nothing_is_complete_without_a_commit(self, log, repository):
        """And says so."""
        drained(log, repository, lambda _phase, _attempt: Completed(), PhaseSpec("one"))

        assert ["main"] == branches(repository)
        assert ("COMPLETE", "no file was changed") == (
            phase_of(log, "one").status,
            phase_of(log, "one").summary,
        )
        assert [] == list(log.read_all(types=[WorkspaceCommitted]))
        assert [] == trees(repository)

    def test_commits_of_the_agents_own_become_one(self, log, repository):
        """With the message of the only one; of several the subjects are listed."""

        def work(phase, attempt):
            for n in range(1 if phase.phase_id == "one" else 2):
                commit(attempt.workspace, {f"{phase.phase_id}-{n}.txt": "x\n"}, f"Step {n}")
            write(attempt.workspace, {f"{phase.phase_id}-left.txt": "x\n"})

        drained(log, repository, work, PhaseSpec("one"), PhaseSpec("two", goal="Do two"))
        told = git(repository, "log", "--format=%s|%b", "main..autopack/r").split("\n\n")

        assert "2" == git(repository, "rev-list", "--count", "main..autopack/r")
        assert "Do two|- Step 0\n- Step 1" == told[0]
        assert "Step 0|" in git(repository, "log", "--format=%s|%b", "-1", "autopack/r~1")
        assert {"one-left.txt", "two-left.txt"} <= files_at(repository, "autopack/r").keys()

    def test_an_agent_may_leave_its_branch(self, log, repository):
        """What stands in the folder counts, whatever is checked out there."""

        def work(_phase, attempt):
            git(attempt.workspace, "checkout", "--quiet", "-b", "mine")
            commit(attempt.workspace, {"mine.txt": "x\n"})

        drained(log, repository, work, PhaseSpec("one"))

        assert "mine.txt" in files_at(repository, "autopack/r")
        assert ["autopack/r", "main", "mine"] == branches(repository)

    def test_files_that_git_ignores_are_left_out_unless_they_are_asked_for(self, log, repository):
        """A deliverable is kept whatever ``.gitignore`` says."""
        commit(repository, {".gitignore": "*.out\n"})
        work = writes(one={"x.out": "no\n", "y.out": "yes\n"})
        drained(log, repository, work, PhaseSpec("one", deliverables=("y.out",)))

        assert [".gitignore", "a.txt", "y.out"] == list(files_at(repository, "autopack/r"))

    def test_hooks_of_the_user_are_not_run(self, log, repository):
        """They are for the user's own commits: name what is to be checked as a check."""
        for name in ("pre-commit", "commit-msg", "post-checkout", "post-merge", "pre-merge-commit"):
            hook = repository / ".git" / "hooks" / name
            hook.parent.mkdir(exist_ok=True)
            hook.write_text(f"#!/bin/sh\ntouch '{repository.parent}/{name}.ran'\nexit 1\n")
            hook.chmod(0o755)
        drained(log, repository, writes(), PhaseSpec("one"), options={"integrate": "rebase"})

        assert "COMPLETE" == phase_of(log, "one").status
        assert [] == list(repository.parent.glob("*.ran"))

    def test_who_has_no_name_in_git_is_autopack(self, log, repository, monkeypatch):
        """A commit needs an author, and a machine at night may have none."""
        monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
        monkeypatch.setenv("EMAIL", "")
        git(repository, "config", "user.useConfigOnly", "true")
        drained(log, repository, writes(), PhaseSpec("one"))
        who = git(repository, "log", "-1", "--format=%an <%ae>", "autopack/r")

        assert "Autopack <autopack@localhost>" == who


class TestOrder:
    """What sees what."""

    def test_what_comes_after_begins_with_what_it_comes_after(self, log, repository):
        """And is merged as it is."""
        seen = {}

        def work(phase, attempt):
            seen[phase.phase_id] = sorted(one.name for one in attempt.workspace.glob("*.txt"))
            return writes()(phase, attempt)

        specs = PhaseSpec("one"), PhaseSpec("two", after=("one",))
        drained(log, repository, work, *specs)
        first, second = row_of(log, "one"), row_of(log, "two")

        assert {"one": ["a.txt"], "two": ["a.txt", "one.txt"]} == seen
        assert first.after == second.base == second.before
        assert ("fast-forward", "fast-forward") == (first.how, second.how)

    def test_those_at_once_are_rebased(self, log, repository):
        """Both begin with the same, and the second is put on top of the first."""
        import threading

        both = threading.Barrier(2, timeout=30)

        def work(phase, attempt):
            both.wait()
            return writes()(phase, attempt)

        drained(log, repository, work, PhaseSpec("one"), PhaseSpec("two"), workers=2)
        rows = sorted((row_of(log, "one"), row_of(log, "two")), key=lambda row: row.merged_at)

        assert {"a.txt", "one.txt", "two.txt"} == files_at(repository, "autopack/r").keys()
        assert ["fast-forward", "rebase"] == [row.how for row in rows]
        assert rows[0].after == rows[1].before
        assert rows[1].commit != rows[1].merged
        assert "2" == git(repository, "rev-list", "--count", "main..autopack/r")

    def test_a_replay_says_what_was_merged_then(self, log, repository):
        """At any position: nothing, the first, both."""
        drained(log, repository, writes(), PhaseSpec("one"), PhaseSpec("two", after=("one",)))
        merges = list(log.read_all(types=[WorkspaceIntegrated]))
        told = [
            [
                row.phase_id
                for row in autopack.replay(log, "workspaces", until=position).rows.values()
                if row.merged
            ]
            for merge in merges
            for position in (merge.position - 1, merge.position)
        ]

        assert [[], ["one"], ["one"], ["one", "two"]] == told


class TestFailed:
    """Work that is not done."""

    def test_its_tree_is_kept_for_a_time_and_then_as_a_commit(self, log, repository):
        """Nothing of it is lost: not what was committed, nor what was not."""

        def work(_phase, attempt):
            commit(attempt.workspace, {"b.txt": "committed\n"}, "Half")
            write(attempt.workspace, {"c.txt": "not committed\n"})
            return Failed("red", "a test fails", retryable=False)

        drained(log, repository, work, PhaseSpec("one"))
        (kept,) = trees(repository)
        drained(log, repository, work, options={"keep_failed_s": 0})
        row = row_of(log, "one")

        assert [] == trees(repository)
        assert str(Path(row.path).resolve()) == kept
        assert row.is_closed
        assert git(repository, "rev-parse", row.branch) == row.kept
        assert {"b.txt": "committed", "c.txt": "not committed"}.items() <= files_at(
            repository, row.kept
        ).items()

    def test_the_next_attempt_begins_anew(self, log, repository):
        """With what is merged, and not with what failed."""
        seen = []

        def work(phase, attempt):
            seen.append((attempt.workspace / "one.txt").exists())
            write(attempt.workspace, {"one.txt": f"{attempt.number}\n"})
            return Failed("red", "no", retryable=True) if attempt.number == 1 else Completed()

        drained(log, repository, work, PhaseSpec("one"))

        assert [False, False] == seen
        assert "2" == files_at(repository, "autopack/r")["one.txt"]

    def test_an_untouched_tree_is_not_kept(self, log, repository):
        """There is nothing in it to look at."""
        failed = Failed("red", "no", retryable=False)
        drained(log, repository, lambda _phase, _attempt: failed, PhaseSpec("one"))

        assert [] == trees(repository)
        assert ["main"] == branches(repository)

    def test_what_cannot_be_kept_stays_where_it_is(self, log, repository):
        """A repository within would be lost, so its tree is never taken away."""

        def work(_phase, attempt):
            commit(_made(attempt.workspace / "inner"), {"x.txt": "x\n"})
            return Failed("red", "no", retryable=False)

        drained(log, repository, work, PhaseSpec("one"))
        drained(log, repository, work, options={"keep_failed_s": 0})
        (kept,) = trees(repository)

        assert "x\n" == Path(kept, "inner", "x.txt").read_text(encoding="utf-8")

    def test_a_tree_that_was_removed_by_hand_is_told_of(self, log, repository):
        """The attempt fails, and the next sweep closes it."""

        def work(_phase, attempt):
            git(repository, "worktree", "remove", "--force", str(attempt.workspace))

        drained(log, repository, work, PhaseSpec("one", max_attempts=1))

        assert ("FAILED", "workspace_gone") == (
            phase_of(log, "one").status,
            phase_of(log, "one").reason_code,
        )
        assert row_of(log, "one").is_closed


class TestAsked:
    """Work that waits for a person."""

    def test_what_waits_is_a_commit_that_nobody_merges(self, log, repository):
        """The question names it; the tree is gone, so that the branch can be checked out."""

        def work(phase, attempt):
            writes()(phase, attempt)
            return NeedsPerson("Is it good?")

        drained(log, repository, work, PhaseSpec("one"), PhaseSpec("two", after=("one",)))
        row, question = row_of(log, "one"), phase_of(log, "one").reason

        assert "GATED" == phase_of(log, "one").status
        assert question.startswith("Is it good? It is commit ")
        assert row.branch in question
        assert "autopack/r" not in branches(repository)
        assert [] == trees(repository)

    def test_what_is_approved_is_merged_before_what_comes_after(self, log, repository):
        """By the next drain, without its executor."""

        def work(phase, attempt):
            seen.append((phase.phase_id, (attempt.workspace / "one.txt").exists()))
            writes()(phase, attempt)
            return NeedsPerson("Is it good?") if phase.phase_id == "one" else None

        seen = []
        drained(log, repository, work, PhaseSpec("one"), PhaseSpec("two", after=("one",)))
        autopack.decide_gate(log, PhaseRef("r", "one"), decision="approve", actor="ann", why="good")
        drained(log, repository, work)

        assert [("one", False), ("two", True)] == seen
        assert row_of(log, "one").merged_at < row_of(log, "two").position
        assert ["autopack/r", "main"] == branches(repository)

    def test_the_last_of_a_run_that_names_worktrees_is_merged(self, log, repository, monkeypatch):
        """Its approval ends the run, and the next drain looks after what is left all the same."""
        monkeypatch.chdir(repository)
        spec = PhaseSpec("one", labels={"gate": "Good?"})
        autopack.create_run(log, "r", [spec], workspace="worktree")
        autopack.drain(log, executor=writes())
        autopack.decide_gate(log, PhaseRef("r", "one"), decision="approve", actor="ann", why="good")
        assert "succeeded" == autopack.replay(log, "runs").rows["r"].outcome

        autopack.drain(log, executor=writes())
        assert row_of(log, "one").merged is not None
        assert "one.txt" in files_at(repository, "autopack/r")

    def test_what_is_rejected_is_never_merged_and_never_lost(self, log, repository):
        """Its commit stays on its branch."""

        def work(phase, attempt):
            writes()(phase, attempt)
            return NeedsPerson("Is it good?")

        drained(log, repository, work, PhaseSpec("one"))
        autopack.decide_gate(log, PhaseRef("r", "one"), decision="reject", actor="ann", why="no")
        drained(log, repository, work, options={"keep_failed_s": 0})
        row = row_of(log, "one")

        assert row.merged is None
        assert "one.txt" in files_at(repository, row.branch)

    def test_the_label_of_a_gate_holds_work_back_too(self, log, repository):
        """Whoever asks: nothing is merged before the answer."""
        spec = PhaseSpec("one", labels={"gate": "Merge it?"})
        drained(log, repository, writes(), spec)

        assert "GATED" == phase_of(log, "one").status
        assert row_of(log, "one").waits
        assert "autopack/r" not in branches(repository)

    def test_integrate_ask_asks_for_each(self, log, repository):
        """Into the branch that is checked out, once it is approved."""
        options = {"integrate": "ask"}
        drained(log, repository, writes(), PhaseSpec("one"), options=options)
        question = phase_of(log, "one").reason
        autopack.decide_gate(log, PhaseRef("r", "one"), decision="approve", actor="ann", why="good")
        drained(log, repository, writes(), options=options)

        assert question.startswith("Merge it into main? ")
        assert "done\n" == (repository / "one.txt").read_text(encoding="utf-8")

    def test_a_merge_by_hand_is_learned_of(self, log, repository):
        """The log knows then who did it."""
        options = {"integrate": "ask"}
        drained(log, repository, writes(), PhaseSpec("one"), options=options)
        git(repository, "merge", "--quiet", row_of(log, "one").branch)
        autopack.decide_gate(
            log, PhaseRef("r", "one"), decision="approve", actor="ann", why="merged"
        )
        drained(log, repository, writes(), options=options)
        row = row_of(log, "one")

        assert ("by hand", "person") == (row.how, row.merged_by)


class TestApproved:
    """Work that was approved, and meets what was merged since."""

    @pytest.fixture
    def met(self, log, repository):
        """Two phases that add a line to one file were approved; the first of them is merged."""
        specs = [PhaseSpec(name, labels={"gate": "Good?"}) for name in ("one", "two")]
        self.drain(log, repository, *specs)
        self.approve(log, "one")
        self.approve(log, "two")
        return self.drain(log, repository)

    def drain(self, log, repository, *specs):
        def work(phase, attempt):
            with (attempt.workspace / "a.txt").open("a", encoding="utf-8") as file:
                file.write(f"{phase.phase_id}\n")

        return drained(log, repository, work, *specs)

    def approve(self, log, phase_id):
        ref = PhaseRef("r", phase_id)
        autopack.decide_gate(log, ref, decision="approve", actor="ann", why="good")

    def told(self, log):
        return [(row.phase_id, row.waits, row.unmerged) for row in autopack.list_workspaces(log)]

    def test_the_list_says_why_it_is_not_merged(self, log, repository, met):
        """And asks nobody for what was decided."""
        assert [
            ("one", False, None),
            ("two", False, "cannot be merged: a.txt"),
        ] == self.told(log)

    def test_each_sweep_says_what_to_type(self, log, repository, met):
        """A merge by hand, or the commands by which it is done anew."""
        (note,) = Worktrees(repository=repository).sweep(folder_log(log)).notes

        assert "r/two is approved, but its work cannot be merged" in note
        assert f"git checkout autopack/r && git merge {row_of(log, 'two').branch}." in note
        assert "autopack phase judge r/two --wrong --why REASON" in note
        assert "autopack phase requeue r/two --why REASON" in note

    def test_a_drain_warns_of_it(self, log, repository, met):
        """Once, when it begins: it ends with what it knows."""
        with structlog.testing.capture_logs() as lines:
            self.drain(log, repository)
        found = [line for line in lines if line["event"].startswith("r/two is approved")]

        assert ["warning"] == [line["log_level"] for line in found]

    def test_the_status_and_the_report_show_it(self, log, repository, met):
        """With the command that says what to type; a later word takes it away."""
        from autopack.report.status import status_json, status_text

        stands = autopack.status(log)
        (shown,) = status_json(stands)["unmerged"]
        report = autopack.report_runs(log)

        assert ("r/two", "cannot be merged: a.txt") == (shown["phase"], shown["message"])
        assert "Approved, and not merged:\n  r/two: cannot be merged: a.txt" in status_text(stands)
        assert any(one.endswith(" workspaces sweep") for one in status_json(stands)["next_steps"])
        assert "r/two is approved; cannot be merged: a.txt" in report.waits
        assert any(one.endswith(" workspaces sweep") for one in report.steps)
        autopack.judge_phase(log, "r/two", right=False, actor="ann", why="it conflicts")
        assert () == autopack.status(log).unmerged

    def test_a_merge_by_hand_is_found(self, log, repository, met):
        """Whatever became of the lines that met."""
        git(repository, "checkout", "--quiet", "autopack/r")
        git(repository, "merge", row_of(log, "two").branch, check=False)
        write(repository, {"a.txt": "one\ntwo\nthree\none\ntwo\n"})
        git(repository, "commit", "--quiet", "--all", "--message", "Merge")
        git(repository, "checkout", "--quiet", "main")
        self.drain(log, repository)

        assert "by hand" == row_of(log, "two").how
        assert [("one", False, None), ("two", False, None)] == self.told(log)
        assert ["autopack/r", "main"] == branches(repository)

    def test_it_may_be_done_anew(self, log, repository, met):
        """On what is merged by now: judged wrong, put back, approved again."""
        ref = PhaseRef("r", "two")
        autopack.judge_phase(log, ref, right=False, actor="ann", why="it conflicts")
        assert ("two", False, None) == self.told(log)[1]

        autopack.requeue(log, ref, actor="ann", why="anew")
        self.drain(log, repository)
        self.approve(log, "two")
        self.drain(log, repository)

        assert files_at(repository, "autopack/r")["a.txt"].endswith("one\ntwo")
        assert row_of(log, "two", attempt=2).merged is not None
        assert row_of(log, "two").merged is None

    def test_what_does_not_meet_is_rebased_and_merged(self, log, repository):
        """By the next drain, and no branch of it is left."""
        specs = [PhaseSpec(name, labels={"gate": "Good?"}) for name in ("one", "two")]
        drained(log, repository, writes(), *specs)
        self.approve(log, "one")
        self.approve(log, "two")
        drained(log, repository, writes())

        assert ["fast-forward", "rebase"] == [row_of(log, name).how for name in ("one", "two")]
        assert {"a.txt", "one.txt", "two.txt"} == files_at(repository, "autopack/r").keys()
        assert ["autopack/r", "main"] == branches(repository)


class TestIntoTheCheckout:
    """``fast-forward`` and ``rebase``: the branch that is checked out."""

    def test_the_checkout_moves_along(self, log, repository):
        """Where nothing is changed in it."""
        drained(log, repository, writes(), PhaseSpec("one"), options={"integrate": "fast-forward"})

        assert "done\n" == (repository / "one.txt").read_text(encoding="utf-8")
        assert "" == git(repository, "status", "--porcelain")
        assert ["main"] == branches(repository)

    def test_a_dirty_checkout_is_never_moved(self, log, repository):
        """The phase waits, says for what, and is merged once that is done."""
        write(repository, {"a.txt": "mine\n"})
        drained(log, repository, writes(), PhaseSpec("one"), options={"integrate": "rebase"})
        question = phase_of(log, "one").reason

        assert "GATED" == phase_of(log, "one").status
        assert f"main is checked out in {repository}, with changes" in question
        assert "mine\n" == (repository / "a.txt").read_text(encoding="utf-8")
        assert not (repository / "one.txt").exists()
        git(repository, "commit", "--quiet", "-am", "Mine")
        autopack.decide_gate(
            log, PhaseRef("r", "one"), decision="approve", actor="ann", why="go on"
        )
        drained(log, repository, writes(), options={"integrate": "rebase"})
        assert {"a.txt": "mine", "one.txt": "done"} == files_at(repository, "main")

    def test_a_file_that_is_in_the_way_is_never_overwritten(self, log, repository):
        """Git does not move the checkout, and the phase waits for a person."""
        write(repository, {"one.txt": "mine\n"})
        drained(log, repository, writes(), PhaseSpec("one"), options={"integrate": "rebase"})

        assert "GATED" == phase_of(log, "one").status
        assert "mine\n" == (repository / "one.txt").read_text(encoding="utf-8")

    def test_a_branch_that_a_person_moved_meanwhile_is_followed(self, log, repository):
        """The work is put on top of theirs."""

        def work(phase, attempt):
            commit(repository, {"theirs.txt": "x\n"}, "Theirs")
            return writes()(phase, attempt)

        drained(log, repository, work, PhaseSpec("one"), options={"integrate": "rebase"})

        assert {"a.txt", "one.txt", "theirs.txt"} == files_at(repository, "main").keys()
        assert "rebase" == row_of(log, "one").how

    def test_fast_forward_rebases_nothing(self, log, repository):
        """Work that would have to be goes back to the queue, and is done on what is there."""

        def work(phase, attempt):
            if attempt.number == 1:
                commit(repository, {"theirs.txt": "x\n"}, "Theirs")
            return writes()(phase, attempt)

        options = {"integrate": "fast-forward"}
        drained(log, repository, work, PhaseSpec("one"), options=options)

        assert "fast-forward" == row_of(log, "one", attempt=2).how
        assert {"a.txt", "one.txt", "theirs.txt"} == files_at(repository, "main").keys()

    def test_fast_forward_rebases_nothing_that_was_approved(self, log, repository):
        """It stays on its branch, and a person is told both ways out."""
        options = {"integrate": "fast-forward"}
        specs = [PhaseSpec(name, labels={"gate": "Good?"}) for name in ("one", "two")]
        drained(log, repository, writes(), *specs, options=options)
        for name in ("one", "two"):
            ref = PhaseRef("r", name)
            autopack.decide_gate(log, ref, decision="approve", actor="ann", why="good")
        drained(log, repository, writes(), options=options)
        (note,) = Worktrees(repository=repository, **options).sweep(folder_log(log)).notes

        assert {"a.txt", "one.txt"} == files_at(repository, "main").keys()
        assert row_of(log, "two").merged is None
        assert "main has moved on since this was begun" in note
        assert "integrate=fast-forward rebases nothing" in note
        assert "autopack phase requeue r/two --why REASON" in note

    def test_what_somebody_took_off_the_branch_does_not_come_back(self, log, repository):
        """Only what the attempt itself has changed is put on it."""
        commit(repository, {"wrong.txt": "x\n"}, "Wrong")

        def work(phase, attempt):
            git(repository, "reset", "--quiet", "--hard", "HEAD~1")
            return writes()(phase, attempt)

        drained(log, repository, work, PhaseSpec("one"), options={"integrate": "rebase"})

        assert {"a.txt", "one.txt"} == files_at(repository, "main").keys()


class TestConflicts:
    """Work that meets what was merged meanwhile."""

    def meeting(self, log, repository, options, **spec):
        """Drain a phase whose first attempt meets a change of the branch."""

        def work(phase, attempt):
            if attempt.number <= self.n_conflicts:
                text = f"theirs {attempt.number}\ntwo\nthree\n"
                commit(repository, {"a.txt": text}, "Theirs")
            old = (attempt.workspace / "a.txt").read_text(encoding="utf-8")
            self.feedback.append(phase.feedback)
            write(attempt.workspace, {"a.txt": f"{attempt.number} on {old}"})

        self.feedback = []
        options = {"integrate": "rebase", **options}
        drained(log, repository, work, PhaseSpec("one", **spec), options=options)

    n_conflicts = 1

    def test_it_goes_back_to_the_queue_with_what_it_met(self, log, repository):
        """The next attempt begins with what is there, and knows why."""
        self.meeting(log, repository, {})

        assert "2 on theirs 1\ntwo\nthree" == files_at(repository, "main")["a.txt"]
        assert self.feedback[0] is None
        assert "a.txt" in self.feedback[1]
        assert "merged into main meanwhile" in self.feedback[1]

    def test_the_last_attempt_asks_a_person(self, log, repository):
        """Its work is on its branch, and theirs as it was."""
        self.n_conflicts = 3
        self.meeting(log, repository, {}, max_attempts=2)
        row = row_of(log, "one", attempt=2)

        assert "GATED" == phase_of(log, "one").status
        assert (
            "conflicts with what was merged into main meanwhile: a.txt"
            in phase_of(log, "one").reason
        )
        assert "theirs 2\ntwo\nthree" == files_at(repository, "main")["a.txt"]
        assert files_at(repository, row.branch)["a.txt"].startswith("2 on theirs 1")

    def test_a_person_is_asked_at_once_if_that_is_wished(self, log, repository):
        """And may merge it by hand."""
        self.meeting(log, repository, {"on_conflict": "ask"})

        assert ("GATED", 1) == (phase_of(log, "one").status, phase_of(log, "one").attempts)

    def test_what_comes_after_waits_for_a_merge_by_hand(self, log, repository):
        """Approved work that cannot be merged is told of by those that need it."""
        autopack.create_run(log, "r", [PhaseSpec("two", after=("one",)), PhaseSpec("one")])
        options = {"integrate": "rebase", "on_conflict": "ask"}

        def work(phase, attempt):
            if phase.phase_id == "one":
                commit(repository, {"a.txt": "theirs\n"}, "Theirs")
                write(attempt.workspace, {"a.txt": "mine\n"})

        drained(log, repository, work, options=options)
        autopack.decide_gate(log, PhaseRef("r", "one"), decision="approve", actor="ann", why="yes")
        drained(log, repository, work, options=options)

        assert (
            "What this comes after is not merged. r/one is approved" in phase_of(log, "two").reason
        )
        branch = row_of(log, "one").branch
        git(repository, "merge", "--quiet", "-X", "theirs", branch)
        autopack.decide_gate(
            log, PhaseRef("r", "two"), decision="requeue", actor="ann", why="merged"
        )
        drained(log, repository, work, options=options)
        assert "COMPLETE" == phase_of(log, "two").status
        assert "by hand" == row_of(log, "one").how


def _made(folder):
    folder.mkdir()
    git(folder, "init", "--quiet")
    return folder


def test_what_was_checked_is_merged_though_its_worker_was_lost(log, repository, monkeypatch):
    """The next attempt takes the commit, and its executor is not called again."""
    from autopack_git.integration import Integration

    called = []

    def work(phase, attempt):
        called.append(attempt.number)
        return writes()(phase, attempt)

    def lost(*_given):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Integration, "merge", lost)
        with pytest.raises(KeyboardInterrupt):
            drained(log, repository, work, PhaseSpec("one"))
    drained(log, repository, work)

    assert [1] == called
    assert "one.txt" in files_at(repository, "autopack/r")
    assert ("COMPLETE", 2) == (phase_of(log, "one").status, phase_of(log, "one").attempts)


@pytest.mark.parametrize("method", ["move", "_record"])
def test_no_branch_of_rebased_work_is_left_by_a_lost_worker(log, repository, monkeypatch, method):
    """Lost before its rebased commit was merged, or after that and before the log knew."""
    from autopack_git import integration

    def work(phase, attempt):
        if phase.phase_id == "two":
            commit(repository, {"b.txt": "theirs\n"}, "Theirs")
        return writes()(phase, attempt)

    def lost(*given, **_named):
        if "two" in str(given) or method == "move":
            raise KeyboardInterrupt

    options = {"integrate": "rebase"}
    place = integration if method == "move" else integration.Integration
    with monkeypatch.context() as patched:
        patched.setattr(place, method, lost)
        with pytest.raises(KeyboardInterrupt):
            drained(log, repository, work, PhaseSpec("two"), options=options)
    drained(log, repository, writes(), options=options)

    assert "COMPLETE" == phase_of(log, "two").status
    assert {"a.txt", "b.txt", "two.txt"} == files_at(repository, "main").keys()
    assert ["main"] == branches(repository)


def test_programs_work_in_the_tree(log, repository):
    """The executor ``command`` runs there, and can be told where that is."""
    code = 'printf "%s\\n%s\\n%s\\n" "$1" "$AUTOPACK_WORKSPACE" "$(pwd)" > at.txt'
    work = CommandExecutor(["sh", "-c", code, "sh", "{workspace}"])
    drained(log, repository, work, PhaseSpec("one"))
    told = files_at(repository, "autopack/r")["at.txt"].splitlines()

    assert 1 == len(set(told))
    assert told[0] == str(Path(row_of(log, "one").path).resolve())


def test_the_command_line_takes_it_by_name(tmp_path, repository):
    """With its options; what is no name and no folder is refused."""
    log, bin_ = tmp_path / "cli.db", Path(sys.executable).with_name("autopack")
    spec = tmp_path / "run.json"
    spec.write_text('{"phases": [{"id": "one"}]}')

    def call(*words):
        return subprocess.run(
            [bin_, "--log", log, *words], cwd=repository, capture_output=True, text=True,
            timeout=60, check=False,
        )  # fmt: skip

    call("log", "create", log)
    call("run", "create", "r", "--phases", str(spec))
    wrong = call("drain", "--workspace", "wortree", "--", "true")
    bad = call("drain", "--workspace", "worktree", "-w", "integrate=merge", "--", "true")
    done = call(
        "drain", "--workspace", "worktree", "-w", "integrate=rebase", "--", "sh", "-c", "echo > b"
    )

    assert (2, 2, 0) == (wrong.returncode, bad.returncode, done.returncode), done.stderr
    assert "Registered: worktree" in wrong.stderr
    assert "one of 'branch', 'fast-forward', 'rebase', 'ask'" in bad.stderr
    assert (repository / "b").exists()


def test_a_drain_is_gone_on_with_as_it_was(log, repository):
    """Name and options come from the log."""
    autopack.create_run(log, "r", [PhaseSpec("one"), PhaseSpec("two")])
    wanted = {"name": "worktree", "repository": str(repository), "integrate": "rebase"}
    autopack.drain(log, executor=writes(), workspace=wanted, max_phases=1)
    autopack.drain(log, executor=writes(), resumes="last", max_phases=2)

    assert {"a.txt", "one.txt", "two.txt"} == files_at(repository, "main").keys()


def test_every_worktree_that_is_gone_is_recorded_so(log, repository):
    """One event for each, that names what is kept."""
    drained(log, repository, writes(), PhaseSpec("one"), PhaseSpec("two"))
    closed = [recorded.event for recorded in log.read_all(types=[WorkspaceClosed])]

    assert ["one", "two"] == [event.phase_id for event in closed]
    assert {(None, "its work is merged")} == {(event.kept, event.why) for event in closed}

"""Checks and worktrees: before there is any work, on what was done, and on what was rebased."""

import threading

from tests.repositories import files_at, new_repository, trees, write

import autopack
from autopack import PhaseRef, PhaseSpec
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

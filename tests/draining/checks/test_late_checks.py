"""Checks of work that has ended, before it is merged: which of them run, and what that decides."""

import pytest

import autopack
from autopack import (
    Completed,
    PhaseSpec,
    create_log,
    create_run,
    drain,
    export_history,
    recheck,
    restore_log,
)
from autopack.draining.checks.late_checks import late_checks
from autopack.errors import InvalidInputError
from autopack.ports.check_specs import checks_of
from autopack.ports.workspaces import WorkspaceRow
from drains import found, works

FAILS = {"name": "fails", "run": ["sh", "-c", "echo first; echo no; false"]}
ROW = WorkspaceRow(run_id="c", phase_id="p", attempt=1, position=1)


def gives(phase, live):
    """Record a call, and give one text."""
    works(phase, live)
    return Completed({"a.md": "text"})


def late(log, folder, of_drain=None):
    """Return what the checks of the phase say of a folder."""
    return late_checks(log, checks_of(of_drain, may_be_object=True))(ROW, folder)


@pytest.mark.parametrize(
    ("of_phase", "of_run", "of_drain", "first", "says"),
    [
        (FAILS, None, None, None, "check fails failed: no"),
        (None, FAILS, ["true"], None, "check fails failed: no"),
        (None, None, ["true"], FAILS, "check fails failed: no"),
        (None, None, FAILS, ["true"], None),
        (None, None, FAILS, None, "check fails failed: no"),
        (["true"], FAILS, FAILS, None, None),
        (None, None, None, None, None),
    ],
    ids=["phase", "run", "failing drain", "passing drain", "merging drain", "nearest", "none"],
)
def test_the_nearest_checks_hold(any_log, tmp_path, of_phase, of_run, of_drain, first, says):
    """The phase's, else its run's, else of the drain that did it, else of the one that merges."""
    create_run(any_log, "c", [PhaseSpec("p", check=of_phase, max_attempts=1)], check=of_run)
    drain(any_log, executor=gives, check=first)

    assert says == late(any_log, tmp_path, of_drain)


def test_they_see_the_folder_and_what_was_given(any_log, tmp_path):
    """The verdict is recorded by whom it was asked for, beside the first."""
    seen = []

    def looks(work):
        seen.append((work.by, work.folder, work.workspace, dict(work.outputs), work.attempt))
        return True

    create_run(any_log, "c", [PhaseSpec("p")])
    drain(any_log, executor=gives, check=looks)

    assert late(any_log, tmp_path, looks) is None
    assert ("sweep", tmp_path, tmp_path, {"a.md": "text"}, 1) == seen[-1]
    last = found(any_log, "phase.checked")[-1]
    assert ("sweep", 1, None) == (last.by, last.attempt, last.lease_token)


def test_a_function_that_nobody_has_any_more_is_no_pass(any_log, tmp_path):
    """Unless somebody names a check here."""
    create_run(any_log, "c", [PhaseSpec("p")])
    drain(any_log, executor=gives, check=lambda _work: True)

    assert "not in the log" in late(any_log, tmp_path)
    assert late(any_log, tmp_path, ["true"]) is None


def test_figures_of_checks_leave_it_out(any_log, tmp_path):
    """It looked at the work of others as well, and is no truth about the first verdict."""
    create_run(any_log, "c", [PhaseSpec("p")])
    others = tmp_path / "theirs"
    drain(any_log, executor=gives, check={"name": "alone", "run": ["test", "!", "-e", str(others)]})
    others.touch()
    late(any_log, tmp_path)
    (figures,) = autopack.checks(any_log)

    assert ("alone", 1, 0) == (figures.check, figures.passed, figures.false_passes.known)
    assert [False] == [one.success for one in autopack.list_samples(any_log)]


def test_what_a_restored_drain_named_runs_nothing_here(tmp_path):
    """Neither before a merge nor at a recheck: it is somebody's word."""
    mark = tmp_path / "mark"
    with create_log(tmp_path / "theirs.db") as theirs:
        create_run(theirs, "c", [PhaseSpec("p")])
        drain(theirs, executor=gives, check=["touch", str(mark)])
        export_history(theirs, "ndjson", tmp_path / "log.ndjson")
    mark.unlink()
    with restore_log(tmp_path / "log.ndjson", tmp_path / "ours.db") as log:
        assert "not in the log, or came" in late(log, tmp_path)
        with pytest.raises(InvalidInputError):
            recheck(log, "c")

    assert not mark.exists()

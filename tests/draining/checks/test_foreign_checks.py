"""Checks that came with a log from elsewhere run nothing until somebody names them here."""

import pytest

from autopack import (
    PhaseSpec,
    create_log,
    create_run,
    drain,
    export_history,
    fork_run,
    import_history,
    list_phases,
    restore_log,
)
from drains import found, states


@pytest.fixture(params=["import", "restore"])
def brought(request, tmp_path):
    """A log with a run of another one, whose checks would leave a mark."""
    mark = tmp_path / "mark"
    with create_log(tmp_path / "theirs.db") as theirs:
        check = ["touch", str(mark)]
        create_run(theirs, "r", [PhaseSpec("own", check=check), PhaseSpec("runs")], check=check)
        export_history(theirs, "ndjson", tmp_path / "log.ndjson")
    if request.param == "restore":
        log = restore_log(tmp_path / "log.ndjson", tmp_path / "ours.db")
    else:
        log = create_log(tmp_path / "ours.db")
        create_run(log, "before", [])
        import_history(log, "ndjson", tmp_path / "log.ndjson")
    with log:
        yield log, mark


def test_what_was_brought_runs_nothing(brought):
    """A person is asked, before anything is done."""
    log, mark = brought
    begun = []
    drain(log, executor=lambda phase, _live: begun.append(phase.key), run_id="r")

    assert ([], False) == (begun, mark.exists())
    assert {"own": "GATED", "runs": "GATED"} == states(log)
    assert all("import or a restore" in one.question for one in found(log, "phase.gated"))


def test_what_is_named_here_is_run(brought):
    """The drain's own check takes the place of what was brought."""
    log, mark = brought
    drain(log, executor=lambda _phase, _live: None, run_id="r", check=["true"])

    assert {"own": "COMPLETE", "runs": "COMPLETE"} == states(log)
    assert {"true"} == {one.check for one in found(log, "phase.checked")}
    assert not mark.exists()


def test_a_fork_of_what_was_brought_runs_nothing(brought):
    """Nor does a fork of that fork: who repeats what came from elsewhere has not read it."""
    log, mark = brought
    fork_run(log, "r", "fork")
    fork_run(log, "fork", "again")
    for run in ("fork", "again"):
        drain(log, executor=lambda _phase, _live: None, run_id=run)

    assert not mark.exists()
    assert {"GATED"} == {one.status.value for one in list_phases(log, "again")}

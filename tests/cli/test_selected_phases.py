"""Many phases decided at once: those that failed, in one way, or are called alike."""

import pytest

import autopack
from autopack import Failed, PhaseSpec

CLASSES = {"a1": "validation", "a2": "execution", "b1": "execution"}


@pytest.fixture
def log_path(tmp_path):
    """A log with three phases that failed, one that is done and one that is queued."""
    path = tmp_path / "work.db"

    def executor(phase, attempt):
        if phase.phase_id in CLASSES:
            why = f"{phase.phase_id[0]} is wrong"
            return Failed("wrong", why, retryable=False, failure_class=CLASSES[phase.phase_id])
        return "done"

    with autopack.create_log(path) as log:
        autopack.create_run(log, "r", [PhaseSpec(name) for name in [*CLASSES, "c1"]])
        autopack.drain(log, executor=executor)
        autopack.queue_phases(log, "r", [PhaseSpec("d1")])
    return path


def states(path):
    """Return the state of each phase of the run."""
    with autopack.open_log(path) as log:
        return {phase.phase_id: phase.status.value for phase in autopack.list_phases(log, "r")}


@pytest.mark.parametrize(
    ("options", "meant"),
    [
        (["--failed"], {"a1", "a2", "b1"}),
        (["--class", "execution"], {"a2", "b1"}),
        (["--match", "a*"], {"a1", "a2"}),
        (["--class", "execution", "--match", "a*"], {"a2"}),
        (["--match", "c*"], set()),
    ],
)
def test_those_that_are_selected_are_put_back(cli, log_path, options, meant):
    """All that the options say of a phase must be so; what cannot be put back is left alone."""
    before = states(log_path)
    result = cli("--log", log_path, "phase", "requeue", "r", *options)
    after = states(log_path)

    assert 0 == result.exit_code
    assert meant == {name for name in after if after[name] != before[name]}
    assert {"QUEUED"} >= {after[name] for name in meant}
    assert f"{len(meant)} phase" in result.stdout


def test_a_fingerprint_selects_those_that_failed_alike(cli, log_path):
    """As the status names it."""
    with autopack.open_log(log_path) as log:
        fingerprint = autopack.get_phase(log, "r/a1").fingerprint
    cli("--log", log_path, "phase", "requeue", "r", "--fingerprint", fingerprint)

    assert {"a1", "a2", "d1"} == {name for name, s in states(log_path).items() if s == "QUEUED"}


def test_many_are_skipped_and_called_off_with_a_reason(cli, log_path):
    """What cannot be taken back asks why."""
    refused = cli("--log", log_path, "phase", "cancel", "r", "--failed")
    cli("--log", log_path, "phase", "skip", "r", "--match", "a*", "--why", "no longer asked")
    cli("--log", log_path, "run", "cancel", "r", "--why", "enough")

    assert 2 == refused.exit_code
    assert {"a1": "SKIPPED", "a2": "SKIPPED", "b1": "CANCELLED", "c1": "COMPLETE"} == {
        name: state for name, state in states(log_path).items() if name != "d1"
    }
    assert "CANCELLED" == states(log_path)["d1"]


def test_a_phase_beside_a_selection_is_refused(cli, log_path):
    """One phase, or some of a run."""
    result = cli("--log", log_path, "phase", "requeue", "r/a1", "--failed")

    assert 2 == result.exit_code
    assert "Name a RUN alone" in result.stderr

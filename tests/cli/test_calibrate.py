"""``autopack calibrate`` over several logs, with options, and back again."""

import json

import pytest


@pytest.fixture
def two(cli, run_log, executors, tmp_path):
    """Return two logs of two attempts each."""
    other = tmp_path / "other.db"
    cli("log", "create", other)
    cli("--log", other, "run", "create", "r2", "--phases", tmp_path / "run.toml")
    for path in (run_log, other):
        cli("--log", path, "drain", "--executor", f"{executors}:works")
    return run_log, other


def test_evidence_of_several_logs(cli, two):
    """The proposal names each log and how far it was read."""
    log, other = two
    found = json.loads(
        cli("--log", log, "calibrate", "--also", other, "--min-samples", 2, "--json").stdout
    )

    assert 4 == found["samples_used"]
    assert 2 == len({one["log_id"] for one in found["logs"]})


def test_options_of_a_calibrator(cli, two):
    """They follow the name, and wrong ones are refused."""
    calibrator = "median-ratio:damping=0.5,max_change=2"
    found = json.loads(
        cli("--log", two[0], "calibrate", "--calibrator", calibrator, "--json").stdout
    )
    refused = cli("--log", two[0], "calibrate", "--calibrator", "median-ratio:dampen=1")

    assert (0.5, 2) == (found["settings"]["damping"], found["settings"]["max_change"])
    assert all(one["proposed_multiplier"] == 0.5 for one in found["groups"])
    assert (2, True) == (refused.exit_code, "has no option dampen" in refused.stderr)


def test_apply_insisting_and_roll_back(cli, two, tmp_path):
    """Below the gates it takes a reason; the way back takes one too, and both are told."""
    log = two[0]
    cli("--log", log, "calibrate", "--out", tmp_path / "out")
    (report,) = (tmp_path / "out").glob("*.json")
    refused = cli("--log", log, "calibrate", "apply", report)
    applied = cli("--log", log, "calibrate", "apply", report, "--force-why", "a trial")
    back = cli("--log", log, "calibrate", "rollback", "--why", "it was one", "--json")
    history = cli("--log", log, "calibrate", "history").stdout

    assert (2, 0, 0) == (refused.exit_code, applied.exit_code, back.exit_code)
    assert ("deliverables-1", {}) == (
        json.loads(back.stdout)["version"],
        json.loads(back.stdout)["multipliers"],
    )
    assert "a trial" in history
    assert "it was one" in history


def test_the_coefficients_of_any_day(cli, two, tmp_path):
    """Replay shows them before and after, and an estimate can be asked by either."""
    log = two[0]
    cli("--log", log, "calibrate", "--out", tmp_path / "out")
    (report,) = (tmp_path / "out").glob("*.json")
    before = json.loads(cli("--log", log, "log", "info", "--json").stdout)["head"]
    cli("--log", log, "calibrate", "apply", report, "--force-why", "a trial")
    replay = ["--log", log, "replay", "--projection", "coefficients", "--json"]
    then, now = (
        json.loads(cli(*replay, *until).stdout)["rows"]["deliverables"]["multipliers"]
        for until in (["--until", before], [])
    )
    asked = ["estimate", "--category", "tests", "--complexity", "low", "--json"]
    old, new = (
        json.loads(cli("--log", log, *asked, *until).stdout)["predicted_output_tokens"]
        for until in (["--until", before], [])
    )

    assert ({}, True) == (then, "tests/low" in now)
    assert new == pytest.approx(old * now["tests/low"], abs=1)


@pytest.mark.parametrize(("place", "is_foreign"), [(0, False), (1, True)])
def test_evidence_of_another_log_is_said_loudly(cli, two, tmp_path, place, is_foreign):
    """Both logs are named, with the way back; a log's own evidence needs no word."""
    cli("--log", two[0], "calibrate", "--out", tmp_path / "out")
    (report,) = (tmp_path / "out").glob("*.json")
    ids = [json.loads(cli("--log", path, "log", "info", "--json").stdout)["log_id"] for path in two]
    done = cli("--log", two[place], "calibrate", "apply", report, "--force-why", "a", "--json")
    warned = [line for line in done.stderr.splitlines() if line.startswith("WARNING")]

    assert 0 == done.exit_code
    assert is_foreign == bool(warned)
    assert not warned or (all(one in warned[0] for one in ids) and "rollback" in warned[0])
    assert "deliverables" == json.loads(done.stdout)["estimator"]


def test_a_restored_log_takes_the_evidence_of_its_parent(cli, two, tmp_path):
    """It holds the same events, so the proposal is of its own."""
    cli("--log", two[0], "calibrate", "--out", tmp_path / "out")
    (report,) = (tmp_path / "out").glob("*.json")
    cli("--log", two[0], "log", "backup", tmp_path / "copy.db")
    cli("log", "restore", tmp_path / "copy.db", tmp_path / "again.db")
    done = cli("--log", tmp_path / "again.db", "calibrate", "apply", report, "--force-why", "a")

    assert (0, False) == (done.exit_code, "WARNING" in done.stderr)


def test_nothing_to_roll_back(cli, two):
    """It is refused, and nothing changes."""
    done = cli("--log", two[0], "calibrate", "rollback", "--why", "why not")

    assert (2, True) == (done.exit_code, "nothing to roll back" in done.stderr)

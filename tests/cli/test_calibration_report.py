"""``autopack calibrate report`` writes one file of the kind that its ending says, or prints."""

import json

import pytest


@pytest.fixture
def drained(cli, run_log, executors):
    """Return a log of two attempts."""
    cli("--log", run_log, "drain", "--executor", f"{executors}:works")
    return run_log


@pytest.mark.parametrize(
    ("name", "start"), [("r.html", "<!doctype html>"), ("r.md", "# Calib"), ("r.json", "{")]
)
def test_files(cli, drained, tmp_path, name, start):
    """The ending decides what is written."""
    done = cli("--log", drained, "calibrate", "report", tmp_path / name)

    assert (0, "") == (done.exit_code, done.stdout)
    assert (tmp_path / name).read_text(encoding="utf-8").startswith(start)


def test_printed(cli, drained):
    """Without a file the report is printed, as Markdown or JSON."""
    data = json.loads(cli("--log", drained, "calibrate", "report", "--json").stdout)

    assert (2, 2) == (data["samples"], data["judged"])
    assert "# Calibration report" in cli("--log", drained, "calibrate", "report").stdout


def test_a_file_that_is_there(cli, drained, tmp_path):
    """It is left as it is, unless somebody insists."""
    path = tmp_path / "r.md"
    path.write_text("mine", encoding="utf-8")
    refused = cli("--log", drained, "calibrate", "report", path)
    kept = path.read_text(encoding="utf-8")
    cli("--log", drained, "calibrate", "report", path, "--replace")

    assert (2, "mine") == (refused.exit_code, kept)
    assert "is there already" in refused.stderr
    assert path.read_text(encoding="utf-8").startswith("# Calib")


@pytest.mark.parametrize(
    ("name", "message"), [("r.pdf", "must end in .html"), ("none/r.md", "There is no folder")]
)
def test_wrong_files(cli, drained, tmp_path, name, message):
    """Another kind, or a folder that is not there, is refused."""
    done = cli("--log", drained, "calibrate", "report", tmp_path / name)

    assert 2 == done.exit_code
    assert message in done.stderr

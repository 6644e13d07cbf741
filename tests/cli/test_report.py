"""``autopack report``: the morning's page, on a terminal or in a file."""

import json

import pytest


@pytest.fixture
def drained(cli, run_log, executors):
    """A log of two phases, of which one failed."""
    cli("--log", run_log, "drain", "--executor", f"{executors}:works", "--max-phases", "1")
    cli("--log", run_log, "drain", "--executor", f"{executors}:fails")
    return run_log


def test_it_is_printed_for_people(cli, drained):
    """With what to type next, which can be pasted."""
    result = cli("--log", drained, "report", "r")

    assert 0 == result.exit_code
    assert result.stdout.startswith("r: 1 of 2 done  (")
    assert "two of nine tests failed" in result.stdout
    assert f"  autopack --log {drained} phase requeue r --failed" in result.stdout.splitlines()


def test_without_a_run_it_is_of_all_since(cli, drained):
    """The last day, or since a time."""
    assert "Since yesterday" in cli("--log", drained, "report").stdout
    assert "Since" in cli("--log", drained, "report", "--since", "-1h").stdout
    assert "No phase was worked on." in cli("--log", drained, "report", "--since", "now").stdout


@pytest.mark.parametrize(
    ("name", "start"),
    [("r.html", "<!doctype html>"), ("r.md", "# r: 1 of 2"), ("r.txt", "r: 1 of")],
)
def test_the_ending_of_a_file_says_its_kind(cli, drained, tmp_path, name, start):
    """And nothing is printed on stdout."""
    result = cli("--log", drained, "report", "r", "--to", tmp_path / name)

    assert (0, "") == (result.exit_code, result.stdout)
    assert (tmp_path / name).read_text(encoding="utf-8").startswith(start)
    assert f"wrote {tmp_path / name}" in result.stderr


def test_a_format_can_be_said(cli, drained, tmp_path):
    """Also on stdout."""
    assert cli("--log", drained, "report", "r", "--format", "markdown").stdout.startswith("# r: 1")
    cli("--log", drained, "report", "r", "--to", tmp_path / "page", "--format", "html")

    assert (tmp_path / "page").read_text(encoding="utf-8").startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--to", "r.pdf"), "must end in .html, .md or .txt"),
        (("--to", "none/r.md"), "There is no folder"),
        (("--since", "soon"), "neither a position (120) nor a time"),
        (("--since", "3"), "--since is a time here"),
        (("x",), "There is no run 'x'"),
    ],
)
def test_what_cannot_be_is_refused(cli, drained, tmp_path, monkeypatch, words, said):
    """Exit 2, nothing printed, nothing written."""
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    result = cli("--log", drained, "report", *words)

    assert (2, "") == (result.exit_code, result.stdout)
    assert said in result.stderr
    assert before == sorted(tmp_path.iterdir())


def test_a_file_that_is_there_is_left(cli, drained, tmp_path):
    """Unless --replace insists."""
    path = tmp_path / "r.md"
    path.write_text("mine", encoding="utf-8")
    refused = cli("--log", drained, "report", "r", "--to", path)
    kept = path.read_text(encoding="utf-8")
    cli("--log", drained, "report", "r", "--to", path, "--replace")

    assert (2, "mine") == (refused.exit_code, kept)
    assert path.read_text(encoding="utf-8").startswith("# r: 1")


def test_json_has_all_of_it(cli, drained):
    """Unknown is null."""
    found = json.loads(cli("--log", drained, "report", "r", "--json").stdout)

    assert {"COMPLETE": 1, "FAILED": 1} == found["phases_by_state"]
    assert (None, 1) == (found["total"]["cost_usd"], found["total"]["calls"])
    assert [(1, "two of nine tests failed")] == [
        (kind["phases"], kind["message"]) for kind in found["failures"]
    ]

"""Work that a person looks at before it counts as complete, on the command line."""

import json

import pytest

RUN_FILE = """\
[[phases]]
id = "manual"
category = "docs"
complexity = "low"
deliverables = ["docs/manual.md"]
labels = { gate = "Is the manual fit to be published?" }
"""


@pytest.mark.parametrize(("decision", "state"), [("approve", "COMPLETE"), ("reject", "FAILED")])
def test_a_run_file_asks_and_the_command_line_answers(cli, log_path, tmp_path, decision, state):
    """The status shows the question, show the work, and the answer is recorded."""
    (tmp_path / "run.toml").write_text(RUN_FILE)
    (tmp_path / "work.py").write_text(
        "def execute(phase, attempt):\n"
        "    from autopack import Completed\n"
        "    return Completed(outputs={'docs/manual.md': '# Manual'})\n"
    )
    log = ("--log", log_path)
    cli(*log, "run", "create", "r", "--phases", tmp_path / "run.toml")
    drained = cli(*log, "drain", "--executor", f"{tmp_path / 'work.py'}:execute")
    status = cli(*log, "status")
    text = cli(*log, "phase", "text", "r/manual", "docs/manual.md")
    cli(*log, "phase", decision, "r/manual", "--why", "read it")
    shown = json.loads(cli(*log, "phase", "show", "r/manual", "--json").stdout)
    halted = json.loads(cli(*log, "status", "--json").stdout)["failures"]

    assert 0 == drained.exit_code
    assert "1 waiting for you" in drained.stdout
    assert "Is the manual fit to be published?" in status.stdout
    assert "# Manual\n" == text.stdout
    assert (state, "read it", ["docs/manual.md"]) == (
        shown["status"], shown["reason"], list(shown["outputs"]),
    )  # fmt: skip
    assert (["rejected"] if state == "FAILED" else []) == [one["code"] for one in halted]


def test_a_phase_is_added_with_a_gate(cli, run_log):
    """``phase add --label gate=QUESTION``; a label without a text is refused."""
    log = ("--log", run_log)
    given = ("phase", "add", "r", "--id", "a", "--category", "docs", "--complexity", "low")
    added = cli(*log, *given, "--label", "gate=Fit?", "--label", "team=docs")
    refused = cli(*log, *given, "--label", "gate")
    shown = json.loads(cli(*log, "phase", "show", "r/a", "--json").stdout)

    assert (0, 2) == (added.exit_code, refused.exit_code)
    assert {"gate": "Fit?", "team": "docs"} == shown["labels"]

"""A run's answers in files, and a run from a table."""

import json
from pathlib import Path

import pytest

import autopack
from autopack import Completed


def executor(phase, attempt):
    """Give a text, a file of a name that leads elsewhere, or two files."""
    attempt.record_usage(model="m", input_tokens=3, output_tokens=4, cost_usd="0.01")
    if phase.phase_id == "two":
        return Completed({"a.md": "A", "../../b.md": "B"})
    return f"{phase.goal} {phase.category}"


@pytest.fixture
def log_path(cli, tmp_path, monkeypatch):
    """A log with a run of a table, done but for what was added since."""
    monkeypatch.chdir(tmp_path)
    Path("t.csv").write_text("nr,ask\none,1st\ntwo,2nd\n")
    autopack.create_log("work.db").close()
    made = cli(
        "--log", "work.db", "run", "create", "r",
        "--from", "t.csv", "--id", "nr", "--goal", "ask", "--category", "docs",
    )  # fmt: skip
    assert "Created run r with 2 phases" in made.stdout
    with autopack.open_log("work.db") as log:
        autopack.drain(log, executor=executor)
        autopack.queue_phases(log, "r", [autopack.PhaseSpec("left")])
    return "work.db"


def test_outputs_are_written_as_lines(cli, log_path):
    """Each phase has its line; one that was not begun has no figures."""
    cli("--log", log_path, "run", "outputs", "r", "--jsonl", "out.jsonl")
    shown = cli("--log", log_path, "run", "outputs", "r", "--jsonl", "-")
    lines = [json.loads(line) for line in Path("out.jsonl").read_text().splitlines()]

    assert [("one", "COMPLETE", "1st docs", 7), ("left", "QUEUED", None, None)] == [
        (line["id"], line["state"], line["output"], line["tokens"])
        for line in lines
        if line["id"] != "two"
    ]
    assert shown.stdout == Path("out.jsonl").read_text()


def test_outputs_are_written_as_files_that_stay_in_their_folder(cli, log_path):
    """Whatever an output is called; a folder that holds something is left alone."""
    result = cli("--log", log_path, "run", "outputs", "r", "--to", "out")
    again = cli("--log", log_path, "run", "outputs", "r", "--to", "out")
    files = {str(path.relative_to("out")): path.read_text() for path in Path("out").rglob("*.*")}

    assert 0 == result.exit_code
    assert {"two/a.md": "A", "two/_.._b.md": "B"} == files
    assert "1st docs" == Path("out/one/result").read_text()
    assert 2 == again.exit_code
    assert "is not empty" in again.stderr


def test_a_run_is_shown_with_what_each_phase_used(cli, log_path):
    """Tokens, dollars and seconds; what nobody told is left out."""
    shown = cli("--log", log_path, "run", "show", "r").stdout

    assert "tokens" in shown
    assert "0.0100" in shown
    assert ["left", "QUEUED", "0"] == shown.splitlines()[-1].split()[:3]


def test_a_phase_that_told_of_no_call_is_shown_so(cli, log_path):
    """In words, which who runs a program of their own reads in each row."""
    with autopack.open_log(log_path) as log:
        autopack.drain(log, executor=lambda phase, attempt: None)
    shown = cli("--log", log_path, "run", "show", "r").stdout

    assert shown.splitlines()[-1].endswith("told of no call")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ([], "Say what is to be done, once"),
        (["--phases", "x.toml", "--from", "t.csv"], "Say what is to be done, once"),
        (["--phases", "x.toml", "--id", "nr"], "belong to --from"),
        (["--from", "t.csv", "--id", "rn"], "Did you mean 'nr'?"),
    ],
)
def test_a_run_comes_from_one_place(cli, log_path, options, told):
    """A file of phases, or a table with its columns."""
    result = cli("--log", log_path, "run", "create", "s", *options)

    assert 2 == result.exit_code
    assert told in result.stderr

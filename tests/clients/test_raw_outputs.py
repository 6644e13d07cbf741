"""Every raw output of a real client is read as the table says, and as its server counted."""

import csv
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from autopack.draining.executors.claude import Claude
from autopack.draining.executors.codex import Codex
from autopack.draining.executors.session_calls import Surroundings
from raw_outputs import Case, cases, played, told

EXPECTED = tomllib.loads((Path(__file__).parent / "expected.toml").read_text(encoding="utf-8"))

UNTOLD = {
    ("claude-1.0.128", "ok.stream-json"), ("claude-1.0.128", "midcut.json"),
    ("claude-1.0.128", "midcut.stream-json"), ("claude-2.1.332", "verbose-json"),
}  # fmt: skip
"""What the client itself counts otherwise than its server, and does not say; or nobody counted."""

CLIENTS = ["claude-1.0.128", "claude-2.1.332", "codex-0.171.0", "gemini-0.61.0",
           "opencode-1.18.33", "qwen-0.15.10"]  # fmt: skip


def of(clients_data: Path, client: str) -> list[Case]:
    """The raw outputs of one client."""
    return [case for case in cases(clients_data / "outputs") if case.client == client]


def row(case: Case) -> dict[str, Any]:
    """What the table says of an output, with what it leaves out."""
    given = EXPECTED[case.client][case.name]
    names = ("state", "class", "code", "stop_reason")
    known = {name: given.get(name) for name in names}
    return {**known, "tokens": given["tokens"], "is_least": given.get("is_least", False)}


@pytest.mark.slow
@pytest.mark.parametrize("client", CLIENTS)
def test_each_output_is_read_as_the_table_says(clients_data, client):
    """Its state, class, code, stop reason and tokens."""
    found, wanted = {}, {}
    for case in of(clients_data, client):
        with capture_logs():
            known = told(played(case, exit_code=EXPECTED[client][case.name].get("exit_code")))
        tokens = [known.pop("input_tokens"), known.pop("output_tokens")]
        del known["facts"]
        found[case.name], wanted[case.name] = {**known, "tokens": tokens}, row(case)

    assert wanted == found


def test_the_table_has_each_output_and_no_other(clients_data):
    """A new output has to be judged."""
    listed = {(client, name) for client, rows in EXPECTED.items() for name in rows}

    assert listed == {(case.client, case.name) for case in cases(clients_data / "outputs")}


def test_the_evidence_is_in_the_output(clients_data):
    """Each judgement rests on words that the client printed, or on how it ended."""
    missing = [
        (case.client, case.name)
        for case in cases(clients_data / "outputs")
        for where, words in EXPECTED[case.client][case.name]["evidence"].items()
        if words not in case.text("meta.json" if where == "meta" else where).decode()
    ]

    assert [] == missing


def test_tokens_are_those_that_the_server_counted(clients_data):
    """But where the client does not know them, and what is recorded is marked as the least."""
    with (clients_data / "outputs" / "truth.csv").open(encoding="utf-8") as file:
        truth = {(one["folder"], one["case"]): one for one in csv.DictReader(file)}
    wrong = [
        (key, given["tokens"], counted)
        for key, one in truth.items()
        if key not in UNTOLD and not (given := EXPECTED[key[0]][key[1]]).get("is_least")
        if given["tokens"] != (counted := [int(one["input_tokens"]), int(one["output_tokens"])])
    ]

    assert [] == wrong


@pytest.mark.parametrize(
    ("tool", "preset", "variable", "home"),
    [
        ("claude-code-2.1.332", Claude, "CLAUDE_CONFIG_DIR", "dot-claude"),
        ("codex-0.171.0", Codex, "CODEX_HOME", "dot-codex"),
    ],
)
def test_a_killed_session_is_found_in_the_clients_files(clients_data, tool, preset, variable, home):
    """Of each session that was one process: as the server counted, whatever had been printed."""
    folder = clients_data / "histories" / tool
    processes = json.loads((folder / "truth.json").read_text())["processes"]
    place = Surroundings(env={variable: str(folder / home)})
    found, counted = {}, {}
    for one in processes:
        session, totals = one["session"], one["answered_totals"]
        if one["scenario"] == "resume" or session is None:
            continue
        reader = preset().reader("t", place)
        for line in (
            {"type": "system", "subtype": "init", "session_id": session},
            {"type": "thread.started", "thread_id": session},
        ):
            reader.line(json.dumps(line))
        reader.finish(None)
        calls = [c for later in reader.calls for c in later.calls(lambda _id: {}, print)]
        label = one["label"]
        found[label] = [sum(c[f"{way}_tokens"] for c in calls) for way in ("input", "output")]
        counted[label] = [totals["input_with_cache"], totals["output"]]

    assert counted == found

"""The preset ``llm``: what the client logged of a prompt is told, whatever its version."""

import json
import os
import sys

import pytest
from structlog.testing import capture_logs

from autopack import CommandExecutor, PhaseSpec, create_run, drain
from autopack.draining.executors.llm_program import finish_of, rows_of, usage_of
from autopack.events import LlmUsageRecorded, PhaseCompleted, PhaseFailed

DETAILS = json.dumps({"completion_tokens_details": {"reasoning_tokens": 101},
                      "prompt_tokens_details": {"cached_tokens": 5000}})  # fmt: skip


def fake(folder, monkeypatch, *, table="turns", finish="stop", code=0, error="", sleep_s=0):
    """Put a program ``llm`` on the PATH that logs a call as that version does, and answers."""
    response = {"choices": [{"finish_reason": finish}]} if table == "responses" else {
        "finish_reason": finish}  # fmt: skip
    row = ("01abc", sys_model := "loop", None, json.dumps({"max_tokens": 400}),
           json.dumps(response), 133, 5950, 314, DETAILS)  # fmt: skip
    place = folder / "bin"
    place.mkdir()
    path = place / "llm"
    path.write_text(
        f"#!{sys.executable}\nimport sqlite3, sys, time\n"
        "given = sys.argv[1:]\ndatabase = given[given.index('-d') + 1]\n"
        f"time.sleep({sleep_s})\n"
        "connection = sqlite3.connect(database)\n"
        f"connection.execute('CREATE TABLE {table} (id, model, resolved_model, options_json, "
        "response_json, duration_ms, input_tokens, output_tokens, token_details)')\n"
        f"if {code} == 0:\n"
        f"    connection.execute('INSERT INTO {table} VALUES (?,?,?,?,?,?,?,?,?)', {row!r})\n"
        "connection.commit()\n"
        f"sys.stderr.write({error!r})\n"
        "model = given[given.index('-m') + 1]\n"
        f"print(sys.stdin.read().upper() + ' ' + model) if {code} == 0 else 0\n"
        f"sys.exit({code})\n"
    )
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{place}{os.pathsep}{os.environ['PATH']}")
    return sys_model


def run(log, **settings):
    """Drain one phase; return how it ended, and its calls."""
    spec = PhaseSpec("p", category="x", complexity="low", goal="do it", model="m1", max_attempts=1)
    create_run(log, "r", [spec])
    with capture_logs():
        drain(log, executor=CommandExecutor(preset="llm", grace_s=0.2), max_phases=1, **settings)
    ended = [r.event for r in log.read_all(types=[PhaseCompleted, PhaseFailed])]
    return ended, [r.event for r in log.read_all(types=[LlmUsageRecorded])]


@pytest.mark.parametrize("table", ["turns", "responses"])
def test_a_prompt_is_a_call_as_the_client_logged_it(sqlite_log, tmp_path, monkeypatch, table):
    """With its answer as the result."""
    fake(tmp_path, monkeypatch, table=table)
    (ended,), (call,) = run(sqlite_log)

    assert "DO IT m1" == sqlite_log.artifacts.get(ended.outputs["result"])
    assert (5950, 5000, 314, 101, 400, "stop", 0.133, "llm", "loop") == (
        call.input_tokens, call.cache_read_tokens, call.output_tokens, call.reasoning_tokens,
        call.max_tokens, call.stop_reason, call.duration_s, call.provider, call.response_model,
    )  # fmt: skip


def test_a_cut_answer_is_truncated(sqlite_log, tmp_path, monkeypatch):
    """The client exits with 0."""
    fake(tmp_path, monkeypatch, finish="length")
    (ended,), (call,) = run(sqlite_log)

    assert ("truncated", True) == (ended.failure_class, call.truncated)


def test_a_refused_prompt_has_no_call(sqlite_log, tmp_path, monkeypatch):
    """Its status is a fact."""
    fake(tmp_path, monkeypatch, code=1, error="Error: Error code: 401 - Incorrect API key")
    (ended,), calls = run(sqlite_log)

    assert ([], "auth", 401) == (calls, ended.failure_class, ended.source_fields["http_status"])


def test_a_prompt_that_was_ended_used_what_nobody_knows(sqlite_log, tmp_path, monkeypatch):
    """It is not taken for nothing."""
    fake(tmp_path, monkeypatch, sleep_s=600)
    spec = PhaseSpec("p", category="x", complexity="low", goal="do it", model="m1", max_attempts=1)
    create_run(sqlite_log, "r", [spec])
    with capture_logs():
        report = drain(sqlite_log, executor=CommandExecutor(preset="llm", grace_s=0.2), timeout_s=2)

    assert (1, 1) == (report.timed_out, report.unreadable)


def test_a_client_that_is_not_there_says_so(sqlite_log, tmp_path, monkeypatch):
    """As a program that was not found."""
    monkeypatch.setenv("PATH", str(tmp_path))
    (ended,), calls = run(sqlite_log)

    assert ([], "invalid_request") == (calls, ended.failure_class)


@pytest.mark.parametrize(
    "row", [{}, {"token_details": "[", "response_json": "3", "options_json": None},
            {"response_json": '{"choices": [1]}', "token_details": '{"prompt_tokens_details": 1}'}]
)  # fmt: skip
def test_what_is_not_logged_is_not_known(tmp_path, row):
    """An older or another database loses nothing but that."""
    (tmp_path / "logs.db").write_bytes(b"no database at all, but something else")

    assert ([], None) == (rows_of(tmp_path / "logs.db"), finish_of(row))
    assert {"provider": "llm"} == usage_of(row)

"""Executors and their options as a command line names them."""

import json
import os
import sys

import pytest


@pytest.fixture
def fake_claude(tmp_path, monkeypatch):
    """Put a program named ``claude`` on the path, that prints a result object."""
    told = {
        "type": "result", "subtype": "success", "is_error": False, "duration_ms": 900,
        "num_turns": 1, "result": "done", "stop_reason": "end_turn", "total_cost_usd": 0.02,
        "usage": {"input_tokens": 5, "output_tokens": 7},
        "modelUsage": {"m": {"inputTokens": 5, "outputTokens": 7, "costUSD": 0.02}},
    }  # fmt: skip
    program = tmp_path / "bin" / "claude"
    program.parent.mkdir()
    program.write_text(f"#!{sys.executable}\nprint({json.dumps(told)!r})\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")


def test_a_preset_alone_drains(cli, run_log, fake_claude):
    """--preset names the executor as well; usage, cost and what ran are on record."""
    result = cli("--log", run_log, "drain", "--preset", "claude", "--json")
    report = json.loads(result.stdout.splitlines()[-1])

    assert 0 == result.exit_code
    assert (2, 2, 24) == (report["completed"], report["calls"], report["total_tokens"])


def test_a_command_drains(cli, run_log, tmp_path):
    """--command is a JSON list; options are NAME=VALUE."""
    mark = tmp_path / "mark"
    command = [sys.executable, "-c", "import sys; open(sys.argv[1], 'a').write(sys.stdin.read())",
               str(mark)]  # fmt: skip
    result = cli(
        "--log", run_log, "drain", "--command", json.dumps(command), "-x", "stdin={phase_id};",
        "-x", "capture_bytes=1000",
    )  # fmt: skip

    assert 0 == result.exit_code
    assert "p1;p2;" == mark.read_text()


def test_options_go_to_any_executor(cli, run_log):
    """The options of a registered class are its keyword arguments."""
    result = cli(
        "--log", run_log, "drain", "--executor", "recorded", "--json", "-x", "failure_share=0",
        "-x", "zero_usage_share=1", "-x", "latency_scale=0",
    )  # fmt: skip

    assert {"success_no_llm_calls": 2} == json.loads(result.stdout.splitlines()[-1])["zero_yield"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "Name an executor"),
        (["--command", "claude -p {goal}"], "give a JSON list"),
        (["--command", '["x", "{gaol}"]'], "Did you mean {goal}?"),
        (["--command", "[]"], "names no program"),
        (["--command", '["no-such-program"]'], "There is no program 'no-such-program'"),
        (["--preset", "cloud"], "Known: claude, codex"),
        (["--executor", "recorded", "--preset", "claude"], "belong to --executor command"),
        (["--executor", "command"], "needs a command"),
        (["--executor", "recorded", "-x", "sede=3"], "has no option sede"),
        (["--executor", "recorded", "-x", "seed"], "give NAME=VALUE"),
        (["--preset", "claude", "-x", "grace_s=soon"], "grace_s is 'soon'"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(cli, run_log, events_of, arguments, told):
    """Exit 2, what happened and what to do, the log as it was."""
    before = events_of(run_log)
    result = cli("--log", run_log, "drain", *arguments)

    assert 2 == result.exit_code
    assert told in result.stderr
    assert before == events_of(run_log)

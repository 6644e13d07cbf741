"""What clients tell of their plans' windows before these are used up."""

import json
import sys
from datetime import UTC, datetime

import pytest

from autopack import CommandExecutor, create_run, drain
from autopack.draining.executors.claude import ClaudeReader
from autopack.draining.executors.claude_outcome import windows_of
from autopack.draining.executors.codex_rollouts import windows_of as codex_windows
from drains import found, specs

RESET = 1_795_841_173
AT = datetime.fromtimestamp(RESET, UTC)
ALLOWED = {
    "status": "allowed_warning",
    "resetsAt": RESET,
    "rateLimitType": "five_hour",
    "unifiedWindows": {
        "five_hour": {"utilization": 0.83, "resetsAt": RESET, "status": "allowed_warning"},
        "seven_day": {"utilization": 0.2, "resetsAt": RESET + 86_400, "status": "allowed"},
    },
}


def report(window, utilization, resets_at, source="claude"):
    return {
        "window": window,
        "utilization": utilization,
        "resets_at": resets_at,
        "source": source,
    }


def test_claude_tells_each_window_of_a_plan():
    """Also while the session goes on, which is then not refused."""
    reader = ClaudeReader("token")
    reader.line(json.dumps({"type": "rate_limit_event", "rate_limit_info": ALLOWED}))
    told = {one["window"]: one for one in reader.limits}

    assert {"five_hour", "seven_day"} == told.keys()
    assert report("five_hour", 0.83, AT) == told["five_hour"]
    assert {} == reader.facts


@pytest.mark.parametrize(
    ("info", "told"),
    [
        ({"rateLimitType": "five_hour"}, [report("five_hour", None, None)]),
        (
            {"rateLimitType": "five_hour", "utilization": 0.5, "resetsAt": RESET},
            [report("five_hour", 0.5, AT)],
        ),
        ({"unifiedWindows": {"x": {"utilization": "most", "resetsAt": True}}},
         [report("x", None, None)]),
        ({"unifiedWindows": {"x": {"utilization": -1, "resetsAt": 10**15}}},
         [report("x", None, None)]),
        ({"unifiedWindows": ["x"], "rateLimitType": 7}, []),
        ({}, []),
    ],
)  # fmt: skip
def test_what_is_odd_is_not_known(info, told):
    """A client's figures are no reason to fail."""
    assert told == windows_of(info)


def test_codex_tells_its_windows_by_percent():
    """In the thread's file; those that are missing or empty are left out."""
    limits = {
        "primary": {"used_percent": 42.5, "window_minutes": 300, "resets_at": RESET},
        "secondary": {"used_percent": None, "window_minutes": 10_080},
        "credits": None,
    }

    assert [
        report("primary", 0.425, AT, "codex"),
        report("secondary", None, None, "codex"),
    ] == codex_windows(limits)
    assert [] == codex_windows({"primary": None, "secondary": []})


def test_what_a_program_tells_is_in_the_log(any_log, tmp_path):
    """On the stream of its preset's provider."""
    lines = [
        {"type": "rate_limit_event", "rate_limit_info": ALLOWED},
        {"type": "result", "subtype": "success", "is_error": False, "result": "done"},
    ]
    said = tmp_path / "said.jsonl"
    said.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    program = [sys.executable, "-c", "import sys; print(open(sys.argv[1]).read())", str(said)]
    create_run(any_log, "r", specs("p"))
    report = drain(any_log, executor=CommandExecutor(program, preset="claude"))
    told = {event.window: event for event in found(any_log, "limit.reported")}

    assert 1 == report.completed
    assert {("anthropic", "claude")} == {(one.account, one.source) for one in told.values()}
    assert (0.83, AT) == (told["five_hour"].utilization, told["five_hour"].resets_at)

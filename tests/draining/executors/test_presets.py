"""Presets read what ``claude`` and ``codex`` really print."""

import json
import os
import sys
from decimal import Decimal

import pytest

from autopack import CommandExecutor, PhaseSpec, create_run, drain, hookimpl, load_plugins
from autopack.draining.executors.json_lines import ProgramReader
from autopack.events import LlmUsageRecorded, PhaseCompleted, PhaseFailed, PhaseTimedOut
from autopack.log.log import Log
from programs import CODEX_START, INIT, RESULT, codex_turn, message, printing, script


@pytest.fixture
def log(sqlite_log: Log) -> Log:
    """A log with the run ``r`` of one phase ``p``."""
    spec = PhaseSpec("p", category="tests", complexity="low", goal="do it", model="sonnet",
                     max_attempts=1)  # fmt: skip
    create_run(sqlite_log, "r", [spec])
    return sqlite_log


def run(log: Log, preset: str, command: list[str], **settings: object) -> tuple:
    """Drain the log with a command of a preset; return the ending and the calls."""
    timeout_s = settings.pop("timeout_s", 30)
    executor = CommandExecutor(command, preset=preset, **settings)
    drain(log, executor=executor, timeout_s=timeout_s, max_phases=1)
    found = [recorded.event for recorded in log.read_all()]
    endings = [e for e in found if isinstance(e, PhaseCompleted | PhaseFailed | PhaseTimedOut)]
    return endings[0], [e for e in found if isinstance(e, LlmUsageRecorded)]


@pytest.mark.parametrize("form", ["json", "pretty", "array", "stream"])
def test_a_claude_result_is_usage_per_model(log, tmp_path, form):
    """Input includes the cache, costs add up to the session's, the ending is the main model's."""
    stream = [INIT, message(1), message(1), message(2), RESULT]
    if form in ("pretty", "array"):
        text = json.dumps(RESULT if form == "pretty" else stream, indent=2)
        command = script(tmp_path, f"print({text!r})")
    else:
        command = printing(tmp_path, *([RESULT] if form == "json" else stream))
    ended, calls = run(log, "claude", command)
    main, helper = sorted(calls, key=lambda call: -(call.output_tokens or 0))

    assert ("claude-sonnet-5", 2409 + 29104 + 1617801, 1617801, 29104, 15946) == (
        main.response_model, main.input_tokens, main.cache_read_tokens,
        main.cache_write_tokens, main.output_tokens,
    )  # fmt: skip
    assert ("claude-haiku-4-5", 340, 52, Decimal("0.000598")) == (
        helper.response_model, helper.input_tokens, helper.output_tokens, helper.cost_usd,
    )  # fmt: skip
    assert Decimal("1.4020935") == main.cost_usd + helper.cost_usd
    assert ("end_turn", False, 251.052, "reported", "measured", "anthropic") == (
        main.stop_reason, main.truncated, main.duration_s, main.cost_source, main.split,
        main.provider,
    )  # fmt: skip
    assert (41, "success") == (main.source_fields["num_turns"], main.source_fields["subtype"])
    assert "The module is written." == log.artifacts.get(ended.outputs["result"])


def test_a_claude_result_without_models_is_one_call(log, tmp_path):
    """Where modelUsage is missing or tells less than usage, the session is one call."""
    thin = {"claude-sonnet-5": {"inputTokens": 0, "outputTokens": 52, "costUSD": 0.1}}
    _ended, calls = run(log, "claude", printing(tmp_path, INIT, {**RESULT, "modelUsage": thin}))
    (call,) = calls

    assert (1649314, 15946, Decimal("1.4020935"), "claude-sonnet-5") == (
        call.input_tokens, call.output_tokens, call.cost_usd, call.response_model,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "code", "kind"),
    [
        ({"stop_reason": "max_tokens"}, "truncated", "truncated"),
        ({"subtype": "error_max_turns", "is_error": True, "result": None,
          "errors": ["Reached maximum number of turns (40)"]}, "error_max_turns", "boundary"),
        ({"subtype": "error_max_turns", "result": None}, "error_max_turns", "boundary"),
        ({"is_error": True, "result": 'API Error: 529 {"type":"error","error":{}}'},
         "session_error", "overloaded"),
        ({"is_error": True, "result": "Claude AI usage limit reached|1755806400"},
         "session_error", "usage_limit"),
        ({"subtype": "error_during_execution", "is_error": True, "result": "it broke"},
         "error_during_execution", "execution"),
    ],
)  # fmt: skip
def test_a_claude_session_that_failed(log, tmp_path, changes, code, kind):
    """The subtype, the error flag and the stop reason make a failure; its usage counts."""
    ended, calls = run(log, "claude", printing(tmp_path, {**RESULT, **changes}, code=1))

    assert (code, kind) == (ended.code, ended.failure_class)
    assert 2 == len(calls)
    assert (code == "truncated") == any(call.truncated for call in calls)


def test_a_claude_session_that_got_no_answer(log, tmp_path):
    """Who is not let in has used nothing, and nobody else would be let in."""
    said = {"is_error": True, "result": "Invalid API key · Please run /login"}
    nothing = {"usage": None, "modelUsage": None, "total_cost_usd": 0}
    ended, calls = run(log, "claude", printing(tmp_path, INIT, {**RESULT, **said, **nothing}))

    assert ("session_error", "auth", []) == (ended.code, ended.failure_class, calls)


def test_a_truncated_claude_session_escalates(sqlite_log, tmp_path):
    """It fails as truncated, and the next attempt is told of a larger budget, as an event."""
    spec = PhaseSpec("p", category="tests", complexity="low", goal="do it", max_attempts=2)
    create_run(sqlite_log, "r", [spec])
    cut = json.dumps({**RESULT, "stop_reason": "max_tokens"})
    text = (
        f"import os, sys\nopen({str(tmp_path / 'budgets')!r}, 'a').write("
        f"os.environ['AUTOPACK_BUDGET_TOKENS'] + ' ')\nprint({cut!r})\n"
    )
    executor = CommandExecutor(script(tmp_path, text), preset="claude")
    drain(sqlite_log, executor=executor, max_phases=2)
    kinds = [recorded.type for recorded in sqlite_log.read_all()]
    first, second = map(int, (tmp_path / "budgets").read_text().split())

    assert 1 == kinds.count("budget.escalated")
    assert first < second


def test_a_claude_result_without_usage_has_a_zero_yield_reason(log, tmp_path):
    """Nothing is made up where nothing was told."""
    bare = {name: RESULT[name] for name in ("type", "subtype", "is_error", "result")}
    ended, calls = run(log, "claude", printing(tmp_path, bare))

    assert ([], "success_no_llm_calls") == (calls, ended.zero_yield_reason)


def test_output_that_is_no_result_is_said(log, tmp_path):
    """A program whose JSON output is not on completes, and the summary says what is missing."""
    ended, calls = run(log, "claude", script(tmp_path, "print('Done.')"))

    assert ([], "success_no_llm_calls") == (calls, ended.zero_yield_reason)
    assert "is its JSON output on?" in ended.summary


@pytest.mark.slow
def test_a_killed_claude_session_leaves_what_its_messages_told(log, tmp_path):
    """Each message counts once; its output is no measurement, so no calibrator sees it."""
    stream = [INIT, message(1), message(1), message(2, output_tokens=8),
              message(3, model="claude-haiku-4-5")]  # fmt: skip
    command = printing(tmp_path, *stream, then="import time; time.sleep(600)")
    ended, calls = run(log, "claude", command, timeout_s=1.0, grace_s=0.2)

    assert isinstance(ended, PhaseTimedOut)
    assert [
        ("claude-sonnet-5", 2208, 11, "inferred"), ("claude-haiku-4-5", 1104, 3, "inferred"),
    ] == [(c.response_model, c.input_tokens, c.output_tokens, c.split) for c in calls]  # fmt: skip


def test_a_codex_turn_is_a_call(log, tmp_path):
    """Cached input is part of the input; no cost and no model is made up."""
    ended, calls = run(log, "codex", printing(tmp_path, CODEX_START, *codex_turn()))
    (call,) = calls

    assert (20142, 12160, 122, 64, 20264, None, "unknown", "sonnet", "openai") == (
        call.input_tokens, call.cache_read_tokens, call.output_tokens, call.reasoning_tokens,
        call.total_tokens, call.cost_usd, call.cost_source, call.request_model, call.provider,
    )  # fmt: skip
    assert "Done." == log.artifacts.get(ended.outputs["result"])


def test_later_codex_turns_count_what_they_added(log, tmp_path):
    """A turn tells the thread's sum so far; one that tells less begins anew."""
    turns = [
        *codex_turn(input_tokens=100, cached_input_tokens=50, output_tokens=10,
                    reasoning_output_tokens=0),
        *codex_turn(input_tokens=400, cached_input_tokens=150, output_tokens=70,
                    reasoning_output_tokens=30),
        *codex_turn(input_tokens=30, cached_input_tokens=0, output_tokens=5,
                    reasoning_output_tokens=0),
    ]  # fmt: skip
    _ended, calls = run(log, "codex", printing(tmp_path, CODEX_START, *turns))

    assert [(100, 10), (300, 60), (30, 5)] == [(c.input_tokens, c.output_tokens) for c in calls]
    assert 3 == len({call.call_id for call in calls})


LIMIT = json.dumps(
    {"type": "error", "status": 429,
     "error": {"type": "usage_limit_reached", "message": "Please try again in 20s."}}
)  # fmt: skip


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        ([{"type": "turn.failed", "error": {"message": LIMIT}}], "usage_limit"),
        ([{"type": "error", "message": "stream disconnected before completion"}], "connection"),
        ([{"type": "error", "message": "Reconnecting... 1/5 (high demand)"},
          {"type": "turn.failed", "error": {"message": "exceeded retry limit, status 401"}}],
         "auth"),
        ([{"type": "turn.failed", "error": {}}], "execution"),
    ],
)  # fmt: skip
def test_a_codex_turn_that_failed(log, tmp_path, told, kind):
    """The turn's error decides, read out of the provider's JSON; never without a message."""
    command = printing(tmp_path, CODEX_START, {"type": "turn.started"}, *told, code=1)
    ended, calls = run(log, "codex", command)

    assert ("turn_failed", kind, []) == (ended.code, ended.failure_class, calls)
    assert ended.message


def test_an_error_that_codex_got_over_is_none(log, tmp_path):
    """A turn that completes after reconnecting has completed."""
    hiccup = {"type": "error", "message": "Reconnecting... 1/5"}
    ended, _calls = run(log, "codex", printing(tmp_path, CODEX_START, hiccup, *codex_turn()))

    assert isinstance(ended, PhaseCompleted)


@pytest.mark.parametrize(
    ("preset", "told", "arguments", "prompt"),
    [
        ("claude", RESULT, ["-p", "--output-format", "stream-json", "--verbose", "--model",
                            "sonnet"], "do it"),
        ("codex", codex_turn()[-1], ["exec", "--json", "--model", "sonnet", "-"], "do it"),
    ],
)  # fmt: skip
def test_a_preset_calls_its_program(log, tmp_path, monkeypatch, preset, told, arguments, prompt):
    """Without a command the preset's own is run, with the prompt on standard input."""
    fake = tmp_path / "bin" / preset
    fake.parent.mkdir()
    text = json.dumps(told)
    fake.write_text(
        f"#!{sys.executable}\nimport json, sys\nprint({text!r})\n"
        "json.dump([sys.argv[1:], sys.stdin.read()], sys.stderr)\n",
        encoding="utf-8",
    )
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}{os.pathsep}{os.environ['PATH']}")
    drain(log, executor=CommandExecutor(preset=preset))
    (ended,) = (r.event for r in log.read_all(types=[PhaseCompleted]))

    assert [arguments, prompt] == json.loads(log.artifacts.get(ended.artifacts["stderr"]))


class Counted:
    """A preset of somebody's own, whose program prints how many tokens it used."""

    name, command, stdin = "counted", ("echo", "tokens 5"), None

    def reader(self, lease_token, place):
        class Reader(ProgramReader):
            def line(self, text):
                word, _, tokens = text.partition(" ")
                if word == "tokens":
                    self.calls.append({"model": "own-1", "output_tokens": int(tokens)})
                super().line(text)

        assert place.cwd is not None
        return Reader(lease_token)


class CountedPlugin:
    """Registers it."""

    @hookimpl
    def autopack_register_presets(self, register):
        register("counted", Counted)


def test_a_plugin_brings_a_preset(log, tmp_path):
    """It is known by its name beside the library's own, and read as they are."""
    registry = load_plugins(extra=[CountedPlugin()])
    preset = registry.resolve("preset", "counted")
    report = drain(log, executor=CommandExecutor(preset=preset, cwd=tmp_path))

    assert ["claude", "codex", "counted", "gemini", "llm", "opencode", "qwen"] == registry.names(
        "preset"
    )
    assert (1, 5) == (report.completed, report.total_tokens)

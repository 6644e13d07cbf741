"""What Gemini CLI, Qwen Code and opencode print: figures by their own rules, errors as facts."""

import json
import os
import sys

import pytest

from autopack import CommandExecutor, PhaseSpec, create_run, drain
from autopack.draining.executors.gemini import Gemini
from autopack.draining.executors.opencode import Opencode
from autopack.draining.executors.provider_errors import facts_in, last_facts_in
from autopack.draining.executors.qwen import Qwen
from autopack.events import LlmUsageRecorded, PhaseCompleted
from autopack.ports.work import Completed, Failed


def read(preset, *lines, whole=None, aside="", returncode=0):
    """Hand lines to a reader; return it."""
    reader = preset().reader("t")
    for line in lines:
        reader.line(json.dumps(line))
    reader.finish("\n".join(map(json.dumps, lines)) if whole is None else whole)
    reader.aside(aside)
    reader.ended(returncode)
    return reader


def figures(reader):
    """The figures of its only call."""
    (call,) = reader.calls
    names = ("input_tokens", "cache_read_tokens", "output_tokens", "reasoning_tokens")
    return [call.get(name) for name in names]


G_INIT = {"type": "init", "session_id": "g1", "model": "gemini-2.5-pro"}
G_STATS = {"total_tokens": 6264, "input_tokens": 5950, "output_tokens": 212, "cached": 5000}
G_TOKENS = {"input": 950, "prompt": 5950, "candidates": 212, "total": 6264, "cached": 5000,
            "thoughts": 102, "tool": 0}  # fmt: skip


def gemini_result(status="success", stats=G_STATS, **more):
    """The last line of a stream of Gemini's."""
    return {"type": "result", "status": status,
            "stats": {**stats, "models": {"gemini-2.5-pro": stats}}, **more}  # fmt: skip


def test_gemini_leaves_its_thoughts_out_of_the_output():
    """Ours hold them; a stream tells them by its total alone."""
    streamed = read(Gemini, G_INIT, gemini_result())
    document = {"session_id": "g1", "response": "done",
                "stats": {"models": {"gemini-2.5-pro": {"tokens": G_TOKENS}}}}  # fmt: skip
    whole = read(Gemini, whole=json.dumps(document, indent=1))

    assert [[5950, 5000, 314, 102]] * 2 == [figures(streamed), figures(whole)]
    assert {"result": "done"} == whole.outcome.outputs


def test_geminis_answer_is_what_came_after_the_last_tool():
    """In pieces, joined."""
    said = [{"type": "message", "role": "assistant", "content": text, "delta": True}
            for text in ("look", "do", "ne")]  # fmt: skip
    tool = {"type": "tool_result", "status": "success"}
    reader = read(Gemini, G_INIT, said[0], tool, *said[1:], gemini_result())

    assert {"result": "done"} == reader.outcome.outputs


def test_a_refused_gemini_session_has_no_call_and_tells_why():
    """The provider's JSON is in the message."""
    zeros = dict.fromkeys(G_STATS, 0)
    said = '[API Error: {"error":{"message":"No.","code":"invalid_api_key","type":"bad"}}]'
    reader = read(Gemini, G_INIT, gemini_result("error", zeros, error={"message": said}))

    assert [] == reader.calls
    assert {"error": "invalid_api_key", "error_type": "bad", "said": "No."} == (
        reader.outcome.source_fields
    )


def test_gemini_without_a_result_fails_by_what_it_told_people():
    """It exits with 0 when it is ended while it tries again."""
    aside = (
        'Attempt 1 failed with status 429. Retrying... _ApiError: {"error":{"code":429,'
        '"message":"Resource has been exhausted","status":"RESOURCE_EXHAUSTED"}}\n  status: 429\n}'
    )
    reader = read(Gemini, G_INIT, aside=aside)

    assert ("no_result", None) == (reader.no_result.code, reader.outcome)
    assert (429, "RESOURCE_EXHAUSTED") == (reader.facts["http_status"], reader.facts["error"])
    assert reader.is_usage_lost


Q_INIT = {"type": "system", "subtype": "init", "session_id": "q1", "model": "qwen3-coder-plus",
          "qwen_code_version": "0.15.10"}  # fmt: skip
Q_USAGE = {"input_tokens": 5950, "output_tokens": 314, "cache_read_input_tokens": 5000}
Q_ZERO = dict.fromkeys(Q_USAGE, 0)


def qwen_message(usage=Q_USAGE, text="done"):
    """A message of Qwen's stream."""
    return {"type": "assistant", "session_id": "q1", "message": {
        "id": "m1", "model": "qwen3-coder-plus", "usage": usage,
        "content": [{"type": "text", "text": text}]}}  # fmt: skip


def qwen_result(usage=Q_USAGE, text="done", **more):
    """Qwen's result."""
    return {"type": "result", "subtype": "success", "is_error": False, "session_id": "q1",
            "result": text, "usage": usage, "duration_api_ms": 1500, **more}  # fmt: skip


def test_qwens_input_holds_the_cache():
    """Unlike Claude's, whose shapes it prints; its statistics know the thoughts."""
    tokens = {"prompt": 5950, "candidates": 314, "total": 6264, "cached": 5000, "thoughts": 102}
    stats = {"models": {"qwen3-coder-plus": {"tokens": tokens}}}
    lines = [Q_INIT, qwen_message(), qwen_result(stats=stats)]
    listed = read(Qwen, whole=json.dumps(lines, indent=1))
    streamed = read(Qwen, Q_INIT, qwen_message(), qwen_result())

    assert [5950, 5000, 314, 102] == figures(listed)
    assert [5950, 5000, 314, None] == figures(streamed)
    assert 1.5 == streamed.calls[0]["duration_s"]


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ("[API Error: 401 Incorrect API key provided.]", {"http_status": 401}),
        ("The work is [API Error: terminated (cause: other side closed)]",
         {"said": "terminated (cause: other side closed)"}),
    ],
)  # fmt: skip
def test_qwens_errors_are_told_as_its_answer(text, facts):
    """With success and exit code 0."""
    reader = read(Qwen, Q_INIT, qwen_message(Q_ZERO, text), qwen_result(Q_ZERO, text))

    assert [] == reader.calls
    assert facts.items() <= reader.outcome.source_fields.items()


def test_an_answer_of_qwens_may_quote_an_error():
    """The model wrote it, since it used tokens."""
    text = "It printed [API Error: 401 no]"
    reader = read(Qwen, Q_INIT, qwen_message(text=text), qwen_result(text=text))

    assert isinstance(reader.outcome, Completed)


def test_a_killed_qwen_session_used_what_its_messages_told():
    """At least."""
    reader = read(Qwen, Q_INIT, qwen_message(), returncode=-15)

    assert [5950, 5000, 314, None] == figures(reader)
    assert reader.is_usage_lost


def step(reason="stop", **more):
    """The end of a step of opencode's."""
    tokens = {"total": 6264, "input": 950, "output": 212, "reasoning": 102,
              "cache": {"write": 0, "read": 5000}}  # fmt: skip
    part = {"id": "p1", "messageID": "m1", "reason": reason, "tokens": tokens, "cost": 0.00302}
    return {"type": "step_finish", "sessionID": "s", "part": {**part, **more}}


O_START = {"type": "step_start", "sessionID": "s", "part": {"id": "p0", "messageID": "m1"}}
O_TEXT = {"type": "text", "sessionID": "s", "part": {"messageID": "m1", "text": "done"}}


def test_a_step_of_opencodes_is_a_call():
    """Its input leaves the cache out, and its output the reasoning."""
    reader = read(Opencode, O_START, O_TEXT, step())

    assert [5950, 5000, 314, 102] == figures(reader)
    assert ("0.00302", "stop") == (
        str(reader.calls[0]["cost_usd"]), reader.calls[0]["stop_reason"],
    )  # fmt: skip
    assert {"result": "done"} == reader.outcome.outputs


def test_opencode_cuts_an_answer_with_exit_code_0():
    """The step's reason says so."""
    reader = read(Opencode, O_START, O_TEXT, step("length"))

    assert ("truncated", "done") == (reader.outcome.failure_class, reader.outcome.excerpt)


def test_an_answer_of_opencodes_in_parts_is_one():
    """A thought may stand between them; a part that is told again is told anew."""

    def said(text, part, message="m1"):
        return {"type": "text", "part": {"id": part, "messageID": message, "text": text}}

    answer = [said('{"pages": ["on', "1"), said('{"pages": ["one", ', "1"), said('"two"]}', "2")]
    reader = read(Opencode, O_START, said("let me see", "0", "m0"), *answer, step())

    assert Completed({"result": (whole := '{"pages": ["one", "two"]}')}, whole) == reader.outcome


def test_opencode_that_calls_a_tool_has_not_ended():
    """Another step follows, or it was broken off."""
    reader = read(Opencode, O_START, step("tool-calls"), returncode=-15)

    assert (None, "no_result") == (reader.outcome, reader.no_result.code)
    assert reader.is_usage_lost


def test_an_error_of_opencodes_is_told_as_facts():
    """Its status, the provider's own code, and how long to wait."""
    data = {
        "message": "Rate limit",
        "statusCode": 429,
        "responseHeaders": {"retry-after": "7"},
        "responseBody": '{"error": {"code": "rate_limit_exceeded", "type": "requests"}}',
    }
    reader = read(Opencode, {"type": "error", "error": {"name": "APIError", "data": data}})

    assert (7.0, 429, "rate_limit_exceeded") == (
        reader.outcome.retry_after_s, reader.outcome.source_fields["http_status"],
        reader.outcome.source_fields["error"],
    )  # fmt: skip


@pytest.mark.parametrize("preset", [Gemini, Qwen, Opencode])
@pytest.mark.parametrize(("returncode", "is_lost"), [(-15, True), (None, True), (1, False)])
def test_of_a_client_that_was_ended_in_silence_nothing_is_known(preset, returncode, is_lost):
    """It prints its figures last; one that fails at once has not begun."""
    assert is_lost == read(preset, whole="", returncode=returncode).is_usage_lost


@pytest.mark.parametrize("text", ["", "{", "status: abc", '{"error": 1}', "[API Error: ", "\x00{}"])
def test_an_odd_sentence_has_no_facts_and_is_no_error(text):
    """Whatever it holds, it is read."""
    assert not {"http_status", "error"} & {*facts_in(text), *last_facts_in(text)}


@pytest.mark.parametrize(
    ("preset", "lines", "arguments"),
    [
        ("gemini", [G_INIT, gemini_result()],
         ["--output-format", "stream-json", "-m", "m1", "-p", "do it"]),
        ("qwen", [Q_INIT, qwen_message(), qwen_result()],
         ["--output-format", "stream-json", "-m", "m1", "-p", "do it"]),
        ("opencode", [O_START, O_TEXT, step()],
         ["run", "--format", "json", "--model", "m1", "do it"]),
    ],
)  # fmt: skip
def test_a_preset_calls_its_program(sqlite_log, tmp_path, monkeypatch, preset, lines, arguments):
    """With the phase's model and prompt; its usage is recorded."""
    fake = tmp_path / "bin" / preset
    fake.parent.mkdir()
    text = "\n".join(map(json.dumps, lines))
    fake.write_text(
        f"#!{sys.executable}\nimport json, sys\nprint({text!r})\n"
        "json.dump(sys.argv[1:], sys.stderr)\n"
    )
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}{os.pathsep}{os.environ['PATH']}")
    spec = PhaseSpec("p", category="x", complexity="low", goal="do it", model="m1")
    create_run(sqlite_log, "r", [spec])
    drain(sqlite_log, executor=CommandExecutor(preset=preset))
    (ended,) = (r.event for r in sqlite_log.read_all(types=[PhaseCompleted]))
    (call,) = (r.event for r in sqlite_log.read_all(types=[LlmUsageRecorded]))

    assert arguments == json.loads(sqlite_log.artifacts.get(ended.artifacts["stderr"]))
    assert (6264, 314) == (call.total_tokens, call.output_tokens)
    assert not isinstance(ended, Failed)

"""Chats of Qwen Code: what its telemetry tells of each answer, else its messages."""

import pytest
from histories_kit import bring, calls, check_order_and_repeats, events, importer, write_lines
from hypothesis import given
from hypothesis import strategies as st

from autopack import status
from autopack.testing.importers import ImporterContract


def line(key, second, kind, **more):
    return {
        "uuid": key, "sessionId": "s-1", "timestamp": f"2026-03-02T10:00:{second:02}.000Z",
        "type": kind, "cwd": "/home/u/shop", "version": "0.15.10", **more,
    }  # fmt: skip


def asked(key, second):
    return line(key, second, "user", message={"role": "user", "parts": [{"text": "Mend it"}]})


def told(key, second, output=30, **more):
    event = {
        "event.name": "qwen-code.api_response", "response_id": key, "model": "q-1",
        "duration_ms": 250,
        "input_token_count": 100, "output_token_count": output, "cached_content_token_count": 60,
        "thoughts_token_count": 10, "total_token_count": 100 + output, **more,
    }  # fmt: skip
    return line(
        f"t-{key}", second, "system", subtype="ui_telemetry", systemPayload={"uiEvent": event}
    )


def answered(key, second, output=30, *parts):
    usage = {
        "promptTokenCount": 100, "candidatesTokenCount": output, "thoughtsTokenCount": 10,
        "cachedContentTokenCount": 60, "totalTokenCount": 100 + output,
    }  # fmt: skip
    message = {"role": "model", "parts": list(parts) or [{"text": "Done"}]}
    return line(key, second, "assistant", model="q-1", message=message, usageMetadata=usage)


CHAT = [
    asked("u-1", 0),
    told("r-1", 1),
    answered("a-1", 1, 30, {"functionCall": {}}),
    line("x", 2, "tool_result", message={"parts": [{"functionResponse": {}}]}),
    told("r-2", 3, 40),
    answered("a-2", 3, 40),
    told("r-3", 4, 7, subagent_name="memory", thoughts_token_count=0),
]


class TestQwen(ImporterContract):
    """It keeps what every importer promises."""

    def make(self):
        return importer("qwen-code")

    def write_source(self, folder):
        return write_lines(folder / "s-1.jsonl", CHAT)


def test_telemetry_tells_every_call(log, tmp_path):
    """Messages repeat what the telemetry told; a helper's call is told there alone."""
    bring(log, "qwen-code", write_lines(tmp_path / "s-1.jsonl", CHAT))

    assert {"r-1": 30, "r-2": 40, "r-3": 7} == {
        k: c["output_tokens"] for k, c in calls(log).items()
    }
    roles = {event.call_id: event.role for event in events(log, "llm.usage_recorded")}
    assert {"r-1": "builder", "r-2": "builder", "r-3": "helper"} == roles
    assert 377 == status(log).total_tokens


def test_without_telemetry_messages_do(log, tmp_path):
    """A chat of a client that tells no telemetry is read by its messages."""
    lines = [one for one in CHAT if one["type"] != "system"]
    bring(log, "qwen-code", write_lines(tmp_path / "s-1.jsonl", lines))

    assert ["a-1", "a-2"] == sorted(calls(log))
    assert 270 == status(log).total_tokens
    assert {"u-1"} == {event.phase_id for event in events(log, "llm.usage_recorded")}


def test_output_without_thoughts_is_told_by_the_total(log, tmp_path):
    """Where the total holds the thoughts besides the output, they are added to it."""
    path = write_lines(tmp_path / "s-1.jsonl", [asked("u", 0), told("r", 1, total_token_count=140)])
    bring(log, "qwen-code", path)

    assert 40 == calls(log)["r"]["output_tokens"]


@pytest.mark.parametrize("bad", [-1, "many", 0.5])
def test_counts_that_are_none_are_set_aside(log, tmp_path, bad):
    """One bad record is counted by its reason; the others are there."""
    lines = [*CHAT, told("r-9", 9, input_token_count=bad)]
    report = bring(log, "qwen-code", write_lines(tmp_path / "s-1.jsonl", lines))

    assert {"calls with counts that are none": 1} == report.findings["set_aside"]
    assert 3 == status(log).calls


@given(seed=st.integers(0, 10**6))
def test_order_and_repeats_do_not_matter(tmp_path_factory, seed):
    """Lines and files in any order, any of them again, over several imports: the same totals."""
    other = [{**one, "sessionId": "s-2"} for one in (asked("u-9", 1), told("r-9", 2, 44))]
    files = {"s-1.jsonl": CHAT, "s-2.jsonl": other}
    check_order_and_repeats(tmp_path_factory.mktemp("x"), "qwen-code", files, seed)

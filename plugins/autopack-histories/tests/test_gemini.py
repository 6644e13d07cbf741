"""Chats of Gemini CLI: answers once, thoughts among the output."""

import json

import pytest
from histories_kit import bring, calls, check_order_and_repeats, events, importer, write_lines
from hypothesis import given
from hypothesis import strategies as st

from autopack import status
from autopack.testing.importers import ImporterContract

HEAD = {
    "sessionId": "s-1",
    "projectHash": "abc",
    "startTime": "2026-03-02T10:00:00Z",
    "kind": "main",
}


def at(second):
    return f"2026-03-02T10:00:{second:02}.000Z"


def asked(key, second, text="Mend it"):
    return {"id": key, "timestamp": at(second), "type": "user", "content": [{"text": text}]}


def answered(key, second, output=20, **more):
    tokens = {
        "input": 100,
        "output": output,
        "cached": 60,
        "thoughts": 5,
        "tool": 0,
        "total": 105 + output,
    }
    told = {"id": key, "timestamp": at(second), "type": "gemini", "content": "", "model": "g-1"}
    return {**told, "tokens": tokens, **more}


CHAT = [
    HEAD,
    {"$set": {"messages": [asked("d04923bb", 0, "context")]}},
    asked("u-1", 1),
    answered("a-1", 2),
    {"$set": {"lastUpdated": at(2)}},
    answered("a-1", 2, toolCalls=[{"name": "run"}]),
    {"id": "u-x", "timestamp": at(3), "type": "user", "content": [{"functionResponse": {}}]},
    answered("a-2", 4, 30),
]


class TestGemini(ImporterContract):
    """It keeps what every importer promises."""

    def make(self):
        return importer("gemini-cli")

    def write_source(self, folder):
        return write_lines(folder / "session-1.jsonl", CHAT)


def test_output_holds_the_thoughts(log, tmp_path):
    """An answer that is told twice is one call; input holds the cache."""
    bring(log, "gemini-cli", write_lines(tmp_path / "session-1.jsonl", CHAT))

    one = {"input_tokens": 100, "cache_read_tokens": 60, "reasoning_tokens": 5}
    assert {"a-1": {**one, "output_tokens": 25}, "a-2": {**one, "output_tokens": 35}} == calls(log)
    assert [("u-1", "Mend it")] == [(one.phase_id, one.goal) for one in events(log, "phase.queued")]
    assert 1 == len(events(log, "phase.completed"))


def test_a_chat_of_earlier_versions_is_one_document(log, tmp_path):
    """The same chat as a document gives the same calls."""
    path = tmp_path / "session-1.json"
    document = {**HEAD, "messages": [line for line in CHAT[2:] if "type" in line]}
    path.write_text(json.dumps(document), encoding="utf-8")
    bring(log, "gemini-cli", path)

    assert ["a-1", "a-2"] == sorted(calls(log))
    assert 260 == status(log).total_tokens


def test_a_head_that_is_rewritten_tells_its_messages_again(log, tmp_path):
    """Messages within a line that sets the head are read as well, and count once."""
    lines = [*CHAT, {"$set": {"messages": [answered("a-2", 4, 30), answered("a-3", 9, 1)]}}]
    bring(log, "gemini-cli", write_lines(tmp_path / "session-1.jsonl", lines))

    assert 3 == status(log).calls


@pytest.mark.parametrize("bad", [-1, "many", 0.5])
def test_counts_that_are_none_are_set_aside(log, tmp_path, bad):
    """One bad record is counted by its reason; the others are there."""
    path = write_lines(tmp_path / "session-1.jsonl", [*CHAT, answered("a-9", 9, 1)])
    path.write_text(path.read_text().replace('"output": 1,', f'"output": {json.dumps(bad)},'))
    report = bring(log, "gemini-cli", path)

    assert {"calls with counts that are none": 1} == report.findings["set_aside"]
    assert 2 == status(log).calls


@given(seed=st.integers(0, 10**6))
def test_order_and_repeats_do_not_matter(tmp_path_factory, seed):
    """Lines and files in any order, any of them again, over several imports: the same totals."""
    other = [{**HEAD, "sessionId": "s-2"}, asked("u-9", 1), answered("b-1", 2, 44)]
    files = {"session-1.jsonl": CHAT, "session-2.jsonl": other}
    check_order_and_repeats(tmp_path_factory.mktemp("x"), "gemini-cli", files, seed)

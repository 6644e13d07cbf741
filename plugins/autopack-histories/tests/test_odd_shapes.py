"""Records of a shape that nobody has thought of: other versions, damage, other tools' additions."""

import copy
import json

import pytest
from histories_kit import bring, importer, sums, write_lines
from hypothesis import given
from hypothesis import strategies as st
from test_claude_code import TWO_TURNS
from test_codex import SUMS
from test_gateways import AIDER, HEAD, SAMPLES, logged, trajectory
from test_gemini import CHAT as GEMINI
from test_otel import NEW, OLD, otlp, printed
from test_qwen import CHAT as QWEN

from autopack import create_log
from autopack.errors import ImportRefusedError
from autopack_histories.documents import DOCUMENT_MOST
from autopack_histories.notes import Notes

RECORDS = {
    "aider": ("a.jsonl", AIDER),
    "claude-code": ("a.jsonl", TWO_TURNS),
    "codex": ("a.jsonl", SUMS),
    "gemini-cli": ("session-a.jsonl", GEMINI),
    "inspect-ai": ("a.json", [{**HEAD, "version": 2, "samples": SAMPLES}]),
    "litellm": ("a.jsonl", [logged("r-1"), logged("r-2", 1)]),
    "mini-swe-agent": ("a.json", [trajectory(3)]),
    "otel": ("a.jsonl", [otlp(NEW, OLD), printed({**NEW, "gen_ai.response.id": "r-2"})]),
    "qwen-code": ("a.jsonl", QWEN),
}
ODD = [
    None, True, 0, -1, 10**30, 1.5, float("inf"), "", "x" * 600, "\ud800", [], {}, [1], [[[]]],
    ["a", {"b": 1}], {"a": 1}, {"text": 5, "type": 7}, "2026-13-45T99:99:99Z", "-5", "1e999",
]  # fmt: skip


def places(found, path=()):
    """Each place within a record, as what leads there."""
    pairs = found.items() if isinstance(found, dict) else enumerate(found)
    for key, value in pairs:
        yield (*path, key)
        if isinstance(value, dict | list):
            yield from places(value, (*path, key))


def put(record, path, value):
    for key in path[:-1]:
        record = record[key]
    record[path[-1]] = value


def with_more(found):
    """A record with fields at every place that no version has."""
    if isinstance(found, dict):
        more = {name: with_more(value) for name, value in found.items()}
        return {"aNewOne": {"tokens": 7, "id": "x"}, **more, "another_count": 9}
    return [with_more(one) for one in found] if isinstance(found, list) else found


@pytest.mark.parametrize("name", RECORDS)
@given(data=st.data())
def test_nothing_in_any_place_stops_a_reader(tmp_path_factory, name, data):
    """Whatever stands where something else is expected, the file is read to its end."""
    file, records = RECORDS[name]
    records = copy.deepcopy(records)
    for _ in range(data.draw(st.integers(1, 3))):
        record = data.draw(st.sampled_from(records))
        place = data.draw(st.sampled_from(list(places(record))))
        put(record, place, copy.deepcopy(data.draw(st.sampled_from(ODD))))
    path = write_lines(tmp_path_factory.mktemp("x") / file, records)

    assert list(importer(name)._importer.entries(path, Notes())) is not None


@pytest.mark.parametrize("name", RECORDS)
def test_fields_that_nobody_knows_change_nothing(tmp_path, name):
    """A newer version may tell more, at any place."""
    file, records = RECORDS[name]
    account = []
    for told in (records, with_more(records)):
        path = write_lines(tmp_path / str(len(account)) / file, told)
        with create_log("memory:") as log:
            bring(log, name, path)
            account.append(sums(log))

    assert account[0] == account[1]
    assert account[0]["calls"] > 0


def test_a_file_that_a_reader_fails_on_is_set_aside(tmp_path, log, monkeypatch):
    """It is named by its fault; the others are read."""
    made = importer("claude-code")._importer
    entries = type(made).entries

    def failing(self, path, notes):
        if path.name == "b.jsonl":
            raise ZeroDivisionError
        return entries(self, path, notes)

    monkeypatch.setattr(type(made), "entries", failing)
    for name in "abc":
        write_lines(tmp_path / f"{name}.jsonl", TWO_TURNS)
    report = bring(log, "claude-code", tmp_path)

    assert {"files that could not be read (ZeroDivisionError)": 1} == report.findings["set_aside"]
    assert 3 == sums(log)["calls"]


def test_a_record_of_codex_without_running_sums_counts_once(tmp_path, log):
    """What its running sums tell besides is the same call; one before any record is another."""
    usage = {"input_tokens": 100, "cached_input_tokens": 60, "output_tokens": 20}

    def line(kind, second, **payload):
        return {"type": kind, "timestamp": f"2026-03-02T10:00:0{second}Z", "payload": payload}

    def counted(second, times):
        total = {name: count * times for name, count in usage.items()}
        info = {"total_token_usage": total, "last_token_usage": usage}
        return line("event_msg", second, type="token_count", info=info)

    path = write_lines(
        tmp_path / "rollout-t-1.jsonl",
        [
            line("session_meta", 0, id="t-1"),
            counted(1, 1),
            line("token_usage_record", 2, response_id="r-2", usage=usage),
            counted(2, 2),
            line("token_usage_record", 3, response_id="r-3", usage=usage),
            counted(3, 3),
        ],
    )
    bring(log, "codex", path)

    assert {"calls": 3, "input_tokens": 300, "output_tokens": 60} == {
        name: count
        for name, count in sums(log).items()
        if name in ("calls", "input_tokens", "output_tokens")
    }


def test_an_answer_of_gemini_without_an_id_is_known_by_its_time(tmp_path, log):
    """Read twice, it counts once."""
    bare = [
        {k: v for k, v in one.items() if k != "id"} for one in GEMINI if one.get("type") != "user"
    ]
    path = write_lines(tmp_path / "session-a.jsonl", bare)
    bring(log, "gemini-cli", path)
    again = bring(log, "gemini-cli", path)
    found = sums(log)
    with create_log("memory:") as other:
        bring(other, "gemini-cli", write_lines(tmp_path / "session-b.jsonl", GEMINI))

        assert found == sums(other)
    assert 0 == again.added


@pytest.mark.parametrize("form", ["transcript", "sums"])
def test_earlier_evaluations_keep_their_events_elsewhere_or_tell_sums(tmp_path, log, form):
    """Events stood within a transcript; where they tell no usage, the sample's sums do."""
    usage = {"input_tokens": 100, "output_tokens": 20, "total_tokens": 120}
    event = {"event": "model", "model": "openai/m-1", "output": {"model": "m-1", "usage": usage}}
    told = {"id": 1, "epoch": 1, "transcript": {"events": [event]}}
    if form == "sums":
        silent = {**event, "output": {"model": "m-1"}}
        told = {"id": 1, "epoch": 1, "events": [silent], "model_usage": {"openai/m-1": usage}}
    path = tmp_path / "a.json"
    path.write_text(json.dumps({**HEAD, "samples": [told]}), encoding="utf-8")
    bring(log, "inspect-ai", path)

    assert (1, 100, 20) == tuple(
        sums(log)[name] for name in ("calls", "input_tokens", "output_tokens")
    )


def test_a_document_that_cannot_be_held_is_said_to_be_too_large(tmp_path, log):
    """By its size alone, whatever it holds; those beside it are read."""
    large = tmp_path / "session-b.json"
    with large.open("wb") as file:
        file.truncate(DOCUMENT_MOST + 1)
    for name in "ac":
        write_lines(tmp_path / f"session-{name}.jsonl", GEMINI)
    report = bring(log, "gemini-cli", tmp_path)

    assert {"documents of more than 64 MB": 1} == report.findings["set_aside"]
    assert 2 == report.findings["files"]
    with pytest.raises(ImportRefusedError, match="of more than 64 MB cannot be read"):
        bring(log, "gemini-cli", large)

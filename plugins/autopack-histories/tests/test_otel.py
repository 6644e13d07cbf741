"""Spans of generative AI: OTLP and the SDKs' own form, names old and new."""

import json
import random

import pytest
from histories_kit import bring, calls, events, importer, write_lines
from hypothesis import given
from hypothesis import strategies as st

from autopack import create_log, status
from autopack.testing.importers import ImporterContract

NANOS = 1_772_445_600_000_000_000
NEW = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "m",
    "gen_ai.response.model": "m-1",
    "gen_ai.response.id": "r-1",
    "gen_ai.usage.input_tokens": 100,
    "gen_ai.usage.output_tokens": 20,
    "gen_ai.usage.cache_read.input_tokens": 60,
    "gen_ai.response.finish_reasons": ["stop"],
    "gen_ai.request.max_tokens": 50,
}
OLD = {
    "gen_ai.system": "openai",
    "llm.request.type": "chat",
    "gen_ai.response.model": "m-1",
    "gen_ai.response.id": "r-1",
    "gen_ai.usage.prompt_tokens": 100,
    "gen_ai.usage.completion_tokens": 20,
    "gen_ai.usage.cache_read_input_tokens": 60,
}
WANTED = {"r-1": {"input_tokens": 100, "cache_read_tokens": 60, "output_tokens": 20}}


def value(found):
    if isinstance(found, list):
        return {"arrayValue": {"values": [value(one) for one in found]}}
    return {"intValue": str(found)} if isinstance(found, int) else {"stringValue": found}


def otlp(*attributes, **more):
    spans = [
        {
            "traceId": "5b8aa5a2d2c872e8321cf37308d69df2",
            "spanId": f"{n:016x}",
            "name": "chat m",
            "startTimeUnixNano": str(NANOS + n * 10**9),
            "endTimeUnixNano": str(NANOS + n * 10**9 + 5 * 10**8),
            "attributes": [{"key": k, "value": value(v)} for k, v in one.items()],
            **more,
        }
        for n, one in enumerate(attributes)
    ]
    return {"resourceSpans": [{"resource": {}, "scopeSpans": [{"scope": {}, "spans": spans}]}]}


def printed(attributes, second=0, **more):
    return {
        "name": "chat m",
        "context": {"trace_id": "0xab", "span_id": f"0x{second}"},
        "attributes": attributes,
        "start_time": f"2026-03-02T10:00:{second:02}Z",
        "end_time": f"2026-03-02T10:00:{second:02}.5Z",
        **more,
    }


class TestOtel(ImporterContract):
    """It keeps what every importer promises."""

    def make(self):
        return importer("otel")

    def write_source(self, folder):
        return write_lines(
            folder / "spans.jsonl", [otlp(NEW), otlp({**NEW, "gen_ai.response.id": "r-2"})]
        )


@pytest.mark.parametrize("names", [NEW, OLD], ids=["new names", "old names"])
@pytest.mark.parametrize(
    "form", ["line", "document", "printed line", "printed laid out", "array", "snake"]
)
def test_every_form_gives_the_same_call(log, tmp_path, names, form):
    """An export a line, one document, the console's lines, laid out or in an array."""
    path = tmp_path / ("spans.json" if form in ("document", "array") else "spans.jsonl")
    text = {
        "line": json.dumps(otlp(names)) + "\n",
        "document": json.dumps(otlp(names), indent=2),
        "printed line": json.dumps(printed(names)) + "\n",
        "printed laid out": json.dumps(printed(names), indent=4)
        + "\n"
        + json.dumps(printed({}), indent=4),
        "array": json.dumps([printed(names)]),
        "snake": json.dumps(otlp(names))
        .replace("resourceSpans", "resource_spans")
        .replace("scopeSpans", "scope_spans"),
    }[form]
    path.write_text(text, encoding="utf-8")
    bring(log, "otel", path)

    assert WANTED == calls(log)
    (event,) = events(log, "llm.usage_recorded")
    assert ("openai", "m-1", 0.5) == (event.provider, event.response_model, event.duration_s)


def test_the_tier_of_a_call_is_kept(log, tmp_path):
    """It has a price of its own; the usual one is left out."""
    names = ("openai.response.service_tier", "gen_ai.openai.response.service_tier")
    told = [{**NEW, "gen_ai.response.id": f"r-{n}", name: "flex"} for n, name in enumerate(names)]
    usual = {**NEW, "gen_ai.response.id": "r-2", names[0]: "default"}
    bring(log, "otel", write_lines(tmp_path / "s.jsonl", [otlp(*told, usual)]))

    assert [{"service_tier": "flex"}] * 2 + [{}] == [
        event.source_fields for event in events(log, "llm.usage_recorded")
    ]


def test_what_is_no_call(log, tmp_path):
    """Agents and tools repeat what calls tell; what failed used nothing."""
    agent = {**NEW, "gen_ai.operation.name": "invoke_agent", "gen_ai.response.id": "r-9"}
    failed = {"gen_ai.operation.name": "chat", "gen_ai.system": "x", "error.type": "429"}
    path = write_lines(tmp_path / "s.jsonl", [otlp(NEW, agent, failed, {"http.method": "GET"})])
    report = bring(log, "otel", path)

    assert WANTED == calls(log)
    assert {
        "requests that failed": 1,
        "spans of agents and tools, whose calls tell the same": 1,
        "spans of other things": 1,
    } == report.findings["seen"]


def test_figures_that_nobody_told_are_unknown(log, tmp_path):
    """A streamed call without figures is one of unknown use."""
    silent = {name: told for name, told in NEW.items() if "usage" not in name}
    bring(log, "otel", write_lines(tmp_path / "s.jsonl", [printed(silent)]))

    assert (1, 1) == (status(log).calls, status(log).calls_without_total)


def test_input_without_the_cache_gets_it(log, tmp_path):
    """More from the cache than there was input: it was told without."""
    told = {**NEW, "gen_ai.usage.input_tokens": 40}
    bring(log, "otel", write_lines(tmp_path / "s.jsonl", [printed(told)]))

    assert 100 == calls(log)["r-1"]["input_tokens"]


def test_a_conversation_is_a_run(log, tmp_path):
    """Else the trace is."""
    path = write_lines(
        tmp_path / "s.jsonl",
        [
            otlp({**NEW, "gen_ai.conversation.id": "c-1"}),
            printed({**NEW, "gen_ai.response.id": "r-2"}),
        ],
    )
    bring(log, "otel", path)

    assert ["otel-c-1", "otel-ab"] == [event.run_id for event in events(log, "run.created")]


@pytest.mark.parametrize("bad", [-1, "many", 1.5])
def test_counts_that_are_none_are_set_aside(log, tmp_path, bad):
    """One bad span is counted by its reason; the others are there."""
    wrong = {**NEW, "gen_ai.response.id": "r-9", "gen_ai.usage.output_tokens": bad}
    report = bring(
        log, "otel", write_lines(tmp_path / "s.jsonl", [printed(NEW), printed(wrong, 1)])
    )

    assert {"calls with counts that are none": 1} == report.findings["set_aside"]
    assert WANTED == calls(log)


@given(seed=st.integers(0, 10**6))
def test_order_and_repeats_do_not_matter(tmp_path_factory, seed):
    """Spans in any order and form, any of them again, over several imports: the same totals."""
    drawn, folder = random.Random(seed), tmp_path_factory.mktemp("x")
    told = [
        {**NEW, "gen_ai.response.id": f"r-{n}", "gen_ai.usage.output_tokens": n} for n in range(6)
    ]
    with create_log("memory:") as log:
        for turn in range(3):
            some = drawn.choices(told, k=4) + (told if turn == 2 else [])
            drawn.shuffle(some)
            lines = [
                otlp(one) if drawn.random() < 0.5 else printed(one, n) for n, one in enumerate(some)
            ]
            bring(log, "otel", write_lines(folder / f"{turn}.jsonl", lines))

        assert 615 == status(log).total_tokens
        assert 6 == status(log).calls


@pytest.mark.parametrize(
    ("told", "split", "total"),
    [
        ({"gen_ai.usage.total_tokens": 50}, "total_only", 50),
        ({"gen_ai.usage.output_tokens": 5}, "measured", None),
        ({"gen_ai.usage.input_tokens": 4, "gen_ai.usage.output_tokens": 5}, "measured", 9),
        (
            {"gen_ai.usage.input_tokens": 4, "gen_ai.usage.output_tokens": 5,
             "autopack.call.split": "inferred"},
            "inferred",
            9,
        ),
    ],
)  # fmt: skip
def test_what_is_not_told_is_not_made_up(log, tmp_path, told, split, total):
    """A total alone is no split, a part alone is no total, and no length is no duration."""
    silent = {name: value for name, value in NEW.items() if "usage" not in name}
    span = {**printed({**silent, **told}), "end_time": "2026-03-02T10:00:00Z"}
    bring(log, "otel", write_lines(tmp_path / "s.jsonl", [span]))
    (event,) = events(log, "llm.usage_recorded")

    assert (split, total, None) == (event.split, event.total_tokens, event.duration_s)

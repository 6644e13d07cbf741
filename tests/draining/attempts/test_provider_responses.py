"""Providers' answers, as they are: what they say of usage, by whose convention they are written."""

import json
from decimal import Decimal
from types import SimpleNamespace

import pytest

import autopack
from autopack.draining.attempts.provider_responses import READ_AS, figures_of
from autopack.errors import InvalidInputError
from autopack.events.usage import HOUR_WRITES, terms_of

CHAT = {
    "id": "chatcmpl-1", "object": "chat.completion", "model": "gpt-5-2025",
    "choices": [{"index": 0, "finish_reason": "length", "message": {"content": "…"}}],
    "usage": {
        "prompt_tokens": 1000, "completion_tokens": 300, "total_tokens": 1300,
        "prompt_tokens_details": {"cached_tokens": 600, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 200},
    },
}  # fmt: skip
RESPONSES = {
    "id": "resp_1", "object": "response", "model": "gpt-5", "status": "incomplete",
    "incomplete_details": {"reason": "max_output_tokens"},
    "usage": {
        "input_tokens": 1000, "input_tokens_details": {"cached_tokens": 600},
        "output_tokens": 300, "output_tokens_details": {"reasoning_tokens": 200},
        "total_tokens": 1300,
    },
}  # fmt: skip
ANTHROPIC = {
    "id": "msg_1", "type": "message", "model": "claude-x-1", "stop_reason": "max_tokens",
    "usage": {
        "input_tokens": 100, "cache_read_input_tokens": 600, "cache_creation_input_tokens": 300,
        "cache_creation": {"ephemeral_5m_input_tokens": 250, "ephemeral_1h_input_tokens": 50},
        "output_tokens": 300,
    },
}  # fmt: skip
GEMINI = {
    "responseId": "g1", "modelVersion": "gemini-x", "candidates": [{"finishReason": "MAX_TOKENS"}],
    "usageMetadata": {
        "promptTokenCount": 900, "toolUsePromptTokenCount": 100, "cachedContentTokenCount": 600,
        "candidatesTokenCount": 100, "thoughtsTokenCount": 200, "totalTokenCount": 1300,
    },
}  # fmt: skip
BEDROCK = {
    "ResponseMetadata": {"RequestId": "b1"}, "stopReason": "max_tokens",
    "usage": {
        "inputTokens": 100, "outputTokens": 300, "totalTokens": 1300,
        "cacheReadInputTokens": 600, "cacheWriteInputTokens": 300,
    },
}  # fmt: skip
CASES = {
    "openai chat": (CHAT, "chatcmpl-1", "gpt-5-2025", 200),
    "openai responses": (RESPONSES, "resp_1", "gpt-5", 200),
    "anthropic": (ANTHROPIC, "msg_1", "claude-x-1", None),
    "gemini": (GEMINI, "g1", "gemini-x", 200),
    "bedrock converse": (BEDROCK, "b1", None, None),
}


def spaced(value):
    """Return a table as an object with fields, as an SDK gives it."""
    if isinstance(value, list):
        return list(map(spaced, value))
    if not isinstance(value, dict):
        return value
    return SimpleNamespace(**{name: spaced(one) for name, one in value.items()})


class Dumped:
    """An object that can say itself as a table, as those of pydantic do."""

    def __init__(self, told):
        self._told = told

    def model_dump(self):
        return self._told


@pytest.mark.parametrize("form", [dict, json.dumps, spaced, Dumped])
@pytest.mark.parametrize("convention", CASES)
def test_an_answer_says_the_same_in_each_convention(convention, form):
    """1,000 tokens of input, 600 of them from the cache, and 300 of output with all reasoning."""
    answer, call_id, model, reasoning = CASES[convention]
    found = figures_of(form(answer))

    assert (1000, 600, 300, reasoning) == (
        found["input_tokens"], found["cache_read_tokens"], found["output_tokens"],
        found.get("reasoning_tokens"),
    )  # fmt: skip
    assert (call_id, model) == (found.get("call_id"), found.get("response_model"))
    assert convention == found["source_fields"][READ_AS]
    assert found["stop_reason"]


def test_writes_that_are_kept_for_an_hour_are_told_apart():
    """They cost more; the others are those of the cache writes that are left."""
    found = figures_of(ANTHROPIC)

    assert (300, 50) == (found["cache_write_tokens"], found["source_fields"][HOUR_WRITES])


@pytest.mark.parametrize(
    ("answer", "told", "terms"),
    [
        (CHAT, {"service_tier": "flex"}, {"service_tier": "flex"}),
        (CHAT, {"service_tier": "default"}, {}),
        (CHAT, {"service_tier": None}, {}),
        (RESPONSES, {"service_tier": "priority"}, {"service_tier": "priority"}),
        (ANTHROPIC, {"usage": {**ANTHROPIC["usage"], "speed": "fast", "service_tier": "standard"}},
         {"speed": "fast"}),
        (ANTHROPIC, {"usage": {**ANTHROPIC["usage"], "service_tier": "batch"}},
         {"processing": "batch"}),
    ],
)  # fmt: skip
def test_terms_that_change_the_price_are_taken(answer, told, terms):
    """Where the provider tells them; the usual ones are left out."""
    source = figures_of({**answer, **told})["source_fields"]

    assert terms == terms_of(source)
    assert len(terms) + 1 == len(source.keys() - {HOUR_WRITES})


def test_a_cost_that_the_answer_tells_is_taken():
    """The provider's own is reported; one that a library reckons is of unknown source."""
    routed = {**CHAT, "usage": {**CHAT["usage"], "cost": 0.0125}}
    reckoned = {**CHAT, "_hidden_params": {"response_cost": 0.5}}

    assert (Decimal("0.0125"), None) == (
        figures_of(routed)["cost_usd"], figures_of(routed).get("cost_source"),
    )  # fmt: skip
    assert (Decimal("0.5"), "unknown") == (
        figures_of(reckoned)["cost_usd"], figures_of(reckoned)["cost_source"],
    )  # fmt: skip


def test_an_answer_without_usage_is_a_call_all_the_same():
    """Nothing is known of it; that is not zero."""
    found = figures_of({**CHAT, "usage": None})

    assert "chatcmpl-1" == found["call_id"]
    assert not {"input_tokens", "output_tokens", "total_tokens"} & set(found)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"hello": 1}, "it holds hello"),
        ({}, "it holds nothing"),
        ("no JSON", "no JSON"),
        (b"[1]", "a list"),
        (5, "a int"),
        (None, "a NoneType"),
    ],
)
def test_what_is_no_answer_is_refused_with_what_it_holds(answer, told):
    """Nothing is guessed."""
    with pytest.raises(InvalidInputError) as refused:
        figures_of(answer)

    assert told in str(refused.value)


@pytest.fixture
def log(tmp_path):
    """A log with one phase."""
    with autopack.create_log(tmp_path / "work.db") as log:
        autopack.create_run(log, "r", [autopack.PhaseSpec("p")])
        yield log


def test_an_answer_is_recorded_once_with_what_is_known_better(log):
    """By its own id; a role, an account or a model that was asked for may be given beside it."""
    with autopack.attempt(log, "r/p") as attempt:
        first = attempt.record_response(CHAT, model="gpt-5", role="auditor")
        again = attempt.record_response(CHAT, model="gpt-5", role="auditor")
    event = first.event

    assert first.position == again.position
    assert ("gpt-5", "gpt-5-2025", "auditor", True) == (
        event.request_model, event.response_model, event.role, event.truncated,
    )  # fmt: skip
    assert {READ_AS: "openai chat"} == event.source_fields


async def _recorded(log):
    async with autopack.attempt(log, "r/p") as attempt:
        return await attempt.arecord_response(spaced(GEMINI))


def test_it_is_awaited_too(log):
    """The same, in an event loop."""
    import asyncio

    assert 1300 == asyncio.run(_recorded(log)).event.total_tokens


def test_a_providers_names_are_answered_with_ours(log):
    """Whoever gives them by hand learns what each is called."""
    with (
        pytest.raises(InvalidInputError) as refused,
        autopack.attempt(log, "r/p") as attempt,
    ):
        attempt.record_usage(model="m", prompt_tokens=5, completion_tokens=5)

    assert "prompt_tokens is input_tokens here" in str(refused.value)
    assert "record_response()" in str(refused.value)


def test_a_total_that_was_left_out_is_the_sum_of_its_parts(log):
    """In the event itself, so that the first query of anybody is right; unknown parts have none."""
    with autopack.attempt(log, "r/p") as attempt:
        whole = attempt.record_usage(model="m", input_tokens=5, output_tokens=7).event
        half = attempt.record_usage(model="m", output_tokens=7).event

    assert (12, None) == (whole.total_tokens, half.total_tokens)

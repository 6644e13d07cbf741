"""What a failure is: facts before the code, the code before words, and no words of the phase's."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopack import Failed
from autopack.draining.attempts.failure_classes import (
    HOPELESS,
    RETRYABLE,
    WAITING,
    class_of,
    zero_yield_reason,
)
from autopack.ports.work import CLASSES
from autopack.report.zero_yield_hints import ZERO_YIELD


def kind_of(code, message, **facts):
    """Return the class of a failure, of which a program's message is what it printed."""
    printed = message if code.startswith("exit_") else None
    return class_of(Failed(code, message, excerpt=printed, source_fields=facts)).kind


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"http_status": 429}, "rate_limited"),
        ({"http_status": 429, "error": "usage_limit_reached"}, "usage_limit"),
        ({"http_status": 429, "error": "insufficient_quota"}, "quota"),
        ({"http_status": 429, "error": "rate_limit", "said": "You've hit your 5-hour limit"},
         "usage_limit"),
        ({"http_status": 429, "error": "RESOURCE_EXHAUSTED",
          "said": "You exceeded your current quota. Please retry in 34s"}, "rate_limited"),
        ({"http_status": 402}, "quota"),
        ({"http_status": 400, "said": "Credit balance is too low"}, "quota"),
        ({"error": "billing_error"}, "quota"),
        ({"http_status": 401, "error": "api_error"}, "auth"),
        ({"http_status": 403}, "auth"),
        ({"error": "authentication_failed"}, "auth"),
        ({"http_status": 400, "error": "invalid_request_error", "said": "prompt is too long: 9"},
         "boundary"),
        ({"error": "context_length_exceeded"}, "boundary"),
        ({"terminal_reason": "prompt_too_long"}, "boundary"),
        ({"http_status": 400, "error": "unknown"}, "invalid_request"),
        ({"http_status": 404, "error": "model_not_found"}, "invalid_request"),
        ({"http_status": 500, "error": "api_error"}, "overloaded"),
        ({"http_status": 529, "error": "server_error"}, "overloaded"),
        ({"error": "server_error", "said": "Request timed out. If the API is slow"}, "timeout"),
        ({"http_status": 408}, "timeout"),
        ({"error": "connection_failed"}, "connection"),
        ({"error": "max_output_tokens"}, "truncated"),
        ({"error": "refusal", "said": "the safeguards flagged this message"}, "refused"),
        ({"error": "invalid_request", "said": "Opus 9's safeguards flagged this message"},
         "refused"),
        ({"exception": "RateLimitError"}, "rate_limited"),
        ({"said": "You've hit your weekly limit · resets Mon 9am"}, "usage_limit"),
        ({"http_status": 200}, "execution"),
        ({"http_status": "429", "error": 7}, "execution"),
    ],
)  # fmt: skip
def test_facts(facts, expected):
    """What a provider or its client tells decides, whatever the message says."""
    assert expected == kind_of("error", "a rate limit? timed out? forbidden?", **facts)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("rate_limited", "rate_limited"), ("usage_limit", "usage_limit"), ("quota", "quota"),
        ("rate_limit_exceeded", "rate_limited"), ("insufficient_quota", "quota"),
        ("http_429", "rate_limited"), ("503", "overloaded"), ("timed_out", "timeout"),
        ("RateLimitError", "rate_limited"), ("ThrottlingException", "rate_limited"),
        ("ResourceExhausted", "rate_limited"), ("APIConnectionError", "connection"),
        ("gaierror", "connection"), ("ConnectionResetError", "connection"),
        ("RemoteProtocolError", "connection"), ("TimeoutError", "timeout"),
        ("AuthenticationError", "auth"), ("KeyError", "execution"), ("unknown", "unknown"),
        ("tests_failed", "execution"), ("plan_403", "execution"), ("error_17", "execution"),
    ],
)  # fmt: skip
def test_codes(code, expected):
    """A code is a provider's word, a status, an exception's name, or the executor's own."""
    assert expected == kind_of(code, "it says nothing of use")


@pytest.mark.parametrize(
    ("code", "message", "expected"),
    [
        ("exit_1", 'API Error: 429 {"type":"error","error":{"type":"rate_limit_error"}}',
         "rate_limited"),
        ("error", 'API Error (529 {"type":"error","error":{"type":"overloaded_error"}})',
         "overloaded"),
        ("error", '{"status":400,"error":{"type":"invalid_request_error"}}', "invalid_request"),
        ("exit_1", "Error code: 429 insufficient_quota: You exceeded your current quota", "quota"),
        ("error", "Claude AI usage limit reached|1755806400", "usage_limit"),
        ("error", "You’ve hit your usage limit. Try again at 5:26 PM.", "usage_limit"),
        ("error", "You've hit your session limit · resets 4:47am (UTC)", "usage_limit"),
        ("error", "5-hour limit reached ∙ resets 7pm", "usage_limit"),
        ("error", "Credit balance is too low", "quota"),
        ("error", "HTTP 402 Payment Required", "quota"),
        ("turn_failed", "Quota exceeded. Check your plan and billing details.", "quota"),
        ("turn_failed", "exceeded retry limit, last status: 429 Too Many Requests",
         "rate_limited"),
        ("error", "RESOURCE_EXHAUSTED: per minute quota", "rate_limited"),
        ("exit_1", "openai.RateLimitError: Error code: 429 - {'error': {}}", "rate_limited"),
        ("exit_1", "HTTP status: 503", "overloaded"),
        ("exit_1", "We're currently experiencing high demand", "overloaded"),
        ("turn_failed", "Selected model is at capacity. Please try a different model.",
         "overloaded"),
        ("RuntimeError", "RuntimeError: HTTP 503 Service Unavailable", "overloaded"),
        ("error", "API Error: Connection refused — a firewall may be blocking it (ECONNREFUSED)",
         "connection"),
        ("error", "read ECONNRESET", "connection"), ("error", "socket hang up", "connection"),
        ("turn_failed", "stream disconnected before completion: Transport error", "connection"),
        ("exit_6", "curl: (6) Could not resolve host: api.example", "connection"),
        ("exit_7", "curl: (7) Failed to connect to localhost port 1", "connection"),
        ("exit_1", "TypeError: fetch failed: ECONNRESET", "connection"),
        ("exit_1", "Error: getaddrinfo ENOTFOUND api.example", "connection"),
        ("exit_1", "httpx.ConnectError: [Errno -2] Name or service not known", "connection"),
        ("exit_1", "requests.exceptions.ConnectionError: HTTPSConnectionPool(host='x')",
         "connection"),
        ("error", "prompt is too long: 213211 tokens > 200000 maximum", "boundary"),
        ("turn_failed", "Codex ran out of room in the model's context window.", "boundary"),
        ("error", "Claude's response exceeded the 32000 output token maximum", "truncated"),
        ("turn_failed", "Incomplete response returned, reason: max_output_tokens", "truncated"),
        ("error", "the response was truncated", "truncated"),
        ("error", "Invalid API key · Please run /login", "auth"),
        ("error", "Not logged in · Please run /login", "auth"),
        ("error", "OAuth token has expired", "auth"),
        ("turn_failed", "Missing environment variable: `OPENAI_API_KEY`.", "auth"),
        ("exit_1", "unexpected status 401 Unauthorized: Incorrect API key provided", "auth"),
        ("error", "There's an issue with the selected model (x). It may not exist",
         "invalid_request"),
        ("error", "The model `x` does not exist or you do not have access to it.",
         "invalid_request"),
    ],
)  # fmt: skip
def test_sentences_of_providers(code, message, expected):
    """Where nothing else is known, what they say at the beginning of a line counts."""
    assert expected == kind_of(code, message)


OF_A_PHASE = [
    "404 passed, 3 failed in 429 s",
    "FAILED tests/test_login.py::test_unauthorized_user",
    "FAILED tests/test_rate_limit.py::test_a - rate limit reached",
    "tests/test_rate_limit.py: rate limit exceeded",
    "test_rate_limit.py",
    "rate_limit.py is missing",
    "the page /forbidden says http 503",
    "Error: page /forbidden not found",
    "label 'timed out' was cut off",
    "E   AssertionError: the rate limit is 5",
    "ValueError: rate limit must be above 0",
    "column 'max_tokens' is missing",
    "file log.txt is truncated",
    "docs/overloaded.md has no title",
]


@pytest.mark.parametrize("code", ["exit_1", "error", "RuntimeError"])
@pytest.mark.parametrize("message", OF_A_PHASE)
def test_words_of_the_phase_itself(code, message):
    """Tests, paths, pages and labels that are named like a limit are none."""
    assert "execution" == kind_of(code, message)


@pytest.mark.parametrize("said", ["rate limit exceeded", "401 Unauthorized", "Overloaded"])
def test_a_code_of_the_executors_own_means_what_it_says(said):
    """Who names the failure is not second-guessed by what its message quotes."""
    assert "execution" == kind_of("tests_failed", said)


@pytest.mark.parametrize(
    ("said", "alone", "answered"),
    [
        ("401 Unauthorized", "auth", "execution"),
        ("Credit balance is too low", "quota", "execution"),
        ("Too many requests", "rate_limited", "rate_limited"),
    ],
)
def test_words_do_not_stop_a_drain_whose_calls_are_answered(said, alone, answered):
    """A key that was good for a call is good; a fact says otherwise, a sentence does not."""
    failure = Failed("exit_1", said, excerpt=said)

    assert alone == class_of(failure).kind
    assert answered == class_of(failure, answered=True).kind


def test_what_the_class_rests_on_is_told():
    """The fact, the code or the words, for who looks into it later."""
    told = [
        class_of(Failed("x", "y", failure_class="boundary")).basis,
        class_of(Failed("x", "y", source_fields={"http_status": 429, "error": "z"})).basis,
        class_of(Failed("x", "y", source_fields={"said": "You've hit your usage limit."})).basis,
        class_of(Failed("http_503", "y")).basis,
        class_of(Failed("exit_1", "y", excerpt="Error: socket hang up")).basis,
        class_of(Failed("mine", "y")).basis,
        class_of(Failed("exit_1", "y")).basis,
    ]

    assert [
        "the executor",
        "error z, http_status 429",
        'said: "You\'ve hit your usage limit"',
        "code http_503",
        "said: 'socket hang up'",
        "code mine is the executor's own",
        "nothing that says more",
    ] == told


_FACTS = st.dictionaries(
    st.sampled_from(["http_status", "error", "said", "exception", "terminal_reason"]),
    st.none() | st.integers() | st.text(max_size=40) | st.booleans(),
)


@given(st.text(min_size=1, max_size=80), st.text(min_size=1, max_size=200), _FACTS)
def test_any_failure_has_a_known_class(code, message, facts):
    """Whatever is told, in whatever shape, the class is one of those that are documented."""
    if code.strip() and message.strip():
        assert class_of(Failed(code, message, source_fields=facts)).kind in CLASSES


def test_the_groups_of_classes():
    """What passes by itself is tried again; what stops everybody is not."""
    assert set(CLASSES) > RETRYABLE > WAITING
    assert not HOPELESS & RETRYABLE


def test_every_reason_for_no_usage_has_its_advice():
    """The closing report and the page give the same, for each reason that there is."""
    endings = ("completed", "failed", "timed_out", "gated")
    classes = (None, *CLASSES)
    reasons = {zero_yield_reason(one, kind) for one in endings for kind in classes}
    reasons |= {zero_yield_reason("failed", "validation", "bad_outcome")}
    reasons |= {zero_yield_reason("completed", is_misread=True)}
    page = (Path(__file__).resolve().parents[3] / "docs" / "draining.md").read_text("utf-8")
    told = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", page, re.MULTILINE))

    assert set(ZERO_YIELD) == reasons
    assert dict(ZERO_YIELD) == {name: told[name] for name in reasons}


def test_a_wrong_return_value_is_advised_about_as_such():
    """Whatever its class: keys and settings are not to blame."""
    assert "bad_outcome" == zero_yield_reason("failed", "validation", "bad_outcome")
    assert "failed_before_llm" == zero_yield_reason("failed", "validation", "other")

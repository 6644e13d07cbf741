"""Classes of failures, what a provider asks to wait, and fingerprints."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopack.draining.attempts.failure_classes import (
    CLASSES,
    RETRYABLE,
    classify,
    fingerprint,
    normalise,
    retry_after_s,
    zero_yield_reason,
)
from autopack.report.zero_yield_hints import ZERO_YIELD


@pytest.mark.parametrize(
    ("code", "message", "expected"),
    [
        ("exit_1", 'API Error: 429 {"type":"error","error":{"type":"rate_limit_error"}}',
         "rate_limited"),
        ("error", "Claude AI usage limit reached|1755806400", "rate_limited"),
        ("error", "You've hit your usage limit. Try again at 5:26 PM.", "rate_limited"),
        ("error", 'API Error (529 {"type":"error","error":{"type":"overloaded_error"}})',
         "overloaded"),
        ("exit_1", "We're currently experiencing high demand", "overloaded"),
        ("exit_1", "HTTP status: 503", "overloaded"),
        ("error_max_turns", "Reached maximum number of turns (40)", "boundary"),
        ("error", "prompt is too long: 213211 tokens > 200000 maximum", "boundary"),
        ("truncated", "the output was cut", "truncated"),
        ("error", "Claude's response exceeded the 32000 output token maximum", "truncated"),
        ("error", "Invalid API key · Please run /login", "auth"),
        ("error", "status code: 401", "auth"),
        ("error", '{"status":400,"error":{"type":"invalid_request_error"}}', "invalid_request"),
        ("TimeoutError", "TimeoutError: it says nothing more", "timeout"),
        ("timed_out", "no result after 5 s", "timeout"),
        ("bad_plan", "schema error in plan.json", "validation"),
        ("tests_failed", "404 passed, 3 failed in 429 s", "execution"),
        ("execution", "anything at all, even a rate limit", "execution"),
        ("AssertionError", "AssertionError: test_unauthorized_user failed: 401 != 200",
         "execution"),
        ("KeyError", "KeyError: 'max_tokens'", "execution"),
        ("exit_1", "FAILED tests/test_login.py::test_unauthorized_user", "execution"),
        ("exit_1", "E   AssertionError: the rate limit is 5", "execution"),
        ("error", "column 'max_tokens' is missing", "execution"),
        ("error", "file log.txt is truncated", "execution"),
        ("error", "the response was truncated", "truncated"),
        ("error", "finished with stop_reason=max_tokens", "truncated"),
        ("RateLimitError", "RateLimitError: slow down, please", "rate_limited"),
        ("AuthenticationError", "AuthenticationError: no key", "auth"),
        ("RuntimeError", "RuntimeError: 401 Unauthorized", "auth"),
        ("unknown", "nobody knows", "unknown"),
    ],
)  # fmt: skip
def test_classify(code, message, expected):
    """The code decides, then the words; a number is a status only where one is named."""
    assert expected == classify(code, message)


@given(st.text(max_size=80), st.text(max_size=200))
def test_any_failure_has_a_known_class(code, message):
    """Whatever a program says, its failure has one of the documented classes."""
    assert classify(code, message) in CLASSES
    assert set(CLASSES) > RETRYABLE


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("429: Retry-After: 30", 30.0),
        ('{"retry_after": 2.5}', 2.5),
        ("retry after 1500 ms", 1.5),
        ("Rate limit reached. Please try again in 20s.", 20.0),
        ("Please try again in 6m0s. Visit ...", 360.0),
        ("Please try again in 1m3.2s", 63.2),
        ("try again in 200ms", 0.2),
        ("try again in 2 hours and 5 minutes", 7500.0),
        ("Claude AI usage limit reached|1755806400", 6400.0),
        ("usage limit reached|1755700000", 0.0),
        ("try again later", None),
        ("the retry failed after 3 of 5 files", None),
        ("try again in 900 hours", 604800.0),
    ],
)
def test_retry_after(message, expected):
    """The usual forms of a wait are read, bounded by a week; what does not say has none."""
    found = retry_after_s(message, now_s=1755800000.0)

    assert expected == (None if found is None else pytest.approx(found))


@given(st.text(max_size=300))
def test_a_normal_form_stays_as_it_is(text):
    """Normalising is idempotent, and case makes no difference to it."""
    normal = normalise(text)

    assert normal == normalise(normal)
    assert normal == normalise(text.lower())


_ODD = st.text(alphabet="1a:/\\-. <>ez", max_size=40)


@given(_ODD)
def test_odd_marks_have_a_normal_form_too(text):
    """What looks half like a path, a time or a number is calm after one pass as well."""
    assert normalise(text) == normalise(normalise(text))


_names = st.text(alphabet="abcdefgh_-XYZ0123456789", min_size=1, max_size=8)
_paths = st.one_of(
    st.lists(_names, min_size=1, max_size=4).map(lambda parts: "/" + "/".join(parts) + ".py"),
    st.lists(_names, min_size=1, max_size=4).map(lambda parts: "C:\\" + "\\".join(parts) + ".py"),
    st.lists(_names, min_size=2, max_size=4).map(lambda parts: "/".join(parts) + ".py"),
)
_numbers = st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False))
_times = st.datetimes(timezones=st.none() | st.timezones()).filter(lambda at: at.year >= 1000)
_ids = st.uuids()
_urls = st.builds(
    "https://{}.example:{}/{}?q={}".format, _names, st.integers(1, 9999), _names, _names
)


@given(st.tuples(_paths, _numbers, _ids, _urls), st.tuples(_paths, _numbers, _ids, _urls))
def test_failures_that_differ_in_figures_are_alike(one, other):
    """Other paths, numbers, ids and URLs give an equal fingerprint."""
    said = "cannot open {} after {} tries of job {} from {} (see above)"

    assert fingerprint("io", said.format(*one)) == fingerprint("io", said.format(*other))


@given(_times, _times)
def test_failures_at_other_times_are_alike(one, other):
    """An ISO time is one word, with and without zone, fraction and T."""
    offset = "%H:%M:%S"
    said = [f"at {at.replace(tzinfo=None).isoformat()}: gone" for at in (one, other)]
    plain = [f"at {at.strftime(f'{at.year:04}-%m-%d {offset}')}: gone" for at in (one, other)]

    assert fingerprint("x", said[0]) == fingerprint("x", said[1]) == fingerprint("x", plain[0])
    assert fingerprint("x", plain[0]) == fingerprint("x", plain[1])


def test_a_url_and_an_iso_time_are_one_word_each():
    """What the old system took apart is kept together."""
    text = "GET http://host:80/runs/x failed at 2025-12-28T16:22:03.5Z"

    assert "get <url> failed at <time>" == normalise(text)


def test_different_failures_stay_apart():
    """Words and codes tell failures apart."""
    failures = (("a", "disk full"), ("b", "disk full"), ("a", "no net"))
    prints = {fingerprint(*one) for one in failures}

    assert 3 == len(prints)


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

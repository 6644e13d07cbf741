"""How long a provider asks to be left alone, in every form that providers use."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopack.draining.attempts.told_waits import LONGEST_WAIT_S, header_wait_s, retry_after_s

NOW_S = datetime(2027, 1, 15, 8, 0, tzinfo=UTC).timestamp()  # a Friday
DAY_S, HOUR_S = 86_400, 3_600


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("429: Retry-After: 30", 30.0),
        ('{"retry_after": 2.5}', 2.5),
        ("retry after 1500 ms", 1.5),
        ("retry-after-ms: 8500", 8.5),
        ("retry after 2 minutes", 120.0),
        ("Rate limit reached. Please try again in 20s.", 20.0),
        ("Please try again in 6m0s. Visit ...", 360.0),
        ("Please try again in 1m3.2s", 63.2),
        ("Please retry in 34.07s", 34.07),
        ("try again in 200ms", 0.2),
        ("try again in 2 hours and 5 minutes", 7500.0),
        ("Try again in 2 days 3 hours 5 minutes.", 2 * DAY_S + 3 * HOUR_S + 300),
        ("rate limited, retrying after 15 min", 900.0),
        ("quota will reset after 2h14m3s", 8043.0),
        ('"retryDelay": "53s"', 53.0),
        ("retry_delay { seconds: 34 }", 34.0),
        ('{"resets_in_seconds": 1234}', 1234.0),
        ("please wait 20 seconds before the next request", 20.0),
        ("usage limit reached|1800000060", 60.0),
        ("usage limit reached|1800000060000", 60.0),
        ("usage limit reached|1799999000", 0.0),
        ('{"resets_at": 1800000100}', 100.0),
        ("Retry-After: Fri, 15 Jan 2027 08:02:00 GMT", 120.0),
        ("resets at 2027-01-15T08:02:00Z", 120.0),
        ("try again at 2027-01-15 10:02:00+02:00", 120.0),
        ("try again at 8:30 AM UTC", 1800.0),
        ("try again at 7:30 AM.", DAY_S - 1800),
        ("resets 4:46am (UTC)", 20 * HOUR_S + 46 * 60),
        ("resets 4:20pm (Europe/Oslo)", 7 * HOUR_S + 20 * 60),
        ("5-hour limit reached ∙ resets 7pm", 11 * HOUR_S),
        ("resets Mon 9am (UTC)", 3 * DAY_S + HOUR_S),
        ("resets Friday at 7am (UTC)", 7 * DAY_S - HOUR_S),
        ("resets tomorrow 9:00 AM", DAY_S + HOUR_S),
        ("try again at Jan 16th, 2027 8:00 AM", DAY_S),
        ("resets Jan 17, 8am (UTC)", 2 * DAY_S),
        ("try again later", None),
        ("wait a bit", None),
        ("the retry failed after 3 of 5 files", None),
        ("retry after 3 attempts", None),
        ("resets 5 times", None),
        ("try again in 900 hours", LONGEST_WAIT_S),
        ("resets at 2029-01-15T08:02:00Z", LONGEST_WAIT_S),
        ("resets 25:99pm", None),
        ("try again at Feb 30, 8am", None),
    ],
)
def test_words(message, expected):
    """A span, a moment, a time of day in a named zone: seconds from now, or that it is not said."""
    found = retry_after_s(message, now_s=NOW_S, local=lambda: UTC)

    assert expected == (None if found is None else pytest.approx(found))


def test_a_time_of_day_goes_by_the_clocks_of_its_zone():
    """The night on which clocks are set forward has one hour less."""
    before = datetime(2027, 3, 27, 22, 0, tzinfo=ZoneInfo("Europe/Oslo"))

    assert 9 * HOUR_S == retry_after_s("resets 8am (Europe/Oslo)", now_s=before.timestamp())


def test_an_unknown_zone_is_the_machines():
    """A wait that is a few hours off is better than none."""
    at = retry_after_s("resets 9am (Middle/Earth)", now_s=NOW_S, local=lambda: UTC)

    assert HOUR_S == at


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Retry-After": "30"}, 30.0),
        ({"retry-after-ms": "1500", "retry-after": "2"}, 1.5),
        ({"Retry-After": "Fri, 15 Jan 2027 08:02:00 GMT"}, 120.0),
        ({"x-ratelimit-reset": "1800000060"}, 60.0),
        ({"x-ratelimit-reset": "90"}, 90.0),
        ({"X-RateLimit-Reset": "1m30s"}, 90.0),
        ({"anthropic-ratelimit-unified-reset": "1800000060"}, 60.0),
        ({"anthropic-ratelimit-unified-reset": "2027-01-15T08:02:00Z"}, 120.0),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
def test_headers(headers, expected):
    """Retry-After in both of its forms, and the headers that tell when a limit is over."""
    assert expected == header_wait_s(headers, now_s=NOW_S)


@given(st.text(max_size=300))
def test_whatever_is_said_is_read(text):
    """No words end in an error, or in a wait that cannot be."""
    found = retry_after_s(f"retry after {text} resets {text}", now_s=NOW_S)

    assert found is None or 0 <= found <= LONGEST_WAIT_S

"""Lanes: how fast a model may be asked."""

from datetime import UTC, datetime, timedelta

import pytest

from autopack.draining.lanes import Lanes, Rates
from autopack.errors import InvalidInputError

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def at(seconds):
    return NOW + timedelta(seconds=seconds)


def test_a_lane_closes_at_its_requests_a_minute():
    """It opens again when the first of them is a minute old."""
    lanes = Lanes(Rates(requests_per_minute=2))
    lanes.take("m", 10, at(0))
    one = lanes.closed(at(0))
    lanes.take("m", 10, at(20))

    assert ({}, {"m": at(60)}) == (one, lanes.closed(at(30)))
    assert {} == lanes.closed(at(60))


def test_a_lane_closes_at_its_tokens_a_minute():
    """What an attempt really used takes the place of what it was let in for."""
    lanes = Lanes(Rates(tokens_per_minute=100))
    lanes.take("m", 40, at(0))
    before = lanes.closed(at(1))
    lanes.used("m", calls=3, tokens=120, expected=40, now=at(2))

    assert ({}, {"m": at(60)}) == (before, lanes.closed(at(3)))


def test_models_have_lanes_of_their_own():
    """A rate by model, one for all others, and phases without a model share a lane."""
    lanes = Lanes(Rates(requests_per_minute={"m": 1, "*": 2}))
    for model in ("m", "n", None):
        lanes.take(model, 0, at(0))

    assert {"m": at(60)} == lanes.closed(at(1))


def test_a_suspended_lane_opens_at_its_time():
    """The longest pause that was asked for holds."""
    lanes = Lanes(Rates())
    lanes.suspend("m", at(30))
    lanes.suspend("m", at(20))

    assert {"m": at(30)} == lanes.closed(at(29))
    assert {} == lanes.closed(at(30))


@pytest.mark.parametrize("rate", [0, -1, {"m": 0}, 1.5])
def test_a_rate_is_one_or_more(rate):
    """A rate at which nothing would ever be asked is refused by name."""
    with pytest.raises(InvalidInputError, match="requests_per_minute"):
        Rates(requests_per_minute=rate)

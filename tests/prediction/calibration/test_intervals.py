"""Intervals of medians and shares: against counting out, a table, and at the edges."""

import math
import random

import pytest

from autopack.prediction.calibration.intervals import fewest_for, median_interval, share_interval


def holding(n, low, high):
    """Return how often the values from place *low* to *high* of n hold the median between them."""
    return sum(math.comb(n, below) for below in range(low, high)) / 2**n


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9, 0.95, 0.99])
def test_a_median_is_held_as_often_as_is_said(level):
    """Never less often, counted out for each n; and two places further in would be too few."""
    for n in [*range(fewest_for(level), 120), 500, 999, 1000, 1001, 1500]:
        low, high = median_interval(range(1, n + 1), level)

        assert n + 1 == low + high
        assert holding(n, low, high) >= level
        assert low + 1 > high - 1 or holding(n, low + 1, high - 1) < level


@pytest.mark.parametrize(("level", "fewest"), [(0.5, 2), (0.75, 3), (0.9, 5), (0.95, 6), (0.99, 8)])
def test_too_few_for_an_interval(level, fewest):
    """With fewer even the whole range would miss the median too often, so none is given."""
    few = [float(i) for i in range(fewest)]

    assert fewest == fewest_for(level)
    assert (None, None) == median_interval(few[1:], level)
    assert (few[0], few[-1]) == median_interval(few, level)


def test_a_median_among_equal_values():
    """Values that are often equal are held all the more."""
    drawn = random.Random(3)
    held = 0
    for _ in range(400):
        low, high = median_interval(sorted(drawn.choice([1, 1, 2, 5, 9]) for _ in range(9)))
        held += low <= 2 <= high

    assert held >= 0.9 * 400


def test_median_of_many():
    """Of many values the interval is narrow, lies around the median, and needs no long sums."""
    low, high = median_interval(list(map(float, range(100_000))))

    assert (pytest.approx(49_740, abs=3), pytest.approx(50_259, abs=3)) == (low, high)


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [(0, 10, 0.0, 0.27753), (10, 10, 0.72247, 1.0), (9, 10, 0.59585, 0.98212)],
)
def test_shares(hits, n, low, high):
    """The interval is Wilson's."""
    assert (pytest.approx(low, abs=1e-5), pytest.approx(high, abs=1e-5)) == share_interval(hits, n)

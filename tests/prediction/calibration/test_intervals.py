"""Intervals of medians and shares: against resampling, a table, and at the edges."""

import random
from statistics import median_high, median_low

import pytest

from autopack.prediction.calibration.intervals import median_interval, share_interval


@pytest.mark.parametrize("n", [1, 2, 5, 12, 31])
def test_median_as_the_endless_bootstrap(n):
    """The interval is what very many resamples come to."""
    drawn = random.Random(n)
    values = sorted(drawn.random() for _ in range(n))
    resamples = [[drawn.choice(values) for _ in values] for _ in range(4_000)]
    low = sorted(map(median_low, resamples))[200]
    high = sorted(map(median_high, resamples))[3_799]
    found = median_interval(values, 0.9)

    assert abs(values.index(low) - values.index(found[0])) <= 1
    assert abs(values.index(high) - values.index(found[1])) <= 1


def test_median_of_many():
    """Of many values the interval is narrow, lies around the median, and needs no long sums."""
    low, high = median_interval(list(map(float, range(100_000))))

    assert (pytest.approx(49_740, abs=3), pytest.approx(50_259, abs=3)) == (low, high)


def test_normal_and_exact_agree():
    """Where the way of reckoning changes, the ends hardly move."""
    few = median_interval([i / 1000 for i in range(1000)])
    many = median_interval([i / 1001 for i in range(1001)])

    assert few == pytest.approx(many, abs=0.003)


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [(0, 10, 0.0, 0.27753), (10, 10, 0.72247, 1.0), (9, 10, 0.59585, 0.98212)],
)
def test_shares(hits, n, low, high):
    """The interval is Wilson's."""
    assert (pytest.approx(low, abs=1e-5), pytest.approx(high, abs=1e-5)) == share_interval(hits, n)

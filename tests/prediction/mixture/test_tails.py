"""Quantiles and survival where outputs were cut off."""

import math
import random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from autopack.prediction.calibration.survival import quantile_of
from autopack.prediction.mixture.tails import expected_miss, log_quantile

some = st.lists(st.integers(1, 60), max_size=40).map(sorted)
shares = st.floats(0.01, 0.99)


@given(exact=some, cut=some, tau=shares)
def test_as_kaplan_and_meier_where_whole_outputs_reach(exact, cut, tau):
    """The quantile is theirs, value by value; beyond it is no smaller than what was seen."""
    assume(exact or cut)
    known = quantile_of(exact, cut, tau)
    found = log_quantile(exact, cut, tau)

    if known is None:
        assert found >= math.log(max(*exact, *cut, 1))
    else:
        assert pytest.approx(math.log(known)) == found


@given(exact=some, cut=some, taus=st.lists(shares, min_size=2, max_size=2).map(sorted))
def test_more_is_never_less(exact, cut, taus):
    """A larger share needs a size that is no smaller."""
    assume(exact or cut)
    low, high = (log_quantile(exact, cut, tau) for tau in taus)

    assert low <= high + 1e-9


def test_the_tail_goes_on():
    """Of outputs whose largest third was cut off, the size at 0.9 is found beyond the cut."""
    rng = random.Random(3)
    sizes = [round(1000 * rng.expovariate(1) ** 0.5) + 1 for _ in range(500)]
    limit = sorted(sizes)[333]
    exact = sorted(size for size in sizes if size <= limit)
    found = math.exp(log_quantile(exact, [limit] * (500 - len(exact)), 0.9))

    assert limit < sorted(sizes)[450] / 1.3
    assert sorted(sizes)[450] * 0.9 <= found <= sorted(sizes)[450] * 1.6


@pytest.mark.parametrize("cut", [[100], [100] * 300])
def test_cut_at_what_all_were(cut):
    """Outputs of 100 of which the newest were cut at 100 are larger than 100."""
    assert log_quantile([100] * 300, cut, 0.999) > math.log(100)


@given(exact=some, cut=some, at=st.integers(1, 60), sizes=st.lists(st.floats(1, 200), min_size=2))
def test_an_expected_miss_is_a_probability(exact, cut, at, sizes):
    """It is 1 up to where the output was cut, and falls with the size, but never to 0."""
    found = [expected_miss(exact, cut, at, size) for size in sorted(sizes)]

    assert sorted(found, reverse=True) == pytest.approx(found)
    assert all(0 < one <= 1 for one in found)
    assert all(1 == one for one, size in zip(found, sorted(sizes), strict=True) if size <= at)


def test_an_expected_miss_without_cut_outputs():
    """It is the share of larger outputs among those that went as far, and of one more."""
    assert pytest.approx(4 / 6) == expected_miss([10, 20, 30, 40, 50, 60, 70], [], 20, 45)

"""How sure a median is, and quantiles of few values."""

from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopack.prediction.calibration.confidence import confidence, quantile

RATIOS = st.lists(st.floats(0, 1e6), min_size=1, max_size=30)


@given(RATIOS, st.floats(0.01, 100))
def test_confidence_has_no_unit(ratios, factor):
    """It lies between 0 and 1, and does not depend on how large the error is."""
    found = confidence(ratios)

    assert 0 <= found < 1
    if median(ratios) > 1e-6:
        assert confidence([factor * ratio for ratio in ratios]) == pytest.approx(found)


@given(st.integers(1, 40), st.integers(1, 40), st.floats(0.1, 10))
def test_confidence_grows_with_the_count(n, m, ratio):
    """More samples that agree are never trusted less; one is never enough by default."""
    few, many = sorted((n, m))

    assert confidence([ratio] * few) <= confidence([ratio] * many)
    assert confidence([ratio]) < 0.7 < confidence([ratio] * 5)


def test_confidence_bears_wild_ratios():
    """A few ratios that are far off hardly change it; a wide spread does."""
    agreeing = [0.9, 0.95, 1.0, 1.05, 1.1] * 4

    assert confidence([*agreeing[:-2], 50, 90]) == pytest.approx(confidence(agreeing), abs=0.03)
    assert confidence([0.1, 0.5, 1.0, 4.0, 9.0] * 4) < confidence(agreeing) - 0.1


@given(st.lists(st.integers(), min_size=1), st.floats(0, 1))
def test_quantile_is_one_of_the_values(values, tau):
    """A quantile is a value that occurred, and grows with tau."""
    ordered = sorted(values)

    assert quantile(ordered, tau) in values
    assert quantile(ordered, 0) == ordered[0]
    assert quantile(ordered, 1) == ordered[-1]

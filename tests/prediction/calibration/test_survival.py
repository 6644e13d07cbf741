"""Quantiles with outputs that were cut off: against brute force, and at the edges."""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopack.prediction.calibration.survival import place_of, quantile_of

ascending = st.lists(st.integers(1, 30), max_size=12).map(sorted)
taus = st.sampled_from([0.1, 0.25, 0.5, 0.75, 0.9, 0.95])


def redistributed(exact, cut, tau):
    """Return the quantile by handing each cut one's weight on to all that are larger."""
    points = sorted([(size, 0) for size in exact] + [(size, 1) for size in cut])
    points.append((math.inf, 0))
    weights = [Fraction(1, len(points))] * len(points)
    for place, (_, is_cut) in enumerate(points):
        if is_cut:
            later = len(points) - place - 1
            for other in range(place + 1, len(points)):
                weights[other] += weights[place] / later
            weights[place] = Fraction(0)
    held = Fraction(0)
    for (size, _), weight in zip(points, weights, strict=True):
        held += weight
        if held >= Fraction(str(tau)):
            return None if size == math.inf else size
    return None


@given(ascending, ascending, taus)
def test_as_redistribution_to_the_right(exact, cut, tau):
    """The product-limit estimate equals Efron's redistribution, in exact arithmetic."""
    assert redistributed(exact, cut, tau) == quantile_of(exact, cut, tau)


@given(ascending, taus)
def test_nothing_cut_is_the_conformal_rank(exact, tau):
    """Without cut ones it is place ceil(tau (n + 1)) of n, or beyond all that was seen."""
    place = math.ceil(Fraction(str(tau)) * (len(exact) + 1))

    assert (exact[place - 1] if place <= len(exact) else None) == quantile_of(exact, (), tau)


@given(ascending, ascending.filter(bool), taus)
def test_a_cut_one_never_lowers(exact, cut, tau):
    """Taking a cut size for a whole one never gives a larger quantile."""
    whole = quantile_of(sorted(exact + cut), (), tau)
    found = quantile_of(exact, cut, tau)

    assert found is None or (whole is not None and whole <= found)


@pytest.mark.parametrize(("tau", "n", "place"), [(0.9, 9, 9), (0.55, 19, 11), (0.0, 5, 1)])
def test_places_are_not_off_by_a_rounding(tau, n, place):
    """A product that is whole on paper is not rounded up."""
    assert place == place_of(tau, n)

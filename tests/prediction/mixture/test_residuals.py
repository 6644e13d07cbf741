"""Residuals: the newest ones, and the quantile that leans on that of all."""

from hypothesis import given
from hypothesis import strategies as st

from autopack.prediction.mixture.descent import LEANING, indices
from autopack.prediction.mixture.residuals import LONGEST, NO_RESIDUALS, pooled, with_residual

numbers = st.lists(st.floats(-5, 5, width=32), min_size=1, max_size=30)


@given(numbers=numbers)
def test_the_newest_are_kept(numbers):
    """They are the newest 500, also in ascending order, and none before is changed."""
    known = NO_RESIDUALS
    for number in (*numbers * 40, *numbers):
        known = with_residual(known, number)

    newest = [*numbers * 40, *numbers][-LONGEST:]
    assert newest == list(known.order)
    assert sorted(newest) == list(known.ascending)
    assert 0 == len(NO_RESIDUALS.order)


def test_the_special_leans_on_the_general():
    """Ten of a category count as much as all; of nothing it is 0."""
    general = special = NO_RESIDUALS
    for _ in range(10):
        general, special = with_residual(general, 1.0), with_residual(special, 3.0)

    assert 0.0 == pooled([], indices(0.9), LEANING)
    assert 0.5 == pooled([general], indices(0.9), LEANING)
    assert 1.75 == pooled([general, special], indices(0.9), LEANING)

"""Residuals: the newest ones, and the quantile that leans on that of all."""

from hypothesis import given
from hypothesis import strategies as st

from autopack.prediction.mixture.descent import LEANING, indices
from autopack.prediction.mixture.residuals import (
    LONGEST,
    no_residuals,
    pooled,
    with_residuals,
)

numbers = st.lists(
    st.tuples(st.floats(-5, 5, width=32), st.floats(-5, 5, width=32)), min_size=1, max_size=30
)


@given(numbers=numbers)
def test_the_newest_are_kept(numbers):
    """Of each mean they are the newest 500, ascending, and none before is changed."""
    nothing = no_residuals(2)
    known, newest = nothing, [*numbers * 40, *numbers]
    for pair in newest:
        known = with_residuals(known, pair)

    newest = newest[-LONGEST:]
    assert [one for pair in newest for one in pair] == list(known.order)
    for mean in range(2):
        assert sorted(pair[mean] for pair in newest) == list(known.ascending[mean])
    assert 0 == len(nothing.order)


def test_the_special_leans_on_the_general():
    """Ten of a category count as much as all; each mean has its own."""
    general = special = no_residuals(2)
    for _ in range(10):
        general = with_residuals(general, [1.0, -1.0])
        special = with_residuals(special, [3.0, 0.0])

    assert [0.5, -0.5] == pooled([general], indices(0.9), LEANING)
    assert [1.75, -0.25] == pooled([general, special], indices(0.9), LEANING)

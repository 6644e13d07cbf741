"""Measures by name, and their figures as sizes and back."""

from decimal import Decimal

import pytest

from autopack.errors import InvalidInputError
from autopack.ports.measures import MEASURES, figure_of_size, measure_of, size_of_figure
from autopack.values.money import ZERO, Usd


@pytest.mark.parametrize(
    ("said", "meant"),
    [*zip(MEASURES, MEASURES, strict=True), ("cost", "cost_usd"), ("total-tokens", "total_tokens")],
)
def test_names(said, meant):
    """Each measure has one name; cost is short for one, and hyphens do."""
    assert meant == measure_of(said)


@pytest.mark.parametrize("wrong", ["tokens", "", None, 3])
def test_what_is_no_measure(wrong):
    """It is refused, with those that there are."""
    with pytest.raises(InvalidInputError, match="There are: output_tokens, total_tokens") as caught:
        measure_of(wrong)

    assert ("by", wrong) == (caught.value.name, caught.value.value)


def test_what_is_near():
    """A name that was mistyped is met with the one that was probably meant."""
    with pytest.raises(InvalidInputError, match="Did you mean 'total_tokens'"):
        measure_of("total_token")


@pytest.mark.parametrize(
    ("usd", "size"), [("0.0132", 13_200), ("0.0000015", 2), ("0", 1), ("0.0000000001", 1)]
)
def test_sizes_of_costs(usd, size):
    """Dollars are whole millionths; what cost nothing is known, and is the least of them."""
    assert size == size_of_figure("cost_usd", Usd.of(usd))


def test_figures_of_sizes():
    """A size is told as exact dollars, the least as none, and tokens and calls as they are."""
    assert Usd.of("0.0132") == figure_of_size("cost_usd", 13_200)
    assert Decimal("1.234567") == figure_of_size("cost_usd", 1_234_567.0)
    assert ZERO == figure_of_size("cost_usd", 1.0)
    assert 3.0 == figure_of_size("calls", 3.0)


@pytest.mark.parametrize("measure", MEASURES)
def test_unknown_is_not_nothing(measure):
    """What nobody told has no size."""
    assert size_of_figure(measure, None) is None

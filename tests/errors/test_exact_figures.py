"""Figures in words."""

from decimal import Decimal

import pytest

from autopack.errors.exact_figures import figure
from autopack.values.money import Usd


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (12_345_678, "12345678"),
        (10**30, "1" + "0" * 30),
        (0.5, "0.5"),
        (1e7, "10000000"),
        (2 / 3, "0.6667"),
        (0.0, "0"),
        (-0.0, "0"),
        (1e-9, "0.000000001"),
        (Decimal("1E+5"), "100000"),
        (Decimal("1E-7"), "0.0000001"),
        (Decimal("0.50"), "0.5"),
        (Usd.of("0.000000000001"), "0.000000000001"),
    ],
)
def test_a_figure_has_its_digits_and_no_exponent(value, text):
    """Also where it is very large or very small; a float of some size has four places."""
    assert text == figure(value)

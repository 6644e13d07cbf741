"""Figures in words: all of their digits, never with an exponent."""

from decimal import Decimal
from typing import Final

_SOME: Final = 0.001


def figure(value: float | Decimal) -> str:
    """Return a count or an amount of USD digit by digit; a float of some size to four places."""
    if isinstance(value, int):
        return str(value)
    is_some = isinstance(value, float) and abs(value) >= _SOME
    digits = f"{value:.4f}" if is_some else f"{Decimal(str(value)):f}"
    if "." in digits:
        digits = digits.rstrip("0").rstrip(".")
    return "0" if digits == "-0" else digits

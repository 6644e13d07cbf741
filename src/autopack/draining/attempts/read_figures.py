"""Figures as others print them, read strictly: counts, numbers and amounts of money."""

import math
from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeAlias

from autopack.errors import InvalidInputError
from autopack.values.money import Usd

Figures: TypeAlias = dict[str, Any]
"""Token counts by the names of a call's figures, and ``cost_usd``; None is unknown."""

_DIGITS_MOST: Final = 18


def whole(figures: Mapping[str, Any], name: str) -> int | None:
    """
    Return a count of tokens, also from a whole float or a text of digits.

    None if it is missing, or no whole number from 0 up.
    """
    value = figures.get(name)
    if isinstance(value, float) and value.is_integer():
        return whole({name: int(value)}, name)
    if isinstance(value, str) and len(value) <= _DIGITS_MOST and value.strip().isdecimal():
        return int(value)
    return value if type(value) is int and value >= 0 else None


def unreadable(figures: Mapping[str, Any], names: Iterable[str]) -> list[str]:
    """Return what is there under these names and is no count of tokens, as texts to show."""
    return [
        f"{name}: {figures[name]!r:.40} is no count of tokens"
        for name in names
        if figures.get(name) is not None and whole(figures, name) is None
    ]


def number(figures: Mapping[str, Any], name: str) -> float | None:
    """Return a figure from 0 up, or None."""
    value = figures.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if 0 <= found < math.inf else None


def amount(figures: Mapping[str, Any], name: str) -> Usd | None:
    """Return a figure in USD, exactly, also from a text; or None."""
    value = figures.get(name)
    try:
        return Usd.of(value) if type(value) in (int, float, str) else None
    except InvalidInputError:
        return None


def added(*figures: int | None) -> int | None:
    """Return the sum of the known figures; None if none is known."""
    known = [figure for figure in figures if figure is not None]
    return sum(known) if known else None

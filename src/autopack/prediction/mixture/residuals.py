"""What means leave unexplained: the newest differences, pooled over all and by category."""

from array import array
from bisect import bisect_left, insort
from collections.abc import Sequence
from typing import Final, NamedTuple

LONGEST: Final = 500


def _none() -> "array[float]":
    return array("f")


class Residuals(NamedTuple):
    """The newest differences in log tokens, never changed: by arrival, and ascending."""

    order: "array[float]"
    ascending: "array[float]"


NO_RESIDUALS: Final = Residuals(_none(), _none())


def with_residual(known: Residuals, difference: float) -> Residuals:
    """Return the newest differences after one more."""
    order, ascending = known.order[:], known.ascending[:]
    order.append(difference)
    insort(ascending, difference)
    if len(order) > LONGEST:
        del ascending[bisect_left(ascending, order.pop(0))]
    return Residuals(order, ascending)


def pooled(levels: Sequence[Residuals], places: Sequence[int], leaning: Sequence[float]) -> float:
    """
    Return the quantile of the differences: of all, and of the category as far as it is known.

    Args:
        levels: From the general to the special, those of which something is known.
        places: The index of the quantile by the number of differences.
        leaning: How much so many differences count against the level before.
    """
    found = 0.0
    for order, ascending in levels:
        n = len(order)
        found += leaning[n] * (ascending[places[n]] - found)
    return found

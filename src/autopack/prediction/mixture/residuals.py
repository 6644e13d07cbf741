"""What means leave unexplained: the newest differences, pooled over all and by category."""

from array import array
from bisect import bisect_left, insort
from collections.abc import Sequence
from typing import Final, NamedTuple

LONGEST: Final = 500


class Residuals(NamedTuple):
    """
    The newest differences in log tokens from some means, never changed.

    Args:
        order: By arrival, those from all means together.
        ascending: By mean, in ascending order.
    """

    order: "array[float]"
    ascending: "tuple[array[float], ...]"


def no_residuals(means: int) -> Residuals:
    """Return the differences from so many means before there is any."""
    return Residuals(array("f"), (array("f"),) * means)


def with_residuals(known: Residuals, differences: Sequence[float]) -> Residuals:
    """Return the newest differences after one more from each mean."""
    order, before = known
    order = order[:]
    order.extend(differences)
    means, ascending = len(differences), [one[:] for one in before]
    if len(order) > LONGEST * means:
        for one, gone in zip(ascending, order[:means], strict=True):
            del one[bisect_left(one, gone)]
        del order[:means]
    for one, difference in zip(ascending, differences, strict=True):
        insort(one, difference)
    return Residuals(order, tuple(ascending))


def pooled(
    levels: Sequence[Residuals], places: Sequence[int], leaning: Sequence[float]
) -> list[float]:
    """
    Return the quantiles of the differences: of all, and of the category as far as it is known.

    Args:
        levels: From the general to the special, at least one, those of which something is known.
        places: The index of the quantile by the number of differences.
        leaning: How much so many differences count against the level before.
    """
    found = [0.0] * len(levels[0].ascending)
    for _, ascending in levels:
        n = len(ascending[0])
        place, weight = places[n], leaning[n]
        found = [
            before + weight * (one[place] - before)
            for before, one in zip(found, ascending, strict=True)
        ]
    return found

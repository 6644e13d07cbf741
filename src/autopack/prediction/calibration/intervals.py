"""How far a median and a share may lie from the truth."""

import math
from collections.abc import Callable, Sequence
from statistics import NormalDist
from typing import Final

LEVEL: Final = 0.9
"""The share of such intervals that hold the truth."""

_EXACT_UP_TO: Final = 1000


def median_interval(ordered: Sequence[float], level: float = LEVEL) -> tuple[float, float]:
    """
    Return the bootstrap interval of a median, by percentiles and without drawing anything.

    The median of a resample is at most the k-th of n values if at least half of its n draws are;
    each is with probability k/n. So the endless bootstrap is a binomial tail, and is the same
    every time. Of an even number the lower middle gives the lower end, the upper the upper.

    Args:
        ordered: The values in ascending order, at least one.
        level: The interval's share, above 0 and below 1.

    Source: Efron (1979), the exact bootstrap of the median.
    """
    n, tail = len(ordered), (1 - level) / 2
    low = _first(n, lambda k: _at_least(n, k / n, (n + 1) // 2) > tail)
    high = _first(n, lambda k: _at_least(n, k / n, n // 2 + 1) >= 1 - tail)
    return ordered[low - 1], ordered[high - 1]


def share_interval(hits: float, n: float, level: float = 0.95) -> tuple[float, float]:
    """
    Return the interval of a share of which *hits* of *n* were seen; *n* at least 1.

    What counts for less than one is a fraction of one.

    Source: Wilson (1927).
    """
    z = NormalDist().inv_cdf(0.5 + level / 2)
    share, scale = hits / n, 1 + z * z / n
    middle = (share + z * z / (2 * n)) / scale
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / scale
    return max(0.0, middle - half), min(1.0, middle + half)


def _first(n: int, holds: Callable[[int], bool]) -> int:
    """Return the first of 1 to *n* for which *holds*, which stays true once it is."""
    low, high = 1, n
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low


def _at_least(n: int, p: float, m: int) -> float:
    """Return how probable *m* or more of *n* draws are; by the normal law for many."""
    if p >= 1:
        return 1.0
    if n > _EXACT_UP_TO:
        return 1 - NormalDist(n * p, math.sqrt(n * p * (1 - p))).cdf(m - 0.5)
    terms = (
        math.lgamma(n + 1) - math.lgamma(i + 1) - math.lgamma(n - i + 1)
        + i * math.log(p) + (n - i) * math.log1p(-p)
        for i in range(m, n + 1)
    )  # fmt: skip
    return math.fsum(map(math.exp, terms))

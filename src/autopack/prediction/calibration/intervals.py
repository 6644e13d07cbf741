"""How far a median and a share may lie from the truth."""

import math
from bisect import bisect_left
from collections.abc import Sequence
from statistics import NormalDist
from typing import Final

LEVEL: Final = 0.9
"""The share of such intervals that hold the truth."""

_EXACT_UP_TO: Final = 1000
_SLIP: Final = 1e-7
"""By how much logarithms of many factorials may be off; the interval rather is too wide."""


def median_interval(
    ordered: Sequence[float], level: float = LEVEL
) -> tuple[float, float] | tuple[None, None]:
    """
    Return the narrowest pair of order statistics that holds the median, as far from both ends.

    However the values are spread, it holds the median of what they were drawn from with
    probability *level* or more: it would miss only if so few of them lay on one side. Nothing is
    returned for fewer than :func:`fewest_for` values, since then all of them may do so.

    Args:
        ordered: The values in ascending order.
        level: The interval's share, above 0 and below 1.

    Source: Thompson (1936), the interval of the sign test.
    """
    n = len(ordered)
    if n < fewest_for(level):
        return None, None
    places = range(2, n // 2 + 1)
    fitting = 1 + bisect_left(places, True, key=lambda k: 2 * _at_most(k - 1, n) > 1 - level)
    return ordered[fitting - 1], ordered[n - fitting]


def fewest_for(level: float = LEVEL) -> int:
    """Return how many values it takes until they can say at *level* where their median lies."""
    return 1 + math.ceil(-math.log2(1 - level))


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


def _at_most(most: int, n: int) -> float:
    """Return how probable it is that *most* or fewer of *n* fair draws come up."""
    if n <= _EXACT_UP_TO:
        term = math.comb(n, most) / 2**n
    else:
        ways = math.lgamma(n + 1) - math.lgamma(most + 1) - math.lgamma(n - most + 1)
        term = math.exp(ways - n * math.log(2)) * (1 + _SLIP)
    found = 0.0
    for drawn in range(most, -1, -1):
        found += term
        term *= drawn / (n - drawn + 1)
        if term < found * 1e-17:
            break
    return found

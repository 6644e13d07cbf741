"""How sure a median is, and what a further value would not exceed."""

import math
from collections.abc import Sequence
from statistics import median
from typing import Final, Protocol

from autopack.prediction.calibration.survival import place_of

_NO_CHANGE_SAMPLES: Final = 2
_SE_OF_MEDIAN: Final = math.sqrt(math.pi / 2) * 1.4826


def confidence(ratios: Sequence[float]) -> float:
    """
    Return 0 to 1: how far a group's median ratio can be relied on.

    The product of two parts, so that neither makes up for the other. *Count*: n / (n + 2), the
    weight of n samples against two imagined ones that speak for no change; five samples give
    0.71, twelve 0.86. *Spread*: 1 / (1 + e), where e is the median's standard error as a share of
    the median, taken from the median absolute deviation, which a few wild ratios hardly move.
    It does not depend on the unit or on the size of the error: samples that all miss by the same
    factor are as good as samples that all hit. A median of 0 is never relied on.

    Args:
        ratios: Actual over predicted, at least one, none negative.

    Source: Hampel (1974) for 1.4826 MAD; sqrt(pi/2) sd / sqrt(n), the median's standard error
    under normal noise.
    """
    middle, n = median(ratios), len(ratios)
    if middle <= 0:
        return 0.0
    deviation = median(abs(ratio - middle) for ratio in ratios)
    error = _SE_OF_MEDIAN * deviation / (middle * math.sqrt(n))
    return n / (n + _NO_CHANGE_SAMPLES) / (1 + error)


class Ascending(Protocol):
    """Numbers in ascending order, by place."""

    def __len__(self) -> int: ...
    def __getitem__(self, place: int, /) -> float: ...


def quantile(ordered: Ascending, tau: float) -> float:
    """
    Return what a further value would not exceed with probability *tau*; the largest, if few.

    Source: Vovk et al. (2005), the split conformal quantile: place ceil(tau (n + 1)) of n.
    """
    return ordered[min(place_of(tau, len(ordered)), len(ordered)) - 1]

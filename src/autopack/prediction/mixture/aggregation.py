"""Bernstein online aggregation: experts are weighed by how they did, with rates that adapt."""

import math
from collections.abc import Sequence
from operator import mul
from typing import Final, NamedTuple

_TINY: Final = 1e-12
_VARIANCE: Final = 2.2


class Weights(NamedTuple):
    """
    How much each expert counts, and what that rests on; never changed.

    Args:
        shares: The experts' weights, which add up to 1.
        gains: What was gained over the mixture by following each, at its own rate.
        squares: The sum of its squared gains, for the rate.
        ranges: The largest gain or loss seen of each.
    """

    shares: list[float]
    gains: list[float]
    squares: list[float]
    ranges: list[float]


def even(experts: int) -> Weights:
    """Return weights before anything was seen: all alike."""
    return Weights([1 / experts] * experts, [0.0] * experts, [_TINY] * experts, [_TINY] * experts)


def mixed(weights: Weights, values: Sequence[float]) -> float:
    """Return the mixture of what the experts say."""
    return float(sum(map(mul, weights.shares, values)))


def judged(weights: Weights, values: Sequence[float], mixture: float, slope: float) -> Weights:
    """
    Return the weights after an outcome.

    Args:
        values: What the experts said.
        mixture: What was made of it.
        slope: That of the loss at *mixture*; the loss is taken for a line there.

    Source: Wintenberger (2017), Optimal learning with Bernstein online aggregation, theorem 3.4,
    with the rates of a fixed number of experts.
    """
    spread = 1 / math.sqrt(math.log(len(values)))
    at_mixture = slope * mixture
    gains, squares, ranges, heights, scales = [], [], [], [], []
    for value, gain, square, widest in zip(
        values, weights.gains, weights.squares, weights.ranges, strict=True
    ):
        step = at_mixture - slope * value
        size = abs(step)
        if size > widest:
            widest = size
        square += _VARIANCE * step * step
        # What a gain is divided by: the inverse of the rate, which is cheaper to take.
        scale = spread * math.sqrt(square)
        if widest > scale:
            scale = widest
        surprise = widest if size + size > scale else 0.0
        gain += 0.5 * (step - step * step / scale + surprise)
        gains.append(gain)
        squares.append(square)
        ranges.append(widest)
        scales.append(scale)
        heights.append(gain / scale)
    top = max(heights)
    raw = [math.exp(height - top) / scale for height, scale in zip(heights, scales, strict=True)]
    whole = sum(raw)
    return Weights([one / whole for one in raw], gains, squares, ranges)

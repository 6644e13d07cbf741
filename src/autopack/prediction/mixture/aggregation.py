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
    spread = math.sqrt(math.log(len(values)))
    steps = [slope * (mixture - value) for value in values]
    ranges = list(map(max, weights.ranges, map(abs, steps)))
    squares = [
        square + _VARIANCE * step * step
        for square, step in zip(weights.squares, steps, strict=True)
    ]
    rates = [
        min(1 / widest, spread / math.sqrt(square))
        for widest, square in zip(ranges, squares, strict=True)
    ]
    gains = [
        gain + 0.5 * (step * (1 - rate * step) + (widest if rate * abs(step) > 0.5 else 0.0))
        for gain, step, rate, widest in zip(weights.gains, steps, rates, ranges, strict=True)
    ]
    heights = list(map(mul, rates, gains))
    top = max(heights)
    raw = [rate * math.exp(height - top) for rate, height in zip(rates, heights, strict=True)]
    whole = sum(raw)
    return Weights([one / whole for one in raw], gains, squares, ranges)

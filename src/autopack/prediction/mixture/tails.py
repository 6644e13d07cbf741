"""Sizes of which some were cut off: quantiles and survival whose tail goes on beyond the whole."""

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import chain, repeat
from typing import Final, NamedTuple

_HEAVIEST: Final = 1.5
"""The scale of a tail in log tokens at most: of heavier ones not even the mean is finite."""
_FIRST_GUESS: Final = 0.5
"""What one output more would go beyond the middle, in log tokens, where few tell."""
_SLIP: Final = 1e-9


class _Stretch(NamedTuple):
    """
    Whole outputs between two that were cut off.

    Args:
        first, whole: Which of the whole ones.
        at_risk: How many outputs are as large as the first at least, and one more at infinity.
        alive: The share of all that is.
    """

    first: int
    whole: int
    at_risk: int
    alive: float

    @property
    def after(self) -> float:
        """The share of all that is larger than the last."""
        return self.alive * (self.at_risk - self.whole) / self.at_risk


def log_quantile(exact: Sequence[int], cut: Sequence[int], tau: float) -> float:
    """
    Return the logarithm of what a further output does not exceed with probability *tau*.

    Kaplan and Meier's estimate over the outputs and one more at infinity. Where the level lies
    beyond all whole outputs, what is above their median goes on as it is: exponential in log
    tokens.

    Args:
        exact, cut: Sizes in tokens, ascending; at least one in all.

    Source: Kaplan and Meier (1958); Hill (1975) for the tail.
    """
    found = _reached(exact, cut, 1 - tau)
    if found is not None:
        return math.log(exact[found])
    largest = math.log(max((*exact[-1:], *cut[-1:])))
    if not cut:
        return largest
    start, alive = _middle(exact, cut)
    return max(largest, start + _scale(exact, cut, start) * math.log(alive / (1 - tau)))


def expected_miss(exact: Sequence[int], cut: Sequence[int], cut_at: float, size: float) -> float:
    """Return how probable it is that an output which was cut at *cut_at* exceeds *size*."""
    if size <= cut_at or not exact:
        return 1.0
    return _survival(exact, cut, size) / _survival(exact, cut, cut_at)


def _stretches(exact: Sequence[int], cut: Sequence[int]) -> Iterator[_Stretch]:
    first, at_risk, alive = 0, len(exact) + len(cut) + 1, 1.0
    for size in cut:
        count = bisect_right(exact, size, first) - first
        stretch = _Stretch(first, count, at_risk, alive)
        yield stretch
        first, at_risk, alive = first + count, at_risk - count - 1, stretch.after
    yield _Stretch(first, len(exact) - first, at_risk, alive)


def _reached(exact: Sequence[int], cut: Sequence[int], share: float) -> int | None:
    """Return the first whole output that at most *share* of all exceed; None if there is none."""
    first, at_risk, alive = 0, len(exact) + len(cut) + 1, 1.0
    for end in chain(map(bisect_right, repeat(exact), cut), (len(exact),)):
        whole = end - first
        if whole:
            needed = at_risk * (1 - share / alive) - _SLIP
            if needed <= whole:
                return first + max(1, math.ceil(needed)) - 1
            alive = alive * (at_risk - whole) / at_risk
            first = end
        at_risk -= whole + 1
    return None


def _survival(exact: Sequence[int], cut: Sequence[int], size: float) -> float:
    """Return the share of outputs larger than *size*, above 0."""
    alive = 1.0
    for stretch in _stretches(exact, cut):
        smaller = bisect_right(exact, size, stretch.first) - stretch.first
        if smaller < stretch.whole:
            return stretch.alive * (stretch.at_risk - smaller) / stretch.at_risk
        alive = stretch.after
    if size <= exact[-1]:
        return alive
    start, _ = _middle(exact, cut)
    return alive * math.exp(-math.log(size / exact[-1]) / _scale(exact, cut, start))


def _middle(exact: Sequence[int], cut: Sequence[int]) -> tuple[float, float]:
    """Return the logarithm of a size about the median, and the share of outputs beyond it."""
    if not exact:
        return math.log(cut[0]), 1.0
    half = _reached(exact, cut, 0.5)
    if half is not None:
        return math.log(exact[half]), 0.5
    return math.log(exact[len(exact) // 2]), _survival(exact, cut, exact[len(exact) // 2])


def _scale(exact: Sequence[int], cut: Sequence[int], start: float) -> float:
    """Return the mean excess over *start* in log tokens, of whole outputs by all that is seen."""
    middle = math.exp(start) * (1 + _SLIP)
    over = exact[bisect_right(exact, middle) :]
    part = cut[bisect_right(cut, middle) :]
    seen = sum(map(math.log, over)) + sum(map(math.log, part)) - (len(over) + len(part)) * start
    return min(_HEAVIEST, (seen + _FIRST_GUESS) / (len(over) + 1))

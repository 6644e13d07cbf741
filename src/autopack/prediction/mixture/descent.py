"""The ways down the tree: at each place its own figures are mixed with those of the place above."""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from autopack.prediction.calibration.survival import place_of
from autopack.prediction.mixture.places import BRANCH, DEPTHS, LEAF, WINDOWS, Place, Ranked
from autopack.prediction.mixture.tails import log_quantile

_USUAL_PROMPT: Final = math.log(1000)
_SHRINKAGE: Final = 10.0
"""How many sizes of its own make a place count as much as the one above it."""
LEANING: Final = tuple(n / (n + _SHRINKAGE) for n in range(WINDOWS[0] + 1))
"""How much so many sizes count against what is above them."""


class Way(NamedTuple):
    """
    What is said at each depth, in log tokens; where nothing is known, what is said above it.

    Args:
        longs, middles, shorts: Quantiles of the newest 500, 100 and 30.
        means: Means; *prompts* those of the prompts' sizes.
        shared, shared_mean: Quantiles and the deepest mean below category and complexity,
            whatever the model.
    """

    longs: list[float]
    middles: list[float]
    shorts: list[float]
    means: list[float]
    prompts: list[float]
    shared: list[float]
    shared_mean: float


def way_down(
    own: Sequence[Place | None], others: Sequence[Place | None], tau: float, start: float
) -> Way:
    """
    Return what places say at *tau*.

    Args:
        own: From the root down to the finest part of the prompt's octave.
        others: Those of the prompt's size whatever the model, likewise.
        start: The logarithm of what is said where nothing is known.
    """
    at_index = indices(tau)
    longs, middles, shorts, means, prompts = [], [], [], [], []
    long = middle = short = mean = start
    prompt = _USUAL_PROMPT
    last, levels = None, (0.0, 0.0, 0.0)
    for place in own:
        if place is not None:
            if place is not last:
                last, levels = place, _levels(place, tau, at_index)
            first, second, third = levels
            order, _, _, _, n, own_mean, known, own_prompt = place
            many = len(order)
            long += LEANING[many] * (first - long)
            middle += LEANING[many if many < WINDOWS[1] else WINDOWS[1]] * (second - middle)
            short += LEANING[many if many < WINDOWS[2] else WINDOWS[2]] * (third - short)
            mean += n / (n + 1.0) * (own_mean - mean)
            prompt += known / (known + 1.0) * (own_prompt - prompt)
        longs.append(long)
        middles.append(middle)
        shorts.append(short)
        means.append(mean)
        prompts.append(prompt)
    for column in (longs, middles, shorts, means, prompts):
        column.extend(column[-1:] * (DEPTHS - len(column)))
    shared, shared_mean, last_level = [longs[BRANCH]], means[BRANCH], levels[0]
    long = longs[BRANCH]
    for place in others:
        if place is not None:
            if place is not last:
                last, last_level = place, _level(place.long, tau, at_index)
            long += LEANING[len(place.order)] * (last_level - long)
            shared_mean += place.n / (place.n + 1.0) * (place.mean - shared_mean)
        shared.append(long)
    shared.extend(shared[-1:] * (DEPTHS - LEAF - len(shared)))
    return Way(longs, middles, shorts, means, prompts, shared, shared_mean)


@lru_cache(maxsize=64)
def indices(tau: float) -> tuple[int, ...]:
    """Return the index of the quantile by the number of sizes: the last if it lies beyond."""
    return tuple(min(place_of(tau, n), n) - 1 for n in range(WINDOWS[0] + 1))


def _levels(place: Place, tau: float, at_index: Sequence[int]) -> tuple[float, float, float]:
    """Return the quantiles of a place's three windows; those of one object are taken once."""
    _, long, middle, short, *_ = place
    first = second = third = _level(long, tau, at_index)
    if middle is not long:
        second = third = _level(middle, tau, at_index)
    if short is not middle:
        third = _level(short, tau, at_index)
    return first, second, third


def _level(ranked: Ranked, tau: float, at_index: Sequence[int]) -> float:
    """Return the logarithm of the quantile of some sizes."""
    exact, cut = ranked
    if cut:
        return log_quantile(exact, cut, tau)
    return math.log(exact[at_index[len(exact)]])

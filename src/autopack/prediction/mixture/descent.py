"""The ways down the tree: at each place its own figures are mixed with those of the place above."""

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Final, NamedTuple

from autopack.prediction.calibration.survival import place_of
from autopack.prediction.mixture.places import BRANCH, DEPTHS, LEAF, WINDOWS, Path, Place, Ranked
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


def way_down(at: Callable[[str], Place | None], path: Path, tau: float, start: float) -> Way:
    """
    Return what the places of a path say at *tau*.

    Args:
        at: Gives what is known of a place.
        start: The logarithm of what is said where nothing is known.
    """
    places = [at(key) for key in path.own]
    levels = _levels_of(places, tau)
    longs, middles, shorts, means, prompts = [], [], [], [], []
    long = middle = short = mean = start
    prompt = _USUAL_PROMPT
    for place, (first, second, third) in zip(places, levels, strict=True):
        if place is not None:
            many = len(place.order)
            long += LEANING[many] * (first - long)
            middle += LEANING[min(many, WINDOWS[1])] * (second - middle)
            short += LEANING[min(many, WINDOWS[2])] * (third - short)
            n = place.n
            mean += n / (n + 1.0) * (place.mean - mean)
            n = place.prompts
            prompt += n / (n + 1.0) * (place.prompt - prompt)
        longs.append(long)
        middles.append(middle)
        shorts.append(short)
        means.append(mean)
        prompts.append(prompt)
    for column in (longs, middles, shorts, means, prompts):
        column.extend(column[-1:] * (DEPTHS - len(column)))
    shared, shared_mean = [longs[BRANCH]], means[BRANCH]
    for depth, key in enumerate(path.shared, LEAF + 1):
        place, long = at(key), shared[-1]
        if place is not None:
            is_own = place is places[depth]
            level = levels[depth][0] if is_own else _level(place.long, len(place.order), tau)
            long += LEANING[len(place.order)] * (level - long)
            shared_mean += place.n / (place.n + 1.0) * (place.mean - shared_mean)
        shared.append(long)
    shared.extend(shared[-1:] * (DEPTHS - LEAF - len(shared)))
    return Way(longs, middles, shorts, means, prompts, shared, shared_mean)


@lru_cache(maxsize=64)
def indices(tau: float) -> tuple[int, ...]:
    """Return the index of the quantile by the number of sizes: the last if it lies beyond."""
    return tuple(min(place_of(tau, n), n) - 1 for n in range(WINDOWS[0] + 1))


def _levels_of(places: list[Place | None], tau: float) -> list[tuple[float, float, float]]:
    """Return the quantiles of each place's three windows; those of one object are taken once."""
    found: list[tuple[float, float, float]] = []
    last, levels = None, (0.0, 0.0, 0.0)
    for place in places:
        if place is not None and place is not last:
            last, levels = place, _levels(place, tau)
        found.append(levels)
    return found


def _levels(place: Place, tau: float) -> tuple[float, float, float]:
    first = second = third = _level(place.long, len(place.order), tau)
    if place.middle is not place.long:
        second = third = _level(place.middle, WINDOWS[1], tau)
    if place.short is not place.middle:
        third = _level(place.short, WINDOWS[2], tau)
    return first, second, third


def _level(ranked: Ranked, many: int, tau: float) -> float:
    """Return the logarithm of the quantile of so many sizes."""
    exact, cut = ranked
    if cut:
        return log_quantile(exact, cut, tau)
    return math.log(exact[indices(tau)[many]])

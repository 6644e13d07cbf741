"""What is known of sizes, and what each of many simple experts makes of it for one question."""

import math
from collections.abc import Sequence
from operator import add
from typing import Final, NamedTuple

import attrs
from rpds import HashTrieMap

from autopack.prediction.mixture.descent import LEANING, Way, indices, way_down
from autopack.prediction.mixture.places import BRANCH, LEAF, NO_OCTAVE, Path, Place, grown
from autopack.prediction.mixture.residuals import (
    Residuals,
    no_residuals,
    pooled,
    with_residuals,
)

_RIDGE: Final = 5.0
_FADING: Final = 0.998
"""What is left of a line's evidence with each further size: half after 350."""
_EFFECT_LEANS: Final = 3.0
_EFFECT_MEMORY: Final = 200
_FARTHEST: Final = math.log(8)
"""How far means and lines may be from the tree, in log tokens."""

MEANS: Final = 8
"""Experts that add a pooled residual to a mean; the last two are lines in the prompt's size."""
LINES: Final = 2
_LINES_AT: Final = (LEAF, BRANCH)
"""Where the lines pass: the model's category and complexity, and that of any model."""
BASE: Final = 2
"""The expert of the leaf's octave of the prompt."""
COARSE: Final = 1
"""The expert of the leaf without the prompt: the model's category and complexity."""
STATIC: Final = 22 + MEANS


class PooledResiduals(NamedTuple):
    """Residuals of each mean, and by line the moments that its slope is made of."""

    residuals: Residuals
    moments: tuple[tuple[float, float], ...]


@attrs.frozen(eq=False)
class SeenSizes:
    """
    What was seen by place, what is pooled over all and by category, and models' effects.

    Args:
        octaves: The places of each octave of the prompt's size: it, its halves, quarters, ...
    """

    places: "HashTrieMap[str, Place]" = attrs.field(factory=HashTrieMap)
    octaves: "HashTrieMap[str, tuple[Place | None, ...]]" = attrs.field(factory=HashTrieMap)
    pools: "HashTrieMap[str, PooledResiduals]" = attrs.field(factory=HashTrieMap)
    effects: "HashTrieMap[str, tuple[int, float]]" = attrs.field(factory=HashTrieMap)


class ExpertAnswers(NamedTuple):
    """
    What the experts say of one question.

    Args:
        values: Logarithms of sizes at the quantile, one an expert.
        means: The means and lines, without their residuals' quantile.
        deviations: How far the prompt is from what is usual where each line passes.
    """

    values: list[float]
    means: list[float]
    deviations: tuple[float, ...]


def read(
    known: SeenSizes, path: Path, prompt_tokens: int | None, tau: float, start: float
) -> ExpertAnswers:
    """
    Return what each expert says at quantile *tau*.

    Args:
        start: The logarithm of what is said where nothing is known.
    """
    octave, others = known.octaves.get(path.octave), known.octaves.get(path.shared_octave)
    own = list(map(known.places.get, path.own))
    if octave is not None:
        own += [octave[part] for part in path.parts]
    shared = [] if others is None else [others[part] for part in path.parts]
    way = way_down(own, shared, tau, start)
    pools = [pool for pool in map(known.pools.get, ("", path.category)) if pool is not None]
    log_prompt = _log_prompt(prompt_tokens)
    deviations = tuple(
        0.0 if log_prompt is None else log_prompt - way.prompts[depth] for depth in _LINES_AT
    )
    means = [*_means(known, path, way), *_lines(pools, way, deviations)]
    values = _quantiles(way)
    low, high = values[BASE] - _FARTHEST, values[BASE] + _FARTHEST
    centres = means
    if pools:
        levels = pooled([pool.residuals for pool in pools], indices(tau), LEANING)
        centres = list(map(add, means, levels))
    values += [min(high, max(low, centre)) for centre in centres]
    return ExpertAnswers(values, means, deviations)


def learned(
    known: SeenSizes, path: Path, prompt_tokens: int | None, size: int, reading: ExpertAnswers
) -> SeenSizes:
    """
    Return what is known after one more size, which is negative if it was cut off there.

    Places that have seen the same, those of the only model say, are one object, learned once.
    """
    log_prompt = _log_prompt(prompt_tokens)
    places, octaves, afterwards = known.places, known.octaves, dict[int, Place]()

    def after(before: Place | None, *, is_shared: bool = False) -> Place:
        found = afterwards.get(id(before))
        if found is None:
            found = afterwards[id(before)] = grown(before, size, log_prompt, is_shared=is_shared)
        return found

    for key in path.own:
        places = places.insert(key, after(known.places.get(key)))
    if path.octave:
        for key, is_shared in ((path.octave, False), (path.shared_octave, True)):
            octave = list(known.octaves.get(key, NO_OCTAVE))
            for part in path.parts:
                octave[part] = after(octave[part], is_shared=is_shared)
            octaves = octaves.insert(key, tuple(octave))
    if size < 0:
        return SeenSizes(places, octaves, known.pools, known.effects)
    log_size = math.log(size)
    general, special = (known.pools.get(key, _EMPTY) for key in ("", path.category))
    pool = _added(general, log_size, reading)
    pools = known.pools.insert("", pool)
    pool = pool if special is general else _added(special, log_size, reading)
    n, effect = known.effects.get(path.model, (0, 0.0))
    n = min(n + 1, _EFFECT_MEMORY)
    effect += (log_size - reading.means[_WITHOUT_MODEL] - effect) / n
    effects = known.effects.insert(path.model, (n, effect))
    return SeenSizes(places, octaves, pools.insert(path.category, pool), effects)


def _quantiles(way: Way) -> list[float]:
    """Return the tree's: of the model, of the leaf and finer for three windows, and shared ones."""
    shorts = way.shorts
    return [
        way.longs[1],
        *way.longs[LEAF:],
        *way.middles[LEAF:],
        *(shorts[LEAF], shorts[LEAF + 1], shorts[LEAF + 3]),
        *way.shared,
    ]


def _means(known: SeenSizes, path: Path, way: Way) -> tuple[float, ...]:
    """Return the means of leaf, octave and finest, without the model, and with its effect alone."""
    n, effect = known.effects.get(path.model, (0, 0.0))
    return (
        way.means[LEAF],
        way.means[LEAF + 1],
        way.means[-1],
        way.shared_mean,
        way.means[BRANCH],
        way.means[BRANCH] + n / (n + _EFFECT_LEANS) * effect,
    )


_WITHOUT_MODEL: Final = 4
"""The place among the means of that which models' effects are measured from."""


def _lines(
    pools: Sequence[PooledResiduals], way: Way, deviations: tuple[float, ...]
) -> list[float]:
    return [
        way.means[depth] + _slope(pools, number) * deviation
        for number, (depth, deviation) in enumerate(zip(_LINES_AT, deviations, strict=True))
    ]


def _slope(pools: Sequence[PooledResiduals], line: int) -> float:
    """Return the slope of all, and of the category as far as it is known."""
    slope = 0.0
    for pool in pools:
        square, product = pool.moments[line]
        slope += (product - square * slope) / (square + _RIDGE)
    return slope


def _added(pool: PooledResiduals, log_size: float, reading: ExpertAnswers) -> PooledResiduals:
    """Return a pool after one more whole size."""
    residuals = with_residuals(pool.residuals, [log_size - mean for mean in reading.means])
    moments = tuple(
        (
            _FADING * square + deviation * deviation,
            _FADING * product + deviation * (log_size - reading.means[centre]),
        )
        for (square, product), deviation, centre in zip(
            pool.moments, reading.deviations, (0, _WITHOUT_MODEL), strict=True
        )
    )
    return PooledResiduals(residuals, moments)


def _log_prompt(prompt_tokens: int | None) -> float | None:
    return None if prompt_tokens is None or prompt_tokens < 0 else math.log1p(prompt_tokens)


_EMPTY: Final = PooledResiduals(no_residuals(MEANS), ((0.0, 0.0),) * LINES)

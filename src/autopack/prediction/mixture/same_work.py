"""The same work done before: how far its outputs were from what its group's means say."""

import math
from collections.abc import Sequence
from operator import add
from typing import Final, NamedTuple

import attrs
from rpds import HashTrieMap

from autopack.prediction.mixture.descent import LEANING, indices
from autopack.prediction.mixture.residuals import (
    Residuals,
    no_residuals,
    pooled,
    with_residuals,
)

_CENTRES: Final = (0, 5)
"""Among an answer's means, that of the leaf, and that of all models with the model's effect."""
_LEANS: Final = (0.3, 1.0, 3.0)
"""How many outputs of the same work make it count as much as its group."""
_MEMORY: Final = 20
"""How many outputs an effect is of; from then on the older ones fade."""
_MOST: Final = 20_000
"""How many names are kept at least, the newest; never more than twice as many."""
FEWEST: Final = 20
"""How many outputs of work done before have to be seen before it is looked at."""

SAME_WORK: Final = len(_CENTRES) * len(_LEANS)
"""Experts that go by the same work, where it is known."""

Effect = tuple[int, tuple[float, ...]]
"""How many outputs, and by centre how far they were from it on average, in log tokens."""


@attrs.frozen(eq=False)
class SameWork:
    """
    What was seen of work by its names; never changed.

    Args:
        young, old: Effects by name: once the young ones are many, they become the old ones.
        pools: What effects leave unexplained, for all and by category.
    """

    young: "HashTrieMap[str, Effect]" = attrs.field(factory=HashTrieMap)
    old: "HashTrieMap[str, Effect]" = attrs.field(factory=HashTrieMap)
    pools: "HashTrieMap[str, Residuals]" = attrs.field(factory=HashTrieMap)

    def effect_of(self, task: str) -> Effect | None:
        """Return what is known of the work of this name."""
        return self.young.get(task) or self.old.get(task)


class SameWorkAnswers(NamedTuple):
    """
    What the same work says of one question.

    Args:
        values: Logarithms of sizes at the quantile, one an expert.
        means: The same without their residuals' quantile.
    """

    values: list[float]
    means: list[float]


def said_by(
    known: SameWork, tasks: Sequence[str], category: str, means: Sequence[float], tau: float
) -> SameWorkAnswers | None:
    """
    Return what the same work says at quantile *tau*; None if none was done before.

    Args:
        tasks: Its names, the most general first.
        means: Those of the experts, whose centres the effects are measured from.
    """
    effects = [effect for effect in map(known.effect_of, tasks) if effect is not None]
    if not effects:
        return None
    leaned = [_leaned(effects, place, lean) for place in range(len(_CENTRES)) for lean in _LEANS]
    centres = [means[centre] for centre in _CENTRES for _ in _LEANS]
    found = [mean + effect for mean, effect in zip(centres, leaned, strict=True)]
    pools = [pool for pool in map(known.pools.get, ("", category)) if pool is not None]
    if not pools:
        return SameWorkAnswers(found, found)
    levels = pooled(pools, indices(tau), LEANING)
    return SameWorkAnswers(list(map(add, found, levels)), found)


def is_told(known: SameWork) -> bool:
    """Tell whether enough work was done again to know what that says."""
    pool = known.pools.get("")
    return pool is not None and len(pool.ascending[0]) >= FEWEST


def learned_work(
    known: SameWork,
    tasks: Sequence[str],
    category: str,
    size: int,
    means: Sequence[float],
    said: SameWorkAnswers | None,
) -> SameWork:
    """Return what is known after one more whole size; *said* is what was said of it now."""
    if not tasks or size <= 0:
        return known
    log_size = math.log(size)
    pools = known.pools
    if said is not None:
        differences = [log_size - mean for mean in said.means]
        for key in dict.fromkeys(("", category)):
            pools = pools.insert(key, with_residuals(pools.get(key, _NO_POOL), differences))
    young, old = known.young, known.old
    for task in tasks:
        young = young.insert(task, _with(known.effect_of(task), log_size, means))
    if len(young) > _MOST:
        young, old = HashTrieMap(), young
    return SameWork(young, old, pools)


def _leaned(effects: Sequence[Effect], place: int, lean: float) -> float:
    """Return the effect of the most special name, leaning on those of the more general ones."""
    found = 0.0
    for n, effect in effects:
        found += n / (n + lean) * (effect[place] - found)
    return found


def _with(effect: Effect | None, log_size: float, means: Sequence[float]) -> Effect:
    before, old = effect or (0, (0.0,) * len(_CENTRES))
    n = min(before + 1, _MEMORY)
    new = (log_size - means[centre] for centre in _CENTRES)
    return n, tuple(was + (now - was) / n for was, now in zip(old, new, strict=True))


_NO_POOL: Final = no_residuals(SAME_WORK)

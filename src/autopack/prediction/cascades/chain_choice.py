"""Which chain is chosen by what was seen: the cheapest that is not right less often."""

import math
from collections.abc import Sequence
from itertools import pairwise
from operator import add, sub
from typing import Final

import attrs

from autopack.prediction.cascades.chains import Chain, courses
from autopack.prediction.cascades.trials import ModelColumn

NEAR: Final = 1.02
"""Chains whose cost is within this factor of the cheapest cost the same: the evidence decides."""
_LEAST_DIFFERENCE: Final = 1e-9


@attrs.frozen(kw_only=True)
class BlockSums:
    """
    What each chain did with some of the tasks: sums, in the order of the chains.

    Args:
        tasks: How many.
        cost: In USD.
    """

    tasks: int
    cost: Sequence[float]
    right: Sequence[float]

    def plus(self, other: "BlockSums") -> "BlockSums":
        """Return the sums over the tasks of both."""
        return BlockSums(
            tasks=self.tasks + other.tasks,
            cost=list(map(add, self.cost, other.cost)),
            right=list(map(add, self.right, other.right)),
        )

    def minus(self, other: "BlockSums") -> "BlockSums":
        """Return the sums over the tasks that are not of the other."""
        return BlockSums(
            tasks=self.tasks - other.tasks,
            cost=list(map(sub, self.cost, other.cost)),
            right=list(map(sub, self.right, other.right)),
        )


@attrs.frozen(kw_only=True)
class ChainTable:
    """
    What every chain did with the tasks, block by block.

    Args:
        blocks: The first and the last but one task of each, in the order of the tasks.
    """

    chains: Sequence[Chain]
    blocks: Sequence[slice]
    sums: Sequence[BlockSums]

    def whole(self) -> BlockSums:
        """Return the sums over all tasks."""
        first, *rest = self.sums
        for one in rest:
            first = first.plus(one)
        return first


@attrs.frozen
class Choice:
    """The best single model and the best chain of all, by their numbers among the chains."""

    single: int
    chain: int


def table_of(columns: Sequence[ModelColumn], *, max_length: int, blocks: int) -> ChainTable:
    """Return what every chain did, over so many blocks of tasks, as equal as can be."""
    n = len(columns[0].cost)
    bounds = [n * number // blocks for number in range(blocks + 1)]
    slices = [slice(a, b) for a, b in pairwise(bounds)]
    chains: list[Chain] = []
    costs: list[list[float]] = [[] for _ in slices]
    rights: list[list[float]] = [[] for _ in slices]
    for course in courses(columns, max_length):
        chains.append(course.chain)
        for part, cost, right in zip(slices, costs, rights, strict=True):
            cost.append(sum(course.cost[part]))
            right.append(sum(course.right[part]))
    sums = [
        BlockSums(tasks=part.stop - part.start, cost=cost, right=right)
        for part, cost, right in zip(slices, costs, rights, strict=True)
    ]
    return ChainTable(chains=chains, blocks=slices, sums=sums)


def chosen(
    table: ChainTable, seen: BlockSums, blocks: Sequence[int], *, margin: float, caution: float
) -> Choice:
    """
    Return the choice by the tasks that were seen.

    A chain must not be right less often than the model that is right most often, by more than
    *margin*, also after *caution* standard errors are taken off. Of the models that are not, the
    cheapest is the best single one. Of the chains, those that cost the same as the cheapest
    (within :data:`NEAR`) are compared by how often they are right, then by their length; where
    nothing is cheaper than the best single model, that is chosen.

    Args:
        seen: The sums over the blocks that were seen.
        blocks: Which they are.
    """
    singles = [number for number, chain in enumerate(table.chains) if len(chain) == 1]
    best = max(singles, key=lambda number: (seen.right[number], -seen.cost[number]))
    least = seen.right[best] - margin * seen.tasks - _LEAST_DIFFERENCE
    sums = [table.sums[block] for block in blocks]

    def fits(number: int) -> bool:
        right = seen.right[number]
        if caution and right >= least:
            right -= caution * _deviation(sums, number, best)
        return right >= least

    single = min(filter(fits, singles), key=lambda number: (seen.cost[number], -seen.right[number]))
    able = [number for number, right in enumerate(seen.right) if right >= least]
    near: list[int] = []
    for number in sorted(able, key=seen.cost.__getitem__):
        if near and seen.cost[number] > NEAR * seen.cost[near[0]] + _LEAST_DIFFERENCE:
            break
        if fits(number):
            near.append(number)
    if near[0] == single:
        return Choice(single, single)
    chain = max(
        near,
        key=lambda number: (
            round(seen.right[number], 9),
            -len(table.chains[number]),
            -seen.cost[number],
        ),
    )
    return Choice(single, chain)


def _deviation(sums: Sequence[BlockSums], chain: int, single: int) -> float:
    """Return the standard error of by how many tasks more a chain is right than a model."""
    if chain == single:
        return 0.0
    n = sum(one.tasks for one in sums)
    gains = [one.right[chain] - one.right[single] for one in sums]
    mean = sum(gains) / n
    off = sum((gain - mean * one.tasks) ** 2 for gain, one in zip(gains, sums, strict=True))
    return math.sqrt(off * len(sums) / (len(sums) - 1)) if len(sums) > 1 else math.inf


def frontier(table: ChainTable, seen: BlockSums, step: float = 0.005) -> list[int]:
    """Return chains from the cheapest up, each right more often by *step* than all before it."""
    found: list[int] = []
    for number in sorted(range(len(table.chains)), key=lambda n: (seen.cost[n], -seen.right[n])):
        if not found or seen.right[number] >= seen.right[found[-1]] + step * seen.tasks:
            found.append(number)
    return found

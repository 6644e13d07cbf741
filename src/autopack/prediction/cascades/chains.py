"""Chains of models: one after the other is tried until the check passes its work."""

from collections.abc import Iterator, Sequence
from math import perm
from operator import add, mul
from typing import Final

import attrs

from autopack.prediction.cascades.trials import ModelColumn

Chain = tuple[int, ...]
"""Columns of models, in the order in which they are tried."""

MOST: Final = 30_000
"""How many chains are looked at; where there are more, the longest are left out."""


@attrs.frozen(kw_only=True)
class ChainCourse:
    """
    What a chain did with each task, as expected values in the order of the tasks.

    The work of the last model is taken as it is: nobody comes after it.

    Args:
        cost: In USD: each model that was reached.
        right: How often the work that it ends with is right.
        unpassed: How often the check passed none of its models.
    """

    chain: Chain
    cost: Sequence[float]
    right: Sequence[float]
    unpassed: Sequence[float]


def longest(models: int, wanted: int) -> int:
    """Return how long chains of so many models may be, of which there are at most :data:`MOST`."""
    lengths = range(1, min(wanted, models) + 1)
    return max(n for n in lengths if n <= 2 or number_of(models, n) <= MOST)


def number_of(models: int, length: int) -> int:
    """Return how many chains there are up to a length."""
    return sum(perm(models, n) for n in range(1, length + 1))


def courses(columns: Sequence[ModelColumn], max_length: int) -> Iterator[ChainCourse]:
    """Yield every chain of different models up to a length, each with what it did."""
    n = len(columns[0].cost)
    begun = ChainCourse(chain=(), cost=[0.0] * n, right=[0.0] * n, unpassed=[1.0] * n)
    yield from _longer(begun, begun.right, columns, max_length)


def course_of(columns: Sequence[ModelColumn], chain: Chain) -> ChainCourse:
    """Return what one chain did."""
    own = [columns[place] for place in chain]
    for found in courses_along(own):
        last = found
    return attrs.evolve(last, chain=chain)


def courses_along(columns: Sequence[ModelColumn]) -> Iterator[ChainCourse]:
    """Yield what the first model did, then the first two, and so on."""
    n = len(columns[0].cost)
    course = ChainCourse(chain=(), cost=[0.0] * n, right=[0.0] * n, unpassed=[1.0] * n)
    passed_right: Sequence[float] = course.right
    for place, column in enumerate(columns):
        course, passed_right = _next(course, passed_right, column, place)
        yield course


def _longer(
    course: ChainCourse,
    passed_right: Sequence[float],
    columns: Sequence[ModelColumn],
    max_length: int,
) -> Iterator[ChainCourse]:
    for place, column in enumerate(columns):
        if place in course.chain:
            continue
        longer, right = _next(course, passed_right, column, place)
        yield longer
        if len(longer.chain) < max_length:
            yield from _longer(longer, right, columns, max_length)


def _next(
    course: ChainCourse, passed_right: Sequence[float], column: ModelColumn, place: int
) -> tuple[ChainCourse, Sequence[float]]:
    """Return the course with one model more, and how often what was passed so far is right."""
    reached = course.unpassed
    longer = ChainCourse(
        chain=(*course.chain, place),
        cost=list(map(add, course.cost, map(mul, reached, column.cost))),
        right=list(map(add, passed_right, map(mul, reached, column.right))),
        unpassed=[left * (1 - passed) for left, passed in zip(reached, column.passed, strict=True)],
    )
    return longer, list(map(add, passed_right, map(mul, reached, column.passed_right)))

"""Tasks that can be compared: those that each model was tried on, where that was no selection."""

from collections.abc import Iterator, Sequence
from math import comb
from typing import Final

import attrs

from autopack.prediction.cascades.trials import Trial, Tried, by_model

_BY_CHANCE: Final = 0.01
"""How seldom chance alone may call a model selected, over all that is compared."""


@attrs.frozen(kw_only=True)
class Selected:
    """
    A model that was tried on tasks which are not like the others.

    Args:
        other: Whose work tells them apart.
        with_it, without: How often the other one was right where the model was tried, and where
            not: tasks with right work, and all tasks.
    """

    model: str
    other: str
    with_it: tuple[int, int]
    without: tuple[int, int]


@attrs.frozen(kw_only=True)
class ComparedPart:
    """
    The trials that can be compared.

    Args:
        tried: Trials by model and task, of models that were tried on all of *tasks*.
        alike: Those of every model that was not tried on selected tasks.
        selected: The models that were.
    """

    tried: Tried
    tasks: frozenset[str]
    alike: Tried
    selected: Sequence[Selected]


def compared_part(trials: Sequence[Trial]) -> ComparedPart:
    """Return what can be compared of trials whose cost and verdict are known."""
    tried = by_model(trials)
    selected = selected_models(tried)
    unlike = {one.model for one in selected}
    alike = {name: of for name, of in tried.items() if name not in unlike}
    models, tasks = whole_part(alike)
    part = {model: alike[model] for model in models}
    return ComparedPart(tried=part, tasks=frozenset(tasks), alike=alike, selected=selected)


def selected_models(tried: Tried) -> list[Selected]:
    """
    Return the models that were tried where another one was wrong (or right) more than elsewhere.

    What such a model would have done with the other tasks is not known, and not to be guessed.

    Source: Fisher (1922), the exact test of two shares, with Bonferroni's correction.
    """
    pairs = [(model, other) for model in tried for other in tried if model != other]
    found: dict[str, tuple[float, Selected]] = {}
    for model, other in pairs:
        one = _counted(tried, model, other)
        chance = chance_of(one.with_it, one.without)
        if chance * len(pairs) < _BY_CHANCE and chance < found.get(model, (1.0, one))[0]:
            found[model] = chance, one
    return [one for _chance, one in found.values()]


def _counted(tried: Tried, model: str, other: str) -> Selected:
    counts = {True: [0, 0], False: [0, 0]}
    for task, trials in tried[other].items():
        count = counts[task in tried[model]]
        count[0] += 2 * sum(bool(one.right) for one in trials) > len(trials)
        count[1] += 1
    (a, n), (b, m) = counts[True], counts[False]
    return Selected(model=model, other=other, with_it=(a, n), without=(b, m))


def chance_of(one: tuple[int, int], two: tuple[int, int]) -> float:
    """Return how probable a difference of shares at least so rare is, if both are of one kind."""
    (a, n), (b, m) = one, two
    if not (n and m):
        return 1.0
    right, ways = a + b, comb(n + m, n)
    here = comb(right, a) * comb(n + m - right, n - a)
    lowest, highest = max(0, n - (n + m - right)), min(n, right)
    each = (comb(right, k) * comb(n + m - right, n - k) for k in range(lowest, highest + 1))
    return sum(ways_of for ways_of in each if ways_of <= here) / ways


def whole_part(tried: Tried) -> tuple[list[str], list[str]]:
    """
    Return models, and the tasks that each of them was tried on: the part that is best to compare.

    One model after the other is left out, the one that most tasks lack, and of these parts that
    with the most tasks is taken, counted once for each model but the first.
    """
    parts = list(_parts({model: frozenset(of) for model, of in tried.items()}))
    models, tasks = max(
        parts, key=lambda part: (len(part[0]) - 1) * len(part[1]), default=((), frozenset())
    )
    return sorted(models), sorted(tasks)


def _parts(
    left: dict[str, frozenset[str]],
) -> Iterator[tuple[tuple[str, ...], frozenset[str]]]:
    while left:
        yield tuple(left), frozenset.intersection(*left.values())
        without = {model: [of for name, of in left.items() if name != model] for model in left}
        gained = {
            model: len(frozenset.intersection(*rest)) if rest else 0
            for model, rest in without.items()
        }
        del left[max(left, key=lambda model: (gained[model], -len(left[model])))]

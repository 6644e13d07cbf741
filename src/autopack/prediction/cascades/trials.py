"""Tries of models at tasks, and a whole table of them: each model with each of its tasks."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean

import attrs


@attrs.frozen(kw_only=True)
class Trial:
    """
    One try of a model at a task; None is unknown.

    Args:
        cost_usd: What its calls cost.
        right: Whether its work was right, by the best that is known of it.
        checked: What the check said that a chain would go by.
        calls: How many calls it made.
        is_proven: Whether what is known of it comes from elsewhere than the check.
    """

    task: str
    model: str
    cost_usd: float | None = None
    right: bool | None = None
    checked: bool | None = None
    calls: int | None = None
    is_proven: bool = True

    @property
    def lacks(self) -> str | None:
        """What must be known of it and is not, in a word; None if nothing."""
        if self.right is None:
            return "no_verdict"
        return "no_cost" if self.cost_usd is None else None


@attrs.frozen(kw_only=True)
class ModelColumn:
    """
    What one model did with each task, in the order of the tasks; means over its repeats.

    Args:
        cost: In USD.
        right: How often its work was right.
        passed: How often the check passes it.
        passed_right: How often it is right, and the check passes it.
    """

    model: str
    cost: Sequence[float]
    right: Sequence[float]
    passed: Sequence[float]
    passed_right: Sequence[float]


Passing = Callable[[Trial], float]
"""How probable it is that the check passes a trial."""


Tried = Mapping[str, Mapping[str, Sequence[Trial]]]
"""Trials by model and task."""


def by_model(trials: Sequence[Trial]) -> Tried:
    """Return trials by model and task, models by name."""
    found: dict[str, dict[str, list[Trial]]] = defaultdict(lambda: defaultdict(list))
    for trial in trials:
        found[trial.model][trial.task].append(trial)
    return dict(sorted(found.items()))


def columns_of(tried: Tried, tasks: Sequence[str], passing: Passing) -> list[ModelColumn]:
    """
    Return a column a model, over tasks that each of the models was tried on.

    Args:
        tried: Trials by model and task, with known cost and verdict.
    """
    return [_column(model, [of[task] for task in tasks], passing) for model, of in tried.items()]


def _column(model: str, cells: Sequence[Sequence[Trial]], passing: Passing) -> ModelColumn:
    return ModelColumn(
        model=model,
        cost=[fmean(one.cost_usd or 0.0 for one in cell) for cell in cells],
        right=[fmean(bool(one.right) for one in cell) for cell in cells],
        passed=[fmean(map(passing, cell)) for cell in cells],
        passed_right=[fmean(passing(one) * bool(one.right) for one in cell) for cell in cells],
    )

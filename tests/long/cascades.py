"""Advice on chains of models in made-up worlds, whose best chain is known."""

import math
import random
from collections.abc import Sequence
from statistics import fmean, median

import attrs

from autopack.prediction.cascades.advice import AdviceFigures
from autopack.prediction.cascades.advisor import advised
from autopack.prediction.cascades.chain_choice import chosen, table_of
from autopack.prediction.cascades.chains import Chain, course_of
from autopack.prediction.cascades.check_rates import passing_by, rates_of
from autopack.prediction.cascades.trials import ModelColumn, Trial, by_model, columns_of

MARGIN = 0.01
WITHIN = 1.05
"""By which factor the chain that is found may cost more than the best one."""
_FRESH = 5000
_MISLED = 0.005
"""How seldom luck may make a check that passes half look like one that tells right from wrong."""


@attrs.frozen(kw_only=True)
class ModelWorld:
    """
    Models that differ, and tasks whose difficulty all of them feel: an item-response form.

    Args:
        models: Ability and price by name; the more able cost more, as a rule.
        slope: How much difficulty decides, and how much chance does.
        false_passes: The share of wrong work that the check passes; None tells no check's word.
    """

    models: dict[str, tuple[float, float]]
    slope: float
    false_passes: float | None

    def trials(self, draw: random.Random, tasks: int) -> list[Trial]:
        """Return what every model did with so many new tasks."""
        return [one for number in range(tasks) for one in self._task(draw, f"t{number:05}")]

    def _task(self, draw: random.Random, task: str) -> list[Trial]:
        difficulty = draw.gauss(0, 1)
        return [
            self._trial(draw, task, name, ability - difficulty, price * math.exp(0.4 * difficulty))
            for name, (ability, price) in self.models.items()
        ]

    def _trial(self, draw: random.Random, task: str, name: str, ease: float, price: float) -> Trial:
        ease += draw.gauss(0, 0.5)
        right = draw.random() < 1 / (1 + math.exp(-self.slope * ease))
        cost = price * draw.lognormvariate(0, 0.5)
        passes = draw.random() < (self.false_passes or 0)
        checked = None if self.false_passes is None else right or passes
        return Trial(task=task, model=name, cost_usd=cost, right=right, checked=checked, calls=1)


def world_of(seed: int, *, models: int = 5, false_passes: float | None = None) -> ModelWorld:
    """Return the world of a seed."""
    draw = random.Random(seed)
    abilities = sorted(draw.gauss(0.3, 0.9) for _ in range(models))
    return ModelWorld(
        models={
            f"m{number}": (ability, 0.1 * math.exp(1.3 * ability + draw.gauss(0, 0.4)))
            for number, ability in enumerate(abilities)
        },
        slope=draw.uniform(1.5, 3),
        false_passes=false_passes,
    )


@attrs.frozen(kw_only=True)
class Found:
    """
    What advice was worth in one world, by a large fresh sample.

    Args:
        is_advised: Whether a chain was advised.
        has_chain: Whether a chain is better than the best model alone.
        cost: True cost of what is to be used by the advice, over that of the best chain.
        shortfall: By how much it is right less often than it may be; below 0 if it is not.
        ratio: Its true cost over that of the single model it was compared with.
        is_held: Whether the held-out interval of that ratio holds it.
    """

    is_advised: bool
    has_chain: bool
    cost: float
    shortfall: float
    ratio: float
    is_held: bool


class Truth:
    """What chains of a world are worth: cost of a task and share of right work, on fresh tasks."""

    def __init__(self, world: ModelWorld, draw: random.Random, *, tasks: int = _FRESH) -> None:
        trials = world.trials(draw, tasks)
        rates = rates_of(trials, false_passes=world.false_passes or 0, false_failures=0)
        names = sorted({one.task for one in trials})
        self._columns: Sequence[ModelColumn] = columns_of(
            by_model(trials), names, passing_by(rates)
        )
        self._places = {one.model: place for place, one in enumerate(self._columns)}
        table = table_of(self._columns, max_length=3, blocks=1)
        choice = chosen(table, table.whole(), [0], margin=MARGIN, caution=0)
        self.best = self._value(table.chains[choice.chain])
        self.is_chain = len(table.chains[choice.chain]) > 1
        self.right = max(self._value((place,))[1] for place in range(len(self._columns)))

    def value(self, models: Sequence[str]) -> tuple[float, float]:
        """Return a chain's cost and share of right work."""
        return self._value(tuple(self._places[name] for name in models))

    def _value(self, chain: Chain) -> tuple[float, float]:
        course = course_of(self._columns, chain)
        return fmean(course.cost), fmean(course.right)


def tried(seed: int, *, tasks: int, models: int, false_passes: float | None) -> Found | None:
    """Ask for advice in the world of a seed, and return what it is worth; None if none is there."""
    world = world_of(seed, models=models, false_passes=false_passes)
    draw = random.Random(f"tasks {seed}")
    advice = advised(
        world.trials(draw, tasks), random.Random(seed).random, source=f"seed {seed}", margin=MARGIN
    )
    return (
        None if advice.figures is None else _worth(advice.figures, advice.chain, Truth(world, draw))
    )


def _worth(figures: AdviceFigures, chain: Sequence[str] | None, truth: Truth) -> Found:
    cost, right = truth.value(chain or (figures.single,))
    chain_cost, _right = truth.value(figures.chain)
    ratio = chain_cost / truth.value((figures.single,))[0]
    interval = figures.held_out.cost_ratio
    return Found(
        is_advised=chain is not None,
        has_chain=truth.is_chain,
        cost=cost / truth.best[0],
        shortfall=truth.right - MARGIN - right,
        ratio=ratio,
        is_held=interval.low <= ratio <= interval.high,
    )


def refused(seed: int, *, tasks: int, models: int, false_passes: float) -> str | None:
    """Return why no chain is advised in the world of a seed."""
    world = world_of(seed, models=models, false_passes=false_passes)
    trials = world.trials(random.Random(f"tasks {seed}"), tasks)
    advice = advised(trials, random.Random(seed).random, source=f"seed {seed}", margin=MARGIN)
    return advice.refusal


def check_worlds(*, seeds: int, seed: int, tasks: int, models: int) -> str:
    """
    Ask for advice in many worlds, and return how good it was.

    Raises:
        AssertionError: What it found costs over 5 % more than the best chain in the mean, or
            chains are advised by a check that passes half of what is wrong.
    """
    numbers = range(seed, seed + seeds)
    found = {
        share: [
            one
            for n in numbers
            if (one := tried(n, tasks=tasks, models=models, false_passes=share)) is not None
        ]
        for share in (None, 0.1, 0.3)
    }
    refusals = [refused(n, tasks=tasks, models=models, false_passes=0.5) for n in numbers]
    misled = refusals.count(None)
    told = [
        *(_told(share, of) for share, of in found.items()),
        f"a check that passes half: no evidence in {seeds - misled} of {seeds} worlds",
    ]
    figures = "\n".join(told)
    assert fmean(one.cost for one in found[None]) <= WITHIN, figures
    assert misled <= seeds * _MISLED, figures
    return figures


def _told(false_passes: float | None, found: Sequence[Found]) -> str:
    costs = [one.cost for one in found]
    near = fmean(one.cost <= WITHIN for one in found)
    short = fmean(one.shortfall > 0.02 for one in found)
    return (
        f"{'perfect check' if false_passes is None else f'{false_passes:.0%} false passes'}: "
        f"{len(found)} worlds, {sum(one.is_advised for one in found)} with advice; cost over the "
        f"best chain's {fmean(costs):.3f} in the mean, {median(costs):.3f} in the middle, within "
        f"5 % in {near:.0%}; over 2 points short in {short:.0%}; of the single model's cost "
        f"{fmean(one.ratio for one in found):.2f}, held by its interval in "
        f"{fmean(one.is_held for one in found):.0%}"
    )

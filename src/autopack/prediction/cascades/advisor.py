"""From trials of models at tasks to the chain that they speak for."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean
from types import MappingProxyType
from typing import Final

import attrs

from autopack.prediction.cascades.advice import AdviceFigures, ChainValue, ModelAdvice
from autopack.prediction.cascades.chain_choice import ChainTable, frontier, table_of
from autopack.prediction.cascades.chain_judging import (
    ChainComparison,
    ChainJudge,
    Draw,
    compared,
)
from autopack.prediction.cascades.chains import course_of, longest
from autopack.prediction.cascades.check_rates import CheckRates, passing_by, rates_of
from autopack.prediction.cascades.common_tasks import ComparedPart, compared_part
from autopack.prediction.cascades.refusals import is_worse, selected_clause, unfit, unproven
from autopack.prediction.cascades.trials import ModelColumn, Trial, Tried, columns_of

_BLOCKS: Final = 20
_STEPS: Final = (0.0, 0.5, 1.0, 1.5, 2.0)
"""By how many standard errors a choice is more careful; the least that held-out tasks bear out."""
_ALARM: Final = 0.5
"""How many standard errors beyond the margin held-out tasks must be worse for more care."""
_FEW: Final = 150
"""So many chains are compared without care; of more, the luckiest is luckier."""


_NOTHING: Final[Mapping[str, int]] = MappingProxyType({})


def advised(
    trials: Sequence[Trial],
    draw: Draw,
    *,
    source: str,
    max_length: int = 3,
    margin: float = 0.01,
    false_passes: float | None = None,
    false_failures: float | None = None,
    left_out: Mapping[str, int] = _NOTHING,
    notes: Sequence[str] = (),
) -> ModelAdvice:
    """
    Return what trials speak for.

    Args:
        draw: Random numbers, for the order of the tasks and for resamples.
        source: Where the trials come from, in words.
        max_length: How many models a chain may have.
        margin: By how much less often than the best model a chain may be right.
        false_passes, false_failures: Of the check, instead of what the trials say of it.
        left_out: How much is no trial, by reason.
        notes: What is good to know of the trials.
    """
    usable = [one for one in trials if one.lacks is None]
    check = rates_of(trials, false_passes=false_passes, false_failures=false_failures)
    part = compared_part(usable)
    models = tuple(part.tried)
    aside = Counter(reason for one in trials if (reason := _why_not(one, part)))
    aside.update(left_out)
    refusal = unfit(usable, aside, part.selected, models=models, tasks=part.tasks, check=check)
    length = longest(len(models), max_length) if models else max_length
    figures = None
    if refusal is None:
        tasks = sorted(sorted(part.tasks), key=lambda _task: draw())
        columns = columns_of(part.tried, tasks, passing_by(check))
        figures = _figures(columns, draw, max_length=length, margin=margin)
        borne = _borne(figures, part.tried, tasks, check, margin)
        figures = attrs.evolve(figures, borne=borne)
        refusal = unproven(figures, margin)
    return ModelAdvice(
        source=source,
        tasks=len(part.tasks),
        models=models,
        max_length=length,
        margin=margin,
        check=check,
        figures=figures,
        refusal=refusal,
        left_out=dict(sorted(aside.items())),
        notes=(*notes, *_notes(part, check, (length, max_length))),
    )


def _why_not(trial: Trial, part: ComparedPart) -> str | None:
    """Return why a trial is not compared, in a word."""
    if trial.lacks is not None:
        return trial.lacks
    if trial.model not in part.alike:
        return "selected_tasks"
    if trial.model not in part.tried:
        return "few_tasks"
    return None if trial.task in part.tasks else "not_tried_by_all"


def _figures(
    columns: Sequence[ModelColumn], draw: Draw, *, max_length: int, margin: float
) -> AdviceFigures:
    table = table_of(columns, max_length=max_length, blocks=_BLOCKS)
    whole = table.whole()
    judge, held_out = _careful(columns, table, draw, margin=margin)
    choice = judge.choice()
    named = [tuple(columns[place].model for place in chain) for chain in table.chains]
    unpassed = course_of(columns, table.chains[choice.chain]).unpassed
    return AdviceFigures(
        single=named[choice.single][0],
        chain=named[choice.chain],
        chains=len(named),
        unpassed=sum(unpassed) / whole.tasks,
        borne=0.0,
        chose=compared(judge.of_all(choice), draw),
        held_out=held_out,
        one_after_the_other=compared(judge.one_after_the_other(draw), draw),
        frontier=tuple(
            ChainValue(
                models=named[one],
                usd=whole.cost[one] / whole.tasks,
                right=whole.right[one] / whole.tasks,
            )
            for one in frontier(table, whole)
        ),
    )


def _borne(
    found: AdviceFigures,
    part: Tried,
    tasks: Sequence[str],
    check: CheckRates,
    margin: float,
) -> float:
    """Return how many false passes a chain bears, to a hundredth; its other rates stay."""
    least = found.chose.single_right.value - margin
    links = range(len(found.chain))
    for hundredths in range(100):
        share = hundredths / 100
        rates = rates_of([], false_passes=share, false_failures=check.false_failures.share)
        columns = columns_of({name: part[name] for name in found.chain}, tasks, passing_by(rates))
        if fmean(course_of(columns, tuple(links)).right) < least - 1e-9:
            return max(0, hundredths - 1) / 100
    return 1.0


def _careful(
    columns: Sequence[ModelColumn], table: ChainTable, draw: Draw, *, margin: float
) -> tuple[ChainJudge, ChainComparison]:
    """Return a judge that is as careful as held-out tasks ask for, and what they say of it."""
    least = max(0.0, 0.1 * math.log(len(table.chains) / _FEW))
    for step in _STEPS:
        judge = ChainJudge(columns, table, margin=margin, caution=least + step)
        held_out = compared(judge.held_out(), draw)
        if not is_worse(held_out.right_gain, margin, errors=_ALARM):
            break
    return judge, held_out


def _notes(part: ComparedPart, check: CheckRates, lengths: tuple[int, int]) -> Iterator[str]:
    models = len(part.tried)
    if models >= 2:
        yield from (selected_clause(one) for one in part.selected)
    for name in sorted(part.alike.keys() - part.tried.keys()):
        yield f"{name} is left out: it was tried on too few of the tasks, {len(part.alike[name])}"
    if lengths[0] < min(lengths[1], models):
        yield f"chains of more than {lengths[0]} models are too many to look at, of {models}"
    if check.basis == "assumed":
        yield (
            "no trial tells what a check said of it: the check is taken to be perfect; give "
            "false_passes to see how it would be with one that is not"
        )

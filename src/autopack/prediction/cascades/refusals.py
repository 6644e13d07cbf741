"""Why trials speak for no chain: too little of them, a check that says nothing, no gain shown."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from autopack.prediction.cascades.advice import AdviceFigures
from autopack.prediction.cascades.chain_judging import ChainFigure
from autopack.prediction.cascades.check_rates import CheckRates
from autopack.prediction.cascades.common_tasks import Selected
from autopack.prediction.cascades.trials import Trial

FEWEST: Final = 30
"""How many tasks are needed that all compared models were tried on."""
_DEVIATIONS: Final = 1.96 * 2
"""How many standard errors an interval at 95 % spans."""


def unfit(
    usable: Sequence[Trial],
    left_out: Mapping[str, int],
    selected: Sequence[Selected],
    *,
    models: Sequence[str],
    tasks: Collection[str],
    check: CheckRates,
) -> str | None:
    """
    Return why trials cannot be compared, in a sentence; None if they can.

    Args:
        usable: Those with a cost and a verdict.
        left_out: How many lack one, by which.
        models, tasks: Those that could be compared.
    """
    if not usable:
        lacking = ", ".join(f"{n} have {why.replace('_', ' ')}" for why, n in left_out.items())
        return f"not one trial has both a cost and a verdict ({lacking or 'there are no trials'})."
    if len(models) < 2:
        if selected:
            return f"{selected_clause(selected[0])}."
        return f"all trials are of one model, {usable[0].model}."
    if len(tasks) < FEWEST:
        return (
            f"only {len(tasks)} tasks were tried by each of {', '.join(models)}; "
            f"{FEWEST} are needed."
        )
    if not any(one.cost_usd for one in usable):
        return "every trial cost nothing, so there is nothing to save."
    return None if check.fault is None else f"{check.fault}; a chain that goes by it goes astray."


def unproven(found: AdviceFigures, margin: float) -> str | None:
    """Return why figures do not speak for the chain that looks best, in a sentence, or None."""
    if len(found.chain) == 1:
        return (
            f"no chain is cheaper than {found.single} alone without being right less often "
            f"by more than {_points(margin)}."
        )
    ratio, gain = found.held_out.cost_ratio, found.held_out.right_gain
    if ratio.high >= 1:
        return (
            f"on tasks that had no part in choosing it, what a chain costs is not told from what "
            f"{found.single} alone costs: {told(ratio, '.2f')} times as much."
        )
    if is_worse(gain, margin):
        return (
            "on tasks that had no part in choosing it, a chain is right less often than "
            f"{found.single} alone: by {_points(-gain.value)} ({_points(-gain.high)} to "
            f"{_points(-gain.low)})."
        )
    return None


def is_worse(gain: ChainFigure, margin: float, *, errors: float = 1.0) -> bool:
    """Tell whether a gain is a loss of more than *margin*, and some standard errors beyond it."""
    return gain.value + errors * (gain.high - gain.low) / _DEVIATIONS < -margin


def selected_clause(one: Selected) -> str:
    """Return what is wrong with the tasks that a model was tried on."""
    (a, n), (b, m) = one.with_it, one.without
    return (
        f"{one.model} was not tried on tasks like the others: {one.other} is right in {a} of the "
        f"{n} tasks where it was tried, and in {b} of the {m} others; what it would have done "
        f"there is not known, so try it on tasks drawn at random"
    )


def told(figure: ChainFigure, form: str, scale: float = 1) -> str:
    """Return a figure and its interval."""
    value, low, high = (
        format(scale * one, form) for one in (figure.value, figure.low, figure.high)
    )
    return f"{value} ({low} to {high})"


def _points(share: float) -> str:
    return f"{100 * share:.1f} points"

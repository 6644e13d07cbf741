"""Advice on models as text and as JSON: the same for the same figures."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import attrs

from autopack.prediction.cascades.advice import AdviceFigures, ChainValue, ModelAdvice
from autopack.prediction.cascades.chain_judging import ChainComparison, ChainFigure
from autopack.prediction.cascades.check_rates import CheckRates
from autopack.report.escaping import on_line
from autopack.report.plain_tables import table_lines
from autopack.report.quantities import count, usd

_DIGITS: Final = 6
_MOST: Final = 8
"""How many chains of the frontier are shown."""
_REASONS: Final = {
    "no_verdict": "without a verdict",
    "no_cost": "without a cost",
    "selected_tasks": "of models tried on selected tasks",
    "few_tasks": "of models tried on few tasks",
    "not_tried_by_all": "of tasks that some model was not tried on",
    "second_tries": "of a model that had tried before",
    "no_try": "that were taken back, or never answered",
    "no_model": "without a model",
    "unreadable_lines": "in lines that cannot be read",
    "rest_that_cannot_be_read": "that is the rest of a file which breaks off",
}


def advice_json(found: ModelAdvice) -> dict[str, Any]:
    """Return it as JSON-simple values; figures are rounded to six digits."""
    whole: dict[str, Any] = attrs.asdict(found, value_serializer=_rounded)
    chain = found.chain
    return {"chain": None if chain is None else list(chain), **whole}


def _rounded(_instance: Any, _field: Any, value: Any) -> Any:
    return round(value, _DIGITS) if isinstance(value, float) else value


def advice_lines(found: ModelAdvice) -> Iterator[str]:
    """Yield it for a terminal."""
    if found.refusal is not None:
        yield on_line(f"No evidence: {found.refusal}")
    if found.figures is not None:
        yield from _figures(found.figures, is_advised=found.refusal is None)
    yield ""
    yield from _basis(found)


def _figures(found: AdviceFigures, *, is_advised: bool) -> Iterator[str]:
    if not is_advised:
        yield ""
    yield on_line(f"Best single model: {found.single}")
    if len(found.chain) > 1:
        best = "Best chain:       " if is_advised else "Looks best:       "
        yield on_line(f"{best} {', '.join(found.chain)}")
        yield ""
        yield from _judged(found)
    yield ""
    yield from _frontier(found.frontier)


def _judged(found: AdviceFigures) -> Iterator[str]:
    yield from _table(found.chose, found.held_out)
    later = found.one_after_the_other
    yield ""
    yield (
        f"Each by those before it ({count(later.tasks, 'task')}): "
        f"{_figure(later.cost_ratio, _times)} times the cost, "
        f"{_figure(later.right_gain, _points)} points."
    )
    yield f"Of all tasks, {_percent(found.unpassed)} % end with nothing that the check passed."
    yield (
        f"By the tasks that chose it, the chain bears a check that passes up to "
        f"{100 * found.borne:.0f} % of wrong work."
    )


def _table(chose: ChainComparison, held_out: ChainComparison) -> list[str]:
    titles = ("", f"the {chose.tasks} tasks that chose it", "held out")
    shown = (
        ("model alone, USD a task", "single_usd", usd),
        ("chain, USD a task", "chain_usd", usd),
        ("times the cost", "cost_ratio", _times),
        ("model alone, right in %", "single_right", _percent),
        ("chain, right in %", "chain_right", _percent),
        ("points more", "right_gain", _points),
    )
    rows = [
        (title, *(_figure(getattr(side, name), form) for side in (chose, held_out)))
        for title, name, form in shown
    ]
    return table_lines(titles, rows, figures=())


def _frontier(values: Sequence[ChainValue]) -> list[str]:
    """Return what more success costs, by the tasks that chose; the most expensive chains of it."""
    titles = ("chain or model", "USD a task", "right in %")
    rows = [
        (on_line(", ".join(one.models)), usd(one.usd), _percent(one.right))
        for one in values[-_MOST:]
    ]
    return table_lines(titles, rows)


def _basis(found: ModelAdvice) -> Iterator[str]:
    if found.tasks:
        chains = "" if found.figures is None else f"; {found.figures.chains:,} chains looked at"
        yield (
            f"By {count(found.tasks, 'task')} of {on_line(found.source)}, tried by each of "
            f"{len(found.models)} models{chains}."
        )
        yield _check(found.check)
    if found.left_out:
        told = (f"{n:,} {_REASONS.get(why, why)}" for why, n in found.left_out.items())
        yield f"Left out: trials {', '.join(told)}."
    for note in found.notes if found.tasks else ():
        yield on_line(f"Note: {note}.")


def _check(check: CheckRates) -> str:
    if check.basis == "assumed":
        return "The check is taken to be perfect."
    told = []
    for rate, words in ((check.false_passes, "wrong work"), (check.false_failures, "right work")):
        interval = ChainFigure(value=rate.share, low=rate.low, high=rate.high)
        share = _figure(interval, _percent) if rate.rows else _percent(rate.share)
        of = f" ({count(rate.rows, 'trial')})" if rate.rows else ""
        told.append(f"{share} % of {words}{of}")
    return f"The check passes {told[0]}, and fails {told[1]}; {check.basis}."


def _figure(figure: ChainFigure, form: Any) -> str:
    return f"{form(figure.value)} ({form(figure.low)} to {form(figure.high)})"


def _times(value: float) -> str:
    return f"{value:.2f}"


def _percent(value: float) -> str:
    return f"{100 * value:.1f}"


def _points(value: float) -> str:
    return f"{100 * value:+.1f}"

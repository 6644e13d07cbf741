"""A backtest as text: the same bytes for the same figures, wherever it was made."""

import math
from collections.abc import Iterable, Mapping
from typing import Any, Final

import attrs

from autopack.ports.measures import OUTPUT, Measure
from autopack.prediction.calibration.backtesting import Backtest
from autopack.prediction.calibration.scores import FEWEST, Score
from autopack.report.alarm_text import alarm_json, alarm_lines
from autopack.report.escaping import in_markdown

_DIGITS: Final = 6
_HEADER: Final = (
    "| calibrator | group | rows | coverage | at 95 % | worst 200 | pinball | waste | P90 "
    "| MAE | SMAPE |"
)
_NOTHING: Final = (
    "There is nothing to judge: not one attempt has a prediction and a measured output. Drain some "
    "phases, or judge on a trace of calls (`--trace`, or its path in Python)."
)
_NOT_TOLD: Final = (
    "There is nothing to judge: of not one phase that ended did all calls tell their {}."
)
TAKEN: Final = "of a phase in all its attempts, or of a row of a trace"
"""What is measured in a measure other than output."""
_NOUNS: Final[Mapping[Measure, str]] = {
    "output_tokens": "outputs",
    "total_tokens": "totals of tokens",
    "cost_usd": "costs",
    "calls": "counts of calls",
}
_UNITS: Final[Mapping[Measure, str]] = {"cost_usd": "USD", "calls": "calls"}
_PLACES: Final[Mapping[Measure, int]] = {"cost_usd": 4, "calls": 1}
FIGURES_MEANT: Final = (
    "Coverage: the share of outputs at or under their prediction; worst 200: the least of 200 rows "
    "in a row. Pinball: the loss that weighs what is too low against what is too high as the aim "
    "does, over the mean output. Waste: prediction over output, in the middle and, as P90, from "
    "the worst tenth on. MAE and SMAPE: how far the middle prediction is off, in tokens and in "
    "percent."
)
CUT_MEANT: Final = (
    "Outputs that were cut off are at least as large as what was seen of them, so coverage and "
    "its worst stretch lie between two bounds: the lower takes them all for larger than "
    "predicted, the upper only those that had exceeded their prediction already. Pinball, waste, "
    "MAE and SMAPE are of the whole outputs, which are the smaller ones: where many were cut "
    "off, they flatter."
)
_RULE: Final = "|---|---|--:|--:|---|--:|--:|--:|--:|--:|--:|"


def figures_meant(by: Measure) -> str:
    """Say what each figure is, of a measure."""
    if by == OUTPUT:
        return FIGURES_MEANT
    text = FIGURES_MEANT.replace("outputs", _NOUNS[by]).replace("output", by)
    return text.replace("in tokens", f"in {_UNITS.get(by, 'tokens')}")


def backtest_json(found: Backtest) -> dict[str, Any]:
    """Return the backtest as JSON-simple values; figures are rounded to six digits."""
    return {
        "source": found.source,
        "by": found.by,
        "tau": found.tau,
        "rows": found.rows,
        "set_aside": dict(sorted(found.set_aside.items())),
        "without": list(found.without),
        "notes": list(found.notes),
        "scores": [_score_json(score) for score in found.scores],
        "guarantees": [
            {
                "calibrator": one.calibrator,
                "group": one.group,
                "rows": one.rows,
                "missed": _rounded(one.missed),
                "at_most": rounded_up(one.at_most),
            }
            for one in found.guarantees
        ],
        "without_guarantee": [
            {**attrs.asdict(one), "missing": list(one.missing)} for one in found.without_guarantee
        ],
        "alarms": [alarm_json(score) for score in found.alarms],
    }


def backtest_markdown(found: Backtest) -> str:
    """Return the backtest as a table, with what each figure means and what is promised."""
    lines = [
        "# Backtest",
        "",
        f"- Source: {in_markdown(found.source)}",
        f"- Rows: {found.rows}, each predicted before it was learned",
        f"- Aim: the share {found.tau:g} of {_NOUNS[found.by]} at or under their prediction",
    ]
    if found.by != OUTPUT:
        lines.insert(3, f"- Measure: {found.by}, {TAKEN}")
    if found.without:
        lines.append(f"- Kept back: {in_markdown(', '.join(found.without))}")
    if found.set_aside:
        reasons = ", ".join(f"{n} {reason}" for reason, n in sorted(found.set_aside.items()))
        lines.append(f"- Set aside: {in_markdown(reasons)}")
    lines += [f"- Note: {in_markdown(note)}" for note in found.notes]
    told = [_row(score, found.by) for score in found.scores if not score.note]
    if told:
        lines += ["", _HEADER, _RULE, *told, "", figures_meant(found.by)]
        lines += ["", CUT_MEANT] if any(score.cut for score in found.scores) else []
    if not found.rows:
        lines += ["", _NOTHING if found.by == OUTPUT else _NOT_TOLD.format(found.by)]
        return "\n".join(lines) + "\n"
    small = {score.group: _count(score) for score in found.scores if score.note}
    if small:
        counts = (f"{in_markdown(group)} ({count})" for group, count in small.items())
        lines += ["", f"Too few rows to judge, under {FEWEST}: {', '.join(counts)}."]
    if found.guarantees:
        lines += ["", "## Guarantees in force", "", *_guarantee_lines(found)]
    if found.without_guarantee:
        lines += ["", "## Without a guarantee", "", *_lacking_lines(found)]
    if any(score.alarmed for score in found.alarms):
        lines += ["", "## Alarms", "", *alarm_lines(found.alarms)]
    return "\n".join(lines) + "\n"


def _guarantee_lines(found: Backtest) -> Iterable[str]:
    for one in found.guarantees:
        yield (
            f"- {in_markdown(one.calibrator)}, {in_markdown(one.group)}: "
            f"the share of {_NOUNS[found.by]} above their prediction is at most "
            f"{rounded_up(one.at_most):.4f} over {one.rows} rows, whatever they are; it is "
            f"{one.missed:.4f}." + (" So few rows promise nothing yet." if one.at_most >= 1 else "")
        )


def _lacking_lines(found: Backtest) -> Iterable[str]:
    for one in found.without_guarantee:
        yield (
            f"- {in_markdown(one.calibrator)}, {in_markdown(one.group)}: nothing is promised over "
            f"{one.rows} rows, since {in_markdown('; '.join(one.missing))}."
        )


def rounded_up(bound: float) -> float:
    """Return what is at most so, with four digits; by the last bit of a number it is not less."""
    return math.ceil(bound * 1e4 + 0.01) / 1e4


def _row(score: Score, by: Measure) -> str:
    cells = [
        in_markdown(score.calibrator),
        in_markdown(score.group),
        _count(score),
        between(score.coverage_least, score.coverage_most),
        f"{_percent(score.coverage_low)} to {_percent(score.coverage_high)} %",
        between(score.worst_window_least, score.worst_window_most),
        _figure(score.pinball, 4),
        _figure(score.waste_p50, 2),
        _figure(score.waste_p90, 2),
        _figure(score.mae, _PLACES.get(by, 0)),
        "" if score.smape is None else f"{score.smape:.1f} %",
    ]
    return f"| {' | '.join(cells)} |"


def _count(score: Score) -> str:
    return f"{score.n} + {score.cut} cut off" if score.cut else f"{score.n}"


def between(least: float | None, most: float | None) -> str:
    """Return a share that lies between two in percent; one figure if both look the same."""
    if least is None or most is None:
        return ""
    low, high = _percent(least), _percent(most)
    return f"{high} %" if low == high else f"{low} to {high} %"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f}"


def _figure(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _score_json(score: Score) -> dict[str, Any]:
    return {name: _rounded(value) for name, value in attrs.asdict(score).items()}


def _rounded(value: Any) -> Any:
    return round(value, _DIGITS) if isinstance(value, float) else value

"""A calibration report as one page: text, tables and pictures, nothing fetched, no script."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from autopack.report.backtest_text import CUT_MEANT
from autopack.report.charts import pictures_of
from autopack.report.escaping import on_line
from autopack.report.evaluation import headline
from autopack.report.page_style import STYLE
from autopack.report.picture_tables import CAPTIONS, figures_beside
from autopack.report.report_values import (
    ReportValues,
    factor,
    fine,
    fine_share,
    share,
    value_table,
    whole,
)
from autopack.report.spoken_shares import fitting


def page(data: Mapping[str, Any]) -> str:
    """
    Return the report as an HTML document.

    Args:
        data: As ``evaluation_json`` gives it; every number on the page is one of it.
    """
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Calibration report - {escape(on_line(str(data['target'])))}</title>\n"
        f"<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
        + _head(ReportValues(data))
        + "\n"
        + evaluation_body(data)
        + "\n</main>\n</body>\n</html>\n"
    )


def evaluation_body(data: Mapping[str, Any]) -> str:
    """Return what the report says below its heading, as HTML to stand in any page."""
    shown = ReportValues(data)
    pictures = pictures_of(data)
    sections = [
        _figures_of(shown, pictures, ("pairs", "wastes")),
        _tiers(shown),
        _groups(shown),
        _figures_of(shown, pictures, ("groups", "history")),
        _backtest(shown),
        _figures_of(shown, pictures, ("courses",)),
        _measures(shown),
        _history(shown),
    ]
    return "\n".join(section for section in sections if section)


def _figures_of(shown: ReportValues, pictures: Mapping[str, str], names: Sequence[str]) -> str:
    figures = [
        f"<figure>{pictures[name]}<figcaption>{CAPTIONS[name]}</figcaption>"
        f"<details><summary>The figures</summary>{figures_beside(shown, name)}</details></figure>"
        for name in names
        if name in pictures
    ]
    return f'<div class="pictures">{"".join(figures)}</div>' if figures else ""


def _head(shown: ReportValues) -> str:
    return (
        "<h1>Calibration report</h1>\n"
        f'<p class="lead">{escape(on_line(headline(shown.data)))}</p>\n<dl>'
        f"<dt>Log</dt><dd>{shown('target')}, up to position {shown('position', whole)} "
        f"({shown('log_id')})</dd>"
        f"<dt>Estimator</dt><dd>{shown('estimator')}, version {shown('version')}</dd>"
        f"<dt>Made</dt><dd>{shown('made_at')}</dd>"
        f"<dt>Samples</dt><dd>{shown('samples', whole)}, of which {shown('judged', whole)} have "
        "a prediction and a measured output</dd></dl>"
    )


def _tiers(shown: ReportValues) -> str:
    rows = [
        [
            f"{shown(f'tiers.{i}.stratum')} {shown(f'tiers.{i}.part')}"
            if tier["stratum"] != "all"
            else f"<b>{shown(f'tiers.{i}.part')}</b>",
            shown(f"tiers.{i}.n", whole),
            _aimed(shown, i, "underestimated", "underestimated_most"),
            _aimed(shown, i, "truncated"),
            shown(f"tiers.{i}.succeeded", share),
            shown(f"tiers.{i}.waste_p50", factor),
            shown(f"tiers.{i}.waste_p90", factor),
            shown(f"tiers.{i}.smape", factor),
        ]
        for i, tier in enumerate(shown.data["tiers"])
    ]
    if not rows:
        return ""
    titles = (
        "part", "samples", "underestimated", "cut off", "succeeded", "median waste",
        "waste of the worst tenth from", "SMAPE, in percent",
    )  # fmt: skip
    return (
        "<h2>Faults first, then waste</h2>\n<p>Targets: at most "
        f"{shown('targets.underestimated', share)} of the outputs larger than predicted, at most "
        f"{shown('targets.truncated', share)} cut off. What misses one, or may, is marked. Waste "
        "is prediction over output; SMAPE is the mean error, in percent.</p>\n"
        + value_table(titles, rows)
    )


def _aimed(shown: ReportValues, i: int, name: str, most: str = "") -> str:
    text = _between(shown, f"tiers.{i}.{name}", f"tiers.{i}.{most or name}")
    is_missed = shown.at(f"tiers.{i}.{most or name}") > shown.at(f"targets.{name}")
    return f'<span class="missed">{text} \N{WARNING SIGN}</span>' if is_missed else text


def _groups(shown: ReportValues) -> str:
    rows = [
        [
            f"{shown(f'groups.{i}.category')}/{shown(f'groups.{i}.complexity')}",
            shown(f"groups.{i}.n", whole),
            shown(f"groups.{i}.median_ratio", factor),
            _interval(shown, f"groups.{i}"),
            shown(f"groups.{i}.confidence", factor),
            shown(f"groups.{i}.multiplier", factor),
            shown(f"groups.{i}.proposed_multiplier", factor),
            shown(f"groups.{i}.advice"),
        ]
        for i in range(len(shown.data["groups"]))
    ]
    aside = ", ".join(
        f"{shown(f'set_aside.{reason}', whole)} {escape(on_line(reason.replace('_', ' ')))}"
        for reason in shown.data["set_aside"]
    )
    note = f"<p>Set aside: {aside}.</p>\n" if aside else ""
    said_why = f"<p>{shown('proposal.note')}</p>\n" if shown.at("proposal.note") else ""
    if not rows:
        return f"<h2>What to do, group by group</h2>\n{note}{said_why}" if note else ""
    titles = (
        "group", "samples", "median of actual over predicted", "its interval", "confidence",
        "multiplier", "proposed", "what to do",
    )  # fmt: skip
    return f"<h2>What to do, group by group</h2>\n{note}{said_why}" + value_table(titles, rows)


def _interval(shown: ReportValues, path: str) -> str:
    if shown.at(f"{path}.ratio_low") is None:
        return f"needs {shown(f'{path}.interval_needs')} samples"
    return f"{shown(f'{path}.ratio_low', factor)} to {shown(f'{path}.ratio_high', factor)}"


def _between(shown: ReportValues, least: str, most: str) -> str:
    """Return a share that is known, or the two bounds that it lies between."""
    low, high = shown.at(least), shown.at(most)
    if low is None or share(low) == share(high):
        return shown(most, share)
    return f"{shown(least, share)} to {shown(most, share)}"


def _backtest(shown: ReportValues) -> str:
    scores = shown.data["backtest"]["scores"]
    rows = [
        [
            shown(f"backtest.scores.{i}.calibrator"),
            shown(f"backtest.scores.{i}.group"),
            _rows(shown, f"backtest.scores.{i}"),
            *_figures(shown, f"backtest.scores.{i}"),
        ]
        for i, score in enumerate(scores)
        if score["group"] == "all"
    ]
    titles = (
        "calibrator", "group", "rows", "coverage", "its interval", "worst stretch",
        "pinball over mean", "median waste", "waste of the worst tenth from",
    )  # fmt: skip
    return (
        "<h2>Calibrators, judged on this log</h2>\n<p>There are "
        f"{shown('backtest.rows', whole)} rows to judge by; a calibrator predicts each that it "
        "can before it learns it. The aim is to hold "
        f"{shown('backtest.tau', share)} of the outputs: coverage is how many were at or under "
        "their prediction. Pinball weighs what is too low against what is too high as the aim "
        "does.</p>\n"
        + _cut_note(shown)
        + value_table(titles, rows)
        + _in_words(shown)
        + _promises(shown)
    )


def _measures(shown: ReportValues) -> str:
    """Return how well what whole phases take is predicted, measure by measure."""
    rows = [
        [
            shown(f"measures.{i}.measure"),
            shown(f"measures.{i}.phases", whole),
            shown(f"measures.{i}.untold", whole),
            *_figures(shown, f"measures.{i}"),
        ]
        for i in range(len(shown.data["measures"]))
    ]
    titles = (
        "measure", "phases", "did not tell it", "coverage", "its interval", "worst stretch",
        "pinball over mean", "median waste", "waste of the worst tenth from",
    )  # fmt: skip
    told = (
        "<h2>What whole phases take</h2>\n<p>In other measures than output, over all attempts "
        "of a phase, by mixture: as above, each is predicted before it is learned. What one call "
        "did not tell is unknown.</p>\n"
    )
    return told + value_table(titles, rows) if rows else ""


def _in_words(shown: ReportValues) -> str:
    """Return each calibrator's coverage as people say it."""
    told = [
        f"<li>{shown(f'backtest.scores.{i}.calibrator')}: "
        f"{fitting(score['coverage_least'], score['coverage_most'])}.</li>"
        for i, score in enumerate(shown.data["backtest"]["scores"])
        if score["group"] == "all" and score["coverage_least"] is not None
    ]
    return f"\n<p>In words:</p>\n<ul>{''.join(told)}</ul>" if told else ""


def _rows(shown: ReportValues, path: str) -> str:
    told = shown(f"{path}.n", whole)
    return f"{told} + {shown(f'{path}.cut', whole)} cut off" if shown.at(f"{path}.cut") else told


def _cut_note(shown: ReportValues) -> str:
    is_any = any(score["cut"] for score in shown.data["backtest"]["scores"])
    return f"<p>{escape(CUT_MEANT)}</p>\n" if is_any else ""


def _figures(shown: ReportValues, path: str) -> list[str]:
    if note := shown.at(f"{path}.note"):
        return [shown(f"{path}.note") if note else "", *[""] * 5]
    return [
        _between(shown, f"{path}.coverage_least", f"{path}.coverage_most"),
        f"{shown(f'{path}.coverage_low', share)} to {shown(f'{path}.coverage_high', share)}",
        _between(shown, f"{path}.worst_window_least", f"{path}.worst_window_most"),
        shown(f"{path}.pinball", fine),
        shown(f"{path}.waste_p50", factor),
        shown(f"{path}.waste_p90", factor),
    ]


def _promises(shown: ReportValues) -> str:
    lines = [
        _promise(shown, f"backtest.guarantees.{i}")
        for i in range(len(shown.data["backtest"]["guarantees"]))
    ]
    lacking = [
        _no_promise(shown, f"backtest.without_guarantee.{i}")
        for i in range(len(shown.data["backtest"]["without_guarantee"]))
    ]
    told = f"\n<p>Guarantees in force:</p>\n<ul>{''.join(lines)}</ul>" if lines else ""
    if lacking:
        told += f"\n<p>Without a guarantee:</p>\n<ul>{''.join(lacking)}</ul>"
    return told


def _no_promise(shown: ReportValues, path: str) -> str:
    reasons = "; ".join(
        shown(f"{path}.missing.{i}") for i in range(len(shown.at(f"{path}.missing")))
    )
    return (
        f"<li>{shown(f'{path}.calibrator')}, {shown(f'{path}.group')}: nothing is promised over "
        f"{shown(f'{path}.rows', whole)} rows, since {reasons}.</li>"
    )


def _promise(shown: ReportValues, path: str) -> str:
    if shown.at(f"{path}.at_most") >= 1:
        return (
            f"<li>{shown(f'{path}.calibrator')}, {shown(f'{path}.group')}: "
            f"{shown(f'{path}.rows', whole)} rows are too few for a promise; the share of outputs "
            f"above their prediction is {shown(f'{path}.missed', share)}.</li>"
        )
    return (
        f"<li>{shown(f'{path}.calibrator')}, {shown(f'{path}.group')}: over "
        f"{shown(f'{path}.rows', whole)} rows the share of outputs above their prediction is at "
        f"most {shown(f'{path}.at_most', fine_share)}, whatever they are; it is "
        f"{shown(f'{path}.missed', fine_share)}.</li>"
    )


def _history(shown: ReportValues) -> str:
    rows = [
        [
            shown(f"proposals.{i}.decided_at"),
            shown(f"proposals.{i}.status") + (" (in use)" if one["is_current"] else ""),
            shown(f"proposals.{i}.calibrator"),
            shown(f"proposals.{i}.version"),
            shown(f"proposals.{i}.by"),
            shown(f"proposals.{i}.why"),
        ]
        for i, one in enumerate(shown.data["proposals"])
    ]
    if not rows:
        return ""
    titles = ("when", "what became of it", "calibrator", "version", "by", "why")
    return "<h2>Proposals</h2>\n" + value_table(titles, rows)

"""What stands beside a report's pictures: what each shows, in words and as a table."""

from collections.abc import Iterator
from html import escape
from typing import Final

from autopack.report.escaping import on_line
from autopack.report.report_values import ReportValues, factor, pointer, share, value_table, whole

CAPTIONS: Final = {
    "pairs": "Predicted against actual output, both in tokens, a mark for each output. Above the "
    "broken line, a budget of just the prediction would have been too small.",
    "wastes": "How many outputs there are by prediction over output. At one the prediction was "
    "right; at two, half of it was not needed.",
    "groups": "Median of actual over predicted, by group, with its interval. At one, the broken "
    "line, the predictions fit.",
    "history": "The multipliers in use, from the estimator's own figures to now.",
    "courses": "How many outputs fit, over stretches of rows in the order in which they were "
    "predicted. The broken line is the aim; a band is what outputs that were cut off leave open.",
}

_MOST_PAIRS: Final = 40
_MOST_STEPS: Final = 8

Rows = Iterator[list[str]]


def figures_beside(shown: ReportValues, picture: str) -> str:
    """Return a picture's figures as a table; of very many, some that are evenly apart."""
    titles, rows = {
        "pairs": (("category", "outcome", "predicted", "actual"), _pairs),
        "wastes": (("above", "up to", "outputs"), _wastes),
        "groups": (("group", "from", "median", "to"), _groups),
        "history": (("version", "group", "multiplier"), _history),
        "courses": (("calibrator", "outputs so far", "fit", "at most"), _courses),
    }[picture]
    return value_table(titles, list(rows(shown)))


def _pairs(shown: ReportValues) -> Rows:
    for i in _some(len(shown.data["pairs"]), _MOST_PAIRS):
        path = f"pairs.{i}"
        yield [
            shown(f"{path}.category"),
            shown(f"{path}.outcome"),
            shown(f"{path}.predicted", whole),
            shown(f"{path}.actual", whole),
        ]


def _wastes(shown: ReportValues) -> Rows:
    for i in range(len(shown.data["wastes"])):
        path = f"wastes.{i}"
        sides = [shown(f"{path}.{side}", factor) for side in ("above", "up_to")]
        yield [*sides, shown(f"{path}.count", whole)]


def _groups(shown: ReportValues) -> Rows:
    for i, group in enumerate(shown.data["groups"]):
        if group["ratio_low"] is not None:
            path = f"groups.{i}"
            sides = ("ratio_low", "median_ratio", "ratio_high")
            yield [
                f"{shown(f'{path}.category')}/{shown(f'{path}.complexity')}",
                *(shown(f"{path}.{side}", factor) for side in sides),
            ]


def _history(shown: ReportValues) -> Rows:
    for i, step in enumerate(shown.data["history"]):
        for named in step["multipliers"]:
            value = shown(pointer("history", i, "multipliers", named), factor)
            yield [shown(f"history.{i}.version"), escape(on_line(named)), value]


def _courses(shown: ReportValues) -> Rows:
    for named, rows in shown.data["courses"].items():
        for i in _some(len(rows), _MOST_STEPS):
            told = [
                shown(pointer("courses", named, i, side), show)
                for side, show in ((0, whole), (1, share), (2, share))
            ]
            yield [escape(on_line(named)), *told]


def _some(n: int, most: int) -> range:
    return range(0, n, max(1, -(-n // most)))

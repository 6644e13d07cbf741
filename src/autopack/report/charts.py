"""The pictures of a calibration report, drawn from its values; in the page's own colours."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from typing import Any, Final

from autopack.report.page_style import INKS
from autopack.report.svg_shapes import (
    LEFT,
    LINE,
    WIDTH,
    Scale,
    axis_below,
    axis_beside,
    band,
    bar,
    interval,
    line,
    mark,
    name,
    picture,
    scale_of,
    steps,
    text,
)

SERIES: Final = tuple(ink for ink in INKS if ink.startswith("c"))
"""The colours of what is told apart; what comes after them is drawn as one, in the last."""
SHAPES: Final = {"succeeded": "dot", "failed": "cross", "cut off": "triangle"}

_BOTTOM: Final = 250.0
_HEIGHT: Final = _BOTTOM + 2 * LINE + 8
_RIGHT: Final = WIDTH - 8.0
_TOP: Final = LINE + 10.0
_MOST_GROUPS: Final = 16
_ROW: Final = 44
_REST: Final = "all others"


def pictures_of(data: Mapping[str, Any]) -> dict[str, str]:
    """Return pictures with their keys, as HTML by name, of what there is to draw."""
    drawing: dict[str, tuple[Callable[[Mapping[str, Any]], str], bool]] = {
        "pairs": (pairs, bool(data["pairs"])),
        "wastes": (wastes, any(one["count"] for one in data["wastes"])),
        "groups": (groups, any(one["ratio_low"] is not None for one in data["groups"])),
        "history": (history, len(data["history"]) > 1),
        "courses": (courses, any(data["courses"].values())),
    }
    return {named: draw(data) for named, (draw, is_there) in drawing.items() if is_there}


def pairs(data: Mapping[str, Any]) -> str:
    """Return predicted against actual sizes, a mark each."""
    found = data["pairs"]
    inks = _inks(sorted({pair["category"] for pair in found}))
    sizes = [max(1, pair[side]) for pair in found for side in ("predicted", "actual")]
    across = scale_of(sizes, LEFT, _RIGHT, is_log=True)
    up = Scale(across.low, across.high, _BOTTOM, _TOP, is_log=True)
    parts = [
        axis_beside(up, "actual, in tokens"),
        axis_below(across, _BOTTOM, "predicted, in tokens"),
        line([(LEFT, _BOTTOM), (_RIGHT, _TOP)], "ink", kind="guide"),
        *(
            mark(
                across(max(1, pair["predicted"])),
                up(max(1, pair["actual"])),
                inks[pair["category"]],
                shape=SHAPES[pair["outcome"]],
            )
            for pair in found
        ),
    ]
    drawn = picture(
        "Predicted against actual output",
        "A mark for each output. Above the line it was larger than predicted.",
        _HEIGHT,
        parts,
    )
    outcomes = [one for one in ("failed", "cut off") if any(p["outcome"] == one for p in found)]
    return drawn + _key([*_named(inks), *((one, "ink", SHAPES[one]) for one in outcomes)])


def wastes(data: Mapping[str, Any]) -> str:
    """Return how many outputs there are by prediction over output, a bar each."""
    counted = [place for place, one in enumerate(data["wastes"]) if one["count"]]
    bins = data["wastes"][counted[0] : counted[-1] + 1]
    wide = scale_of((one["count"] for one in bins), 0.0, 180.0)
    parts = [text("outputs, by prediction over output", 0, LINE - 5)]
    for place, one in enumerate(bins):
        y = LINE + 28 * place
        told = f"over {one['above']:g}" if one["up_to"] is None else f"up to {one['up_to']:g}"
        ink = "c1" if one["up_to"] is not None and one["up_to"] <= 1 else "c0"
        parts.append(text(told, 0, y + 17))
        if one["count"]:
            parts.append(bar(110, y + 3, wide(one["count"]), 18, ink))
        parts.append(text(f"{one['count']:,}", 116 + wide(one["count"]), y + 17))
    return picture(
        "Outputs by waste",
        "A bar for each step of prediction over output. Up to one, the prediction was too small.",
        LINE + 28 * len(bins) + 4,
        parts,
    )


def groups(data: Mapping[str, Any]) -> str:
    """Return each group's median of actual over predicted, with its interval."""
    found = [one for one in data["groups"] if one["ratio_low"] is not None][:_MOST_GROUPS]
    sides = ("ratio_low", "median_ratio", "ratio_high")
    ratios = [max(1e-4, one[side]) for one in found for side in sides]
    across = scale_of([*ratios, 1.0], 8.0, _RIGHT, is_log=True)
    bottom = _ROW * len(found) + 8.0
    parts = [
        line([(across(1), 0), (across(1), bottom)], "ink", kind="guide"),
        axis_below(across, bottom, "actual over predicted"),
    ]
    for place, one in enumerate(found):
        low, middle, high = (across(max(1e-4, one[side])) for side in sides)
        y = _ROW * place
        parts.append(text(name(f"{one['category']}/{one['complexity']}"), 0, y + 18))
        ink = "c2" if one["is_high_confidence"] else "c0"
        parts.append(interval(low, middle, high, y + 32, ink))
    return picture(
        "Median of actual over predicted, by group",
        "A mark for each group's median, and a bar for its interval. At one, predictions fit.",
        bottom + 2 * LINE + 8,
        parts,
    )


def history(data: Mapping[str, Any]) -> str:
    """Return the multipliers in use, from step to step."""
    found = data["history"]
    inks = _inks(sorted({named for step in found for named in step["multipliers"]}))
    values = [value for step in found for value in step["multipliers"].values()]
    up = scale_of([*values, 1.0], _BOTTOM, _TOP, is_log=True)
    across = Scale(0.0, float(len(found) - 1), LEFT, _RIGHT)
    parts = [
        axis_beside(up, "multiplier"),
        axis_below(across, _BOTTOM, "applied, one after the other", is_count=True),
    ]
    for named, ink in inks.items():
        points = [
            (across(place), up(step["multipliers"].get(named, 1.0)))
            for place, step in enumerate(found)
        ]
        parts += [steps(points, ink), *(mark(x, y, ink) for x, y in points)]
    drawn = picture(
        "Multipliers in use",
        "A line for each group, from the estimator's own figures to now.",
        _HEIGHT,
        parts,
    )
    return drawn + _key(_named(inks))


def courses(data: Mapping[str, Any]) -> str:
    """Return how the coverage of each calibrator went, as the band that it lies in."""
    found = {named: rows for named, rows in data["courses"].items() if rows}
    inks = _inks(list(found))
    across = scale_of((row[0] for rows in found.values() for row in rows), LEFT, _RIGHT)
    up, tau = Scale(0.0, 100.0, _BOTTOM, _TOP), 100 * data["backtest"]["tau"]
    parts = [
        axis_beside(up, "outputs that fit", unit=" %"),
        axis_below(across, _BOTTOM, "outputs so far", is_count=True),
        line([(LEFT, up(tau)), (_RIGHT, up(tau))], "ink", kind="guide"),
    ]
    for named, rows in found.items():
        low, high = ([(across(row[0]), up(100 * row[side])) for row in rows] for side in (1, 2))
        if low != high:
            parts.append(band(low, high, inks[named]))
        parts.append(line(high, inks[named]))
    drawn = picture(
        "Outputs that fit, stretch by stretch",
        "A line for each calibrator; the broken line is the aim.",
        _HEIGHT,
        parts,
    )
    return drawn + _key(_named(inks))


def _inks(names: Sequence[str]) -> dict[str, str]:
    return {named: SERIES[min(place, len(SERIES) - 1)] for place, named in enumerate(names)}


def _named(inks: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Return the names of what is drawn with its colour; those that share the last as one."""
    some = list(inks.items())
    if len(some) > len(SERIES):
        some = [*some[: len(SERIES) - 1], (_REST, SERIES[-1])]
    return [(named, ink, "dot") for named, ink in some]


def _key(entries: Iterable[tuple[str, str, str]]) -> str:
    """Return what the colours and shapes mean, as a list that is folded like any text."""
    items = "".join(
        f'<li><svg class="key" viewBox="0 0 12 12" aria-hidden="true">'
        f"{mark(6, 6, ink, shape=shape)}</svg>{escape(name(named))}</li>"
        for named, ink, shape in entries
    )
    return f'<ul class="key">{items}</ul>' if items else ""

"""Draws a report's pictures as SVG, in the page's own colours; needs ``autopack[report]``."""

import re
from collections.abc import Mapping
from importlib.util import find_spec
from io import StringIO
from typing import Any, Final

from autopack.errors import InvalidInputError
from autopack.report.page_style import INKS

_STAND_INS: Final = {name: f"#0{place:x}a0b{place:x}" for place, name in enumerate(INKS, 1)}
"""Colours that nothing else has, replaced by the page's variables once the picture is drawn."""

_SERIES: Final = [name for name in INKS if name.startswith("c")]
_MARKS: Final = {"succeeded": "o", "failed": "x", "cut off": "^"}
_SETTINGS: Final[Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "autopack",
    "font.family": "sans-serif",
    "font.size": 12,
    "text.color": _STAND_INS["ink"],
    "axes.labelcolor": _STAND_INS["ink"],
    "axes.edgecolor": _STAND_INS["faint"],
    "xtick.color": _STAND_INS["ink"],
    "ytick.color": _STAND_INS["ink"],
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
}
_WIDTH_IN, _HEIGHT_IN = 6.0, 4.2
_LEAST, _MOST_GROUPS = 1, 16
_RATIOS: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)


EXTRA: Final = "autopack[report]"


def can_draw() -> bool:
    """Tell whether matplotlib is installed."""
    return find_spec("matplotlib") is not None


def pictures_of(data: Mapping[str, Any]) -> dict[str, str]:
    """
    Return the pictures that there is something to draw for, as SVG elements by name.

    Args:
        data: As ``evaluation_json`` gives it.

    Raises:
        InvalidInputError: matplotlib is not installed.
    """
    try:
        from matplotlib import rc_context
    except ModuleNotFoundError as absent:
        raise InvalidInputError(
            f"Pictures need matplotlib: pip install '{EXTRA}', or leave them out with",
            do="pictures=False.",
            typed="--no-pictures.",
            name="pictures",
            value=True,
        ) from absent
    drawing = {
        "pairs": (_pairs, data["pairs"]),
        "wastes": (_wastes, [one for one in data["wastes"] if one["count"]]),
        "groups": (_groups, [g for g in data["groups"] if g["ratio_low"] is not None]),
        "history": (_history, data["history"][1:]),
        "courses": (_courses, [steps for steps in data["courses"].values() if steps]),
    }
    with rc_context(_SETTINGS):
        return {name: draw(data) for name, (draw, some) in drawing.items() if some}


def _pairs(data: Mapping[str, Any]) -> str:
    figure, axes = _figure()
    pairs = data["pairs"]
    categories = sorted({pair["category"] for pair in pairs})
    colours = {category: _colour(place) for place, category in enumerate(categories)}
    for outcome, mark in _MARKS.items():
        some = [pair for pair in pairs if pair["outcome"] == outcome]
        axes.scatter(
            [pair["predicted"] for pair in some],
            [max(_LEAST, pair["actual"]) for pair in some],
            c=[colours[pair["category"]] for pair in some],
            marker=mark,
            s=26,
            alpha=0.75,
            linewidths=1.2 if mark == "x" else 0,
        )
    sizes = [max(_LEAST, pair[name]) for pair in pairs for name in ("predicted", "actual")]
    ends = (min(sizes) / 1.3, max(sizes) * 1.3)
    axes.plot(ends, ends, color=_STAND_INS["faint"], linewidth=1, linestyle="--")
    axes.set(xscale="log", yscale="log", xlabel="predicted", ylabel="actual")
    _plain_ticks(axes.xaxis, axes.yaxis)
    for category in categories[:8]:
        axes.scatter([], [], color=colours[category], label=category, s=26)
    for outcome in ("failed", "cut off"):
        if any(pair["outcome"] == outcome for pair in pairs):
            axes.scatter([], [], c=_STAND_INS["ink"], marker=_MARKS[outcome], label=outcome, s=26)
    figure.legend(loc="outside lower center", ncols=3, fontsize=11)
    return _svg(figure, "Predicted against actual output")


def _wastes(data: Mapping[str, Any]) -> str:
    figure, axes = _figure()
    counted = [place for place, one in enumerate(data["wastes"]) if one["count"]]
    bins = data["wastes"][counted[0] : counted[-1] + 1]
    labels = [
        f"over {one['above']:g}" if one["up_to"] is None else f"to {one['up_to']:g}" for one in bins
    ]
    colours = [_colour(1 if (one["up_to"] or 9) <= 1 else 0) for one in bins]
    axes.bar(range(len(bins)), [one["count"] for one in bins], color=colours)
    axes.set_xticks(range(len(bins)), labels, rotation=45, ha="right", fontsize=11)
    axes.set(xlabel="prediction over output", ylabel="outputs")
    return _svg(figure, "Outputs by waste")


def _groups(data: Mapping[str, Any]) -> str:
    groups = [one for one in data["groups"] if one["ratio_low"] is not None][:_MOST_GROUPS]
    figure, axes = _figure(height=1.6 + 0.36 * len(groups))
    for place, group in enumerate(reversed(groups)):
        colour = _colour(2 if group["is_high_confidence"] else 0)
        axes.plot(
            [max(group["ratio_low"], 1e-3), max(group["ratio_high"], 1e-3)],
            [place, place],
            color=colour,
            linewidth=2,
        )
        axes.scatter([max(group["median_ratio"], 1e-3)], [place], color=colour, s=40, zorder=3)
    axes.axvline(1, color=_STAND_INS["faint"], linewidth=1, linestyle="--")
    names = [f"{one['category']}/{one['complexity']}" for one in reversed(groups)]
    axes.set_yticks(range(len(names)), names)
    axes.set(xscale="log", xlabel="actual over predicted")
    low, high = axes.get_xlim()
    _plain_ticks(axes.xaxis)
    axes.set_xticks([tick for tick in _ratio_ticks(low, high) if low <= tick <= high])
    return _svg(figure, "Median ratio of each group with its interval")


def _history(data: Mapping[str, Any]) -> str:
    figure, axes = _figure()
    steps = data["history"]
    names = sorted({name for step in steps for name in step["multipliers"]})
    for place, name in enumerate(names):
        values = [step["multipliers"].get(name, 1.0) for step in steps]
        axes.step(
            range(len(steps)), values, where="post", marker="o", color=_colour(place), label=name
        )
    axes.set_xticks(range(len(steps)), [step["version"].rpartition("+")[2] for step in steps])
    axes.tick_params(axis="x", labelrotation=30, labelsize=11)
    axes.set(yscale="log", xlabel="version", ylabel="multiplier")
    _plain_ticks(axes.yaxis)
    figure.legend(loc="outside lower center", ncols=2, fontsize=11)
    return _svg(figure, "Multipliers by version")


def _courses(data: Mapping[str, Any]) -> str:
    figure, axes = _figure(width=9.0)
    for place, (name, steps) in enumerate(data["courses"].items()):
        if steps:
            rows, least, most = zip(*steps, strict=True)
            low, high = ([100 * one for one in shares] for shares in (least, most))
            axes.plot(rows, high, color=_colour(place), label=name)
            axes.fill_between(rows, low, high, color=_colour(place), alpha=0.2, linewidth=0)
    axes.axhline(
        100 * data["backtest"]["tau"], color=_STAND_INS["faint"], linewidth=1, linestyle="--"
    )
    axes.set(xlabel="rows", ylabel="coverage, in percent")
    figure.legend(loc="outside lower center", ncols=2, fontsize=11)
    return _svg(figure, "Coverage over time")


def _ratio_ticks(low: float, high: float) -> list[float]:
    """Return where a ratio's axis is marked: in tenths if it is short, else in steps of two."""
    if high / low > 6:
        return list(_RATIOS)
    step = 0.1 if high - low < 1 else 0.5
    return [round(step * number, 1) for number in range(1, int(high / step) + 1)]


def _figure(width: float = _WIDTH_IN, height: float = _HEIGHT_IN) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    figure.patch.set_alpha(0)
    axes = figure.add_subplot()
    axes.patch.set_alpha(0)
    return figure, axes


def _plain_ticks(*all_axis: Any) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    for axis in all_axis:
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0), numticks=7))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
        axis.set_minor_formatter(NullFormatter())


def _colour(place: int) -> str:
    return _STAND_INS[_SERIES[place % len(_SERIES)]]


def _svg(figure: Any, title: str) -> str:
    """Return the picture as an element to be put into a page, with the page's colours."""
    text = StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    svg = text.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    for name, colour in _STAND_INS.items():
        svg = svg.replace(colour, f"var(--{name})")
    return svg.replace("<svg", f'<svg role="img" aria-label="{title}"', 1)

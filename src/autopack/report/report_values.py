"""The report's values as HTML, each with its path in the JSON, and tables of them."""

from collections.abc import Callable, Mapping, Sequence
from html import escape
from math import floor, log10
from typing import Any, Final

from autopack.report.escaping import on_line
from autopack.report.sheet import html_table

Show = Callable[[Any], str]

_ABSENT: Final = "-"
_SMALL: Final = 0.1
_LONGEST: Final = 6


def share(value: Any) -> str:
    """Return a share in percent."""
    return f"{100 * value:.1f} %"


def whole(value: Any) -> str:
    """Return a number without decimals, its thousands apart."""
    return f"{value:,.0f}"


def fine_share(value: Any) -> str:
    """Return a share in percent with two decimals."""
    return f"{100 * value:.2f} %"


def factor(value: Any) -> str:
    """Return a factor with two decimals, a small one with two digits that count."""
    places = 2 if value >= _SMALL or value <= 0 else min(_LONGEST, 1 - floor(log10(value)))
    return f"{value:.{places}f}"


def fine(value: Any) -> str:
    """Return a figure with four decimals."""
    return f"{value:.4f}"


def said(value: Any) -> str:
    """Return a text as it is."""
    return str(value)


class ReportValues:
    """Shows values of the report's JSON, each with its path there, so that none is made up."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.data = data

    def at(self, path: str) -> Any:
        """Return the value at a path like ``tiers.0.smape``, or at a :func:`pointer`."""
        value: Any = self.data
        for step in _steps(path):
            value = value[int(step)] if isinstance(value, list) else value[step]
        return value

    def __call__(self, path: str, show: Show = said) -> str:
        """Return the value at *path* as HTML."""
        return _tagged(self.at(path), path, show)


def pointer(*steps: str | int) -> str:
    """Return a path whose names may hold anything, as RFC 6901 writes it."""
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in steps)


def _steps(path: str) -> list[str]:
    if not path.startswith("/"):
        return path.split(".")
    return [step.replace("~1", "/").replace("~0", "~") for step in path[1:].split("/")]


def _tagged(value: Any, path: str, show: Show) -> str:
    text = _ABSENT if value is None else on_line(show(value))
    raw = "" if value is None else escape(on_line(str(value)))
    return f'<data value="{raw}" data-path="{escape(on_line(path))}">{escape(text)}</data>'


def value_table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table of values; what is no text stands to the right, what nobody told nowhere."""
    known = [
        place
        for place in range(len(titles))
        if not rows
        or titles[place] in _TEXTS
        or any(row[place] and f">{_ABSENT}</data>" not in row[place] for row in rows)
    ]
    titles = [titles[place] for place in known]
    rows = [[row[place] for place in known] for row in rows]
    figures = [title for title in titles if title not in _TEXTS]
    return html_table(titles, rows, figures=figures)


_TEXTS: Final = frozenset({
    "part", "group", "calibrator", "what to do", "when", "what became of it", "version", "by",
    "why", "category", "outcome", "measure",
})  # fmt: skip
"""Columns that hold no figures."""

"""Tables for people: columns as wide as their cells, figures to the right, or as wide as fits."""

import re
from collections.abc import Collection, Iterator, Sequence
from itertools import zip_longest
from textwrap import wrap
from typing import Final

from autopack.report.cells import cells, cut_end, cut_middle, filled

_GAP: Final = "  "
_PROSE: Final = 24
_NAME: Final = 16
_LEAST: Final = 8
_LINES: Final = 3
_FIGURE: Final = re.compile(r"-|unknown|(≥ )?-?[\d,]+(\.\d+)?( %| s)?")


def table_lines(
    titles: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    figures: Collection[str] | None = None,
    width: int | None = None,
) -> list[str]:
    """
    Return a table as lines.

    Args:
        figures: The titles of the columns that hold figures; by default those, but for the first,
            whose cells all look like some.
        width: How many cells of a terminal a line has; None makes it as wide as it is. The last
            column is folded first, if it holds prose, up to three lines, then names in the first
            one are cut in the middle, then the widest are folded.
    """
    columns = list(zip(titles, *rows, strict=True))
    is_figure = [
        (number > 0 and _are_figures(column[1:])) if figures is None else title in figures
        for number, (title, column) in enumerate(zip(titles, columns, strict=True))
    ]
    widths = [max(map(cells, column)) for column in columns]
    natural = list(widths)
    if width is not None and rows:
        _narrow(widths, is_figure, width)
    lines: list[str] = []
    for row in (titles, *rows):
        if widths[0] < natural[0]:
            row = (cut_middle(row[0], widths[0]), *row[1:])
        folded = [_folded(cell, place) for cell, place in zip(row, widths, strict=True)]
        folded[-1] = _shortened(folded[-1])
        lines += [_line(part, widths, is_figure) for part in zip_longest(*folded, fillvalue="")]
    return lines


def _are_figures(column: Sequence[str]) -> bool:
    return bool(column) and all(map(_FIGURE.fullmatch, column)) and set(column) != {"-"}


def _narrow(widths: list[int], is_figure: Sequence[bool], width: int) -> None:
    """Make columns narrower until a line fits, or nothing more can give way."""
    for place, least in _giving_way(widths, is_figure):
        over = sum(widths) + len(_GAP) * (len(widths) - 1) - width
        widths[place] = max(min(widths[place], least), widths[place] - max(over, 0))


def _giving_way(widths: Sequence[int], is_figure: Sequence[bool]) -> Iterator[tuple[int, int]]:
    """Yield which columns give way, and down to which width, one after the other."""
    last = len(widths) - 1
    if not is_figure[last] and last:
        yield last, _PROSE
    yield 0, _NAME
    rest = sorted((n for n in range(1, last + 1) if not is_figure[n]), key=lambda n: -widths[n])
    yield from ((number, _LEAST) for number in rest)
    yield from ((number, _LEAST) for number in range(last + 1))


def _shortened(lines: list[str]) -> list[str]:
    """Return as much of folded prose as a row may be high."""
    if len(lines) <= _LINES:
        return lines
    last = lines[_LINES - 1]
    return [*lines[: _LINES - 1], cut_end(f"{last}  ", cells(last))]


def _folded(cell: str, width: int) -> list[str]:
    if cells(cell) <= width:
        return [cell]
    if cell.isascii():
        return wrap(cell, width, break_on_hyphens=False) or [""]
    return wrap(cell, max(1, width // 2), break_on_hyphens=False) or [""]


def markdown_table(
    titles: Sequence[str], rows: Sequence[Sequence[str]], *, figures: Collection[str]
) -> list[str]:
    """Return it as lines of Markdown; cells are taken as they are."""
    marks = ["--:" if title in figures else "---" for title in titles]
    told = [f"| {' | '.join(row)} |" for row in (titles, *rows)]
    return [told[0], f"|{'|'.join(marks)}|", *told[1:]]


def bar(share: float, *, width: int, mark: str = "█") -> str:
    """Return a bar of so many marks; what is not nothing has one at least."""
    return mark * max(round(share * width), int(share > 0))


def _line(row: Sequence[str], widths: Sequence[int], is_figure: Sequence[bool]) -> str:
    told = [
        filled(cell, width, is_right=right)
        for cell, width, right in zip(row, widths, is_figure, strict=True)
    ]
    return _GAP.join(told).rstrip()

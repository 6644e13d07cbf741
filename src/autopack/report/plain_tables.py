"""Tables for people: columns as wide as their cells, figures to the right, and no cell broken."""

from collections.abc import Collection, Sequence
from typing import Final

_GAP: Final = "  "


def table_lines(
    titles: Sequence[str], rows: Sequence[Sequence[str]], *, figures: Collection[str]
) -> list[str]:
    """
    Return a table as lines.

    Args:
        figures: The titles of the columns that hold figures.
    """
    widths = [max(map(len, column)) for column in zip(titles, *rows, strict=True)]
    is_figure = [title in figures for title in titles]
    return [_line(row, widths, is_figure) for row in (titles, *rows)]


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


def _line(cells: Sequence[str], widths: Sequence[int], is_figure: Sequence[bool]) -> str:
    told = [
        cell.rjust(width) if right else cell.ljust(width)
        for cell, width, right in zip(cells, widths, is_figure, strict=True)
    ]
    return _GAP.join(told).rstrip()

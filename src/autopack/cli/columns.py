"""Plain columns, as wide as their cells or folded to the width of a terminal."""

from collections.abc import Sequence
from itertools import zip_longest
from textwrap import wrap
from typing import Final

_GAP: Final = "  "
_LEAST: Final = 8


def columns(
    header: Sequence[str], rows: Sequence[Sequence[str]], *, width: int | None = None
) -> list[str]:
    """
    Return a table as lines.

    Args:
        width: How many characters fit into a line; None folds nothing. Headers are folded first,
            at their underscores, then the last column, then the widest; nothing is cut off.
    """
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    if width is None or _total(widths) <= width:
        return [_line(row, widths) for row in (header, *rows)]
    widths = _folded_widths(header, rows, width)
    lines: list[str] = []
    for row in ([name.replace("_", " ") for name in header], *rows):
        cells = [
            wrap(cell, place, break_on_hyphens=False) or [""]
            for cell, place in zip(row, widths, strict=True)
        ]
        lines += [_line(parts, widths) for parts in zip_longest(*cells, fillvalue="")]
    return lines


def _folded_widths(header: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> list[int]:
    widths = [
        max([*map(len, name.split("_")), *(len(row[place]) for row in rows)])
        for place, name in enumerate(header)
    ]
    while _total(widths) > width and max(widths) > _LEAST:
        is_prose = widths[-1] > 2 * _LEAST  # the last column is; names before it are pasted
        widths[-1 if is_prose else widths.index(max(widths))] -= 1
    return widths


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + len(_GAP) * (len(widths) - 1)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    places = zip(cells, widths, strict=True)
    return _GAP.join(cell.ljust(place) for cell, place in places).rstrip()

"""Our own Markdown as a terminal shows it: tables in columns, and no marks."""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from autopack.report.plain_tables import table_lines

_CELL: Final = re.compile(r"(?<!\\)\|")
_HEADING: Final = re.compile(r"#{1,6} +")
_ESCAPE: Final = re.compile(r"\\([\\`*_\[\]<>|~#+.)/:-])")
_ENTITIES: Final = {"&lt;": "<", "&gt;": ">", "&amp;": "&"}
_MARKS: Final = re.compile(r"(?<!\\)(?:`+|\*\*)")


def markdown_as_text(markdown: str, *, width: int | None = None) -> str:
    """
    Return a report of ours as text.

    Args:
        width: How many cells a line of a table has; None makes it as wide as it is.
    """
    lines: list[str] = []
    for is_table, found in groupby(markdown.splitlines(), lambda line: line.startswith("|")):
        block = list(found)
        lines += _table(block, width) if is_table else _prose(block)
    return "\n".join(lines)


def _table(block: Sequence[str], width: int | None) -> list[str]:
    rows = [[_plain(cell.strip()) for cell in _CELL.split(line)[1:-1]] for line in block]
    titles, sides, *body = rows
    figures = [title for title, side in zip(titles, sides, strict=True) if side.endswith(":")]
    return table_lines(titles, body, figures=figures, width=width)


def _prose(block: Sequence[str]) -> Iterator[str]:
    for line in block:
        if heading := _HEADING.match(line):
            title = _plain(line[heading.end() :])
            yield from (title, "=" * len(title)) if heading[0] == "# " else (title,)
        else:
            yield _plain(line)


def _plain(text: str) -> str:
    told = _ESCAPE.sub(r"\1", _MARKS.sub("", text))
    for entity, sign in _ENTITIES.items():
        told = told.replace(entity, sign)
    return told

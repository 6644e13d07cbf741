"""Exporter ``csv``: one view of a log, a line a row."""

import csv
import io
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, BinaryIO, Final

from autopack.ports.exporting import Cell, ExportSource

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""How a text begins that a spreadsheet takes for a formula, and would compute."""


class CsvRows:
    """
    A header and a line a row, in UTF-8, as RFC 4180 has it; what is not known is empty.

    A text that a spreadsheet would compute gets an apostrophe before it: names and reasons may be
    others' words.
    """

    name = "csv"
    takes_view = True
    counts = "rows"

    def write(self, source: ExportSource, file: BinaryIO) -> int:
        """Write the view that was asked for; return how many rows it has."""
        table = source.table()
        stream = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
        writer, n_rows = csv.writer(stream), 0
        writer.writerow([column.name for column in table.columns])
        reads = [_TEXTS.get(column.kind) for column in table.columns]
        for batch in table.batches():
            cells = [
                found if read is None else [read(cell) for cell in found]
                for read, found in zip(reads, batch.values(), strict=True)
            ]
            writer.writerows(zip(*cells, strict=True))
            n_rows += len(cells[0])
        stream.detach()
        return n_rows


def _guarded(cell: Any) -> Cell:
    return f"'{cell}" if cell and cell.startswith(_FORMULA) else cell


def _boolean(cell: Any) -> Cell:
    return None if cell is None else str(cell).lower()


def _moment(cell: Any) -> Cell:
    if not isinstance(cell, datetime):
        return None
    return cell.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _usd(cell: Any) -> Cell:
    return None if cell is None else f"{cell:f}"


_TEXTS: Final[Mapping[str, Callable[[Any], Cell]]] = {
    "text": _guarded,
    "boolean": _boolean,
    "moment": _moment,
    "usd": _usd,
}

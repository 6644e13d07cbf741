"""Reads traces of calls: JSON lines, JSON arrays and CSV, plain or gzipped."""

import codecs
import csv
import gzip
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TextIO, TypeAlias

from autopack.errors import InvalidInputError
from autopack.report.escaping import on_line

_Read: TypeAlias = Mapping[str, Any] | InvalidInputError
"""A record, or why a line is none."""

_LINE_MOST: Final = 16 * 2**20
"""A line of more characters is passed over, without being held."""
_MARKS: Final = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_CELL_MOST: Final = 128 * 1024
_REST: Final = "rest_that_cannot_be_read"
"""Counts files that break off: one that is packed and cut, or an array of JSON that is."""


def records_of(
    path: Path, *, needed: str, set_aside: Counter[str] | None = None
) -> Iterator[Mapping[str, Any]]:
    """
    Yield the records of a ``.jsonl``, ``.ndjson``, ``.json`` or ``.csv`` file, also with ``.gz``.

    Args:
        needed: What a trace must tell, as a sentence, for one that is empty.
        set_aside: Counts lines that are no records by their reason; without it they are refused.
            Bytes that are no UTF-8 are replaced then, and a file that breaks off ends there.

    Raises:
        InvalidInputError: No such file, another kind of file, a line that is no record, or no
            record at all.
    """
    kinds = {".jsonl": _json_lines, ".ndjson": _json_lines, ".json": _array, ".csv": _csv_rows}
    read = kinds.get(Path(path.name.removesuffix(".gz")).suffix.lower())
    if read is None:
        raise InvalidInputError(
            f"{_said(path)} is no trace: its name must end in .jsonl, .ndjson, .json or .csv, or "
            "that and .gz.",
            name="path",
            value=path,
        )
    if not path.is_file():
        raise InvalidInputError(
            f"There is no file {_said(path)} to read a trace from.", name="path", value=path
        )
    is_empty = True
    try:
        with _opened(path, "strict" if set_aside is None else "replace") as stream:
            for record in read(path, stream, needed):
                if isinstance(record, InvalidInputError):
                    if set_aside is None:
                        raise record from record.__cause__
                    set_aside["unreadable_lines"] += 1
                    continue
                is_empty = False
                yield record
    except (gzip.BadGzipFile, EOFError, UnicodeDecodeError, csv.Error) as fault:
        if set_aside is not None and not is_empty:
            set_aside[_REST] += 1
            return
        raise InvalidInputError(
            f"{_said(path)} cannot be read as a trace: {fault}.", name="path", value=path
        ) from fault
    if is_empty:
        raise InvalidInputError(
            f"{_said(path)} holds no records. {needed}", name="path", value=path
        )


def _said(path: Path) -> str:
    return on_line(str(path))


def _opened(path: Path, errors: str) -> TextIO:
    """Open a file in the encoding that the mark at its beginning names; else it is UTF-8."""
    opened: Any = gzip.open if path.name.endswith(".gz") else open
    with opened(path, "rb") as file:
        head = file.read(4)
    encoding = next((name for mark, name in _MARKS.items() if head.startswith(mark)), "utf-8-sig")
    found: TextIO = opened(path, "rt", encoding=encoding, errors=errors, newline="")
    return found


def _json_lines(path: Path, stream: TextIO, _needed: str) -> Iterator[_Read]:
    number = 0
    while line := stream.readline(_LINE_MOST + 1):
        number += 1
        if not line.strip():
            continue
        name = f"line {number}"
        try:
            if len(line) > _LINE_MOST:
                _pass_over(line, stream)
                raise ValueError(f"it has over {_LINE_MOST:,} characters")
            record = json.loads(line)
        except (ValueError, RecursionError) as fault:
            refused = InvalidInputError(
                f"{_said(path)}, {name}: not JSON: {fault}.", name=name, value=line
            )
            refused.__cause__ = fault
            yield refused
            continue
        yield _table(f"{_said(path)}, {name}", name, record)


def _pass_over(line: str, stream: TextIO) -> None:
    while line and not line.endswith("\n"):
        line = stream.readline(_LINE_MOST)


def _array(path: Path, stream: TextIO, _needed: str) -> Iterator[_Read]:
    try:
        found = json.load(stream)
    except (ValueError, RecursionError) as fault:
        raise InvalidInputError(
            f"{_said(path)} is no JSON: {fault}.", name="path", value=path
        ) from fault
    for number, record in enumerate(found if isinstance(found, list) else [found], 1):
        yield _table(f"{_said(path)}, item {number}", f"item {number}", record)


def _table(place: str, name: str, record: Any) -> _Read:
    if isinstance(record, dict):
        return record
    what = f"{place}: a {type(record).__name__}, not an object."
    return InvalidInputError(what, name=name, value=record)


def _csv_rows(path: Path, stream: TextIO, needed: str) -> Iterator[_Read]:
    rows = csv.DictReader(stream)
    row = None
    while True:
        csv.field_size_limit(_CELL_MOST)  # it is the process's, and others set it too
        try:
            row = next(rows)
        except StopIteration:
            break
        except csv.Error as fault:  # of this row; the reader goes on with the next
            row = {}
            yield InvalidInputError(
                f"{_said(path)} cannot be read as a trace: line {rows.line_num}: {fault}.",
                name="row",
                value=None,
            )
            continue
        if None in row:
            yield InvalidInputError(
                f"{_said(path)}: a row has more cells than the header: {row[None]}.",
                name="row",
                value=row[None],
            )
            continue
        yield row
    if row is None and rows.fieldnames:
        raise InvalidInputError(
            f"{_said(path)} has no row below its header: {', '.join(rows.fieldnames)}. {needed}",
            name="path",
            value=path,
        )

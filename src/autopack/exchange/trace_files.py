"""Reads traces of calls: JSON lines, JSON arrays and CSV, plain or gzipped."""

import csv
import gzip
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from io import TextIOWrapper
from pathlib import Path
from typing import Any, TextIO, TypeAlias

from autopack.errors import InvalidInputError
from autopack.report.escaping import on_line

_Read: TypeAlias = Mapping[str, Any] | InvalidInputError
"""A record, or why a line is none."""


def records_of(
    path: Path, *, needed: str, set_aside: Counter[str] | None = None
) -> Iterator[Mapping[str, Any]]:
    """
    Yield the records of a ``.jsonl``, ``.ndjson``, ``.json`` or ``.csv`` file, also with ``.gz``.

    Args:
        needed: What a trace must tell, as a sentence, for one that is empty.
        set_aside: Counts lines that are no records by their reason; without it they are refused.

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
        with _opened(path) as stream:
            for record in read(path, stream, needed):
                if isinstance(record, InvalidInputError):
                    if set_aside is None:
                        raise record from record.__cause__
                    set_aside["unreadable_lines"] += 1
                    continue
                is_empty = False
                yield record
    except (gzip.BadGzipFile, EOFError, UnicodeDecodeError, csv.Error) as fault:
        raise InvalidInputError(
            f"{_said(path)} cannot be read as a trace: {fault}.", name="path", value=path
        ) from fault
    if is_empty:
        raise InvalidInputError(
            f"{_said(path)} holds no records. {needed}", name="path", value=path
        )


def _said(path: Path) -> str:
    return on_line(str(path))


def _opened(path: Path) -> TextIO:
    if path.name.endswith(".gz"):
        return TextIOWrapper(gzip.open(path), encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _json_lines(path: Path, stream: TextIO, _needed: str) -> Iterator[_Read]:
    for number, line in enumerate(stream, 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as fault:
            refused = InvalidInputError(
                f"{_said(path)}, line {number}: not JSON: {fault}.",
                name=f"line {number}",
                value=line,
            )
            refused.__cause__ = fault
            yield refused
            continue
        yield _table(f"{_said(path)}, line {number}", f"line {number}", record)


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
    for row in rows:
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

"""Records of a file, whatever its form: JSON lines, JSON documents one after the other, CSV."""

import codecs
import csv
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from autopack_histories.documents import DOCUMENT_MOST
from autopack_histories.lines import objects_of, opened
from autopack_histories.notes import Notes

_SNIFFED: Final = 64 * 1024
_CELL_MOST: Final = 16 * 2**20


def records_of(path: Path, notes: Notes) -> Iterator[dict[str, Any]]:
    """
    Yield the records of a file, each a table; whatever is none is counted by its reason.

    A file named ``.csv`` is CSV with a header. Others are JSON lines, unless their first line is
    no whole document: then arrays and objects one after the other, however they are laid out.
    """
    if path.name.removesuffix(".gz").endswith(".csv"):
        yield from _csv_rows(path, notes)
    elif _is_lines(path):
        yield from objects_of(path, notes)
    else:
        yield from _documents(path, notes)


def _is_lines(path: Path) -> bool:
    with opened(path) as file:
        head = file.read(_SNIFFED)
    if head[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return True
    first = head.removeprefix(codecs.BOM_UTF8).lstrip().split(b"\n", 1)[0].strip()
    if not first.startswith((b"[", b"{")):
        return True  # whatever it is, it is read line by line
    if first.startswith(b"["):
        return False
    if b"\n" not in head:
        return True  # one long line
    try:
        json.loads(first)
    except ValueError:
        return len(first) > len(b'{"a": 1') and not first.endswith((b"{", b"[", b","))
    return True


def _documents(path: Path, notes: Notes) -> Iterator[dict[str, Any]]:
    with opened(path) as file:
        content = file.read(DOCUMENT_MOST + 1)
    if len(content) > DOCUMENT_MOST:
        notes.set_aside("documents of more than 64 MB")
        return
    text, at = content.decode(json.detect_encoding(content), "replace"), 0
    decoder = json.JSONDecoder()
    while (at := _beyond_blanks(text, at)) < len(text):
        try:
            found, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            notes.set_aside("documents that are no JSON, or not whole")
            return
        for one in found if isinstance(found, list) else [found]:
            if isinstance(one, dict):
                notes.record()
                yield one
            else:
                notes.set_aside("records that are no tables")


def _beyond_blanks(text: str, at: int) -> int:
    while at < len(text) and (text[at].isspace() or text[at] in ",\ufeff"):
        at += 1
    return at


def _csv_rows(path: Path, notes: Notes) -> Iterator[dict[str, Any]]:
    csv.field_size_limit(min(_CELL_MOST, sys.maxsize))
    with opened(path) as file:
        text = io.TextIOWrapper(file, "utf-8-sig", "replace", newline="")
        rows = csv.DictReader(line.replace("\0", "") for line in text)
        while True:
            try:
                row = next(rows, None)
            except csv.Error:
                notes.set_aside("rows that are no CSV")
                continue
            if row is None:
                return
            if None in row or None in row.values():
                notes.set_aside("rows with more or fewer cells than the header")
                continue
            notes.record()
            yield {name: cell for name, cell in row.items() if cell != ""}

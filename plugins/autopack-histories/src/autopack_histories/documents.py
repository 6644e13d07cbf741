"""Files that are one JSON document, and databases of SQLite: opened read-only, within bounds."""

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from autopack_histories.lines import opened
from autopack_histories.notes import Notes

DOCUMENT_MOST: Final = 64 * 2**20
"""A document of more bytes is set aside: it would have to be held as a whole."""
TOO_LARGE: Final = "documents of more than 64 MB"

_HEADER: Final = b"SQLite format 3\x00"
_WAL_MARK: Final = 2
_MARK_AT: Final = 18


def document(path: Path, notes: Notes) -> Any:
    """Return the JSON document that a file is; None, and a note why, if it is none."""
    try:
        with opened(path) as file:
            content = file.read(DOCUMENT_MOST + 1)
    except (OSError, EOFError) as fault:
        notes.set_aside(f"files that could not be read to the end ({type(fault).__name__})")
        return None
    if len(content) > DOCUMENT_MOST:
        notes.set_aside(TOO_LARGE)
        return None
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _odd(content, notes)


def _odd(content: bytes, notes: Notes) -> Any:
    try:
        encoding = json.detect_encoding(content)
        return json.loads(content.decode(encoding, "replace"))
    except (ValueError, RecursionError):
        notes.set_aside("documents that are no JSON, or not whole")
        return None


def is_too_large(path: Path) -> bool:
    """Tell whether a file is named as a document, and has more bytes than are held."""
    try:
        return path.name.endswith(".json") and path.stat().st_size > DOCUMENT_MOST
    except OSError:
        return False


def is_database(path: Path) -> bool:
    """Tell whether a file is a database of SQLite, by how it begins."""
    with path.open("rb") as file:
        return file.read(len(_HEADER)) == _HEADER


@contextmanager
def database(path: Path) -> Iterator[sqlite3.Connection]:
    """
    Open a database for reading only; nothing in it is changed, and nothing made beside it.

    Raises:
        sqlite3.Error: It cannot be read.
    """
    target = Path(os.path.realpath(path))
    with target.open("rb") as file:
        head = file.read(_MARK_AT + 2)
    suffix = "-wal" if head[-1:] == bytes([_WAL_MARK]) else "-journal"
    beside = target.with_name(target.name + suffix)
    is_live = beside.exists() and beside.stat().st_size > 0
    uri = f"{target.as_uri()}?mode=ro" + ("" if is_live else "&immutable=1")
    with closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as connection:
        connection.row_factory = sqlite3.Row
        connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
        connection.execute("BEGIN")
        yield connection


def columns(connection: sqlite3.Connection, table: str) -> set[str]:
    """Return the names of a table's columns; none if there is no such table."""
    return {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}


def rows(connection: sqlite3.Connection, query: str) -> Iterator[dict[str, Any]]:
    """Yield the rows of a query as tables."""
    for row in connection.execute(query):
        yield dict(row)


def json_cell(value: Any) -> Any:
    """Return what the JSON text of a cell holds; None of what is none."""
    if not isinstance(value, str | bytes):
        return None
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return None

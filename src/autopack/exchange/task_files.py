"""Files of tasks, a row each: CSV, TSV, JSON lines, JSON, or what came through a pipe."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from autopack.errors import InvalidInputError
from autopack.exchange import strict_json
from autopack.exchange.run_files import BYTES_MOST

Row = dict[str, Any]

_SHOWN: Final = 60


def read_tasks(path: Path) -> list[Row]:
    """
    Return the rows of a ``.csv``, ``.tsv``, ``.jsonl``, ``.ndjson`` or ``.json`` file.

    Raises:
        InvalidInputError: It is missing, too large, of another kind, or malformed; names the line.
    """
    read = _KINDS.get(path.suffix.lower())
    if read is None:
        raise _refused(path, f"its name must end in one of {', '.join(_KINDS)}")
    try:
        if path.stat().st_size > BYTES_MOST:
            raise _refused(path, f"it has over {BYTES_MOST:,} bytes; split it")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as fault:
        raise _refused(path, f"it cannot be read ({fault.strerror})") from fault
    except UnicodeDecodeError as fault:
        raise _refused(path, f"it is no UTF-8 ({fault.reason} at byte {fault.start})") from fault
    return list(read(text, str(path)))


def parse_tasks(text: str, source: str) -> list[Row]:
    """
    Return the rows of a text whose form nobody told: JSON, JSON lines, TSV or CSV by its start.

    Raises:
        InvalidInputError: As for :func:`read_tasks`.
    """
    text = text.removeprefix("\ufeff")
    first = text.lstrip().partition("\n")[0]
    if first.startswith("["):
        return list(_json(text, source))
    if first.startswith("{"):
        return list(_json_lines(text, source))
    return list((_tsv if "\t" in first else _csv)(text, source))


def _csv(text: str, source: str, delimiter: str = ",") -> Iterator[Row]:
    csv.field_size_limit(BYTES_MOST)  # the file is no longer than that
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header: list[str] | None = None
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if header is None:
                header = _checked([cell.strip() for cell in cells], source)
            elif len(cells) != len(header):
                what = f"line {reader.line_num}: {len(cells)} cells under {len(header)} columns"
                raise _refused(source, what)
            else:
                yield dict(zip(header, cells, strict=True))
    except csv.Error as fault:
        raise _refused(source, f"line {reader.line_num}: {fault}") from fault


def _checked(header: list[str], source: str) -> list[str]:
    if len(header) == 1 and ";" in header[0]:
        raise _refused(source, f"one column is called {header[0]!r}: save it with commas, or tabs")
    for place, name in enumerate(header):
        if not name:
            raise _refused(source, f"column {place + 1} has no name: the first line names them")
        if name in header[:place]:
            raise _refused(source, f"two columns are called {name!r}")
    return header


def _tsv(text: str, source: str) -> Iterator[Row]:
    return _csv(text, source, "\t")


def _json_lines(text: str, source: str) -> Iterator[Row]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield _row(_loaded(line, source, f"line {number}: "), source, f"line {number}")


def _json(text: str, source: str) -> Iterator[Row]:
    found = _loaded(text, source, "")
    if not isinstance(found, list):
        raise _refused(source, f"it is a {type(found).__name__}; give a list of rows")
    for number, one in enumerate(found, 1):
        yield _row(one, source, f"row {number}")


def _loaded(text: str, source: str, place: str) -> Any:
    try:
        return strict_json.loaded(text)
    except RecursionError as fault:
        raise _refused(source, f"{place}nested too deeply") from fault
    except ValueError as fault:
        raise _refused(source, f"{place}not JSON: {fault}") from fault


def _row(value: Any, source: str, place: str) -> Row:
    """Return an object as it is, and a text as a row that has nothing but a goal."""
    if isinstance(value, str):
        return {"goal": value}
    if not isinstance(value, dict):
        shown = json.dumps(value)[:_SHOWN]
        raise _refused(source, f"{place}: {shown} is no object with columns, and no text")
    return value


def _refused(source: str | Path, why: str) -> InvalidInputError:
    return InvalidInputError(f"{source}: {why}.", name="tasks", value=str(source))


_KINDS: Final[dict[str, Callable[[str, str], Iterator[Row]]]] = {
    ".csv": _csv,
    ".tsv": _tsv,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".json": _json,
}

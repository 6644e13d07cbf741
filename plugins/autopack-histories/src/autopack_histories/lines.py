"""Records of a file of JSON lines: bounded, whatever its encoding; a bad one is set aside."""

import codecs
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

import msgspec

from autopack_histories.notes import Notes

LINE_MOST: Final = 16 * 2**20
"""A line of more bytes is passed over, without being held."""

_decode: Final = msgspec.json.Decoder().decode
_MARKS: Final = {
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
_LONG: Final = "lines of more than 16 MB"
_SNIFFED: Final = 64
_CHUNK: Final = 2**20


def objects_of(path: Path, notes: Notes) -> Iterator[dict[str, Any]]:
    """
    Yield the JSON objects of a file, one a line; whatever is none is counted by its reason.

    A file may grow meanwhile: what is half written at its end is told apart, and left for later.
    """
    try:
        with opened(path) as file:
            for line in _lines(file, notes):
                found = _object(line, notes)
                if found is not None:
                    notes.record()
                    yield found
    except (OSError, EOFError, gzip.BadGzipFile) as fault:
        notes.set_aside(f"files that could not be read to the end ({type(fault).__name__})")


def opened(path: Path) -> BinaryIO:
    """Open a file for reading, unpacked on the way if its name ends in ``.gz``."""
    if path.name.endswith(".gz"):
        return cast(BinaryIO, gzip.open(path, "rb"))
    return path.open("rb")


def first_objects(path: Path, most: int = _SNIFFED) -> Iterator[dict[str, Any]]:
    """Yield the first few objects of a file, to tell whose it is."""
    left = most
    for found in objects_of(path, Notes()):
        yield found
        left -= 1
        if left <= 0:
            return


def _lines(file: BinaryIO, notes: Notes) -> Iterator[bytes]:
    head = file.read(4)
    encoding = next((name for mark, name in _MARKS.items() if head.startswith(mark)), None)
    if encoding is not None:
        yield from _recoded(file, head, encoding, notes)
        return
    first = head + file.readline(LINE_MOST) if b"\n" not in head else b""
    if first:
        yield from _bounded(first.removeprefix(codecs.BOM_UTF8), file, notes)
    else:
        yield from head.splitlines(keepends=True)
    while line := file.readline(LINE_MOST + 1):
        if len(line) <= LINE_MOST:
            yield line
        else:
            yield from _bounded(line, file, notes)


def _bounded(line: bytes, file: BinaryIO, notes: Notes) -> Iterator[bytes]:
    if len(line) <= LINE_MOST or line.endswith(b"\n"):
        yield line
        return
    notes.set_aside(_LONG)
    while (rest := file.readline(_CHUNK)) and not rest.endswith(b"\n"):
        pass


def _recoded(file: BinaryIO, head: bytes, encoding: str, notes: Notes) -> Iterator[bytes]:
    """Yield the lines of a file in another encoding, in the usual one."""
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    left, is_long = decoder.decode(head).removeprefix("\ufeff"), False
    while chunk := file.read(_CHUNK):
        *whole, left = (left + decoder.decode(chunk)).split("\n")
        if is_long and whole:
            is_long, whole = False, whole[1:]
        for line in whole:
            yield line.encode("utf-8", "replace") + b"\n"
        if len(left) > LINE_MOST and not is_long:
            notes.set_aside(_LONG)
            is_long = True
        left = "" if is_long else left
    if left:
        yield left.encode("utf-8", "replace")


def _object(line: bytes, notes: Notes) -> dict[str, Any] | None:
    if not line.strip():
        return None
    try:
        found = _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        found = _odd(line, notes)
        if found is None:
            return None
    if isinstance(found, dict):
        return found
    notes.set_aside("lines that are JSON, but no object")
    return None


def _odd(line: bytes, notes: Notes) -> Any:
    """Return what a stricter reader refuses: half a character, a number without bounds."""
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        notes.saw("lines with bytes that are no UTF-8")
        text = line.decode("utf-8", "replace")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        is_half = not line.endswith(b"\n")
        notes.set_aside("half-written last lines" if is_half else "lines that are no JSON")
        return None

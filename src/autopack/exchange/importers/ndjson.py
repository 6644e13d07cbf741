"""Importer ``ndjson``: CloudEvents 1.0, one a line, from this library or any other producer."""

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from autopack.errors import CodecError, ImportRefusedError
from autopack.format.cloudevents import CloudEvent
from autopack.ports.importing import ImportSource
from autopack.ports.log import NewEvent, Row

LINE_MOST: Final = 16 * 1024 * 1024
TOTAL_MOST: Final = 64 * 1024 * 1024 * 1024
BLANK_MOST: Final = 100_000
_BLANK_CHARS: Final = 80
_HINT: Final = (
    ". The importer ndjson reads what `autopack export ndjson` writes; on a table of calls, "
    "calibrators can be judged with `autopack backtest --trace PATH`"
)
_ENDINGS: Final = (".ndjson", ".ndjson.gz", ".jsonl", ".jsonl.gz")


class CloudEventImporter:
    """
    Reads CloudEvents line by line; a file that ends in ``.gz`` is unpacked on the way.

    A line over 16 MB, 100,000 blank lines more than events, or a file of over 64 GB unpacked,
    are refused. Into an empty log a file that
    this library exported is taken over as it is: positions, times and hashes, all checked.
    """

    name = "ndjson"

    def recognises(self, path: str) -> bool:
        """Tell whether the first line is a CloudEvent."""
        if not path.endswith(_ENDINGS):
            return False
        try:
            next(_events(path))
        except (ImportRefusedError, StopIteration):
            return False
        return True

    def read(self, path: str) -> ImportSource:
        """Return the file's events, and its rows if it has a chain."""
        first = next(_events(path), None)
        source = ImportSource(events=_new_events(path))
        if first is None or first.origin_id is None:
            return source
        return ImportSource(
            events=source.events,
            origin_id=first.origin_id,
            log_id=first.log_id,
            rows=_rows(path, first.origin_id),
        )


def _new_events(path: str) -> Iterator[tuple[str, NewEvent]]:
    for number, event in enumerate(_events(path), 1):
        yield _told(path, number, event.new_event)


def _rows(path: str, origin_id: str) -> Iterator[Row]:
    for number, event in enumerate(_events(path), 1):
        if event.origin_id != origin_id:
            why = f"line {number}: it is of another chain than line 1"
            raise ImportRefusedError(path, why)
        yield _told(path, number, event.row)


def _events(path: str) -> Iterator[CloudEvent]:
    for number, line in enumerate(_lines(path), 1):
        yield _told(path, number, lambda line=line: CloudEvent(line), hint=_HINT * (number == 1))


def _told(path: str, number: int, read: Any, *, hint: str = "") -> Any:
    try:
        return read()
    except CodecError as fault:
        raise ImportRefusedError(path, f"line {number}: {fault}{hint}") from fault


def _lines(path: str) -> Iterator[bytes]:
    import gzip  # registering the importer should not load it

    total = blank = told = 0
    opened: Any = gzip.open if path.endswith(".gz") else Path.open
    try:
        with opened(Path(path), "rb") as stream:
            while line := stream.readline(LINE_MOST + 1):
                total += len(line)
                if len(line) > LINE_MOST:
                    raise ImportRefusedError(path, f"a line is longer than {LINE_MOST:,} bytes")
                if total > TOTAL_MOST:
                    raise ImportRefusedError(path, f"it is larger than {TOTAL_MOST:,} bytes")
                if line.strip():
                    told += 1
                    yield line
                    continue
                blank += 1 + len(line) // _BLANK_CHARS  # a long one is as good as many
                if blank > BLANK_MOST + told:
                    more = f"over {BLANK_MOST:,} blank lines more than it has events"
                    raise ImportRefusedError(path, f"it has {more}")
    except (EOFError, zlib.error, gzip.BadGzipFile) as fault:
        raise ImportRefusedError(path, f"it is not whole gzip: {fault}") from fault
    except OSError as fault:
        raise ImportRefusedError(path, f"it cannot be read ({fault.strerror or fault})") from fault

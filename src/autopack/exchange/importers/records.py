"""Importer ``records``: calls from any table, as JSON lines, a JSON array or CSV."""

from collections import Counter
from collections.abc import Mapping
from itertools import chain, islice
from pathlib import Path
from typing import Any

import attrs

from autopack.errors import AutopackError, ImportRefusedError, InvalidInputError
from autopack.ports.importing import ImportSource


@attrs.frozen
class RecordImporter:
    """
    Reads a call a record, each once by its id; one without an id is known by all that it says.

    A record with a run and a phase that tells of success says how the phase ended. Lines that are
    no records, and values that cannot be read, are counted and stop nothing.

    Args:
        columns: Columns by field, where they have other names; ``a.b`` is *b* within *a*.
    """

    columns: Mapping[str, str] = attrs.Factory(dict)
    name: str = attrs.field(default="records", init=False)
    is_generic: bool = attrs.field(default=True, init=False)

    def with_columns(self, columns: Mapping[str, str]) -> "RecordImporter":
        """Return an importer that finds fields in columns of other names."""
        return RecordImporter(columns=columns)

    def recognises(self, path: str) -> bool:
        """Tell whether the first record has an id and a size."""
        from autopack.exchange.importers.record_calls import NEEDED, reader_of
        from autopack.exchange.trace_files import records_of

        try:
            first = next(islice(records_of(Path(path), needed=NEEDED), 1))
            found = reader_of(self.columns).read(1, first)
        except (AutopackError, OSError, ValueError, StopIteration):
            return False
        return found["call_id"] is not None and found["output_tokens"] is not None

    def read(self, path: str) -> ImportSource:
        """
        Return the calls of a file; it is opened read-only.

        Raises:
            ImportRefusedError: It is missing, or none that holds records.
            InvalidInputError: A column is named for a field that there is not.
        """
        from autopack.exchange.importers.record_calls import NEEDED, events_of, reader_of
        from autopack.exchange.trace_files import records_of

        aside: Counter[str] = Counter()
        findings: dict[str, Any] = {"records": 0, "set_aside": aside}
        records = records_of(Path(path), needed=NEEDED, set_aside=aside)
        reader = reader_of(self.columns)
        try:
            first = list(islice(records, 1))
        except InvalidInputError as fault:
            raise ImportRefusedError(path, str(fault)) from fault
        events = events_of(chain(first, records), reader, findings, aside)
        return ImportSource(events=events, findings=findings, known_by_id=True)

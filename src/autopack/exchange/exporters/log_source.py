"""What an exporter of files is shown of a log."""

from collections.abc import Iterable, Iterator
from typing import Any

import attrs

from autopack.errors import InvalidInputError
from autopack.log.log import Log, journal_of
from autopack.log.view_columns import COLUMNS
from autopack.log.view_tables import view_table
from autopack.ports.backend import LogIdentity
from autopack.ports.exporting import ViewTable
from autopack.ports.log import EventClass, Recorded


@attrs.frozen
class LogSource:
    """A log as it stood when the export began, and the view that was asked for."""

    log: Log
    view: str | None
    until: int

    @property
    def identity(self) -> LogIdentity:
        """Which log it is."""
        return journal_of(self.log).backend.identity

    def events(self, *, types: Iterable[EventClass[Any]] | None = None) -> Iterator[Recorded[Any]]:
        """Yield its events in order, or those of some classes."""
        return self.log.read_all(until=self.until, types=types)

    def table(self) -> ViewTable:
        """Return the view that was asked for."""
        if self.view is None:
            raise InvalidInputError(
                f"This form holds one view: name {', '.join(COLUMNS)}, or give the file such a "
                "name.",
                name="view",
                value=None,
            )
        return view_table(journal_of(self.log), self.view)

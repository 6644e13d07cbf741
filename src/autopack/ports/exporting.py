"""What leaves a log as tables and files: the views by column, and who writes them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, BinaryIO, Final, Literal, Protocol, TypeAlias

import attrs

from autopack.ports.backend import LogIdentity
from autopack.ports.log import EventClass, Recorded

Cell: TypeAlias = str | int | float | bool | Decimal | datetime | None
"""One value of a table; None is not known."""

ColumnKind: TypeAlias = Literal["text", "integer", "real", "boolean", "moment", "usd"]
"""Of what type a column's cells are: an aware moment, a Decimal of US dollars, ..."""

ROWS: Final = 8_192
"""How many rows are handed on at once, unless somebody says otherwise."""


@attrs.frozen
class Column:
    """A column of a view: its name, with its unit; of which kind its cells are; what it says."""

    name: str
    kind: ColumnKind
    doc: str


@attrs.frozen(kw_only=True)
class ViewTable:
    """
    One of the SQL views of a log, as of one position, with typed cells.

    Args:
        name: ``events``, ``runs``, ``phases``, ``usage`` or ``samples``.
        columns: Its columns, in order.
        position: The last position that it tells of.
    """

    name: str
    columns: tuple[Column, ...]
    position: int
    _read: Callable[[int], Iterator[Mapping[str, Sequence[Cell]]]] = attrs.field(repr=False)

    def batches(self, rows: int = ROWS) -> Iterator[Mapping[str, Sequence[Cell]]]:
        """
        Yield the table in batches, each with its cells by column; never empty ones.

        Nothing of it is kept: memory is that of a batch, however long the view is.

        Args:
            rows: The most rows of a batch.
        """
        return self._read(rows)


class ExportSource(Protocol):
    """A log that is written in another form: its events, and its views."""

    @property
    def identity(self) -> LogIdentity:
        """Which log it is."""

    @property
    def view(self) -> str | None:
        """The view that was asked for, if one was."""

    def events(self, *, types: Iterable[EventClass[Any]] | None = None) -> Iterator[Recorded[Any]]:
        """Yield its events in order, or those of some classes; may be called again."""

    def table(self) -> ViewTable:
        """
        Return the view that was asked for.

        Raises:
            InvalidInputError: None was, or there is none of that name; says which there are.
        """


class FileExporter(Protocol):
    """
    Writes a log, or a view of it, as bytes.

    One with ``takes_view = True`` is handed the view that was asked for. ``counts`` says in one
    word what it counts, as in ``rows``.
    """

    @property
    def name(self) -> str:
        """The name it is registered under."""

    def write(self, source: ExportSource, file: BinaryIO) -> int:
        """Write to an open file, which is kept only if nothing is raised; return how many."""

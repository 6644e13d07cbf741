"""Frames of the views: whole ones, and in batches."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, overload

import attrs

from autopack import Log, open_log, read_table
from autopack.errors import InvalidInputError
from autopack.types import Column, ViewTable

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

LogLike: TypeAlias = Log | str | os.PathLike[str]
"""An open log, or where one is."""
Library: TypeAlias = Literal["polars", "pandas"]
"""What makes the frames."""
Until: TypeAlias = int | datetime | None
"""A position, or an aware moment; None is now."""

_ROWS: Final = 65_536
_LIBRARIES: Final[tuple[Library, ...]] = ("polars", "pandas")
VIEWS: Final = ("events", "runs", "phases", "usage", "samples")


@overload
def frame(
    log: LogLike, view: str, *, until: Until = None, library: Literal["polars"]
) -> "pl.DataFrame": ...
@overload
def frame(
    log: LogLike, view: str, *, until: Until = None, library: Literal["pandas"]
) -> "pd.DataFrame": ...
@overload
def frame(
    log: LogLike, view: str, *, until: Until = None, library: None = None
) -> "pl.DataFrame | pd.DataFrame": ...
def frame(
    log: LogLike, view: str, *, until: Until = None, library: Library | None = None
) -> "pl.DataFrame | pd.DataFrame":
    """
    Return a view as a frame with typed columns; what is not known is null.

    Whole numbers stay whole numbers, costs are exact decimals, and moments are in UTC. In pandas
    the columns are of Arrow's types (``int64[pyarrow]``).

    Args:
        log: An open log, or where one is.
        view: ``events``, ``runs``, ``phases``, ``usage`` or ``samples``.
        until: As of which position or moment.
        library: ``polars`` or ``pandas``; without, the one that is installed, polars of both.

    Raises:
        InvalidInputError: There is no such view or library, or the library is not installed.
    """
    from autopack_frames.arrow_tables import whole

    chosen = _library(library)
    with _table(log, view, until) as table:
        return _framed(whole(table, _ROWS), chosen)


@overload
def batches(
    log: LogLike,
    view: str,
    *,
    rows: int = _ROWS,
    until: Until = None,
    library: Literal["polars"],
) -> "Iterator[pl.DataFrame]": ...
@overload
def batches(
    log: LogLike,
    view: str,
    *,
    rows: int = _ROWS,
    until: Until = None,
    library: Literal["pandas"],
) -> "Iterator[pd.DataFrame]": ...
@overload
def batches(
    log: LogLike, view: str, *, rows: int = _ROWS, until: Until = None, library: None = None
) -> "Iterator[pl.DataFrame | pd.DataFrame]": ...
def batches(
    log: LogLike,
    view: str,
    *,
    rows: int = _ROWS,
    until: Until = None,
    library: Library | None = None,
) -> "Iterator[pl.DataFrame] | Iterator[pd.DataFrame] | Iterator[pl.DataFrame | pd.DataFrame]":
    """
    Yield a view in frames of so many rows at most, of one moment; no more is kept.

    Args are those of :func:`frame`.

    Raises:
        InvalidInputError: There is no such view or library, or *rows* is below 1.
    """
    import pyarrow as pa

    from autopack_frames.arrow_tables import record_batches

    chosen = _library(library)
    with _table(log, view, until) as table:
        for batch in record_batches(table, rows):
            yield _framed(pa.Table.from_batches([batch]), chosen)


def columns(view: str) -> tuple[Column, ...]:
    """
    Return a view's columns: their names, of which kind they are, and what they say.

    Raises:
        InvalidInputError: There is no such view.
    """
    from autopack import create_log

    with create_log("memory:") as log:
        return read_table(log, view).columns


@attrs.frozen
class Frames(Mapping[str, Any]):
    """Every view of a log by its name; each is read when it is asked for."""

    log: LogLike
    until: Until = None
    library: Library | None = None

    def __getitem__(self, view: str) -> Any:
        if view not in VIEWS:
            raise KeyError(view)
        return frame(self.log, view, until=self.until, library=self.library)

    def __iter__(self) -> Iterator[str]:
        return iter(VIEWS)

    def __len__(self) -> int:
        return len(VIEWS)


def frames(log: LogLike, *, until: Until = None, library: Library | None = None) -> Frames:
    """Return every view by its name, as ``frames(log)["usage"]``; see :func:`frame`."""
    return Frames(log, until, library)


@contextmanager
def _table(log: LogLike, view: str, until: Until) -> Iterator[ViewTable]:
    if isinstance(log, Log):
        yield read_table(log if until is None else log.as_of(until), view)
        return
    with open_log(os.fspath(log)) as opened:
        yield read_table(opened if until is None else opened.as_of(until), view)


def _framed(table: "pa.Table", library: Library) -> Any:
    if library == "polars":
        import polars as pl

        return pl.from_arrow(table)
    import pandas as pd

    return table.to_pandas(types_mapper=pd.ArrowDtype)


def _library(wanted: Library | None) -> Library:
    if wanted is not None and wanted not in _LIBRARIES:
        raise InvalidInputError(
            f"library is {wanted!r}: choose one of {', '.join(_LIBRARIES)}.",
            name="library",
            value=wanted,
        )
    asked = _LIBRARIES if wanted is None else (wanted,)
    found = next((library for library in asked if find_spec(library) is not None), None)
    if found is None:
        raise InvalidInputError(
            f"{' or '.join(asked)} is not installed: pip install 'autopack-frames[{asked[0]}]'.",
            name="library",
            value=wanted,
        )
    return found

"""Logs: made, opened, and other histories brought in or taken out."""

import os
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from autopack.errors import CodecError, InvalidInputError, LogExistsError, NotALogError
from autopack.format.redaction import Redact
from autopack.log.addresses import create_backend, open_backend
from autopack.log.backends.atomic_files import publishing, told_of
from autopack.log.journal import END
from autopack.log.log import Log, journal_of, registry_of
from autopack.plugins.discovery import load_plugins
from autopack.plugins.narrator import Narrator
from autopack.plugins.registry import Registry
from autopack.ports.backend import Backend
from autopack.ports.log import Recorded, Row, UnrecognisedEvent

if TYPE_CHECKING:
    from autopack.ports.exporting import ViewTable
    from autopack.ports.importing import ExporterLike, FoundHistory, ImporterLike, ImportReport

Durability: TypeAlias = Literal["full", "relaxed"]
"""Whether what ``append`` returned survives power loss, or the process only."""


def create_log(
    target: str | Path,
    *,
    plugins: Registry | None = None,
    clock: Callable[[], float] | None = None,
) -> Log:
    """
    Make a new log and open it.

    Args:
        target: A path, ``sqlite:///PATH``, ``memory:``, or a plugin's URL.
        clock: What tells the log the time, in seconds since 1970 UTC: for tests and made-up
            histories, e.g. an ``autopack.testing.clock.VirtualClock``. None is the server's for a
            log on a server, else the machine's.

    Raises:
        LogExistsError: Something is there already; it is left as it is.
    """
    registry = plugins or load_plugins()
    return _log(create_backend(target, registry), registry, clock)


def open_log(
    target: str | Path,
    *,
    durability: Durability = "full",
    plugins: Registry | None = None,
    clock: Callable[[], float] | None = None,
) -> Log:
    """
    Open an existing log; nothing is ever created.

    Args:
        target: A path, ``sqlite:///PATH``, or a plugin's URL.
        durability: ``full``: what ``append`` returned survives power loss. ``relaxed``: it
            survives the process, but the last commits may be lost with the power.
        clock: What tells the log the time, as for :func:`create_log`.

    Raises:
        LogMissingError: Nothing is there; logs nearby are listed.
        NotALogError: Something else is there; what it is, and the importer for it if one knows.
        NewerLogError: A later version of the library wrote it.
    """
    registry = plugins or load_plugins()
    try:
        return _log(open_backend(target, registry, durability=durability), registry, clock)
    except NotALogError as fault:
        importers = {} if isinstance(fault.__cause__, OSError) else registry.known("importer")
        for name, importer in importers.items():  # none can read what we may not
            if _recognises(registry, name, importer, fault.target):
                hint = (
                    f"It looks like a source for the importer {name!r}. Make a log, then: "
                    f"autopack --log LOG import {shlex.quote(name)} {shlex.quote(fault.target)}"
                )
                raise NotALogError(fault.target, fault.found, hint=hint) from None
        raise


def _recognises(registry: Registry, name: str, importer: Any, target: str) -> bool:
    """Ask an importer whether a file is its own; one that fails is named, and does not know."""
    try:
        return bool(importer.recognises(target))
    except (Exception, SystemExit) as fault:
        holder, what = registry.holder("importer", name), "importer failed to look at a file"
        Narrator("autopack.plugins").error(what, importer=name, plugin=holder, exc_info=fault)
        return False


def import_history(
    log: Log,
    source: "ImporterLike",
    path: str | Path,
    *,
    categories: Sequence[str] = (),
    columns: Mapping[str, str] | None = None,
    progress: "Callable[[ImportReport], object] | None" = None,
) -> "ImportReport":
    """
    Bring another history in; a second time adds nothing.

    Args:
        source: An importer's registered name, or an importer.
        path: The source; it is opened read-only.
        categories: Rules for the phases of other tools, which name no category:
            ``WORD=FIELD:PATTERN``, by a label (``project``, ``branch``, ``tool``) or ``goal``.
            The first that matches counts.
        columns: For ``records``: columns by field, where they have other names; ``a.b`` is *b*
            within *a*.
        progress: Called after each part that is recorded, with the report by then.

    Raises:
        ImportRefusedError: The source cannot be read.
        InvalidInputError: A rule has not that form, a column is for no field, or the importer
            takes none.
    """
    importer: Any = registry_of(log).resolve("importer", source)
    if columns:
        if not hasattr(importer, "with_columns"):
            raise InvalidInputError(
                f"The importer {importer.name!r} knows its own columns; name none for it.",
                name="columns",
                value=dict(columns),
            )
        importer = importer.with_columns(dict(columns))
    from autopack.exchange.importers.import_runs import run_import

    return run_import(
        journal_of(log),
        importer,
        Path(path).absolute(),
        categories=tuple(categories),
        progress=progress,
    )


def find_histories(log: Log, *, home: str | Path | None = None) -> "list[FoundHistory]":
    """
    Return the histories of other tools that are on the disk; nothing is read into the log.

    Args:
        home: Where to look, instead of the user's home folder and where the tools' own variables
            say: a home folder, or a folder or file that an importer may know.
    """
    from autopack.exchange.importers.found_histories import found_histories

    if home is None:
        return found_histories(registry_of(log), Path.home(), dict(os.environ))
    return found_histories(registry_of(log), Path(home).absolute(), {})


def export_history(
    log: Log, exporter: "ExporterLike", path: str | Path, *, view: str | None = None
) -> int:
    """
    Write the log, or a view of it, in another form to a new file; return how much it holds.

    The file is there whole or not at all; one that ends in ``.gz`` is packed.

    Args:
        exporter: An exporter's registered name, or an exporter.
        path: Where to write.
        view: For ``csv`` and others that hold one view: ``events``, ``runs``, ``phases``,
            ``usage`` or ``samples``. A file of such a name, as ``usage.csv``, needs none.

    Raises:
        LogExistsError: Something is there already; it is left as it is.
        InvalidInputError: There is no such view, or the exporter writes none.
    """
    chosen, dest = registry_of(log).resolve("exporter", exporter), Path(path).absolute()
    asked = _view_of(chosen, dest, view)
    if os.path.lexists(dest):
        raise LogExistsError(str(dest), can_be_opened=False)
    with publishing(dest) as scratch, _opened(scratch, dest) as file:
        if not hasattr(chosen, "write"):
            return _write_lines(log, chosen, file, dest)
        from autopack.exchange.exporters.log_source import LogSource

        source = LogSource(log, asked, log.head().position)
        with told_of(dest):
            return int(chosen.write(source, file))


def _as_stored(log: Log) -> Iterator[Recorded[Any]]:
    for row in chain.from_iterable(journal_of(log).pages()):
        yield Recorded(row, UnrecognisedEvent(row[4], row[5], row[9]))


def _view_of(chosen: Any, dest: Path, view: str | None) -> str | None:
    """Return the view that is asked for, by name or by that of the file."""
    if getattr(chosen, "takes_view", False):
        from autopack.log.view_columns import COLUMNS

        named = dest.name.partition(".")[0]
        return named if view is None and named in COLUMNS else view
    if view is not None:
        raise InvalidInputError(
            f"The exporter {chosen.name!r} writes all of the log: name no view for it.",
            name="view",
            value=view,
        )
    return None


def _write_lines(log: Log, chosen: Any, file: Any, dest: Path) -> int:
    if hasattr(chosen, "of_log"):
        chosen = chosen.of_log(journal_of(log).backend.identity)
    events = _as_stored(log) if getattr(chosen, "takes_stored", False) else log.read_all()
    written = 0
    for line in chosen.lines(events):
        with told_of(dest):
            file.write(f"{line}\n".encode())
        written += 1
    return written


@contextmanager
def _opened(scratch: Path, dest: Path) -> Iterator[Any]:
    import gzip

    opened: Any = gzip.open if dest.suffix == ".gz" else Path.open
    file = opened(scratch, "wb")
    try:
        yield file
    finally:
        with told_of(dest):
            file.close()


def read_table(log: Log, view: str) -> "ViewTable":
    """
    Return one of the log's SQL views as a table with typed cells, to be read in batches.

    The views are those of a log file, ``v_llm_usage`` and the others; this has them for a log that
    is kept elsewhere too, and as of any moment: ``read_table(log.as_of(120), "usage")``.

    Args:
        view: ``events``, ``runs``, ``phases``, ``usage`` or ``samples``.

    Raises:
        InvalidInputError: There is no such view.
    """
    from autopack.log.view_tables import view_table

    return view_table(journal_of(log), view)


def read_tail(log: Log, *, after: int | None = None, limit: int = 20) -> list[Recorded[Any]]:
    """
    Return events as they are stored, the last *limit* of them if *after* is not given.

    What its type does not allow comes as ``UnrecognisedEvent``, so that damage can be looked at.
    """
    start = max(log.head().position - limit, 0) if after is None else min(after, END)
    rows = journal_of(log).backend.page(after=start, until=END, limit=min(limit, END))
    return [_readable(log, row) for row in rows]


def _readable(log: Log, row: Row) -> Recorded[Any]:
    try:
        return next(journal_of(log).decode([row]))
    except CodecError:
        return Recorded(row, UnrecognisedEvent(row[4], row[5], row[9]))


def redact_of(registry: Registry) -> Redact | None:
    """Return what texts pass before they are stored; None where no plugin redacts."""
    if not registry.has("autopack_redact"):
        return None
    return partial(registry.chain, "autopack_redact")


def _log(backend: Backend, registry: Registry, clock: Callable[[], float] | None) -> Log:
    log = Log(backend, redact=redact_of(registry), registry=registry, clock=clock)
    if registry.has("autopack_event_recorded"):
        journal_of(log).observers.append(_Told(log, registry))
    return log


class _Told:
    """Tells plugins of what is recorded: of all that is appended at once, in one go."""

    def __init__(self, log: Log, registry: Registry) -> None:
        self._log, self._registry = log, registry

    def __call__(self, recorded: Recorded[Any]) -> None:
        """Tell of one event."""
        self.tell_all([recorded])

    def tell_all(self, news: Sequence[Recorded[Any]]) -> None:
        """Tell of events in their order."""
        told = ({"recorded": one, "log": self._log} for one in news)
        self._registry.observe("autopack_event_recorded", *told)

"""Importers and exporters: what brings other histories in, and takes ours out."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, Protocol, TypeAlias

import attrs

from autopack.ports.exporting import FileExporter
from autopack.ports.log import NewEvent, Row

IMPORTED: Final = "imported"
"""In an event's meta: which importer brought it; set where it names what a drain would run."""


@attrs.frozen(kw_only=True)
class ImportSource:
    """
    What an importer read.

    Args:
        events: (stream, event) in the order of ``occurred_at``; every event has an id that is
            derived from the source's own keys, so that a second import adds nothing.
        findings: What is unclean, by name, with counts or lists; an importer may go on filling
            it while *events* is read.
        rows: The same events as another log stored them, where the source says so. An empty log
            takes them over as they are, once their chain from *origin_id* holds.
        origin_id: What that chain is seeded with.
        log_id: The log that they come from.
        known_by_id: Whether an event whose id is recorded is the same fact, however it is told.
            What was told first stays, but for the figures of a call: these only grow, so the
            greatest count. Nothing is remembered of what was read, so that sources may be of any
            size, told in any order, and told again.
    """

    events: Iterable[tuple[str, NewEvent]]
    findings: dict[str, Any] = attrs.Factory(dict)
    rows: Iterable[Row] | None = None
    origin_id: str | None = None
    log_id: str | None = None
    known_by_id: bool = False


@attrs.frozen(kw_only=True)
class ImportReport:
    """
    What an import did: events read and added, by type, and what was unclean.

    Of those that were read, ``amended`` gave later figures of a call, and ``repeated`` told what
    the log knew. ``kept_chain`` tells that positions, times and hashes are those of the source.
    """

    importer: str
    source: str
    read: int
    added: int
    amended: int = 0
    repeated: int = 0
    added_by_type: Mapping[str, int] = attrs.Factory(dict)
    kept_chain: bool = False
    findings: Mapping[str, Any] = attrs.Factory(dict)


@attrs.frozen(kw_only=True)
class FoundHistory:
    """A history that is on the disk, and could be imported: by which importer, and how much."""

    importer: str
    path: str
    files: int
    size_bytes: int


class Importer(Protocol):
    """
    Reads one kind of source; opens it read-only and invents nothing.

    One with a method ``places(home, environ)`` is asked for the paths at which its tool keeps its
    own: below a home folder, or where the tool's variables say. What is not there is left out.
    One with ``with_columns(columns)`` returns an importer that finds fields in other columns.
    """

    @property
    def name(self) -> str:
        """The name it is registered under."""

    def recognises(self, path: str) -> bool:
        """Tell whether the file looks like this kind of source; never raises for a bad file."""

    def read(self, path: str) -> ImportSource:
        """Return the source's events; raises ``ImportRefusedError`` for what cannot be read."""


ImporterLike: TypeAlias = str | Importer
"""A registered name, ``file.py:name``, or an importer."""


class Exporter(Protocol):
    """
    Writes a log in another form.

    One with a method ``of_log(identity)`` is asked for the exporter of that log first. One with
    ``takes_stored = True`` is handed events as they are stored, each an ``UnrecognisedEvent``. What
    is no text, or holds a view, has a ``write`` instead: see :class:`autopack.types.FileExporter`.
    """

    @property
    def name(self) -> str:
        """The name it is registered under."""

    def lines(self, events: Iterable[Any]) -> Iterable[str]:
        """Return the text of each event, one line each, without line ends."""


ExporterLike: TypeAlias = str | Exporter | FileExporter
"""A registered name, ``file.py:name``, or an exporter."""

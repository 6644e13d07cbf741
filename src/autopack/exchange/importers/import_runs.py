"""Runs an importer over a log: in order, idempotent, with a report of what was unclean."""

import contextlib
import gc
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final

import attrs

from autopack.errors import ImportRefusedError, LogDamagedError, StoredEventError
from autopack.events import DrainStarted, PhaseQueued, RunCreated
from autopack.exchange.importers.grown_calls import GrownCalls
from autopack.exchange.importers.known_facts import append_new
from autopack.exchange.importers.own_sessions import without_own
from autopack.exchange.importers.told_phases import ToldPhases
from autopack.log.journal import Journal
from autopack.log.upcasting_first import written
from autopack.log.write_transaction import JournalTransaction
from autopack.plugins.hook_calls import apart
from autopack.ports.importing import IMPORTED, ImportReport, ImportSource
from autopack.ports.log import ANY, NewEvent, UnrecognisedEvent

_AT_ONCE: Final = 500
_KNOWN_AT_ONCE: Final = 10_000
_PART: Final = 2_000
_OBJECTS_MOST: Final = 200_000
_WITH_CHECKS: Final = (PhaseQueued, RunCreated)
_AMENDED: Final = "llm.usage_amended"

_Told = tuple[str, NewEvent]
Progress = Callable[[ImportReport], object]


def run_import(
    journal: Journal,
    importer: Any,
    path: Path,
    *,
    categories: Sequence[str] = (),
    progress: Progress | None = None,
) -> ImportReport:
    """
    Append what an importer reads from *path*; each batch of 500, or of 10,000, is whole or absent.

    An empty log takes a whole chain over as it is, all of it or nothing.

    Args:
        categories: Rules for phases that have none, as ``WORD=FIELD:PATTERN``; the first counts.
        progress: Called after each batch with the report by then.

    Raises:
        InvalidInputError: A rule has not that form.
        ImportRefusedError: The source cannot be read, or an event has no id of its own.
    """
    phases = _told_phases(journal, categories)
    source = importer.read(str(path))
    if source.rows is not None and not journal.backend.head().position:
        return _take_over(journal, importer, path, source)
    running = _Import(journal, importer.name, str(path), source)
    with journal.writing_much(), _collecting_less():
        for batch in _batches(_events(journal, source, phases), running.at_once):
            running.take(batch)
            if progress is not None:
                progress(running.report())
    return running.report()


class _Import:
    """An import under way: what was read by now, and what of it was new."""

    def __init__(self, journal: Journal, importer: str, path: str, source: ImportSource) -> None:
        self._journal, self._importer, self._path, self._source = journal, importer, path, source
        self._calls, self._redacted = GrownCalls(journal), journal.redacting_many()
        self.read = 0
        self.added: Counter[str] = Counter()

    @property
    def at_once(self) -> int:
        """How many events are one transaction."""
        return _KNOWN_AT_ONCE if self._source.known_by_id else _AT_ONCE

    def report(self) -> ImportReport:
        """Return what was done by now."""
        added = self.added
        return ImportReport(
            importer=self._importer,
            source=self._path,
            read=self.read,
            added=added.total(),
            amended=added[_AMENDED],
            repeated=self.read - added.total(),
            added_by_type=dict(sorted(added.items())),
            findings=self._source.findings,
        )

    def take(self, batch: list[_Told]) -> None:
        """Append what is new of a batch: all of it, or nothing."""
        told = self._ready(batch)
        self.added.update(written(self._journal, lambda within: self._append(within, told)))
        self.read += len(batch)

    def _append(self, transaction: JournalTransaction, told: list[_Told]) -> list[str]:
        """Append what is new, and return the types of that."""
        if self._source.known_by_id:
            for start in range(0, len(told), _PART):  # so that less is held at once
                append_new(transaction, told[start : start + _PART])
        else:
            transaction.append_batch([(stream, [new], ANY) for stream, new in told])
        return [recorded.type for recorded in transaction.appended]

    def _ready(self, batch: list[_Told]) -> list[_Told]:
        for _stream, new in batch:
            if new.event_id is None:
                what = f"importer {self._importer!r} gave no event id"
                raise ImportRefusedError(self._path, what)
        found: Iterable[_Told] = (
            (stream, _marked(_recognised(self._journal, new, self._path, number), self._importer))
            for number, (stream, new) in enumerate(batch, self.read + 1)
        )
        if self._source.rows is None and not self._source.known_by_id:
            found = self._calls.amending(found)  # another log's are as they were there
        told = list(found)
        # For all of them: a hook is asked about each text.
        return apart(lambda: [(stream, self._redacted(new)) for stream, new in told])


def _events(journal: Journal, source: ImportSource, phases: ToldPhases | None) -> Iterable[_Told]:
    if not source.known_by_id:
        return source.events
    events = without_own(journal, source.events, source.findings)
    return (told for one in events for told in phases.told(*one)) if phases else events


def _told_phases(journal: Journal, categories: Sequence[str]) -> ToldPhases | None:
    if journal.registry is None:
        return None
    return ToldPhases(journal.registry, categories)


def _recognised(journal: Journal, new: NewEvent, path: str, number: int) -> NewEvent:
    """Return an event that was read as text as one of its class, if its type is known."""
    event = new.event
    if not isinstance(event, UnrecognisedEvent):
        return new
    try:
        found = journal.codec.decode(event.type, event.schema, event.data, number)
        fault = journal.codec.fault(found)
    except StoredEventError as refused:
        fault = refused.why
    if fault:
        what = f"event {number}, of type {event.type!r}, cannot be taken: {fault}"
        raise ImportRefusedError(path, what)
    return attrs.evolve(new, event=found)


def _marked(new: NewEvent, importer: str) -> NewEvent:
    """Return an event that says how it came here, if it names what a drain would run."""
    event = new.event
    has_checks = isinstance(event, _WITH_CHECKS) and event.checks
    if not (has_checks or isinstance(event, DrainStarted)):
        return new
    return attrs.evolve(new, meta={**new.meta, IMPORTED: importer})


def _take_over(journal: Journal, importer: Any, path: Path, source: ImportSource) -> ImportReport:
    added: Counter[str] = Counter()
    assert source.rows is not None
    assert source.origin_id is not None
    try:
        last = journal.last_hash(source.origin_id, source.rows)
        rows = source.rows if last is None else importer.read(str(path)).rows
        with journal.transaction() as transaction:
            taken = transaction.take_over(source.origin_id, rows, last=last)
            added.update(row[4] for row in taken)
    except LogDamagedError as fault:
        raise ImportRefusedError(str(path), fault.what) from fault
    return ImportReport(
        importer=importer.name,
        source=str(path),
        read=added.total(),
        added=added.total(),
        added_by_type=dict(sorted(added.items())),
        findings=source.findings,
        kept_chain=True,
    )


@contextlib.contextmanager
def _collecting_less() -> Iterator[None]:
    """Look for circles less often: a batch is many objects, and none of them is in one."""
    usual = gc.get_threshold()
    gc.set_threshold(max(usual[0], _OBJECTS_MOST) if usual[0] else 0, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)


def _batches(events: Iterable[_Told], most: int) -> Iterator[list[_Told]]:
    iterator = iter(events)
    while batch := list(islice(iterator, most)):
        yield batch

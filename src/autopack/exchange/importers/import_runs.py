"""Runs an importer over a log: in order, idempotent, with a report of what was unclean."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
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
from autopack.ports.importing import IMPORTED, ImportReport, ImportSource
from autopack.ports.log import ANY, NewEvent, UnrecognisedEvent

_AT_ONCE: Final = 500
_AMENDED: Final = "llm.usage_amended"


def run_import(
    journal: Journal, importer: Any, path: Path, *, categories: Sequence[str] = ()
) -> ImportReport:
    """
    Append what an importer reads from *path*; each batch of 500, or of 2,000, is whole or absent.

    An empty log takes a whole chain over as it is, all of it or nothing.

    Args:
        categories: Rules for phases that have none, as ``WORD=FIELD:PATTERN``; the first counts.

    Raises:
        InvalidInputError: A rule has not that form.
        ImportRefusedError: The source cannot be read, or an event has no id of its own.
    """
    phases = _told_phases(journal, categories)
    source = importer.read(str(path))
    if source.rows is not None and not journal.backend.head().position:
        return _take_over(journal, importer, path, source)
    added: Counter[str] = Counter()
    read, calls, redacted = 0, GrownCalls(journal), journal.redacting_many()
    events = source.events
    if source.known_by_id:
        events = without_own(journal, events, source.findings)
        events = (told for one in events for told in phases.told(*one)) if phases else events
    for batch in _batches(events, _AT_ONCE * (4 if source.known_by_id else 1)):
        for _stream, new in batch:
            if new.event_id is None:
                raise ImportRefusedError(str(path), f"importer {importer.name!r} gave no event id")
        recognised: Iterable[tuple[str, NewEvent]] = (
            (stream, _marked(_recognised(journal, new, str(path), number), importer.name))
            for number, (stream, new) in enumerate(batch, read + 1)
        )
        if source.rows is None and not source.known_by_id:  # another log's are as they were there
            recognised = calls.amending(recognised)
        told = [(stream, redacted(new)) for stream, new in recognised]
        with journal.transaction() as transaction:
            if source.known_by_id:
                append_new(transaction, told)
            else:
                transaction.append_batch([(stream, [new], ANY) for stream, new in told])
            added.update(recorded.type for recorded in transaction.appended)
        read += len(batch)
    return ImportReport(
        importer=importer.name,
        source=str(path),
        read=read,
        added=added.total(),
        amended=added[_AMENDED],
        repeated=read - added.total(),
        added_by_type=dict(sorted(added.items())),
        findings=source.findings,
    )


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
    has_checks = isinstance(event, PhaseQueued | RunCreated) and event.checks
    if not (isinstance(event, DrainStarted) or has_checks):
        return new
    return attrs.evolve(new, meta={**new.meta, IMPORTED: importer})


def _take_over(journal: Journal, importer: Any, path: Path, source: ImportSource) -> ImportReport:
    added: Counter[str] = Counter()
    assert source.rows is not None
    assert source.origin_id is not None
    try:
        with journal.transaction() as transaction:
            added.update(row[4] for row in transaction.take_over(source.origin_id, source.rows))
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


def _batches(
    events: Iterable[tuple[str, NewEvent]], most: int
) -> Iterator[list[tuple[str, NewEvent]]]:
    iterator = iter(events)
    while batch := list(islice(iterator, most)):
        yield batch

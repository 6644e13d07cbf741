"""Making a log anew from a backup or an export: a log of its own, with its history kept."""

import contextlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from shlex import quote
from typing import Any

import attrs

from autopack.api.logs import open_log, redact_of
from autopack.errors import ImportRefusedError, InvalidInputError, LogDamagedError, LogFullError
from autopack.log.addresses import masked, open_backend
from autopack.log.backends.atomic_files import publishing
from autopack.log.backends.sqlite.log_files import fill_file
from autopack.log.backends.sqlite.store import SqliteBackend
from autopack.log.drafts import unpacked
from autopack.log.journal import Journal
from autopack.log.log import Log, journal_of
from autopack.plugins.discovery import load_plugins
from autopack.plugins.registry import Registry
from autopack.ports.backend import Backend, Copied
from autopack.ports.log import Row

_EXPORTS = (".ndjson", ".ndjson.gz", ".jsonl", ".jsonl.gz")


@attrs.frozen(kw_only=True)
class HeldSource:
    """What a log is made of: its chain, and what stands beside it."""

    name: str
    log_id: str
    origin_id: str
    last: tuple[int, bytes]
    rows: Callable[[], Iterable[Row]]
    backend: Backend | None = None

    @property
    def copied(self) -> Copied:
        """What a log that is made of it is a copy of."""
        position, digest = self.last
        return Copied(origin_id=self.origin_id, parent=(self.log_id, position, digest.hex()))


def restore_log(source: str | Path, dest: str | Path, *, plugins: Registry | None = None) -> Log:
    """
    Make a log from a backup, an older log, or an ``ndjson`` export, check it, and open it.

    It has a log_id of its own, with the source's id, head and hash as its parent, and keeps
    positions, times, hashes and the origin of the chain. Texts beside the log and the places of
    subscriptions come along from a log; leases do not, so that phases in work are taken back. It
    is written in today's log format: this is how a log of an older one is brought to it.

    Args:
        source: A path, a log's URL, or an export by the ending ``.ndjson``, also ``.gz``.
        dest: A new path; there is nothing at it until the whole log is.

    Raises:
        LogExistsError: Something is at *dest*.
        LogDamagedError, ImportRefusedError: The source is not one whole chain; nothing was made.
    """
    registry, path = plugins or load_plugins(), Path(dest).absolute()
    if "://" in str(dest):
        shown = masked(str(dest))
        raise InvalidInputError(
            f"{shown} is not a path. Restore to a path; a log is copied elsewhere with:",
            do=f"copy_log({str(source)!r}, {shown!r})",
            typed=f"autopack log copy {quote(str(source))} {quote(shown)}",
            name="dest",
            value=dest,
        )
    is_export = str(source).endswith(_EXPORTS)
    with publishing(path) as scratch, _named(path):
        if is_export:
            _write(scratch, _exported(Path(source).absolute(), registry), registry)
        else:
            with (
                contextlib.closing(open_backend(source, registry)) as backend,
                backend.snapshot(),  # of a log in use, all that is copied is of one moment
            ):
                _write(scratch, held_source(backend, registry), registry)
    return open_log(path, plugins=registry)


@contextlib.contextmanager
def _named(path: Path) -> Iterator[None]:
    """Let an error name the log that is made, and not the file in which it is made."""
    try:
        yield
    except LogFullError as fault:
        raise LogFullError(str(path)) from fault


def _exported(path: Path, registry: Registry) -> HeldSource:
    importer: Any = registry.resolve("importer", "ndjson")
    found = importer.read(str(path))
    if found.rows is None:
        raise ImportRefusedError(str(path), "it holds no chain of this library's events")
    last = deque(found.rows, maxlen=1)[0]
    return HeldSource(
        name=str(path),
        log_id=found.log_id,
        origin_id=found.origin_id,
        last=(last[0], last[10]),
        rows=lambda: importer.read(str(path)).rows,
    )


def held_source(backend: Backend, registry: Registry) -> HeldSource:
    """Return what a log is, that is held at one moment."""
    head, identity = backend.head(), backend.identity
    if backend.last_given() != head.position:
        what = f"position {backend.last_given()} was given, but the last event is {head.position}"
        raise LogDamagedError(backend.target, what)
    journal = Journal(backend, registry=registry)
    return HeldSource(
        name=backend.target,
        log_id=identity.log_id,
        origin_id=identity.origin_id,
        last=(head.position, head.hash),
        rows=lambda: chain.from_iterable(journal.pages(until=head.position)),
        backend=backend,
    )


def _write(path: Path, source: HeldSource, registry: Registry) -> None:
    position, digest = source.last
    fill_file(path, target=str(path), copied=source.copied)
    with Log(SqliteBackend(path), registry=registry, redact=redact_of(registry)) as log:
        journal = journal_of(log)
        with _told_of(source):
            last = journal.last_hash(source.origin_id, source.rows())
            check_texts(source, journal)
        with journal.transaction(is_copy=True) as transaction:
            with _told_of(source):
                deque(transaction.take_over(source.origin_id, source.rows(), last=last), maxlen=0)
            copy_beside(source, transaction.store)
        if journal.backend.head()[:2] != (position, digest):
            raise LogDamagedError(source.name, "it changed while it was read")
        log.refresh_views()


@contextlib.contextmanager
def _told_of(source: HeldSource) -> Iterator[None]:
    try:
        yield
    except LogDamagedError as fault:
        raise LogDamagedError(source.name, fault.what) from fault


def check_texts(source: HeldSource, journal: Journal) -> None:
    """Return if redaction leaves the texts beside the log as they are."""
    if source.backend is None or not journal.redacts:
        return
    for digest in source.backend.artifact_sizes():
        text = unpacked(digest, source.backend.artifact(digest) or b"")
        if text is not None and journal.redact(text) != text:
            what = f"the redaction hook would change text {digest}, which events name by its digest"
            raise LogDamagedError(source.name, what)


def copy_beside(source: HeldSource, store: Any) -> None:
    """Copy the texts beside a log, and the places of subscriptions."""
    if source.backend is None:
        return
    for digest in source.backend.artifact_sizes():
        content = source.backend.artifact(digest)
        if content is not None:
            store.put_artifact(digest, content)
    for place in source.backend.saved_views():
        if place.view.startswith("subscription:"):  # one that is past the end would miss events
            at = min(place.position, source.last[0])
            store.save_view(attrs.evolve(place, position=at), {}, replace=False)

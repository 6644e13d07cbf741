"""Copying a log to another place, which may be a server: the same history, in a log of its own."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from autopack.api.logs import open_log, redact_of
from autopack.api.restore import HeldSource, check_texts, copy_beside, held_source
from autopack.errors import LogDamagedError, LogExistsError, LogMissingError
from autopack.format.as_of_moments import Count
from autopack.format.chain import Chain
from autopack.log.addresses import create_backend, open_backend, upgrade_backend
from autopack.log.journal import Journal
from autopack.log.log import Log, journal_of
from autopack.log.verification import verify
from autopack.log.write_transaction import PAGE
from autopack.plugins.discovery import load_plugins
from autopack.plugins.registry import Registry
from autopack.ports.backend import Backend
from autopack.ports.log import Row

_TOGETHER: Final = 10
"""How many pages are stored at once: what a copy that is broken off loses at most."""


def copy_log(source: str | Path, dest: str | Path, *, plugins: Registry | None = None) -> Log:
    """
    Copy a log to another place, a file or a server's, check it, and open it.

    It has a log_id of its own, with the source's id, head and hash as its parent, and keeps
    positions, times, hashes and the origin of the chain. Texts beside the log and the places of
    subscriptions come along; leases do not, so that phases in work are taken back. The source may
    be in use: what is copied is of the moment at which it began. One that was broken off is gone
    on with by the same call, up to where it was begun for; until then nothing can be appended to
    it.

    Args:
        source: A path, or a log's URL.
        dest: A new path or URL, or that of a copy that was broken off.

    Raises:
        LogExistsError: Something else is at *dest*, or the whole copy.
        LogDamagedError: The source is not one whole chain, or not the one that was begun with.
    """
    registry = plugins or load_plugins()
    with contextlib.closing(open_backend(source, registry)) as backend, backend.snapshot():
        held = held_source(backend, registry)
        store = _begun(dest, held, backend, registry)
        log = Log(store, registry=registry, redact=redact_of(registry))
        try:
            _fill(held, journal_of(log))
            log.refresh_views()
        except BaseException:
            log.close()
            raise
    return log


def upgrade_log(target: str | Path, *, plugins: Registry | None = None) -> Log:
    """
    Bring a log on a server to how today's version keeps logs there, and open it.

    Its history, its id and who may do what stay as they are. One that is kept so already is only
    opened; a log in a file is never changed in place, :func:`restore_log` makes a new one of it.

    Args:
        target: A log's URL, or a path.

    Raises:
        ReadOnlyLogError: The log belongs to another user.
        NewerLogError: A later version made it.
    """
    registry = plugins or load_plugins()
    upgrade_backend(target, registry)
    return open_log(target, plugins=registry)


def _begun(dest: str | Path, held: HeldSource, source: Backend, registry: Registry) -> Backend:
    """Return the log that is to be the copy: a new one, or one that was broken off."""
    try:
        backend = open_backend(dest, registry)
    except LogMissingError:
        return create_backend(dest, registry, copied=held.copied)
    identity, head = backend.identity, backend.head()
    parent = identity.parent
    if parent is None or parent[0] != held.log_id or head.position >= parent[1]:
        backend.close()
        raise LogExistsError(backend.target)
    then = source.page(after=parent[1] - 1, until=parent[1], limit=1)
    if identity.origin_id != held.origin_id or [row[10].hex() for row in then] != [parent[2]]:
        backend.close()
        raise LogDamagedError(held.name, f"it is not what {backend.target} was begun of")
    return backend


def _fill(source: HeldSource, journal: Journal) -> None:
    """Store what is not there yet, and with the last of it what stands beside the log."""
    backend = journal.backend
    parent = backend.identity.parent
    assert parent is not None
    there, count = backend.head(), Count()
    journal.last_hash(source.origin_id, source.rows())
    check_texts(source, journal)
    waiting: list[list[Row]] = [[]]
    for row in _checked(source, journal, until=parent[1]):
        count.add(row[7])
        if row[0] == there.position and row[10] != there.hash:
            raise LogDamagedError(journal.target, f"what it holds is not what {source.name} does")
        if row[0] <= there.position:
            continue
        waiting[-1].append(row)
        if len(waiting[-1]) == PAGE:
            if len(waiting) == _TOGETHER and row[0] < parent[1]:
                _store(backend, waiting)
                waiting = []
            waiting.append([])
    with backend.transaction() as store:
        for rows in waiting:
            store.insert(rows)
        for hold in count.holds:
            store.hold_clock(hold)
        copy_beside(source, store)
    found = verify(backend)
    if not found.is_clean or (found.head, found.head_hash or "") != parent[1:]:
        faults = "; ".join(fault.what for fault in found.faults) or f"it ends at {found.head}"
        raise LogDamagedError(journal.target, f"the copy is not what was copied: {faults}")


def _checked(source: HeldSource, journal: Journal, *, until: int) -> Iterator[Row]:
    """Yield the source's rows up to a position, each as the next of one chain."""
    chain = Chain(source.origin_id)
    for row in source.rows():
        if row[0] > until:
            return
        if fault := chain.fault(row) or journal.taking_fault(row):
            raise LogDamagedError(source.name, f"position {row[0]} was not copied: {fault}")
        yield row


def _store(backend: Backend, pages: list[list[Row]]) -> None:
    with backend.transaction() as store:
        for rows in pages:
            store.insert(rows)

"""Phases whose workers are gone: judged by their leases, and taken back by whoever acts next."""

import contextlib
import time
from collections.abc import Iterable
from typing import Any, Final

from autopack.aggregates.requests import EndRequest
from autopack.draining.attempts.claims import Claims, new_worker
from autopack.draining.attempts.lease_keys import phase_key, phase_of, worker_key
from autopack.draining.caps.enforcement import Caps, worked_s
from autopack.errors import CommandRefusedError
from autopack.events import PhaseReclaimed
from autopack.log.command_handler import Handler
from autopack.log.write_transaction import JournalTransaction
from autopack.ports.backend import Lease
from autopack.ports.log import Entry, Recorded, from_us
from autopack.ports.states import LIVE
from autopack.ports.work import PhaseView
from autopack.projections.phases import standing
from autopack.values.ids import PhaseRef

_WAITED_S: Final = 1.0


class _StillAliveError(Exception):
    """The lease was renewed between our look and our transaction, or may be so presently."""


def reclaim_lost(claims: Claims, phases: Iterable[PhaseView]) -> list[Recorded[Any]]:
    """
    Take back those of *phases* (claimed or running) whose leases have ended.

    A claim without a lease row counts as ended. Just after the log was locked for long nobody is
    judged: who lives could not renew its leases either.
    """
    if not claims.is_calm:
        return []
    rows = {lease.key: lease for lease in claims.handler.journal.backend.leases()}
    recorded: list[Recorded[Any]] = []
    for phase in phases:
        alive = rows.get(worker_key(phase.worker or ""))
        lease = rows.get(phase_key(phase.ref))
        why = why_ended(claims, phase, lease, alive)
        if phase.lease_token is not None and why is not None:
            recorded += _reclaimed(claims, phase, lease, why)
    if recorded:
        _forget_workers(claims)
    return recorded


def why_ended(
    claims: Claims, phase: PhaseView, lease: Lease | None, alive: Lease | None
) -> str | None:
    """
    Return why a phase's lease has ended, or None if it has not.

    Args:
        lease: The phase's lease row, if there is one.
        alive: The row of its worker, if there is one.
    """
    if lease is None or lease.token != phase.lease_token:
        return f"worker {phase.worker} left no lease for its claim"
    if claims.machine.is_gone(alive):
        return f"the process of worker {lease.worker} is gone"
    over_s = claims.over_s(lease, alive)
    return None if over_s <= 0 else f"the lease of worker {lease.worker} ended {over_s:.1f} s ago"


def _reclaimed(
    claims: Claims, phase: PhaseView, lease: Lease | None, why: str
) -> list[Recorded[Any]]:
    handler, token = claims.handler, phase.lease_token or ""
    key, ref = phase_key(phase.ref), phase.ref
    ended_at = None if lease is None else from_us(lease.expires_at)

    def took_s() -> float | None:
        row = handler.attempt(ref, phase.attempts)
        return worked_s(row, from_us(handler.journal.now_us()), ended_at)

    def reclaimed() -> PhaseReclaimed:
        return PhaseReclaimed(
            run_id=ref.run_id,
            phase_id=ref.phase_id,
            attempt=phase.attempts,
            lease_token=token,
            why=why,
            duration_s=took_s(),
        )

    def request() -> EndRequest:
        return EndRequest(event=reclaimed(), max_attempts=phase.max_attempts)

    def settling() -> list[Entry]:
        return claims.caps.settling(ref, phase.attempts, reclaimed())

    asked_s = time.monotonic()

    def still_ended(transaction: JournalTransaction) -> None:
        store = transaction.store
        if time.monotonic() - asked_s > _WAITED_S:
            claims.hindered()  # a lock kept us waiting, and the phase's worker too, it may be
            raise _StillAliveError
        alive = store.lease(worker_key(phase.worker or ""))
        if why_ended(claims, phase, store.lease(key), alive) is None:
            raise _StillAliveError
        for row in store.leases():
            if row.token == token:  # the phase's, and those of its texts
                store.drop_lease(row.key, token)

    try:
        return handler.handle(request, also=settling, inside=still_ended)
    except (_StillAliveError, CommandRefusedError):
        return []  # it ended, or came back, while we looked


def _forget_workers(claims: Claims) -> None:
    """Drop the rows of workers that hold nothing and are gone; one that is idle writes its anew."""
    rows = {lease.key: lease for lease in claims.handler.journal.backend.leases()}
    busy = {lease.worker for key, lease in rows.items() if key != worker_key(lease.worker)}
    now_us = claims.handler.journal.now_us()
    gone = [
        lease
        for key, lease in rows.items()
        if key == worker_key(lease.worker) and lease.worker not in busy
        and (lease.expires_at < now_us or claims.machine.is_gone(lease))
    ]  # fmt: skip
    if gone:
        with claims.handler.journal.backend.transaction() as store:
            for lease in gone:
                store.drop_lease(lease.key, lease.token)


def take_back(handler: Handler, ref: PhaseRef, *, claims: Claims | None = None) -> bool:
    """
    Take a phase back, outside a drain, if its worker's lease has ended; tell whether it was so.

    Raises:
        RunMissingError, PhaseMissingError: It is not there.
    """
    view = standing(handler.queued(ref), handler.phase_state(ref))
    if view.status not in LIVE:
        return False
    claims = claims or Claims(handler, worker=new_worker(), caps=Caps(handler))
    if not reclaim_lost(claims, [view]):
        return False
    handler.finish_run(ref.run_id)
    return True


def take_back_all(claims: Claims) -> None:
    """Take back every phase whose lease is there and has ended; reads leases, and no events."""
    rows = {lease.key: lease for lease in claims.handler.journal.backend.leases()}
    for key, lease in rows.items():
        ref = phase_of(key)
        if ref is not None and claims.is_over(lease, rows.get(worker_key(lease.worker))):
            with contextlib.suppress(CommandRefusedError):  # of a phase that this log has not
                take_back(claims.handler, ref, claims=claims)

"""Phases whose workers are gone, taken back outside a drain: by whoever acts on a log next."""

import contextlib

from autopack.draining.attempts.claims import Claims, new_worker
from autopack.draining.attempts.lease_keys import phase_of, worker_key
from autopack.draining.attempts.lost_leases import reclaim_lost
from autopack.draining.caps.enforcement import Caps
from autopack.errors import CommandRefusedError
from autopack.log.handler import Handler
from autopack.ports.states import LIVE
from autopack.projections.phases import standing
from autopack.values.ids import PhaseRef


def take_back(handler: Handler, ref: PhaseRef, *, claims: Claims | None = None) -> bool:
    """
    Take a phase back if the lease of whoever had it has ended; tell whether it was so.

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

"""Calls a phase off: whoever works at it loses it, and what was used by then counts."""

from typing import Any

from autopack.aggregates.phase import holds
from autopack.draining.attempts.lease_keys import phase_key
from autopack.draining.caps.enforcement import Caps, worked_s
from autopack.events import PhaseCancelled
from autopack.log.command_handler import Handler
from autopack.log.write_transaction import JournalTransaction
from autopack.ports.log import Entry, Recorded, from_us
from autopack.values.ids import PhaseRef


def cancel(handler: Handler, ref: PhaseRef, *, by: str, why: str) -> list[Recorded[Any]]:
    """
    Record that a phase is called off, and drop its lease in the same transaction.

    Raises:
        MoveRefusedError: It has ended, so there is nothing to call off.
    """
    caps, journal = Caps(handler), handler.journal
    lease = journal.backend.lease(phase_key(ref))
    ends_at = None if lease is None else from_us(lease.expires_at)

    def took_s() -> float | None:
        _version, stream = handler.known_phase(ref)
        row = handler.attempt(ref, stream.state.attempts)
        if row.lease_token is None or not holds(stream.state, row.lease_token):
            return None
        return worked_s(row, from_us(journal.now_us()), ends_at)

    def cancelled() -> PhaseCancelled:
        return PhaseCancelled(
            run_id=ref.run_id, phase_id=ref.phase_id, by=by, why=why, duration_s=took_s()
        )

    def settling() -> list[Entry]:
        _version, stream = handler.known_phase(ref)
        return caps.settling(ref, stream.state.attempts, cancelled())

    def drop(transaction: JournalTransaction) -> None:
        store = transaction.store
        there = store.lease(phase_key(ref))
        token = None if there is None else there.token
        for row in store.leases() if token is not None else ():
            if row.token == token:  # the phase's, and those of its texts
                store.drop_lease(row.key, row.token)

    return handler.handle(cancelled, also=settling, inside=drop)

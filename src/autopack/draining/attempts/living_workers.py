"""Which workers live, and on which drains, by the rows that they keep beside the log."""

from autopack.draining.attempts.lease_keys import worker_key
from autopack.draining.attempts.steady_clock import Machine, this_machine
from autopack.log.journal import Journal
from autopack.ports.backend import Lease


def living_workers(journal: Journal) -> dict[str, str | None]:
    """Return the workers that have said lately that they live, with the drain of each."""
    machine, now_us = this_machine(), journal.now_us()
    rows = [lease for lease in journal.backend.leases() if lease.key == worker_key(lease.worker)]
    return {row.worker: row.step for row in rows if over_s(machine, row, row, now_us) <= 0}


def over_s(machine: Machine, lease: Lease, alive: Lease | None, now_us: int) -> float:
    """Return how long ago a lease ended, negative if it has not: by the steady clock, if it can."""
    found = machine.over_s(lease, alive)
    return (now_us - lease.expires_at) / 1e6 if found is None else found

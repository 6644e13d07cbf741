"""Which workers live, and on which drains, by the rows that they keep beside the log."""

from autopack.draining.attempts.lease_keys import worker_key
from autopack.draining.attempts.steady_clock import Machine, this_machine
from autopack.log.journal import Journal
from autopack.ports.backend import Lease


def living_workers(journal: Journal) -> dict[str, str | None]:
    """Return the workers that have said lately that they live, with the drain of each."""
    machine, now_us = this_machine(), journal.now_us()
    rows = [lease for lease in journal.backend.leases() if lease.key == worker_key(lease.worker)]
    alive = [row for row in rows if not is_over(machine, row, row, now_us)]
    return {row.worker: row.step for row in alive}


def is_over(machine: Machine, lease: Lease, alive: Lease | None, now_us: int) -> bool:
    """Tell whether a lease has ended: its process is gone, or by the steady clock, if it can."""
    found = machine.over_s(lease, alive)
    over_s = (now_us - lease.expires_at) / 1e6 if found is None else found
    return over_s > 0 or machine.is_gone(alive)

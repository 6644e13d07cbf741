"""Which drains some process works on, by the rows that workers keep beside the log."""

from autopack.draining.attempts.lease_keys import worker_key
from autopack.draining.attempts.steady_clock import Machine, this_machine
from autopack.events import DrainStarted
from autopack.log.journal import Journal
from autopack.ports.backend import Lease


def workers_by_drain(journal: Journal) -> dict[str, list[str]]:
    """Return each drain in order of its first start, with its workers that live."""
    alive = _living_workers(journal)
    found: dict[str, list[str]] = {}
    for recorded in journal.read_all(types=[DrainStarted]):
        started = recorded.event
        there = found.setdefault(started.drain_id, [])
        if started.worker in alive:
            there.append(started.worker)
    return found


def _living_workers(journal: Journal) -> set[str]:
    machine, now_us = this_machine(), journal.now_us()
    rows = [lease for lease in journal.backend.leases() if lease.key == worker_key(lease.worker)]
    return {row.worker for row in rows if over_s(machine, row, row, now_us) <= 0}


def over_s(machine: Machine, lease: Lease, alive: Lease | None, now_us: int) -> float:
    """Return how long ago a lease ended, negative if it has not: by the steady clock, if it can."""
    found = machine.over_s(lease, alive)
    return (now_us - lease.expires_at) / 1e6 if found is None else found

"""Claims and leases: who works on what, kept alive beside the log, taken back when it ends."""

import os
import platform
import secrets
import threading
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

import attrs

from autopack.commands import (
    ClaimPhase,
    CompletePhase,
    FailPhase,
    GatePhase,
    ReclaimPhase,
    ReleasePhase,
    StartPhase,
    TimeOutPhase,
)
from autopack.errors import CommandRefusedError, LogClosedError
from autopack.events import DrainPhaseSelected, PhaseClaimed
from autopack.handler import Handler
from autopack.ids import PhaseRef, drain_stream
from autopack.journal import JournalTransaction
from autopack.ports.log import ANY, Entry, Lease, Recorded, from_us
from autopack.ports.prediction import Estimate
from autopack.ports.work import PhaseView

LEASE_S: Final = 30.0
Ending = CompletePhase | FailPhase | TimeOutPhase | GatePhase | ReleasePhase


def new_worker() -> str:
    """Return a name for this worker that no other process has, however alike its host is."""
    return f"{platform.node() or 'host'}-{os.getpid()}-{secrets.token_hex(4)}"


@attrs.frozen(kw_only=True)
class Claim:
    """A phase in this worker's hands."""

    phase: PhaseView
    number: int
    token: str
    estimate: Estimate
    deadline: datetime | None

    @property
    def ref(self) -> PhaseRef:
        """The phase's name."""
        return self.phase.ref


class Claims:
    """
    Takes and gives back phases for one worker, and renews its leases from a thread of its own.

    A claim and its lease are one transaction. Renewal runs at a third of the lease's length.
    """

    def __init__(
        self, handler: Handler, *, worker: str, lease_s: float = LEASE_S, drain: str | None = None
    ) -> None:
        self.handler, self.worker, self.lease_s, self._drain = handler, worker, lease_s, drain
        self._held: dict[str, Lease] = {}
        self._lost: set[str] = set()
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def take(
        self, phase: PhaseView, estimate: Estimate, *, timeout_s: float | None, reason: str | None
    ) -> Claim:
        """
        Claim a queued phase.

        Raises:
            CommandRefusedError: It is not to be had: taken, paused, out of attempts.
        """
        journal, token, ref = self.handler.journal, secrets.token_hex(8), phase.ref
        now_us = journal.now_us()
        deadline_us = None if timeout_s is None else now_us + int(timeout_s * 1e6)
        lease = Lease(
            key=phase.key,
            token=token,
            worker=self.worker,
            expires_at=now_us + int(self.lease_s * 1e6),
            deadline_at=deadline_us,
        )
        command = ClaimPhase(
            ref=ref,
            worker=self.worker,
            lease_token=token,
            max_attempts=phase.max_attempts,
            now=from_us(now_us),
            drain=self._drain,
            reserved_tokens=estimate.budget_tokens,
            basis=f"{estimate.estimator} {estimate.estimator_version}",
            estimate=estimate,
        )
        recorded = self.handler.handle(
            command,
            also=self._selected(ref, reason),
            inside=lambda transaction, _events: transaction.store.put_lease(lease),
            needs_claimable_run=True,
        )
        with self._lock:
            self._held[token] = lease
        (claimed,) = [r.event for r in recorded if isinstance(r.event, PhaseClaimed)]
        return Claim(
            phase=phase,
            number=claimed.attempt,
            token=token,
            estimate=estimate,
            deadline=None if deadline_us is None else from_us(deadline_us),
        )

    def start(self, claim: Claim) -> list[Recorded[Any]]:
        """Record that the executor is about to be called."""
        return self.handler.handle(StartPhase(ref=claim.ref, lease_token=claim.token))

    def end(self, claim: Claim, ending: Ending) -> list[Recorded[Any]]:
        """Record how the attempt ended, and drop its lease in the same transaction."""

        def drop(transaction: JournalTransaction, _events: list[Recorded[Any]]) -> None:
            transaction.store.drop_lease(claim.phase.key, claim.token)

        try:
            return self.handler.handle(ending, inside=drop)
        finally:
            self.forget(claim.token)

    def forget(self, token: str) -> None:
        """Renew a lease no longer."""
        with self._lock:
            self._held.pop(token, None)

    def is_lost(self, token: str) -> bool:
        """Tell whether somebody else took the phase of a lease."""
        return token in self._lost

    def note(self, token: str, step: str) -> None:
        """Keep what a worker is at, for ``status``; written with the next renewal."""
        now_us = self.handler.journal.now_us()
        with self._lock:
            if token in self._held:
                self._held[token] = attrs.evolve(self._held[token], step=step, step_at=now_us)

    def renew(self) -> None:
        """Renew every lease that is still ours; those that are not are lost."""
        with self._lock:
            held = list(self._held.values())
        if not held:
            return
        expires_at = self.handler.journal.now_us() + int(self.lease_s * 1e6)
        with self.handler.journal.backend.transaction() as store:
            for lease in held:
                there = store.lease(lease.key)
                if there is None or there.token != lease.token:
                    self._lost.add(lease.token)
                    self.forget(lease.token)
                else:
                    store.put_lease(attrs.evolve(lease, expires_at=expires_at))

    def __enter__(self) -> "Claims":
        self._thread = threading.Thread(target=self._renew_for_ever, name="leases", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_fault: object) -> None:
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    def _renew_for_ever(self) -> None:
        while not self._stopped.wait(self.lease_s / 3):
            try:
                self.renew()
            except LogClosedError:
                return
            except Exception:  # a lock held too long: the next turn comes before the lease ends
                import structlog

                structlog.get_logger("autopack.claims").exception("leases were not renewed")

    def _selected(self, ref: PhaseRef, reason: str | None) -> list[Entry]:
        if self._drain is None or reason is None:
            return []
        selected = DrainPhaseSelected(
            drain_id=self._drain, run_id=ref.run_id, phase_id=ref.phase_id, reason=reason
        )
        return [(drain_stream(self._drain), [selected], ANY)]


class _StillAliveError(Exception):
    """The lease was renewed between our look and our transaction."""


def reclaim_lost(handler: Handler, phases: Iterable[PhaseView]) -> list[Recorded[Any]]:
    """
    Take back those of *phases* (claimed or running) whose leases have ended.

    A claim without a lease row counts as ended.
    """
    journal = handler.journal
    leases = {lease.key: lease for lease in journal.backend.leases()}
    recorded: list[Recorded[Any]] = []
    for phase in phases:
        why = _ended(leases.get(phase.key), phase, journal.now_us())
        if why is None or phase.lease_token is None:
            continue
        token, key = phase.lease_token, phase.key
        command = ReclaimPhase(
            ref=phase.ref, lease_token=token, max_attempts=phase.max_attempts, why=why
        )

        def still_ended(
            transaction: JournalTransaction, _events: list[Recorded[Any]],
            key: str = key, token: str = token, phase: PhaseView = phase,
        ) -> None:  # fmt: skip
            if _ended(transaction.store.lease(key), phase, journal.now_us()) is None:
                raise _StillAliveError
            transaction.store.drop_lease(key, token)

        try:
            recorded += handler.handle(command, inside=still_ended)
        except (_StillAliveError, CommandRefusedError):
            continue  # it ended, or came back, while we looked
    return recorded


def _ended(lease: Lease | None, phase: PhaseView, now_us: int) -> str | None:
    if lease is None or lease.token != phase.lease_token:
        return f"worker {phase.worker} left no lease for its claim"
    if lease.expires_at >= now_us:
        return None
    ago = timedelta(microseconds=now_us - lease.expires_at).total_seconds()
    return f"the lease of worker {lease.worker} ended {ago:.1f} s ago"

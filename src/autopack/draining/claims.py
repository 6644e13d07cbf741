"""Claims and leases: who works on what, kept alive beside the log, taken back when it ends."""

import contextlib
import os
import platform
import secrets
import threading
from collections.abc import Iterable
from datetime import datetime
from functools import partial
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
from autopack.draining.caps import Caps
from autopack.draining.machine import Machine, this_machine, worker_key
from autopack.errors import CommandRefusedError, LogClosedError, LogError
from autopack.events import DrainPhaseSelected, PhaseClaimed
from autopack.handler import Handler
from autopack.ids import PhaseRef, drain_stream
from autopack.journal import JournalTransaction
from autopack.narrator import Narrator
from autopack.ports.log import ANY, Entry, Lease, Recorded, Transaction, from_us
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
    reserved_tokens: int = 0

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
        self,
        handler: Handler,
        *,
        worker: str,
        lease_s: float = LEASE_S,
        drain: str | None = None,
        caps: Caps | None = None,
        machine: Machine | None = None,
    ) -> None:
        self.handler, self.lease_s, self._drain = handler, lease_s, drain
        self.worker = handler.journal.redact(worker)  # so that leases and claims name it alike
        self.caps = caps or Caps(handler, drain=drain)
        self.machine = machine or this_machine()
        self._held: dict[str, Lease] = {}
        self._lost: set[str] = set()
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def take(
        self,
        phase: PhaseView,
        estimate: Estimate,
        *,
        timeout_s: float | None,
        reason: str | None,
        starts: bool = False,
    ) -> Claim:
        """
        Claim a queued phase; with *starts* as one that is begun at once.

        Raises:
            CommandRefusedError: It is not to be had: taken, paused, out of attempts.
            CapFullError, PriceUnknownError: What it may use does not fit under a cap.
        """
        journal, token, ref = self.handler.journal, secrets.token_hex(8), phase.ref
        self.caps.ensure(ref.run_id)
        wanted = self.caps.wanted(phase, estimate)
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
            reserved_tokens=wanted.tokens,
            reserved_usd=wanted.usd,
            basis=wanted.basis,
            estimate=estimate,
            starts=starts,
        )
        recorded = self.handler.handle(
            command,
            also=lambda: [
                *self._selected(ref, reason),
                *self.caps.reserving(ref.run_id, token, wanted),
            ],
            inside=lambda transaction, _events: self._renew(transaction.store, lease),
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
            reserved_tokens=wanted.tokens,
        )

    def start(self, claim: Claim) -> list[Recorded[Any]]:
        """Record that the executor is about to be called."""
        return self.handler.handle(StartPhase(ref=claim.ref, lease_token=claim.token))

    def end(self, claim: Claim, ending: Ending) -> list[Recorded[Any]]:
        """Record how the attempt ended, and drop its lease in the same transaction."""

        def drop(transaction: JournalTransaction, _events: list[Recorded[Any]]) -> None:
            transaction.store.drop_lease(claim.phase.key, claim.token)

        took_s = getattr(ending, "duration_s", None)
        try:
            return self.handler.handle(
                ending,
                also=lambda: self.caps.settling(claim.ref, claim.token, took_s, is_ours=True),
                inside=drop,
            )
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
        if not self._held:
            return
        with self.handler.journal.backend.transaction() as store:
            self._renew(store)

    def __enter__(self) -> "Claims":
        self._thread = threading.Thread(target=self._renew_for_ever, name="leases", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_fault: object) -> None:
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()
        with contextlib.suppress(LogError), self.handler.journal.backend.transaction() as store:
            store.drop_lease(worker_key(self.worker), self.worker)

    def _renew(self, store: Transaction, *fresh: Lease) -> None:
        """Write all leases with one end, and the worker's own row with that of the steady clock."""
        with self._lock:
            held = list(self._held.values())
        expires_at = self.handler.journal.now_us() + int(self.lease_s * 1e6)
        for lease in held:
            there = store.lease(lease.key)
            if there is None or there.token != lease.token:
                self._lost.add(lease.token)
                self.forget(lease.token)
            else:
                store.put_lease(attrs.evolve(lease, expires_at=expires_at))
        for lease in fresh:
            store.put_lease(attrs.evolve(lease, expires_at=expires_at))
        alive = self.machine.lease_of(self.worker, expires_at=expires_at, lease_s=self.lease_s)
        store.put_lease(alive)

    def _renew_for_ever(self) -> None:
        while not self._stopped.wait(self.lease_s / 3):
            try:
                self.renew()
            except LogClosedError:
                return
            except Exception as fault:
                # A lock held too long: the next turn comes before the lease ends.
                Narrator("autopack.claims").error("leases were not renewed", exc_info=fault)

    def _selected(self, ref: PhaseRef, reason: str | None) -> list[Entry]:
        if self._drain is None or reason is None:
            return []
        selected = DrainPhaseSelected(
            drain_id=self._drain, run_id=ref.run_id, phase_id=ref.phase_id, reason=reason
        )
        return [(drain_stream(self._drain), [selected], ANY)]


class _StillAliveError(Exception):
    """The lease was renewed between our look and our transaction."""


def reclaim_lost(claims: Claims, phases: Iterable[PhaseView]) -> list[Recorded[Any]]:
    """
    Take back those of *phases* (claimed or running) whose leases have ended.

    A claim without a lease row counts as ended. A worker of this machine is judged by the steady
    clock, so that no jump of the wall clock takes a living worker's phase, or leaves a dead one's
    with it; any other worker by the wall clock.
    """
    handler, journal = claims.handler, claims.handler.journal
    rows = {lease.key: lease for lease in journal.backend.leases()}
    recorded: list[Recorded[Any]] = []
    for phase in phases:
        token, key = phase.lease_token, phase.key
        alive = rows.get(worker_key(phase.worker or ""))
        if token is None or (why := _ended(claims, phase, rows.get(key), alive)) is None:
            continue
        command = ReclaimPhase(
            ref=phase.ref, lease_token=token, max_attempts=phase.max_attempts, why=why
        )

        def still_ended(
            transaction: JournalTransaction, _events: list[Recorded[Any]],
            key: str = key, token: str = token, phase: PhaseView = phase,
        ) -> None:  # fmt: skip
            store = transaction.store
            alive = store.lease(worker_key(phase.worker or ""))
            if _ended(claims, phase, store.lease(key), alive) is None:
                raise _StillAliveError
            store.drop_lease(key, token)

        try:
            recorded += handler.handle(
                command,
                also=partial(claims.caps.settling, phase.ref, token),
                inside=still_ended,
            )
        except (_StillAliveError, CommandRefusedError):
            continue  # it ended, or came back, while we looked
    return recorded


def _ended(
    claims: Claims, phase: PhaseView, lease: Lease | None, alive: Lease | None
) -> str | None:
    """Return why a phase's lease has ended, or None if it has not."""
    if lease is None or lease.token != phase.lease_token:
        return f"worker {phase.worker} left no lease for its claim"
    over_s = claims.machine.over_s(lease, alive)
    if over_s is None:
        over_s = (claims.handler.journal.now_us() - lease.expires_at) / 1e6
    return None if over_s <= 0 else f"the lease of worker {lease.worker} ended {over_s:.1f} s ago"

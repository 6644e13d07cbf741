"""Claims and leases: who works on what, kept alive beside the log, taken back when it ends."""

import contextlib
import os
import platform
import secrets
import threading
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

import attrs

from autopack.commands import (
    ClaimPhase,
    CompletePhase,
    FailPhase,
    GatePhase,
    ReleasePhase,
    TimeOutPhase,
)
from autopack.draining.caps import Caps
from autopack.draining.lease_keys import phase_key, text_key, worker_key
from autopack.draining.machine import Machine, this_machine
from autopack.errors import (
    CommandRefusedError,
    LeaseLostError,
    LogBusyError,
    LogClosedError,
    LogError,
    VersionConflictError,
)
from autopack.events import DrainPhaseSelected, PhaseClaimed
from autopack.handler import Handler
from autopack.ids import PhaseRef, drain_stream
from autopack.journal import JournalTransaction
from autopack.narrator import Narrator
from autopack.ports.log import ANY, Entry, Lease, Recorded, Transaction, from_us
from autopack.ports.prediction import Estimate
from autopack.ports.work import PhaseView

LEASE_S: Final = 30.0
INTERRUPTED: Final = "interrupted"
_LOOK_S: Final = 0.5
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

    A claim and its lease are one transaction. Renewal runs at a third of the lease's length. What
    is still held when the ``with`` block ends, because somebody was interrupted, is given back.
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
        self._told_alive_s: float | None = None
        self._texts: dict[str, set[str]] = {}
        self._open: dict[str, tuple[PhaseRef, float]] = {}
        self._lost: set[str] = set()
        self._looked_s: dict[str, float] = {}
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
        executor: str | None = None,
    ) -> Claim:
        """
        Claim a queued phase as one that is begun at once.

        Args:
            timeout_s: The deadline, in seconds from now; None is none.
            reason: Why the drain chose it.
            executor: The name of what does it.

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
            key=phase_key(ref),
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
            model=phase.model,
            executor=executor,
            reserved_tokens=wanted.tokens,
            reserved_usd=wanted.usd,
            basis=wanted.basis,
            estimate=estimate,
            starts=True,
        )
        with self._opening(token, ref):
            recorded = self.handler.handle(
                lambda: attrs.evolve(command, capped=self.caps.units(ref.run_id)),
                also=lambda: [
                    *self._selected(ref, reason),
                    *self.caps.reserving(ref.run_id, token, wanted),
                ],
                inside=lambda transaction: self._put(transaction.store, lease),
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

    def end(self, claim: Claim, ending: Ending) -> list[Recorded[Any]]:
        """
        Record how the attempt ended, and drop its lease in the same transaction.

        Raises:
            LeaseLostError: The phase is not this worker's any more. After any other error it
                still is: the lease is renewed, and the end may be recorded later.
        """
        try:
            recorded = self._ended(claim.ref, claim.number, claim.token, ending)
        except LeaseLostError:
            self.forget(claim.token)
            raise
        self.forget(claim.token)
        return recorded

    def give_back(self) -> None:
        """Release what is held still: its workers were interrupted, and nobody else ends it."""
        for token, (ref, began_s) in list(self._open.items()):
            took_s = max(0.0, self.handler.journal.steady_s() - began_s)
            release = ReleasePhase(ref=ref, lease_token=token, why=INTERRUPTED, duration_s=took_s)
            number = self.handler.phase_state(ref).attempts
            with contextlib.suppress(CommandRefusedError):  # it was not ours, or is not any more
                self._ended(ref, number, token, release)
            self.forget(token)

    def forget(self, token: str) -> None:
        """Renew a lease no longer, and leave its phase to whoever has it."""
        with self._lock:
            self._held.pop(token, None)
            self._open.pop(token, None)
            self._looked_s.pop(token, None)
            self._texts.pop(token, None)

    def lose(self, token: str) -> None:
        """Take note that the phase of a lease is somebody else's now, or nobody's."""
        self._lost.add(token)
        self.forget(token)

    def hold(self, key: str) -> str | None:
        """Take a lease on what is no phase, and renew it; return its token, None if it is held."""
        token = secrets.token_hex(8)
        with self.handler.journal.backend.transaction() as store:
            there = store.lease(key)
            if there is not None and not self.is_over(there, store.lease(worker_key(there.worker))):
                return None
            lease = Lease(key=key, token=token, worker=self.worker, expires_at=self._expires_at())
            self._put(store, lease)
        with self._lock:
            self._held[token] = lease
        return token

    def let_go(self, key: str, token: str) -> None:
        """Drop a lease that was held, if it is ours still. Any thread."""
        self.forget(token)
        with self.handler.journal.backend.transaction() as store:
            store.drop_lease(key, token)

    def holder(self, key: str) -> str | None:
        """Return which worker has a lease on something, None if nobody has, or it is over."""
        backend = self.handler.journal.backend
        there = backend.lease(key)
        if there is None or self.is_over(there, backend.lease(worker_key(there.worker))):
            return None
        return there.worker

    def is_over(self, lease: Lease, alive: Lease | None) -> bool:
        """Tell whether a lease has ended; *alive* is the row of its worker, if there is one."""
        return self.over_s(lease, alive) > 0

    def over_s(self, lease: Lease, alive: Lease | None) -> float:
        """
        Return how long ago a lease ended, negative if it has not.

        A worker of this machine is judged by the steady clock, so that no jump of the wall clock
        takes what a living worker holds, or leaves it with a dead one; any other by the wall clock.
        """
        over_s = self.machine.over_s(lease, alive)
        if over_s is None:
            over_s = (self.handler.journal.now_us() - lease.expires_at) / 1e6
        return over_s

    def is_lost(self, token: str) -> bool:
        """
        Tell whether the phase of a lease is somebody else's now, or nobody's.

        Asked at any rate: the lease itself is looked at twice a second.
        """
        if token not in self._lost:
            self._look_at(token)
        return token in self._lost

    def note(self, token: str, step: str) -> None:
        """Keep what a worker is at, for ``status``; written with the next renewal."""
        now_us = self.handler.journal.now_us()
        with self._lock:
            if token in self._held:
                self._held[token] = attrs.evolve(self._held[token], step=step, step_at=now_us)

    def store_text(self, token: str, text: str) -> str:
        """
        Store a text of an attempt and return its digest.

        Until the attempt ends no event names it: a row beside the log keeps it from being pruned.
        """
        journal = self.handler.journal
        digest, content = journal.packed(text)
        with journal.backend.transaction() as store:
            store.put_artifact(digest, content)
            if self._holds(token):
                key, expires_at = text_key(token, digest), self._expires_at()
                store.put_lease(
                    Lease(key=key, token=token, worker=self.worker, expires_at=expires_at)
                )
        with self._lock:
            self._texts.setdefault(token, set()).add(digest)
        return digest

    def _look_at(self, token: str) -> None:
        with self._lock:
            lease, now_s = self._held.get(token), self._steady_s()
            if lease is None or now_s - self._looked_s.get(token, -_LOOK_S) < _LOOK_S:
                return
            self._looked_s[token] = now_s
        with contextlib.suppress(LogError):
            there = self.handler.journal.backend.lease(lease.key)
            if (there is None or there.token != token) and self._holds(token):
                self.lose(token)

    def _holds(self, token: str) -> bool:
        with self._lock:
            return token in self._held

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
        with contextlib.suppress(LogError):
            self.give_back()
            with self.handler.journal.backend.transaction() as store:
                store.drop_lease(worker_key(self.worker), self.worker)

    @contextlib.contextmanager
    def _opening(self, token: str, ref: PhaseRef) -> Iterator[None]:
        """Know of a claim before it is made: whoever is interrupted after that has it."""
        self._open[token] = ref, self.handler.journal.steady_s()
        try:
            yield
        except (CommandRefusedError, VersionConflictError, LogBusyError):
            self.forget(token)  # nothing was written
            raise

    def _ended(self, ref: PhaseRef, number: int, token: str, ending: Ending) -> list[Recorded[Any]]:
        def drop(transaction: JournalTransaction) -> None:
            transaction.store.drop_lease(phase_key(ref), token)
            for digest in self._texts.get(token, ()):
                transaction.store.drop_lease(text_key(token, digest), token)

        worked_s = ending.timeout_s if isinstance(ending, TimeOutPhase) else ending.duration_s
        return self.handler.handle(
            ending, also=lambda: self.caps.settling(ref, number, worked_s), inside=drop
        )

    def _renew(self, store: Transaction) -> None:
        """Write all leases with one end, and the worker's own row with that of the steady clock."""
        with self._lock:
            held = list(self._held.values())
        expires_at = self._expires_at()
        for lease in held:
            there = store.lease(lease.key)
            if there is None or there.token != lease.token:
                self.lose(lease.token)
            else:
                store.put_lease(attrs.evolve(lease, expires_at=expires_at))
        self._tell_alive(store, expires_at)

    def _put(self, store: Transaction, lease: Lease) -> None:
        expires_at = self._expires_at()
        store.put_lease(attrs.evolve(lease, expires_at=expires_at))
        if self._told_alive_s is None or self._steady_s() - self._told_alive_s > self.lease_s / 3:
            self._tell_alive(store, expires_at)

    def _tell_alive(self, store: Transaction, expires_at: int) -> None:
        store.put_lease(self._alive(expires_at))
        self._told_alive_s = self._steady_s()

    def _steady_s(self) -> float:
        return self.machine.uptime_s()

    def _expires_at(self) -> int:
        return self.handler.journal.now_us() + int(self.lease_s * 1e6)

    def _alive(self, expires_at: int) -> Lease:
        return self.machine.lease_of(self.worker, expires_at=expires_at, lease_s=self.lease_s)

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

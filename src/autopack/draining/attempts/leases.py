"""Leases of one worker: kept alive beside the log from a thread of their own, judged, and lost."""

import contextlib
import math
import secrets
import threading
from typing import Final, Self

import attrs

from autopack.draining.attempts.lease_keys import worker_key
from autopack.draining.attempts.steady_clock import Machine, this_machine
from autopack.errors import LogClosedError, LogError, MachineFaultError
from autopack.log.command_handler import Handler
from autopack.plugins.narrator import Narrator
from autopack.ports.backend import Lease, Transaction

LEASE_S: Final = 30.0
_LOOK_S: Final = 0.5
_AGAIN_S: Final = 0.2
_CALM_S: Final = 2.0
_SKEW_S: Final = 300.0  # how far the clocks of two machines may be apart
_OVERDUE_S: Final = 1.0
_RENEWED_AFTER_S: Final = 3600.0


class Leases:
    """
    The leases that one worker holds, renewed at a third of their length.

    All of them share their end. What is no longer ours in the log is lost.
    """

    def __init__(
        self, handler: Handler, *, worker: str, lease_s: float, machine: Machine | None
    ) -> None:
        self.handler, self.lease_s = handler, lease_s
        self.worker = handler.journal.redact(worker)  # so that leases and claims name it alike
        self.machine = machine or this_machine()
        self._held: dict[str, Lease] = {}
        self._lost: set[str] = set()
        self._told_alive_s: float | None = None
        self._looked_s: dict[str, float] = {}
        self._watched: dict[str, tuple[tuple[str, int] | None, float]] = {}
        self._n_not_renewed = 0
        self._due_s = math.inf
        self._calm_from_s = -math.inf
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._renew_for_ever, name="leases", daemon=True)
        try:
            self._thread.start()
        except RuntimeError as fault:
            raise MachineFaultError("leases cannot be renewed", fault) from fault
        return self

    def __exit__(self, *_fault: object) -> None:
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()
        with contextlib.suppress(LogError):
            self.give_back()
            self.sign_off()

    def leave(self) -> None:
        """Renew nothing any more; what is held ends by itself. Waits for nobody. Any thread."""
        self._stopped.set()

    def sign_off(self) -> None:
        """Say no more that this worker lives."""
        with self.handler.journal.backend.transaction() as store:
            store.drop_lease(worker_key(self.worker), self.worker)

    def tell_alive(self) -> None:
        """Say that this worker lives, now and with each renewal, though it may hold nothing."""
        with self.handler.journal.backend.transaction() as store:
            self._tell_alive(store, self._expires_at())

    @property
    def is_calm(self) -> bool:
        """Whether nobody was kept from renewing leases just now, so that those that ended have."""
        return self._steady_s() >= self._calm_from_s

    @property
    def is_hindered(self) -> bool:
        """Whether leases cannot be renewed: it failed, or waits for the log's lock just now."""
        is_overdue = self._steady_s() > self._due_s + _OVERDUE_S
        return not self._stopped.is_set() and (self._n_not_renewed > 0 or is_overdue)

    def hindered(self) -> None:
        """Take note that nobody could write the log for a while: living workers could not, too."""
        self._calm_from_s = self._steady_s() + _CALM_S

    def give_back(self) -> None:
        """Give back what is held still, if anything is to be done about it."""

    def forget(self, token: str) -> None:
        """Renew a lease no longer."""
        with self._lock:
            self._held.pop(token, None)
            self._looked_s.pop(token, None)

    def hold(self, key: str, token: str | None = None) -> str | None:
        """
        Take a lease that comes with no claim, and renew it; return its token, None if it is held.

        Args:
            token: That of a claim whose worker has left its phase; a new one without.
        """
        token = token or secrets.token_hex(8)
        with self.handler.journal.backend.transaction() as store:
            there = store.lease(key)
            if there is not None and not self.is_over(there, store.lease(worker_key(there.worker))):
                return None
            lease = Lease(key=key, token=token, worker=self.worker, expires_at=self._expires_at())
            self._put(store, lease)
        with self._lock:
            self._held[token] = lease
            self._lost.discard(token)
        return token

    def let_go(self, key: str, token: str) -> None:
        """Drop a lease that was held, if it is ours still. Any thread."""
        self.forget(token)
        with self.handler.journal.backend.transaction() as store:
            if self._is_ours(store.lease(key), token):
                store.drop_lease(key, token)

    def has(self, key: str, token: str) -> bool:
        """Tell whether nobody else has taken a lease since, asked of the log itself."""
        return self._is_ours(self.handler.journal.backend.lease(key), token)

    def holder(self, key: str) -> str | None:
        """Return which worker has a lease on something, None if nobody has, or it is over."""
        backend = self.handler.journal.backend
        there = backend.lease(key)
        if there is None or self.is_over(there, backend.lease(worker_key(there.worker))):
            return None
        return there.worker

    def is_over(self, lease: Lease, alive: Lease | None) -> bool:
        """Tell whether a lease has ended; *alive* is the row of its worker, if there is one."""
        return self.machine.is_gone(alive) or self.over_s(lease, alive) > 0

    def over_s(self, lease: Lease, alive: Lease | None) -> float:
        """
        Return how long ago a lease ended, negative if it has not.

        A worker of this machine is judged by the steady clock, so that no jump of the wall clock
        takes what a living worker holds, or leaves it with a dead one. Another machine's is judged
        by the wall clock; since clocks differ, one that seems to have ended of late is watched
        for its length before it has.
        """
        over_s = self.machine.over_s(lease, alive)
        if over_s is None:
            over_s = (self.handler.journal.now_us() - lease.expires_at) / 1e6
            if alive is not None and 0 < over_s <= _SKEW_S and self.machine.is_other(alive):
                over_s = min(over_s, self._unchanged_s(lease, alive))
        return over_s

    def _unchanged_s(self, lease: Lease, alive: Lease) -> float:
        """Return for how much longer than its length nobody was seen to renew a lease."""
        now_s = self.machine.uptime_s()
        mark, since_s = self._watched.get(lease.key, (None, now_s))
        if mark != (lease.token, lease.expires_at):
            mark, since_s = (lease.token, lease.expires_at), now_s
        self._watched[lease.key] = mark, since_s
        return now_s - since_s - ((alive.expires_uptime or 0) - (alive.renewed_uptime or 0)) / 1e6

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
        with self._lock:
            if token in self._held:
                self._held[token] = attrs.evolve(self._held[token], step=step)

    def lose(self, token: str) -> None:
        """Take note that the phase of a lease is somebody else's now, or nobody's."""
        self._lost.add(token)
        self.forget(token)

    def renew(self) -> None:
        """Renew every lease that is still ours; those that are not are lost."""
        if not self._held and self._told_alive_s is None:
            return
        with self.handler.journal.backend.transaction() as store:
            self._renew(store)

    def _look_at(self, token: str) -> None:
        with self._lock:
            lease, now_s = self._held.get(token), self._steady_s()
            if lease is None or now_s - self._looked_s.get(token, -_LOOK_S) < _LOOK_S:
                return
            self._looked_s[token] = now_s
        with contextlib.suppress(LogError):
            there = self.handler.journal.backend.lease(lease.key)
            if not self._is_ours(there, token) and self._holds(token):
                self.lose(token)

    def _is_ours(self, there: Lease | None, token: str) -> bool:
        """Tell whether a row is this worker's: who asks for submitted work has its old token."""
        return there is not None and (there.token, there.worker) == (token, self.worker)

    def _holds(self, token: str) -> bool:
        with self._lock:
            return token in self._held

    def _renew(self, store: Transaction) -> None:
        """Write all leases with one end, and the worker's own row with that of the steady clock."""
        with self._lock:
            held = list(self._held.values())
        expires_at = self._expires_at()
        for lease in held:
            there = store.lease(lease.key)
            if not self._is_ours(there, lease.token):
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
        wait_s = self._renewed_after_s()
        self._due_s = self._steady_s() + wait_s
        while not self._stopped.wait(wait_s):
            wait_s = self._renewed_after_s()
            try:
                self.renew()
            except LogClosedError:
                return
            except Exception as fault:
                # A lock held too long, it may be: whoever is first when it is free keeps a phase.
                wait_s = min(wait_s, _AGAIN_S)
                self._not_renewed(fault)
            else:
                self._n_not_renewed = 0
            self._due_s = self._steady_s() + wait_s

    def _not_renewed(self, fault: Exception) -> None:
        self.hindered()
        self._n_not_renewed += 1
        if self._n_not_renewed == 1:
            Narrator("autopack.claims").error("leases were not renewed", exc_info=fault)

    def _renewed_after_s(self) -> float:
        return min(self.lease_s / 3, _RENEWED_AFTER_S)

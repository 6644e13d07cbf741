"""Claims and leases: who works on what, kept alive beside the log, taken back when it ends."""

import contextlib
import os
import platform
import secrets
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

import attrs
import msgspec

from autopack.aggregates.requests import ClaimRequest, EndRequest
from autopack.draining.attempts.account_lanes import AccountLanes
from autopack.draining.attempts.lease_keys import phase_key, text_key
from autopack.draining.attempts.leases import LEASE_S, Leases
from autopack.draining.attempts.recorded_sessions import RecordedSessions
from autopack.draining.attempts.steady_clock import Machine
from autopack.draining.caps.enforcement import Caps
from autopack.errors import (
    CommandRefusedError,
    LeaseLostError,
    LogBusyError,
    VersionConflictError,
)
from autopack.events import (
    DrainPhaseSelected,
    PhaseClaimed,
    PhaseCompleted,
    PhaseEstimated,
    PhaseGated,
    PhaseReleased,
    PhaseSubmitted,
)
from autopack.log.command_handler import Handler
from autopack.log.write_transaction import JournalTransaction
from autopack.ports.backend import Lease
from autopack.ports.log import ANY, Entry, Recorded, from_us
from autopack.ports.prediction import Estimate
from autopack.ports.work import PhaseView
from autopack.values.ids import PhaseRef, drain_stream
from autopack.values.money import as_sum

INTERRUPTED: Final = "interrupted"
Ending = PhaseSubmitted | PhaseCompleted | PhaseGated | PhaseReleased | EndRequest


def new_worker() -> str:
    """Return a name for this worker that no other process has, however alike its host is."""
    return f"{platform.node() or 'host'}-{os.getpid()}-{secrets.token_hex(4)}"


@attrs.frozen(kw_only=True)
class Claim:
    """
    A phase in this worker's hands.

    Args:
        phase: As it is done in this attempt, by its model.
        phase_at: The position of the log as of which that is; None where nobody followed it.
        account: Whose limits its calls count under; None if nobody keeps lanes for them.
        executor: The name of who does it; None is the drain's own.
        probes_since: Since when a lane is closed that it is the probe of.
        submitted: What was recorded of the work that a provider has, where this is no new claim,
            but one that asks for that.
    """

    phase: PhaseView
    number: int
    token: str
    estimate: Estimate
    deadline: datetime | None
    timeout_s: float | None = None
    reserved_tokens: int = 0
    account: str | None = None
    executor: str | None = None
    probes_since: datetime | None = None
    submitted: Recorded[PhaseSubmitted] | None = None
    phase_at: int | None = None

    @property
    def ref(self) -> PhaseRef:
        """The phase's name."""
        return self.phase.ref

    @property
    def free_attempts(self) -> int:
        """How many attempts before this one were not spent."""
        return max(0, self.number - 1 - self.phase.attempts_spent)

    @property
    def names(self) -> dict[str, Any]:
        """What every event of the attempt names it by."""
        ref = self.ref
        names = {"run_id": ref.run_id, "phase_id": ref.phase_id}
        return {**names, "attempt": self.number, "lease_token": self.token}


class Claims(Leases):
    """
    Takes and gives back phases for one worker.

    A claim and its lease are one transaction. What is still held when the ``with`` block ends,
    because somebody was interrupted, is given back.
    """

    def __init__(
        self,
        handler: Handler,
        *,
        worker: str,
        lease_s: float = LEASE_S,
        drain: str | None = None,
        caps: Caps | None = None,
        lanes: AccountLanes | None = None,
        machine: Machine | None = None,
    ) -> None:
        super().__init__(handler, worker=worker, lease_s=lease_s, machine=machine)
        self._drain, self.caps = drain, caps or Caps(handler, drain=drain)
        self.lanes = lanes
        self.sessions = RecordedSessions(handler.journal)
        self._entered: dict[str, AccountLanes] = {}
        self._texts: dict[str, set[str]] = {}
        self._open: dict[str, tuple[PhaseRef, float]] = {}

    def take(
        self,
        phase: PhaseView,
        estimate: Estimate,
        *,
        timeout_s: float | None,
        reason: str | None,
        noted: Mapping[str, Any] | None = None,
        executor: str | None = None,
        has_waited: bool = False,
        lanes: AccountLanes | None = None,
        phase_at: int | None = None,
    ) -> Claim:
        """
        Claim a queued phase as one that is begun at once.

        Args:
            phase: As it is to be done: its model is that of this attempt.
            timeout_s: The deadline, in seconds from now; None is none.
            reason: Why the drain chose it.
            noted: What it went by, as fields of the event that says so.
            executor: The name of what does it.
            has_waited: Whether its back-off is over, whatever the clock says now.
            lanes: Those of its executor's account, where they are not this worker's own.
            phase_at: The position of the log as of which *phase* is.

        Raises:
            CommandRefusedError: It is not to be had: taken, paused, out of attempts.
            CapFullError, PriceUnknownError: What it may use does not fit under a cap.
            LaneRestingError: Nobody is sent to its account, or its model, for now.
            ArtifactMissingError: Its goal is too long for an event, and was pruned.
        """
        journal, token, ref = self.handler.journal, secrets.token_hex(8), phase.ref
        asked = attrs.evolve(  # for who does it, all of it
            phase, goal=journal.whole(phase.goal), feedback=journal.with_wholes(phase.feedback)
        )
        scopes = self.caps.ensure(phase)
        wanted = self.caps.wanted(phase, estimate, scopes)
        now_us = journal.now_us()
        deadline_us = None if timeout_s is None else now_us + int(timeout_s * 1e6)
        lease = Lease(
            key=phase_key(ref),
            token=token,
            worker=self.worker,
            expires_at=now_us + int(self.lease_s * 1e6),
            deadline_at=deadline_us,
        )
        estimated = _estimated(ref, phase.attempts + 1, estimate)
        lanes = lanes or self.lanes
        account = None if lanes is None else lanes.name

        def request() -> ClaimRequest:
            claimed = PhaseClaimed(
                run_id=ref.run_id,
                phase_id=ref.phase_id,
                attempt=estimated.attempt,
                worker=self.worker,
                lease_token=token,
                drain=self._drain,
                account=account,
                model=phase.model,
                executor=executor,
                capped=self.caps.units(ref.run_id, scopes),
                scopes=scopes,
                reserved_tokens=wanted.tokens,
                reserved_usd=as_sum(wanted.usd),
                basis=wanted.basis,
                assumed_usd=wanted.assumed_usd,
            )
            return ClaimRequest(
                event=claimed,
                max_attempts=phase.max_attempts,
                now=from_us(now_us),
                estimated=estimated,
                waited_until=phase.not_before if has_waited else None,
            )

        with self._opening(token, ref):
            recorded = self.handler.handle(
                request,
                also=lambda: [
                    *([] if lanes is None else lanes.entering(ref, phase.model, token)),
                    *self._selected(ref, reason, noted or {}),
                    *self.caps.reserving(ref.run_id, token, wanted, scopes),
                ],
                inside=lambda transaction: self._put(transaction.store, lease),
            )
        with self._lock:
            self._held[token] = lease
            if lanes is not None:
                self._entered[token] = lanes
        (claimed,) = [r.event for r in recorded if isinstance(r.event, PhaseClaimed)]
        return Claim(
            phase=asked,
            number=claimed.attempt,
            token=token,
            estimate=estimate,
            deadline=None if deadline_us is None else from_us(deadline_us),
            timeout_s=timeout_s,
            reserved_tokens=wanted.tokens,
            account=account,
            executor=executor,
            probes_since=None if lanes is None else lanes.probes_since(token),
            phase_at=phase_at,
        )

    def lanes_of(self, token: str) -> AccountLanes | None:
        """Return the lanes that an attempt is in; those of this worker, where it is in none."""
        return self._entered.get(token, self.lanes)

    def enter(self, token: str, lanes: AccountLanes) -> None:
        """Let an attempt be in other lanes than this worker's own, without being asked in."""
        with self._lock:
            self._entered[token] = lanes

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

    def _alive(self, expires_at: int) -> Lease:
        """Return the worker's own row, which also names the drain that it works on."""
        return attrs.evolve(super()._alive(expires_at), step=self._drain)

    def give_back(self) -> None:
        """Release what is held still: its workers were interrupted, and nobody else ends it."""
        for token in self.open_tokens:
            self.release(token)

    @property
    def open_tokens(self) -> list[str]:
        """The tokens of the claims whose ends are not recorded."""
        return list(self._open)

    def release(self, token: str) -> None:
        """Release the phase of a claim, if it is held still. Any thread."""
        if (held := self._open.get(token)) is None:
            return
        ref, began_s = held
        number = self.handler.phase_state(ref).attempts
        released = PhaseReleased(
            run_id=ref.run_id,
            phase_id=ref.phase_id,
            attempt=max(1, number),
            lease_token=token,
            why=INTERRUPTED,
            duration_s=max(0.0, self.handler.journal.steady_s() - began_s),
        )
        with contextlib.suppress(CommandRefusedError):  # it was not ours, or is not any more
            self._ended(ref, number, token, released)
        self.forget(token)

    def forget(self, token: str) -> None:
        """Renew a lease no longer, and leave its phase to whoever has it."""
        super().forget(token)
        with self._lock:
            self._open.pop(token, None)
            self._texts.pop(token, None)
            self._entered.pop(token, None)

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

        event = ending.event if isinstance(ending, EndRequest) else ending
        refused = ending.refused if isinstance(ending, EndRequest) else None

        def also() -> list[Entry]:
            entries: list[Entry] = []
            if not isinstance(event, PhaseSubmitted):  # of which what was set aside stays so
                entries += self.caps.settling(ref, number, event)
            if (lanes := self.lanes_of(token)) is not None:
                entries += lanes.ending(event, self.handler.attempt(ref, number), refused)
            return entries

        return self.handler.handle(ending, also=also, inside=drop)

    def _selected(self, ref: PhaseRef, reason: str | None, noted: Mapping[str, Any]) -> list[Entry]:
        if self._drain is None or reason is None:
            return []
        selected = DrainPhaseSelected(
            drain_id=self._drain,
            run_id=ref.run_id,
            phase_id=ref.phase_id,
            reason=reason,
            **noted,
        )
        return [(drain_stream(self._drain), [selected], ANY)]


def _estimated(ref: PhaseRef, number: int, estimate: Estimate) -> PhaseEstimated:
    return PhaseEstimated(
        run_id=ref.run_id,
        phase_id=ref.phase_id,
        attempt=number,
        estimator=estimate.estimator,
        estimator_version=estimate.estimator_version,
        predicted_output_tokens=estimate.predicted_output_tokens,
        budget_tokens=estimate.budget_tokens,
        ceiling_tokens=estimate.ceiling_tokens,
        tau=estimate.tau,
        features=msgspec.json.decode(msgspec.json.encode(estimate.features)),
        budget_basis=estimate.budget_basis or None,
    )

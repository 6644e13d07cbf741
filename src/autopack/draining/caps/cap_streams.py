"""The streams of caps: how each scope gets its caps, with what was used under it before."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, Final

from autopack.aggregates import cap
from autopack.aggregates.cap import Amount, CapState
from autopack.aggregates.phase import holds
from autopack.aggregates.requests import CapsRequest
from autopack.draining.caps.standing_caps import NO_STANDING_CAPS, StandingCaps
from autopack.events import CapReserved, CapSettled
from autopack.log import views
from autopack.log.command_handler import Handler
from autopack.ports.log import Entry, Recorded, from_us
from autopack.ports.work import PhaseView
from autopack.projections.attempt_row import NO_WORK, AttemptRow
from autopack.projections.attempts import ATTEMPTS
from autopack.projections.sums_by_drain_and_run import AccountTotal, Work
from autopack.values.ids import PhaseRef, cap_stream, phase_stream
from autopack.values.money import ZERO, UsdLike, UsdSum

BEFORE: Final = "(before the cap)"
"""Stands for the lease of all attempts that ended before a scope had caps."""


class CapStreams:
    """
    Opens the streams of the caps of runs, phases and days, and of one drain.

    Args:
        drain: The drain whose cap binds the claims, if it has one.
        standing: Caps of each phase and of each day.
    """

    def __init__(
        self,
        handler: Handler,
        *,
        drain: str | None = None,
        standing: StandingCaps = NO_STANDING_CAPS,
    ) -> None:
        self._handler, self._drain, self._standing = handler, drain, standing

    def of_drain(self, caps: Mapping[str, UsdLike | None], *, may_change: bool) -> CapsRequest:
        """Return what gives the drain its caps, by unit; None is none."""
        return CapsRequest(
            scope=f"drain-{self._drain}",
            caps={unit: cap for unit, cap in caps.items() if cap is not None},
            by="drain",
            why="the drain was started with it",
            may_change=may_change,
        )

    def is_over(self, scope: str) -> bool:
        """Tell whether a scope is a day's that is over."""
        return scope.startswith("day-") and scope != self._standing.day(self._now())

    def ensure(self, phase: PhaseView) -> tuple[str, ...]:
        """
        Open the streams of the caps that bind a phase, each with what was used under it before.

        Returns:
            The scopes of its phase and its day, if these have caps.
        """
        self._ensure_run(phase.run_id)
        own = self._own(phase)
        for scope, (caps, used) in own.items():
            self._ensure_own(scope, caps, used)
        return tuple(own)

    def foreseen(self, phase: PhaseView) -> dict[str, Callable[[], CapState]]:
        """Return what tells how each cap that would bind a phase stands, by scope."""
        run_id = phase.run_id
        found: dict[str, Callable[[], CapState]] = {}
        if self._handler.known_cap(f"run-{run_id}")[0] or self._handler.known_run(run_id)[1].caps:
            found[f"run-{run_id}"] = partial(self._run_state, run_id)
        for scope, (caps, used) in self._own(phase).items():
            found[scope] = partial(self._own_state, scope, caps, used)
        return found

    def _run_state(self, run_id: str) -> CapState:
        version, state = self._handler.known_cap(f"run-{run_id}")
        if version:
            return state
        work = self._account().by_run.get(run_id, NO_WORK)
        return CapState(caps=self._handler.known_run(run_id)[1].caps, spent=used_by(work))

    def _own_state(
        self, scope: str, caps: Mapping[str, Any], used: Callable[[], Amount]
    ) -> CapState:
        version, state = self._handler.known_cap(scope)
        state = state if version else CapState(spent=used())
        return cap.fold(cap.decide(_raising(scope, caps), state), state)

    def _own(self, phase: PhaseView) -> dict[str, tuple[Mapping[str, Any], Callable[[], Amount]]]:
        """Return the caps of a phase and its day by scope, and what says what was used before."""
        found: dict[str, tuple[Mapping[str, Any], Callable[[], Amount]]] = {}
        now, standing = self._now(), self._standing
        if caps := standing.of_phase(phase):
            found[f"phase-{phase.key}"] = caps, lambda: self._used_by(phase.ref)
        if standing.per_day:
            found[standing.day(now)] = (
                standing.per_day,
                lambda: standing.used_today(self._account(), now),
            )
        return found

    def _account(self) -> AccountTotal:
        view = views.current(self._handler.journal, ATTEMPTS, with_rows=False)
        found: AccountTotal = view.total
        return found

    def _ensure_own(self, scope: str, caps: Mapping[str, Any], used: Callable[[], Amount]) -> None:
        """Give a phase or a day its caps; later ones only raise them, as the owner may have."""
        version, state = self._handler.known_cap(scope)
        is_lower = (unit in state.caps and cap <= state.caps[unit] for unit, cap in caps.items())
        if version and all(is_lower):
            return
        self.go_on(_raising(scope, caps), Amount() if version else used())

    def _used_by(self, ref: PhaseRef) -> Amount:
        """Return what a phase's attempts used so far."""
        found = Amount()
        for row in self._handler.known_phase(ref)[1].attempts.values():
            found += amount_of(row)
        return found

    def _now(self) -> datetime:
        return from_us(self._handler.journal.now_us())

    def _ensure_run(self, run_id: str) -> None:
        """Open the stream of a run's cap, with what the run had used before."""
        caps = self._handler.known_run(run_id)[1].caps
        if caps and not self._handler.known_cap(f"run-{run_id}")[0]:
            request = CapsRequest(
                scope=f"run-{run_id}", caps=caps, by="drain", why="the run was created with it"
            )
            self.set_run(run_id, request)

    def set_run(self, run_id: str, request: CapsRequest) -> list[Recorded[object]]:
        """Give a run its caps; the first time with what it had used before."""
        handler, stream = self._handler, cap_stream(request.scope)

        def build() -> list[Entry]:
            version, state = handler.known_cap(request.scope)
            events = cap.decide(request, state)
            if version or not events:
                return [(stream, events, version)]
            before, asserted = self._so_far(run_id, request.scope)
            return [(stream, [*events, *before], 0), *asserted]

        return handler.append(build)

    def go_on(self, request: CapsRequest, used: Amount) -> None:
        """Give a drain its caps; the first time with what it had *used* before."""
        handler, stream = self._handler, cap_stream(request.scope)

        def build() -> list[Entry]:
            version, state = handler.known_cap(request.scope)
            events = cap.decide(request, state)
            is_first = bool(events) and not version and used != Amount()
            before = [settled(request.scope, BEFORE, used)] if is_first else []
            return [(stream, [*events, *before], version)]

        handler.append(build)

    def _so_far(
        self, run_id: str, scope: str
    ) -> tuple[list[CapReserved | CapSettled], list[Entry]]:
        """Return what a run used before its caps, one by one for attempts in work, and on what."""
        spent = Amount()
        held: list[CapReserved | CapSettled] = []
        asserted: list[Entry] = []
        for name in self._handler.known_run(run_id)[1].phases:
            version, stream = self._handler.known_phase(PhaseRef.parse(f"{run_id}/{name}"))
            asserted.append((phase_stream(run_id, name), [], version))
            for row in stream.attempts.values():
                token = row.lease_token
                if token is not None and holds(stream.state, token):
                    held.append(_reserved(scope, token, row))
                else:
                    spent += amount_of(row)
        return [*([] if spent == Amount() else [settled(scope, BEFORE, spent)]), *held], asserted


def _raising(scope: str, caps: Mapping[str, Any]) -> CapsRequest:
    why = "the phase was queued with it, or the drain was started with it"
    return CapsRequest(scope=scope, caps=caps, by="drain", why=why, may_raise=True)


def settled(scope: str, token: str, used: Amount) -> CapSettled:
    """Return the event that says what is used in all under a token."""
    return CapSettled(
        scope=scope,
        lease_token=token,
        tokens=max(0, used.tokens),
        usd=UsdSum.of(max(used.usd, ZERO)),
        attempts=max(0, used.attempts),
        worked_us=max(0, used.worked_us),
    )


def used_by(work: Work) -> Amount:
    """Return what attempts that were summed used of caps."""
    return Amount(work.charged_tokens, work.charged_usd, work.attempts, work.worked_us)


def amount_of(row: AttemptRow) -> Amount:
    """Return what one attempt uses of caps."""
    worked_us = 0 if row.duration_s is None else round(row.duration_s * 1e6)
    begun = int(row.lease_token is not None)
    return Amount(row.charged_tokens, row.charged_usd, begun, worked_us)


def _reserved(scope: str, token: str, row: AttemptRow) -> CapReserved:
    return CapReserved(
        scope=scope,
        lease_token=token,
        tokens=max(row.charged_tokens, row.reserved_tokens or 0),
        usd=UsdSum.of(max(row.charged_usd, row.reserved_usd or ZERO)),
    )

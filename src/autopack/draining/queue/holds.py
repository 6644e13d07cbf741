"""What holds a phase, a run or the whole drain back: caps and the breaker."""

from collections.abc import Callable
from datetime import datetime
from shlex import quote

from autopack.aggregates.cap import CapState
from autopack.draining.caps.enforcement import Caps
from autopack.draining.queue.admission import Admission
from autopack.draining.queue.breaker import Breaker, Trip
from autopack.draining.queue.drain_limits import Limits
from autopack.errors import CapFullError, PriceUnknownError
from autopack.events import CapAsked, DrainBreakerTripped
from autopack.log.command_handler import Handler
from autopack.plugins.narrator import Narrator
from autopack.ports.log import Entry
from autopack.ports.work import PhaseView
from autopack.projections.attempt_row import AttemptRow


class Guards:
    """
    Learns from how attempts end, and holds back what is not to be had or not worth it.

    Args:
        at_cap: ``ask`` the owner where a cap has no room, or ``stop``.
        waits_for_days: Whether work waits for the next day where a day's cap has no room.
        tell: Appends events to the drain's own stream.
    """

    def __init__(
        self,
        handler: Handler,
        *,
        drain_id: str,
        admission: Admission,
        caps: Caps,
        limits: Limits,
        at_cap: str = "stop",
        waits_for_days: bool = False,
        tell: Callable[..., None],
    ) -> None:
        self.must_stop: tuple[str, str] | None = None
        self._handler, self._drain_id, self._admission = handler, drain_id, admission
        self._caps, self._tell = caps, tell
        self._breaker = Breaker(
            max_fingerprint_repeats=limits.max_fingerprint_repeats,
            max_timeouts_per_run=limits.max_timeouts_per_run,
        )
        self._asks, self._waits_for_days = at_cap == "ask", waits_for_days
        self._full: dict[str, tuple[CapState, Callable[[], None]]] = {}
        self.unpriced: dict[str, str] = {}

    @property
    def held_runs(self) -> dict[str, str]:
        """The runs that the breaker holds, with why."""
        return self._breaker.held

    def refused(
        self, phase: PhaseView, refusal: CapFullError | PriceUnknownError, now: datetime
    ) -> None:
        """Take nothing that does not fit: hold the run; end the drain once nothing is in work."""
        kind, scope, why = refusal.scope.partition("-")[0], refusal.scope, refusal.typed
        state = self._handler.cap_state(scope)  # before anybody can answer
        if isinstance(refusal, CapFullError) and self._is_old(refusal):
            return  # the next look sees whether it fits now
        if isinstance(refusal, PriceUnknownError):
            if kind != "run":
                self.must_stop = ("price_unknown", f"phase {phase.key}: {refusal.typed}")
                return
            self.unpriced[phase.run_id] = f"phase {phase.key}: {refusal.typed}"
        elif self._is_asked(refusal):
            why = f"its owner is asked (autopack cap approve {quote(scope)}): {why}"
        elif kind in ("drain", "day") and not self._waits_for(kind):
            if not self._handler.cap_state(scope).held:
                self.must_stop = ("limit", f"{_limit(refusal)}: {refusal.typed}")
            return
        self._full[scope] = state, self._letting(phase, kind)
        if kind == "run":
            self._admission.hold_run(phase.run_id, why)
        elif kind == "phase":
            self._admission.refuse_phase(phase, why, now)

    @property
    def is_closed(self) -> bool:
        """Whether nothing at all may be taken until a cap of the drain or the day has room."""
        return any(scope.startswith(("drain-", "day-")) for scope in self._full)

    @property
    def is_asking(self) -> bool:
        """Whether a cap's owner is asked, or has just answered, or a day is waited for."""
        known = ((self._handler.known_cap(scope)[1], was) for scope, (was, _) in self._full.items())
        return self.is_closed or any(
            state.asked is not None or state is not was  # which the next look sees
            for state, was in known
        )

    def look_again(self) -> None:
        """Let be taken again what a cap had no room for that has changed since."""
        for scope, (state, let) in list(self._full.items()):
            is_over = self._caps.is_over(scope)
            if is_over or self._handler.known_cap(scope)[1] is not state:
                del self._full[scope]
                let()

    def _is_asked(self, refusal: CapFullError) -> bool:
        """Ask the owner of a cap, once; tell whether there is an answer to wait for."""
        if not self._asks or self._handler.cap_state(refusal.scope).is_refused:
            return False
        asked = CapAsked(
            scope=refusal.scope, unit=refusal.unit, by=f"drain {self._drain_id}", why=refusal.typed
        )

        def build() -> list[Entry]:
            return [] if self._is_old(refusal) else [self._handler.decided(asked)]

        if self._handler.append(build):
            Narrator("autopack.drain").warning(
                "a cap's owner is asked",
                scope=refusal.scope,
                why=refusal.typed,
                answer=f"autopack cap approve {quote(refusal.scope)} --raise {refusal.unit}=N",
            )
        return True

    def _is_old(self, refusal: CapFullError) -> bool:
        """Tell whether the cap was changed since it refused something."""
        version, state = self._handler.known_cap(refusal.scope)
        return version > 0 and state.caps.get(refusal.unit) != refusal.cap

    def _waits_for(self, kind: str) -> bool:
        return kind == "day" and self._waits_for_days

    def _letting(self, phase: PhaseView, kind: str) -> Callable[[], None]:
        """Return what lets a phase or its run be taken again."""
        if kind == "phase":
            return lambda: self._admission.let_phase(phase.key)
        if kind != "run":
            return lambda: None
        return lambda: self._let_run(phase.run_id)

    def _let_run(self, run_id: str) -> None:
        self.unpriced.pop(run_id, None)
        if run_id in self.held_runs:
            self._hold(run_id, self.held_runs[run_id])
        else:
            self._admission.let_run(run_id)

    def ended(self, row: AttemptRow) -> None:
        """Let caps and breaker know how an attempt ended."""
        self._caps.reservations.learn(row)
        if row.is_unmetered:
            _warn_unmetered(row)
        trip = self._trip(row)
        if trip is not None:
            self._tripped(trip)

    def remember(self, row: AttemptRow) -> None:
        """Let them know of an attempt from before the drain was gone on with; it holds nothing."""
        self._caps.reservations.learn(row)
        if (trip := self._trip(row)) is not None and trip.run_id is not None:
            self._breaker.let(trip.run_id)  # somebody went on all the same

    def _trip(self, row: AttemptRow) -> Trip | None:
        run_id = row.run_id or ""
        match row.ending:
            case "completed":
                self._breaker.completed(run_id)
            case "failed":
                kind = row.failure_class or "unknown"
                return self._breaker.failed(
                    run_id, row.alike or "", kind, row.message or "", row.phase_id or ""
                )
            case "timed_out":
                return self._breaker.timed_out(run_id)
        return None

    def _tripped(self, trip: Trip) -> None:
        self._tell(
            DrainBreakerTripped(
                drain_id=self._drain_id,
                scope="drain" if trip.run_id is None else "run",
                run_id=trip.run_id,
                fingerprint=trip.fingerprint,
                count=trip.count,
                reason=trip.reason,
            )
        )
        if trip.run_id is None:
            self.must_stop = ("breaker", trip.reason)
        else:
            self._hold(trip.run_id, trip.reason)

    def _hold(self, run_id: str, reason: str) -> None:
        self._admission.hold_run(run_id, f"the breaker: {reason}")


def _limit(refusal: CapFullError) -> str:
    each = "_per_day" if refusal.scope.startswith("day-") else ""
    return f"max_{refusal.unit}{each}"


def _warn_unmetered(row: AttemptRow) -> None:
    """Say loudly that an attempt under a cap did not tell all that it used."""
    if not row.use.calls:
        return  # its zero-yield reason says more
    Narrator("autopack.drain").warning(
        "an attempt under a cap did not say what it used",
        phase=f"{row.run_id}/{row.phase_id}",
        calls=row.use.calls,
        without_tokens=row.use.calls_without_total,
        without_price=row.use.calls_without_cost,
    )

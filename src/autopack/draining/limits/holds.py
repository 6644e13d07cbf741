"""What holds a phase, a run or the whole drain back: caps and the breaker."""

from collections.abc import Callable
from datetime import datetime

from autopack.aggregates.cap import CapState
from autopack.draining.caps.enforcement import Caps
from autopack.draining.limits.breaker import Breaker, Trip
from autopack.draining.limits.drain_limits import Limits
from autopack.draining.queue.admission import Admission
from autopack.errors import CapFullError, PriceUnknownError
from autopack.events import DrainBreakerTripped
from autopack.log.command_handler import Handler
from autopack.plugins.narrator import Narrator
from autopack.ports.work import PhaseView
from autopack.projections.attempt_row import AttemptRow


class Guards:
    """
    Learns from how attempts end, and holds back what is not to be had or not worth it.

    Args:
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
        tell: Callable[..., None],
    ) -> None:
        self.must_stop: tuple[str, str] | None = None
        self._handler, self._drain_id, self._admission = handler, drain_id, admission
        self._caps, self._tell = caps, tell
        self._breaker = Breaker(
            max_fingerprint_repeats=limits.max_fingerprint_repeats,
            max_timeouts_per_run=limits.max_timeouts_per_run,
        )
        self._full: dict[str, CapState] = {}
        self.unpriced: dict[str, str] = {}

    @property
    def held_runs(self) -> dict[str, str]:
        """The runs that the breaker holds, with why."""
        return self._breaker.held

    def refused(
        self, phase: PhaseView, refusal: CapFullError | PriceUnknownError, now: datetime
    ) -> None:
        """Take nothing that does not fit: hold the run; end the drain once nothing is in work."""
        if refusal.scope.startswith("run-"):
            self._full[phase.run_id] = self._handler.cap_state(refusal.scope)
            self._admission.hold_run(phase.run_id, str(refusal), now)
            if isinstance(refusal, PriceUnknownError):
                self.unpriced[phase.run_id] = f"phase {phase.key}: {refusal}"
        elif isinstance(refusal, PriceUnknownError):
            self.must_stop = ("price_unknown", f"phase {phase.key}: {refusal}")
        elif not self._handler.cap_state(refusal.scope).held:
            self.must_stop = ("limit", f"max_{refusal.unit}: {refusal}")

    def look_again(self, now: datetime) -> None:
        """Let runs be taken from again whose cap has changed since it was found full."""
        for run_id, state in list(self._full.items()):
            if self._handler.known_cap(f"run-{run_id}")[1] is state:
                continue
            del self._full[run_id]
            self.unpriced.pop(run_id, None)
            if run_id in self.held_runs:
                self._hold(run_id, self.held_runs[run_id], now)
            else:
                self._admission.let_run(run_id, now)

    def ended(self, row: AttemptRow, now: datetime) -> None:
        """Let caps and breaker know how an attempt ended."""
        self._caps.reservations.learn(row)
        if row.is_unmetered:
            _warn_unmetered(row)
        trip = self._trip(row)
        if trip is not None:
            self._tripped(trip, now)

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
                return self._breaker.failed(run_id, row.alike or "", kind, row.message or "")
            case "timed_out":
                return self._breaker.timed_out(run_id)
        return None

    def _tripped(self, trip: Trip, now: datetime) -> None:
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
            self._hold(trip.run_id, trip.reason, now)

    def _hold(self, run_id: str, reason: str, now: datetime) -> None:
        self._admission.hold_run(run_id, f"the breaker: {reason}", now)


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

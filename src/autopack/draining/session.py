"""The drain's half that touches the log: what may be taken, claims, ends, and its own stream."""

import secrets
from collections.abc import Callable, Sequence
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

from autopack.commands import FailPhase, FinishRun, GatePhase, ReleasePhase, TimeOutPhase
from autopack.draining.admission import Admission
from autopack.draining.claims import Claim, Claims, new_worker, reclaim_lost
from autopack.draining.failures import classify
from autopack.draining.limits import Totals
from autopack.draining.preparing import Preparation, prepare_run
from autopack.draining.recording import LiveAttempt, end_or_late, record_late
from autopack.draining.settings import Settings
from autopack.draining.work import ending_of
from autopack.errors import (
    CommandRefusedError,
    DrainRefusedError,
    EmptyLogError,
    LeaseLostError,
    LogClosedError,
    MoveRefusedError,
    PhaseMissingError,
    RunMissingError,
    VersionConflictError,
)
from autopack.estimating import estimated
from autopack.events import DrainPassedOver, DrainStarted, DrainStopped
from autopack.handler import handler_of
from autopack.ids import drain_stream
from autopack.log import Log
from autopack.ports.drain import Choose, DrainView
from autopack.ports.log import ANY, from_us
from autopack.ports.prediction import Estimate
from autopack.ports.work import Completed, PhaseView
from autopack.states import LIVE, OPEN, PhaseStatus

_AT_ONCE: Final = 500
_PACKAGES: Final = ("autopack", "attrs", "msgspec", "pluggy")


class Session:
    """One drain's dealings with the log; not thread-safe, the drain calls it from one thread."""

    def __init__(self, log: Log, settings: Settings) -> None:
        self.log, self.settings, self.totals = log, settings, Totals()
        self.worker = new_worker()
        self.drain_id = f"{log.now_us() // 1_000_000:x}-{secrets.token_hex(4)}"
        self.admission = Admission(log, settings.is_in_scope)
        self.handler = handler_of(log)
        self.claims = Claims(
            self.handler, worker=self.worker, lease_s=settings.lease_s, drain=self.drain_id
        )
        self._registry = log.registry
        self._touched: set[str] = set()
        self._reasons: dict[str, str] = {}

    def now(self) -> datetime:
        """Return the log's time."""
        return from_us(self.log.now_us())

    def check(self) -> None:
        """
        Return if the drain may begin; nothing was written by then.

        Raises:
            EmptyLogError: The log holds no runs and no phases.
            RunMissingError, PhaseMissingError: The named run or phase is not there.
            MoveRefusedError: The named phase is not queued.
            DrainRefusedError: A plugin's guard said no.
        """
        self.admission.catch_up(self.now())
        head, total = self.log.head().position, self.admission.total
        if not self.admission.runs and not total.by_run and not self.settings.allow_empty:
            raise EmptyLogError(self.log.target, events=head)
        self._check_scope()
        for hook in self._registry.manager.hook.autopack_guard_drain.get_hookimpls():
            given = {"log": self.log, "settings": self.settings.recorded()}
            try:
                reason = hook.function(**{name: given[name] for name in hook.argnames})
            except Exception as fault:
                reason = f"its guard failed: {type(fault).__name__}: {fault}"
            if reason:
                raise DrainRefusedError(hook.plugin_name, str(reason))

    def open(self) -> None:
        """Record that the drain began."""
        settings = self.settings
        self._tell(
            DrainStarted(
                drain_id=self.drain_id,
                strategy=settings.strategy_name,
                executor=settings.executor_name,
                worker=self.worker,
                settings=settings.recorded(),
                versions={name: _version(name) for name in _PACKAGES},
                resumes=settings.resumes,
            )
        )

    def close(self, reason: str, detail: str | None) -> None:
        """Record that the drain ended, and persist the views for whoever looks next."""
        self._tell(
            DrainStopped(
                drain_id=self.drain_id,
                reason=reason,
                detail=detail,
                totals=self.totals.as_dict(),
                passed_over=dict(self.totals.passed_over),
            )
        )
        self.log.refresh_views()

    def tend(self, ours: Sequence[str]) -> None:
        """Catch up with the log, take back lost phases, close runs, and note who is passed over."""
        self.admission.catch_up(self.now())
        lost = [row for row in self.admission.live.values() if row.lease_token not in ours]
        if lost and reclaim_lost(self.handler, lost):
            self.admission.catch_up(self.now())
        self._finish_runs()
        self._note_passed_over()

    def view(self, *, running: int, reserved_tokens: int) -> DrainView:
        """Return what the strategy is shown."""
        admission, totals = self.admission, self.totals
        return DrainView(
            now=self.now(),
            ready=admission.ready,
            waiting=admission.n_waiting,
            next_ready_at=admission.next_ready_at,
            running=running,
            elsewhere=max(0, len(admission.live) - running),
            spent_tokens=totals.total_tokens,
            reserved_tokens=reserved_tokens,
            runs=admission.runs,
            failures=totals.failures,
            samples=totals.samples,
        )

    def estimate(self, phase: PhaseView) -> Estimate:
        """Predict a phase's output with the coefficients in force now."""
        settings = self.settings
        return estimated(
            self.log,
            settings.estimator,
            phase,
            registry=self._registry,
            workspace=settings.workspace,
        )

    def take(self, choice: Choose) -> Claim | None:
        """Claim what the strategy chose; None if it was not to be had any more."""
        phase = self.admission.row(str(choice.ref))
        if phase is None:
            raise PhaseMissingError(choice.ref)
        match self._prepared(phase.run_id):
            case Preparation.FAILED:
                self.admission.refuse_run(phase.run_id)
                return None
            case Preparation.ELSEWHERE:
                return None
        estimate, timeout_s = self.estimate(phase), self.settings.timeout_of(phase)
        try:
            claim = self.claims.take(phase, estimate, timeout_s=timeout_s, reason=choice.reason)
        except (CommandRefusedError, VersionConflictError) as refusal:
            self.admission.refuse_phase(phase, str(refusal), self.now())
            return None
        self._touched.add(phase.run_id)
        self.totals.attempts += 1
        return claim

    def end(self, claim: Claim, live: LiveAttempt, outcome: Any, *, duration_s: float) -> None:
        """Record how an attempt ended, and count it."""
        ending = ending_of(
            claim,
            live,
            outcome,
            classifier=self._classify,
            now=self.now(),
            duration_s=duration_s,
            timeout_s=self.settings.timeout_of(claim.phase),
        )
        try:
            end_or_late(self.handler, self.claims, claim, live, ending)
        except LeaseLostError:
            self.totals.lost += 1
            return
        self._count(live, ending, outcome)

    def late(self, claim: Claim, live: LiveAttempt, outcome: Any) -> None:
        """Record a result that came after the deadline; it changes no state. Any thread."""
        try:
            record_late(self.handler, claim, live, outcome)
        except LogClosedError:
            import structlog

            logger = structlog.get_logger("autopack.drain")
            logger.warning("a late result came after the log was closed", phase=str(claim.ref))

    def give_back(self, claim: Claim, why: str) -> None:
        """Release a phase without spending its attempt."""
        command = ReleasePhase(ref=claim.ref, lease_token=claim.token, why=why)
        try:
            self.claims.end(claim, command)
            self.totals.released += 1
        except LeaseLostError:
            self.totals.lost += 1

    def _count(self, live: LiveAttempt, ending: Any, outcome: Any) -> None:
        totals = self.totals
        match ending:
            case FailPhase():
                totals.failed += 1
                totals.failures[ending.fingerprint or ending.code] += 1
            case TimeOutPhase():
                totals.timed_out += 1
                totals.failures["timed_out"] += 1
            case GatePhase():
                totals.gated += 1
            case _:
                totals.completed += 1
        totals.calls += live.calls
        totals.total_tokens += live.total_tokens
        totals.samples += bool(live.measured_calls and isinstance(outcome, Completed))
        totals.zero_streak = 0 if live.calls else totals.zero_streak + 1
        if ending.zero_yield_reason:
            totals.zero_yield[ending.zero_yield_reason] += 1

    def _check_scope(self) -> None:
        run_id, phase_id = self.settings.run_id, self.settings.phase_id
        if run_id is None:
            return
        if run_id not in self.admission.runs:
            raise RunMissingError(run_id, known=self.admission.runs)
        if phase_id is None:
            return
        phase = self.admission.row(f"{run_id}/{phase_id}")
        if phase is None:
            state = self.handler.run_state(run_id)
            raise PhaseMissingError(f"{run_id}/{phase_id}", known=state.phases.keys())
        if phase.status not in LIVE | {PhaseStatus.QUEUED}:
            what = "a drain takes queued phases; put it back with --requeue --why REASON"
            raise MoveRefusedError(phase.ref, state=phase.status, to=PhaseStatus.CLAIMED, what=what)

    def _prepared(self, run_id: str) -> Preparation:
        prepare: Callable[..., Any] | None = self.settings.prepare
        if prepare is None:
            return Preparation.DONE
        run = self.admission.runs[run_id]
        return prepare_run(self.handler, prepare, run, worker=self.worker)

    def _classify(self, code: str, message: str) -> str:
        given = self._registry.first("autopack_classify_failure", code=code, message=message)
        return str(given) if given else classify(code, message)

    def _finish_runs(self) -> None:
        for run_id in list(self._touched):
            counts = self.admission.total.by_run.get(run_id, {})
            if counts and not set(counts) & OPEN:
                self.handler.handle(FinishRun(run_id=run_id, phases_by_state=dict(counts)))
                self._touched.discard(run_id)

    def _note_passed_over(self) -> None:
        fresh = {
            key: reason
            for key, reason in self.admission.take_new_reasons().items()
            if self._reasons.get(key) != reason
        }
        self._reasons.update(fresh)
        events = []
        for key, reason in fresh.items():
            run_id, _slash, phase_id = key.partition("/")
            self.totals.passed_over[reason] += 1
            events.append(
                DrainPassedOver(
                    drain_id=self.drain_id, run_id=run_id, phase_id=phase_id, reason=reason
                )
            )
        for start in range(0, len(events), _AT_ONCE):
            self._tell(*events[start : start + _AT_ONCE])

    def _tell(self, *events: Any) -> None:
        self.log.append(drain_stream(self.drain_id), events, expected_version=ANY)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "?"

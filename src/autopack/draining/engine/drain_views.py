"""What a strategy is shown: put together from what its drain knows at the moment of a choice."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import attrs

from autopack.draining.attempts.account_lanes import AccountLanes
from autopack.draining.attempts.run_preparation import Preparations
from autopack.draining.caps.drain_use import DrainAccount
from autopack.draining.engine.named_executors import Executors
from autopack.draining.engine.routes import Routes
from autopack.draining.queue.admission import Admission
from autopack.draining.queue.holds import Guards
from autopack.draining.queue.model_traffic import Traffic
from autopack.draining.queue.waiting_phases import WaitingPhases
from autopack.draining.strategies.drain_history import DrainHistory
from autopack.draining.strategies.past_attempts import past_attempts
from autopack.log.command_handler import Handler
from autopack.ports.drain import DrainView, GroupEvidence, PastAttempt
from autopack.ports.work import PhaseView
from autopack.values.ids import PhaseRef


@attrs.frozen(kw_only=True)
class DrainViews:
    """Makes views of one drain, from the parts that know what is in them."""

    handler: Handler
    admission: Admission
    account: DrainAccount
    guards: Guards
    preparations: Preparations
    history: DrainHistory
    groups: Mapping[str, GroupEvidence]
    predict: Callable[[PhaseView], int]
    executors: Executors
    routes: Routes
    traffic: Traffic
    waiting: WaitingPhases

    def view(
        self, now: datetime, *, running: int, reserved_tokens: int, is_planned: bool
    ) -> DrainView:
        """Return what the strategy is shown; to plan, a model that rests now is no hindrance."""
        admission, work = self.admission, self.account.work
        ready: Sequence[PhaseView] = () if self.guards.is_closed else admission.ready
        if self.preparations.are_full:  # no further one is begun, so others are let past
            ready = [phase for phase in ready if not self.preparations.is_due(phase.run_id)]
        whole = DrainView(
            now=now,
            ready=ready,
            waiting=admission.n_waiting,
            next_ready_at=admission.next_ready_at,
            running=running,
            elsewhere=max(0, len(admission.live) - running),
            submitted=len(admission.submitted),
            spent_tokens=work.use.total_tokens,
            reserved_tokens=reserved_tokens,
            runs=admission.runs,
            failures=work.failures,
            samples=work.samples,
            tokens_by_quarter=self.account.tokens_by_quarter,
            failed=admission.failed,
            in_work=tuple(admission.live.values()),
            history=self.history.runs,
            zero_streak=self.history.zero_streak,
            groups=self.groups,
            predict=self.predict,
            attempts=self._attempts,
            resting=self._resting(now),
        )
        let_in, moments = self._let_in(whole)
        if is_planned:
            return whole
        return attrs.evolve(whole, ready=let_in, next_ready_at=min(moments, default=None))

    def _let_in(self, view: DrainView) -> tuple[Sequence[PhaseView], list[datetime]]:
        """Return the ready phases whose ways are open, and when to look again."""
        now, moments = view.now, [] if view.next_ready_at is None else [view.next_ready_at]

        def way(phase: PhaseView) -> tuple[AccountLanes, str | None]:
            route = self.routes.of(phase, view)
            return route.lanes, route.model

        ready, until = self.traffic.let_in(view.ready, now, lambda phase: way(phase)[1])
        n_backing_off = self.admission.n_backing_off
        let_in, later = self.waiting.let_in(ready, n_backing_off, now, way, self.executors.lanes)
        return let_in, [*moments, *until, *later]

    def _resting(self, now: datetime) -> Mapping[str, datetime]:
        """Return the models that nobody is sent to now, with when to look again."""
        closed = {lane: one.until for lane, one in self.executors.own.lanes.closed(now).items()}
        return {**self.traffic.closed(now), **closed}

    def _attempts(self, ref: PhaseRef) -> Sequence[PastAttempt]:
        row = self.admission.row(str(ref))
        return past_attempts(self.handler, ref, 0 if row is None else row.attempts)

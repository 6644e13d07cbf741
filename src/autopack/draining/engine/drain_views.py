"""What a strategy is shown: a function of the log up to a position, and of what is told with it."""

from collections.abc import Mapping, Sequence

import attrs

from autopack.aggregates.account import lane_of
from autopack.draining.caps.drain_use import DrainAccount
from autopack.draining.engine.circumstances import Circumstances
from autopack.draining.engine.routes import Routes
from autopack.draining.queue.admission import Admission
from autopack.draining.queue.waiting_phases import Counts, sorted_by_lane
from autopack.draining.strategies.drain_history import DrainHistory
from autopack.draining.strategies.group_knowledge import Predictions
from autopack.draining.strategies.past_attempts import past_attempts
from autopack.log.command_handler import Handler
from autopack.ports.drain import DrainView, GroupEvidence, PastAttempt
from autopack.ports.work import PhaseView
from autopack.values.ids import PhaseRef


@attrs.frozen(kw_only=True)
class DrainViews:
    """
    Makes views of one drain, from the parts that know what is in them.

    A drain and its replay have it made of the same parts, all of which follow the log alone. So a
    view is told by the follower's position, by when the admission looked last, by its own holds,
    by the ways of its phases, and by the circumstances.
    """

    handler: Handler
    admission: Admission
    account: DrainAccount
    history: DrainHistory
    groups: Mapping[str, GroupEvidence]
    predict: Predictions
    routes: Routes
    worker: str

    def view(self, now: Circumstances) -> DrainView:
        """Return what the drain knows, whether or not the ways of phases are open."""
        admission, work = self.admission, self.account.work
        own = [row for row in admission.live.values() if row.worker == self.worker]
        return DrainView(
            now=admission.looked_at,
            ready=self._ready(now),
            waiting=admission.n_waiting,
            next_ready_at=admission.next_ready_at,
            running=len(own),
            elsewhere=len(admission.live) - len(own),
            submitted=len(admission.submitted),
            spent_tokens=work.use.total_tokens,
            reserved_tokens=sum(row.budget_tokens or 0 for row in own),
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
            resting=now.resting(),
        )

    def let_in(self, whole: DrainView, now: Circumstances) -> tuple[DrainView, Counts]:
        """Return what a strategy is shown, and by account and lane how many phases wait for it."""

        def way(phase: PhaseView) -> tuple[str, str | None]:
            route = self.routes.of(phase, whole)
            return route.account, route.model

        ready: Sequence[PhaseView] = whole.ready
        if now.rates:
            ready = [p for p in ready if lane_of(way(p)[1]) not in now.rates]
        let_in, counts = sorted_by_lane(
            ready,
            now.lanes,
            way,
            account=now.account,
            n_accounts=now.n_accounts,
            n_backing_off=self.admission.n_backing_off,
        )
        moments = [*now.rates.values(), *(now.lanes[name][lane] for name, lane in counts)]
        if whole.next_ready_at is not None:
            moments.append(whole.next_ready_at)
        found = attrs.evolve(whole, ready=let_in, next_ready_at=min(moments, default=None))
        return found, counts

    def _ready(self, now: Circumstances) -> Sequence[PhaseView]:
        if now.is_closed:
            return ()
        ready = self.admission.ready
        if not now.unprepared:
            return ready
        return [phase for phase in ready if not self._is_let_past(phase.run_id, now)]

    def _is_let_past(self, run_id: str, now: Circumstances) -> bool:
        if now.unprepared is True:
            return not self.admission.runs[run_id].is_prepared
        return run_id in (now.unprepared or ())

    def _attempts(self, ref: PhaseRef) -> Sequence[PastAttempt]:
        row, until = self.admission.row(str(ref)), self.admission.follower.position
        return past_attempts(self.handler, ref, 0 if row is None else row.attempts, until)

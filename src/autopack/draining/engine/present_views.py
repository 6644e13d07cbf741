"""What a strategy is shown just now, and what of that is closed to its drain."""

from datetime import datetime

import attrs

from autopack.aggregates.account import lane_of
from autopack.draining.attempts.run_preparation import Preparations
from autopack.draining.engine.choice_notes import ChoiceNotes
from autopack.draining.engine.circumstances import Circumstances
from autopack.draining.engine.drain_views import DrainViews
from autopack.draining.engine.named_executors import Executors
from autopack.draining.queue.holds import Guards
from autopack.draining.queue.model_traffic import Traffic
from autopack.draining.queue.waiting_phases import (
    WaitingPhases,
    closed_lanes,
    shut_lane,
    untils,
)
from autopack.ports.drain import Choose, DrainView, Retry


@attrs.frozen(kw_only=True)
class PresentViews:
    """Shows a drain's views as of now, and has noted under which circumstances."""

    views: DrainViews
    notes: ChoiceNotes
    guards: Guards
    preparations: Preparations
    executors: Executors
    traffic: Traffic
    waiting: WaitingPhases

    def view(self, *, is_planned: bool = False) -> DrainView:
        """Return what the strategy is shown; to plan, a model that rests now is no hindrance."""
        admission = self.views.admission
        closed = closed_lanes(self.executors.lanes, admission.looked_at)
        now = Circumstances(
            is_closed=self.guards.is_closed,
            unprepared=self.preparations.let_past(admission.ready),
            lanes=untils(closed),
            rates=self.traffic.closed(admission.looked_at),
            account=self.executors.own.lanes.name,
            accounts=self.executors.accounts,
        )
        whole = self.views.view(now)
        view, counts = self.views.let_in(whole, now)
        self.waiting.note(counts, closed, is_any_let_in=bool(view.ready))
        self.notes.shown(now)
        return whole if is_planned else view

    def must_wait(self, choice: Choose | Retry, now: datetime) -> datetime | None:
        """
        Return when to look again at where a choice sends a phase; None if that is open.

        A ready phase waits for it from then on, so that the strategy may be asked for another.
        """
        phase = self.views.admission.row(str(choice.ref))
        if phase is None:
            return None
        route = self.views.routes.chosen(phase, choice)
        closed = self.executors.lanes_of(route.account).closed(now)
        lane = shut_lane(closed, route.model)
        until = self.traffic.closed(now).get(lane_of(route.model))
        until = until if lane is None else closed[lane].until
        if until is not None and isinstance(choice, Choose):
            self.views.routes.wait_for(phase.key, route)
        return until

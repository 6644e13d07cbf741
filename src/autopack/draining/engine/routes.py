"""Where each phase would go: on which model, and through whose lanes."""

from collections.abc import Callable
from datetime import datetime

import attrs

from autopack.aggregates.account import lane_of
from autopack.draining.attempts.account_lanes import AccountLanes
from autopack.draining.engine.named_executors import Executors
from autopack.draining.queue.model_traffic import Traffic
from autopack.draining.queue.waiting_phases import shut_lane
from autopack.draining.settings.settings import Settings
from autopack.draining.strategies.strategy_call import route_asked
from autopack.ports.drain import Choose, DrainView, Retry
from autopack.ports.work import PhaseView


@attrs.frozen(kw_only=True)
class Route:
    """A model, and the lanes of the account under which it would be asked."""

    model: str | None
    lanes: AccountLanes


class Routes:
    """
    Says of each phase where it would go, so that only those wait whose own way is closed.

    It goes by what was chosen last, if that met a closed lane; else by the strategy's
    ``choice_for``, if it has one; else by the phase's own model.
    """

    def __init__(self, settings: Settings, executors: Executors, traffic: Traffic) -> None:
        strategy, name = settings.strategy, settings.strategy_name
        self._ask: Callable[[PhaseView, DrainView], Choose] | None = None
        if hasattr(strategy, "choice_for"):
            self._ask = lambda phase, view: route_asked(strategy, phase, view, name)
        self._executors, self._traffic = executors, traffic
        self._chosen: dict[str, Route] = {}

    def of(self, phase: PhaseView, view: DrainView) -> Route:
        """Return where a phase would go."""
        found = self._chosen.get(phase.key)
        if found is not None:
            return found
        if self._ask is None:
            return Route(model=phase.model, lanes=self._executors.own.lanes)
        return self.chosen(phase, self._ask(phase, view))

    def chosen(self, phase: PhaseView, choice: Choose | Retry) -> Route:
        """Return where a choice sends a phase."""
        lanes = self._executors.named(choice.executor).lanes
        return Route(model=choice.model or phase.model, lanes=lanes)

    def must_wait(self, phase: PhaseView, choice: Choose | Retry, now: datetime) -> datetime | None:
        """
        Return when to look again at where a choice sends a phase; None if that is open.

        A ready phase waits for it from then on, so that the strategy may be asked for another.
        """
        route = self.chosen(phase, choice)
        closed = route.lanes.closed(now)
        lane = shut_lane(closed, route.model)
        until = self._traffic.closed(now).get(lane_of(route.model))
        until = until if lane is None else closed[lane].until
        if until is not None and isinstance(choice, Choose):
            self._chosen[phase.key] = route
        return until

    def forget(self, key: str) -> None:
        """Ask anew where a phase would go."""
        self._chosen.pop(key, None)

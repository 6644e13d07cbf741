"""Which of the phases that could be taken wait for their account's lanes to open."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from autopack.aggregates.account import ALL_MODELS, lane_of
from autopack.draining.attempts.account_lanes import AccountLanes, Closed
from autopack.ports.work import PhaseView
from autopack.report.account_text import LaneWait, wait_of

Way = Callable[[PhaseView], tuple[AccountLanes, str | None]]
"""Says through which account's lanes a phase would go, and on which model."""


class WaitingPhases:
    """
    Sorts out those phases whose lanes are closed.

    Args:
        lanes: Those of the drain's own account.
        since: When the drain began; what it waited before is not its own wait.

    Attributes:
        waits: The lanes that phases wait for, with how many, as they were looked at last.
    """

    def __init__(self, lanes: AccountLanes, since: datetime) -> None:
        self._lanes, self._since = lanes, since
        self.waits: tuple[LaneWait, ...] = ()
        self._closed_since: datetime | None = None

    def let_in(
        self,
        ready: Sequence[PhaseView],
        n_backing_off: int,
        now: datetime,
        way: Way,
        accounts: Sequence[AccountLanes],
    ) -> tuple[Sequence[PhaseView], list[datetime]]:
        """
        Return those of *ready* that may enter their lanes now, and when to look again.

        Args:
            n_backing_off: How many others wait for a while of their own, and for the same lanes.
            way: Says where a phase would go.
            accounts: All that a phase may go to.
        """
        shut = {lanes.name: closed for lanes in accounts if (closed := lanes.closed(now))}
        if not shut or not (ready or n_backing_off):
            self.waits, self._closed_since = (), None
            return ready, []
        own, counts = self._lanes.name, Counter[tuple[str, str]]()
        let_in: list[PhaseView] = []
        if is_whole := ALL_MODELS in shut.get(own, {}):
            counts[own, ALL_MODELS] = n_backing_off
            if len(accounts) == 1:  # then nobody needs to be asked where each would go
                counts[own, ALL_MODELS] += len(ready)
        for phase in () if is_whole and len(accounts) == 1 else ready:
            lanes, model = way(phase)
            lane = shut_lane(shut.get(lanes.name, {}), model)
            if lane is None:
                let_in.append(phase)
            else:
                counts[lanes.name, lane] += 1
        waited = [(name, lane, shut[name][lane], n) for (name, lane), n in counts.items() if n]
        self.waits = tuple(wait_of(name, lane, one.rest, n) for name, lane, one, n in waited)
        since = [] if let_in else [one.rest.closed_at for _name, _lane, one, _n in waited]
        self._closed_since = max(since, default=None)
        return let_in, [one.until for _name, _lane, one, _n in waited]

    def waited_s(self, now: datetime) -> float:
        """Return for how many seconds no phase at all has been let in."""
        if self._closed_since is None:
            return 0.0
        return (now - max(self._closed_since, self._since)).total_seconds()


def shut_lane(closed: Mapping[str, Closed], model: str | None) -> str | None:
    """Return which of an account's closed lanes a model would go through; None if none."""
    if ALL_MODELS in closed:
        return ALL_MODELS
    lane = lane_of(model)
    return lane if lane in closed else None

"""Which of the phases that could be taken wait for their account's lanes to open."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from autopack.aggregates.account import ALL_MODELS, lane_of
from autopack.draining.attempts.account_lanes import AccountLanes
from autopack.ports.work import PhaseView
from autopack.report.account_text import LaneWait, wait_of


class WaitingPhases:
    """
    Sorts out those phases whose lanes are closed.

    Args:
        since: When the drain began; what it waited before is not its own wait.

    Attributes:
        waits: The lanes that phases wait for, with how many, as they were looked at last.
    """

    def __init__(self, lanes: AccountLanes, since: datetime) -> None:
        self._lanes, self._since = lanes, since
        self.waits: tuple[LaneWait, ...] = ()
        self._closed_since: datetime | None = None

    def let_in(
        self, ready: Sequence[PhaseView], n_backing_off: int, now: datetime
    ) -> tuple[Sequence[PhaseView], list[datetime]]:
        """
        Return those of *ready* that may enter their lanes now, and when to look again.

        Args:
            n_backing_off: How many others wait for a while of their own, and for the same lanes.
        """
        closed = self._lanes.closed(now)
        if not closed or not (ready or n_backing_off):
            self.waits, self._closed_since = (), None
            return ready, []
        counts: Counter[str] = Counter()
        let_in: list[PhaseView] = []
        if ALL_MODELS in closed:
            counts[ALL_MODELS] = len(ready) + n_backing_off
        else:
            for phase in ready:
                lane = lane_of(phase.model)
                if lane in closed:
                    counts[lane] += 1
                else:
                    let_in.append(phase)
        self.waits = tuple(
            wait_of(self._lanes.name, lane, closed[lane].rest, n) for lane, n in counts.items()
        )
        since = [] if let_in else [closed[lane].rest.closed_at for lane in counts]
        self._closed_since = max(since, default=None)
        return let_in, [closed[lane].until for lane in counts]

    def waited_s(self, now: datetime) -> float:
        """Return for how many seconds no phase at all has been let in."""
        if self._closed_since is None:
            return 0.0
        return (now - max(self._closed_since, self._since)).total_seconds()

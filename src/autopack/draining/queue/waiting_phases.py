"""Which of the phases that could be taken wait for their account's lanes to open."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from autopack.aggregates.account import ALL_MODELS, lane_of
from autopack.draining.attempts.account_lanes import AccountLanes, Closed
from autopack.ports.work import PhaseView
from autopack.report.account_text import LaneWait, wait_of

Way = Callable[[PhaseView], tuple[str, str | None]]
"""Says under which account a phase would go, and on which model."""

Shut = Mapping[str, Mapping[str, datetime]]
"""By account, its lanes that let nobody in, with when to look again."""

Counts = Mapping[tuple[str, str], int]
"""By account and lane, how many phases wait for it."""


def sorted_by_lane(
    ready: Sequence[PhaseView],
    shut: Shut,
    way: Way,
    *,
    account: str,
    n_accounts: int,
    n_backing_off: int,
) -> tuple[Sequence[PhaseView], Counts]:
    """
    Return those of *ready* that may enter their lanes, and how many wait for which lane.

    Args:
        account: The drain's own.
        n_accounts: To how many a phase may go.
        n_backing_off: How many others wait for a while of their own, and for the same lanes.
    """
    if not shut or not (ready or n_backing_off):
        return ready, {}
    counts = Counter[tuple[str, str]]()
    let_in: list[PhaseView] = []
    if is_whole := ALL_MODELS in shut.get(account, {}):
        counts[account, ALL_MODELS] = n_backing_off
        if n_accounts == 1:  # then nobody needs to be asked where each would go
            counts[account, ALL_MODELS] += len(ready)
    for phase in () if is_whole and n_accounts == 1 else ready:
        name, model = way(phase)
        lane = shut_lane(shut.get(name, {}), model)
        if lane is None:
            let_in.append(phase)
        else:
            counts[name, lane] += 1
    return let_in, {place: n for place, n in counts.items() if n}


class WaitingPhases:
    """
    Remembers for which lanes phases wait, and since when none at all is let in.

    Args:
        since: When the drain began; what it waited before is not its own wait.

    Attributes:
        waits: The lanes that phases wait for, with how many, as they were looked at last.
    """

    def __init__(self, since: datetime) -> None:
        self._since = since
        self.waits: tuple[LaneWait, ...] = ()
        self._closed_since: datetime | None = None

    def note(
        self, counts: Counts, closed: Mapping[str, Mapping[str, Closed]], *, is_any_let_in: bool
    ) -> None:
        """Take note of how many wait for which closed lane, by account."""
        waited = [(name, lane, closed[name][lane], n) for (name, lane), n in counts.items()]
        self.waits = tuple(wait_of(name, lane, one.rest, n) for name, lane, one, n in waited)
        since = [] if is_any_let_in else [one.rest.closed_at for _name, _lane, one, _n in waited]
        self._closed_since = max(since, default=None)

    def waited_s(self, now: datetime) -> float:
        """Return for how many seconds no phase at all has been let in."""
        if self._closed_since is None:
            return 0.0
        return (now - max(self._closed_since, self._since)).total_seconds()


def closed_lanes(
    accounts: Sequence[AccountLanes], now: datetime
) -> Mapping[str, Mapping[str, Closed]]:
    """Return the lanes that let nobody in now, by account and model."""
    return {lanes.name: closed for lanes in accounts if (closed := lanes.closed(now))}


def untils(closed: Mapping[str, Mapping[str, Closed]]) -> Shut:
    """Return when to look again at each closed lane."""
    return {
        name: {lane: one.until for lane, one in lanes.items()} for name, lanes in closed.items()
    }


def shut_lane(closed: Mapping[str, object], model: str | None) -> str | None:
    """Return which of an account's closed lanes a model would go through; None if none."""
    if ALL_MODELS in closed:
        return ALL_MODELS
    lane = lane_of(model)
    return lane if lane in closed else None

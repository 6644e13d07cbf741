"""When workers were at work on what: attempts as stretches of time, rests of accounts between."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import attrs

from autopack.events import (
    LaneOpened,
    LaneRested,
    PhaseCancelled,
    PhaseClaimed,
    PhaseCompleted,
    PhaseFailed,
    PhaseGated,
    PhaseReclaimed,
    PhaseReleased,
    PhaseSubmitted,
    PhaseTimedOut,
)
from autopack.ports.log import Recorded

_ENDINGS: Final[dict[type, str]] = {
    PhaseCompleted: "completed",
    PhaseFailed: "failed",
    PhaseTimedOut: "timed out",
    PhaseGated: "asks you",
    PhaseReleased: "given back",
    PhaseReclaimed: "taken back",
    PhaseCancelled: "cancelled",
    PhaseSubmitted: "submitted",
}
TIMELINE_TYPES: Final[tuple[type, ...]] = (PhaseClaimed, *_ENDINGS, LaneRested, LaneOpened)
"""What a timeline is made of."""
IN_WORK: Final = "in work"
_IDLE_LEAST: Final = timedelta(hours=1)


@attrs.frozen(kw_only=True)
class Stretch:
    """
    An attempt, from its claim to its end.

    Args:
        ended: None while it is in work.
        ending: How it ended, in a word or two; ``in work`` before.
    """

    worker: str
    phase: str
    attempt: int
    began: datetime
    ended: datetime | None = None
    ending: str = IN_WORK


@attrs.frozen(kw_only=True)
class AccountRest:
    """A time in which nobody was sent to an account, or to one model of it."""

    account: str
    model: str | None
    cause: str
    began: datetime
    ended: datetime


@attrs.frozen(kw_only=True)
class Timeline:
    """
    Attempts by worker, and the rests meanwhile.

    Args:
        began, ended: The moments that it reaches from and to; None if there is nothing.
        left_off: How many attempts before it are known and not shown.
    """

    began: datetime | None = None
    ended: datetime | None = None
    stretches: tuple[Stretch, ...] = ()
    rests: tuple[AccountRest, ...] = ()
    left_off: int = 0

    @property
    def workers(self) -> list[str]:
        """Who was at work, in the order in which they began."""
        return list(dict.fromkeys(one.worker for one in self.stretches))


def timeline_of(
    events: Iterable[Recorded[Any]], now: datetime, *, most: int = 400, is_last: bool = False
) -> Timeline:
    """
    Return the attempts that were claimed in these events.

    Args:
        events: In order, of :data:`TIMELINE_TYPES`; others are passed over.
        now: When those in work are at, and rests that have not ended.
        most: How many attempts are shown, the last ones.
        is_last: Show the last time at work only: up to where nobody worked for an hour, and for
            longer than everything since.
    """
    found, rests = _told(events, now)
    shown = found[-most:]
    if is_last:
        shown = _last_time(shown, now)
    if not shown:
        return Timeline(left_off=len(found))
    began = min(one.began for one in shown)
    ended = max(one.ended or now for one in shown)
    within = [one for one in rests if one.ended > began and one.began < ended]
    ended = max([ended, *(one.ended for one in within)])
    return Timeline(
        began=began,
        ended=ended,
        stretches=tuple(shown),
        rests=tuple(within),
        left_off=len(found) - len(shown),
    )


def _told(
    events: Iterable[Recorded[Any]], now: datetime
) -> tuple[list[Stretch], list[AccountRest]]:
    open_: dict[tuple[str, str, int | None], Stretch] = {}
    done: list[Stretch] = []
    lanes: dict[tuple[str, str | None], AccountRest] = {}
    rests: list[AccountRest] = []
    for recorded in events:
        event = recorded.event
        match event:
            case PhaseClaimed(run_id=run, phase_id=phase, attempt=number):
                open_[run, phase, number] = Stretch(
                    worker=event.worker,
                    phase=f"{run}/{phase}",
                    attempt=number,
                    began=recorded.occurred_at,
                )
            case LaneRested(account=account, model=model):
                lane = account, model
                if (before := lanes.pop(lane, None)) is not None:
                    rests.append(_cut(before, recorded.occurred_at))
                lanes[lane] = AccountRest(
                    account=account,
                    model=model,
                    cause=event.cause,
                    began=recorded.occurred_at,
                    ended=event.until,
                )
            case LaneOpened(account=account, model=model):
                if (before := lanes.pop((account, model), None)) is not None:
                    rests.append(_cut(before, recorded.occurred_at))
            case _ if type(event) in _ENDINGS:
                key = event.run_id, event.phase_id, event.attempt
                if (stretch := open_.pop(key, None)) is not None:
                    ending = _ENDINGS[type(event)]
                    done.append(attrs.evolve(stretch, ended=recorded.occurred_at, ending=ending))
            case _:
                pass
    rests += [_cut(one, now) for one in lanes.values()]
    whole = sorted([*done, *open_.values()], key=lambda one: one.began)
    return whole, [one for one in rests if one.ended > one.began]


def _cut(rest: AccountRest, at: datetime) -> AccountRest:
    return attrs.evolve(rest, ended=min(rest.ended, at))


def _last_time(found: Sequence[Stretch], now: datetime) -> list[Stretch]:
    """Return the attempts since the last long time in which nobody worked."""
    if not found:
        return []
    last = max(one.ended or now for one in found)
    shown: list[Stretch] = []
    began = last
    for one in _by_end(found, now):
        if shown and began - (one.ended or now) > max(_IDLE_LEAST, last - began):
            break
        shown.append(one)
        began = min(began, one.began)
    return sorted(shown, key=lambda one: one.began)


def _by_end(found: Sequence[Stretch], now: datetime) -> Iterator[Stretch]:
    yield from sorted(found, key=lambda one: one.ended or now, reverse=True)

"""An account: how much of its windows is used, and which of its lanes rest."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import attrs

from autopack.errors import LaneRestingError
from autopack.events import AccountEvent, LaneOpened, LaneProbed, LaneRested, LimitReported

if TYPE_CHECKING:  # with all requests, which views need none of
    from autopack.aggregates.requests import AccountRequest, Entering, Refused

ALL_MODELS: Final = ""
"""The lane of an account as a whole, which every model goes through."""

NO_MODEL: Final = "(default)"
"""The lane of phases that name no model."""

_LET_IN_AFTER: Final = timedelta(minutes=5)
_SAME_RESET: Final = timedelta(minutes=1)
_PERCENT: Final = 100


@attrs.frozen(kw_only=True)
class Probe:
    """The attempt that goes ahead in a lane; from ``until`` on it counts as let in."""

    run_id: str
    phase_id: str
    lease_token: str
    until: datetime


@attrs.frozen(kw_only=True)
class Rest:
    """Why a lane is closed, until when and since when, and who is to find out whether it opens."""

    cause: str
    until: datetime
    wait_s: float
    closed_at: datetime
    refused: int = 1
    window: str | None = None
    probe: Probe | None = None


@attrs.frozen(kw_only=True)
class LimitWindow:
    """A limit as it was told last: the share that is used, when that starts anew, whose it is."""

    utilization: float | None = None
    resets_at: datetime | None = None
    model: str | None = None


@attrs.frozen(kw_only=True)
class AccountState:
    """What an account's stream says: windows by name, and closed lanes by model."""

    windows: Mapping[str, LimitWindow] = attrs.Factory(dict)
    rests: Mapping[str, Rest] = attrs.Factory(dict)

    def rests_of(self, model: str) -> Iterator[tuple[str, Rest]]:
        """Yield the closed lanes that a model goes through, by name."""
        for lane in (ALL_MODELS, model):
            if (rest := self.rests.get(lane)) is not None:
                yield lane, rest


def lane_of(model: str | None) -> str:
    """Return the lane of a phase's model; phases that name none share one."""
    return model or NO_MODEL


def decide(request: "AccountRequest", state: AccountState) -> list[AccountEvent]:
    """
    Return the events that *request* causes; none if nothing changes.

    Raises:
        LaneRestingError: An attempt wants in where nobody is let in.
    """
    from autopack.aggregates.requests import Entering, Refused

    match request:
        case Entering():
            return _entered(request, state)
        case Refused():
            return _refused(request, state)
        case LimitReported():
            return [request] if _is_news(request, state.windows.get(request.window)) else []
        case LaneOpened():
            return [request] if (request.model or ALL_MODELS) in state.rests else []


def answered(account: str, lease_token: str, state: AccountState) -> list[AccountEvent]:
    """Return what follows of an attempt's being answered: its lanes open, if it was their probe."""
    why = "its probe was answered"
    return [
        LaneOpened(account=account, model=lane or None, why=why, lease_token=lease_token)
        for lane, rest in state.rests.items()
        if rest.probe is not None and rest.probe.lease_token == lease_token
    ]


def left_alone(account: str, leave: float, now: datetime, state: AccountState) -> list[LaneRested]:
    """Return the rests that begin since less of a window is left than the share *leave*."""
    found: dict[str, LaneRested] = {}
    for name, window in state.windows.items():
        lane, until = window.model or ALL_MODELS, window.resets_at
        if until is None or until <= now or (window.utilization or 0.0) <= 1 - leave:
            continue
        if lane in state.rests or (lane in found and found[lane].until >= until):
            continue
        found[lane] = LaneRested(
            account=account,
            model=window.model,
            cause="leave",
            until=until,
            wait_s=(until - now).total_seconds(),
            closed_at=now,
            window=name,
        )
    return list(found.values())


def evolve(state: AccountState, event: AccountEvent) -> AccountState:
    """Return *state* after *event*. Never refuses: the event happened."""
    match event:
        case LimitReported():
            window = LimitWindow(
                utilization=event.utilization, resets_at=event.resets_at, model=event.model
            )
            return attrs.evolve(state, windows={**state.windows, event.window: window})
        case LaneRested():
            rest = Rest(
                cause=event.cause,
                until=event.until,
                wait_s=event.wait_s,
                closed_at=event.closed_at,
                refused=event.refused,
                window=event.window,
            )
            return _with(state, event.model, rest)
        case LaneProbed():
            before = state.rests.get(event.model or ALL_MODELS)
            if before is None:
                return state
            probe = Probe(
                run_id=event.run_id,
                phase_id=event.phase_id,
                lease_token=event.lease_token,
                until=event.until,
            )
            return _with(state, event.model, attrs.evolve(before, probe=probe))
        case LaneOpened():
            lane = event.model or ALL_MODELS
            rests = {name: rest for name, rest in state.rests.items() if name != lane}
            return attrs.evolve(state, rests=rests)


def fold(events: Iterable[AccountEvent], state: AccountState | None = None) -> AccountState:
    """Return *state*, or that of an account of which nothing is known, after *events*."""
    state = state or AccountState()
    for event in events:
        state = evolve(state, event)
    return state


def _with(state: AccountState, model: str | None, rest: Rest) -> AccountState:
    return attrs.evolve(state, rests={**state.rests, model or ALL_MODELS: rest})


def _entered(request: "Entering", state: AccountState) -> list[AccountEvent]:
    events: list[AccountEvent] = []
    for lane, rest in state.rests_of(request.model):
        probe, model = rest.probe, lane or None
        if probe is not None and probe.until <= request.now:
            why = f"its probe was not refused in {_LET_IN_AFTER.seconds // 60} minutes"
            events.append(LaneOpened(account=request.account, model=model, why=why))
            continue
        is_over = rest.until <= request.now or (lane, rest.until) in request.waited
        if not is_over or (probe is not None and probe.lease_token in request.probing):
            raise LaneRestingError(request.account, model, cause=rest.cause, until=rest.until)
        events.append(
            LaneProbed(
                account=request.account,
                model=model,
                run_id=request.run_id,
                phase_id=request.phase_id,
                lease_token=request.lease_token,
                until=request.now + _LET_IN_AFTER,
            )
        )
    return events


def _refused(request: "Refused", state: AccountState) -> list[AccountEvent]:
    """
    Let a lane rest for a refusal, which a probe's makes longer, and others' only if it was told so.

    Attempts that had begun before the lane rested are refused too, and that is no news.
    """
    lane, rest = request.lane, state.rests.get(request.lane)
    is_probes = rest is not None and (
        rest.probe is not None and rest.probe.lease_token == request.lease_token
    )
    told: list[AccountEvent] = []
    if request.limit is not None and _is_news(
        request.limit, state.windows.get(request.limit.window)
    ):
        told.append(request.limit)
    if rest is not None and not is_probes and not request.is_told:
        return told
    n = 1 if rest is None else rest.refused + is_probes
    wait_s = request.wait_s(n)
    until = request.now + timedelta(seconds=wait_s)
    if rest is not None and not is_probes and until <= rest.until:
        return told
    rested = LaneRested(
        account=request.account,
        model=lane or None,
        cause=request.cause,
        until=until,
        wait_s=wait_s,
        closed_at=request.now if rest is None else rest.closed_at,
        refused=n,
        window=None if request.limit is None else request.limit.window,
        run_id=request.run_id,
        phase_id=request.phase_id,
        lease_token=request.lease_token,
    )
    return [*told, rested]


def _is_news(report: LimitReported, known: LimitWindow | None) -> bool:
    """Tell whether a report says anything else than what is known, to the whole percent."""
    if known is None or report.model != known.model:
        return True
    if _percent(report.utilization) != _percent(known.utilization):
        return True
    if report.resets_at is None or known.resets_at is None:
        return report.resets_at is not known.resets_at
    return abs(report.resets_at - known.resets_at) > _SAME_RESET


def _percent(share: float | None) -> int | None:
    return None if share is None else int(share * _PERCENT + 1e-9)

"""Accounts as text: which lanes are waited for, why and until when, and how much is used."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

import attrs

from autopack.aggregates.account import ALL_MODELS, AccountState, Rest
from autopack.report.quantities import span

_CAUSES: Final = {
    "connection": "the connection fails",
    "overloaded": "the provider is overloaded",
    "rate_limited": "too much was asked for at once",
    "usage_limit": "a limit is used up",
    "leave": "the rest is left to others",
}
_WINDOWS: Final = {"five_hour": "five-hour window", "seven_day": "weekly window"}
_DAY: Final = timedelta(days=1)
_WEEK: Final = timedelta(days=7)


@attrs.frozen(kw_only=True)
class LaneWait:
    """
    A lane that lets nobody in: whose, until when and why.

    Args:
        model: The model that it is for; None is all of the account's.
        since: When it let somebody in last.
        phases: How many phases wait for it; None if nobody counted them.
        is_probed: Whether an attempt is finding out if it opens.
    """

    account: str
    model: str | None
    cause: str
    until: datetime
    since: datetime
    window: str | None = None
    phases: int | None = None
    is_probed: bool = False


@attrs.frozen(kw_only=True)
class WindowUse:
    """A window of an account as it was told last: the share that is used, and its reset."""

    account: str
    window: str
    utilization: float | None = None
    resets_at: datetime | None = None
    model: str | None = None


def wait_of(account: str, lane: str, rest: Rest, phases: int | None) -> LaneWait:
    """Return what a rest makes wait."""
    return LaneWait(
        account=account,
        model=lane or None,
        cause=rest.cause,
        until=rest.until,
        since=rest.closed_at,
        window=rest.window,
        phases=phases,
        is_probed=rest.probe is not None,
    )


def waits_of(
    states: Mapping[str, AccountState], n_queued: int, now: datetime
) -> Iterator[LaneWait]:
    """Yield the lanes that are waited for: those that rest, or that a probe is in."""
    for account, state in states.items():
        for lane, rest in state.rests.items():
            if rest.until > now or rest.probe is not None:
                yield wait_of(account, lane, rest, None if lane != ALL_MODELS else n_queued)


def limits_of(states: Mapping[str, AccountState], now: datetime) -> Iterator[WindowUse]:
    """Yield the windows that have not started anew since they were told of."""
    for account, state in states.items():
        for name, window in state.windows.items():
            if window.resets_at is None or window.resets_at > now:
                yield WindowUse(
                    account=account,
                    window=name,
                    utilization=window.utilization,
                    resets_at=window.resets_at,
                    model=window.model,
                )


def wait_line(wait: LaneWait, now: datetime) -> str:
    """Return, for example, ``waiting for account a until 14:00 (in 3 h 12 min): …``."""
    model = "" if wait.model is None else f", model {wait.model},"
    when = "and trying it"
    if wait.until > now:
        when = f"until {_clock(wait.until, now)} (in {span(wait.until - now)})"
    waiting = "" if not wait.phases else f"; {_waiting(wait.phases)}"
    return f"waiting for account {wait.account}{model} {when}: {_why(wait)}{waiting}"


def limit_line(limit: WindowUse, now: datetime) -> str:
    """Return how much of a window is used, and when it starts anew."""
    used = "" if limit.utilization is None else f" {int(limit.utilization * 100 + 1e-9)} % used"
    resets = "" if limit.resets_at is None else f", resets {_clock(limit.resets_at, now)}"
    model = "" if limit.model is None else f" of {limit.model}"
    return f"{limit.account}: {window_words(limit.window)}{model}{used}{resets}"


def window_words(window: str) -> str:
    """Return a window's name for people."""
    for name, words in _WINDOWS.items():
        if window == name or window.startswith(f"{name}_"):
            rest = window.removeprefix(name).replace("_", " ")
            return f"{words}{f' of{rest}' if rest else ''}"
    name = window.replace("_", " ")
    return name if "window" in name or "limit" in name else f"{name} window"


def _why(wait: LaneWait) -> str:
    if wait.cause == "leave":
        return f"what is left of the {window_words(wait.window or 'limit')} is for others"
    if wait.window is not None:
        return f"{window_words(wait.window)} used up"
    return _CAUSES.get(wait.cause, wait.cause)


def _clock(moment: datetime, now: datetime) -> str:
    """Return a moment by the clock of the machine, with as much of its date as is needed."""
    there = moment.astimezone()
    if moment - now < _DAY:
        return there.strftime("%H:%M")
    return there.strftime("%a %H:%M" if moment - now < _WEEK else "%d %b %H:%M")


def _waiting(n: int) -> str:
    return "1 phase waits" if n == 1 else f"{n} phases wait"

"""How fast a model may be asked: requests and tokens a minute."""

from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import attrs

from autopack.aggregates.account import lane_of
from autopack.errors import InvalidInputError

_WINDOW: Final = timedelta(minutes=1)
ANY_MODEL: Final = "*"
Rate = int | Mapping[str, int] | None
"""So many a minute for every model, or by model; ``"*"`` stands for those that are not named."""


@attrs.frozen(kw_only=True)
class Rates:
    """Requests and tokens a minute for each model; None is no limit."""

    requests_per_minute: Rate = None
    tokens_per_minute: Rate = None

    def __attrs_post_init__(self) -> None:
        """Refuse rates at which nothing would ever be asked."""
        for name in ("requests_per_minute", "tokens_per_minute"):
            given = getattr(self, name)
            values = given.values() if isinstance(given, Mapping) else (given,)
            for value in values:
                if value is not None and (not isinstance(value, int) or value < 1):
                    raise InvalidInputError(
                        f"{name} is {value!r}; it must be 1 or more.", name=name, value=value
                    )

    def of(self, model: str) -> tuple[int | None, int | None]:
        """Return a model's requests and tokens a minute."""
        return _rate(self.requests_per_minute, model), _rate(self.tokens_per_minute, model)

    @property
    def are_set(self) -> bool:
        """Whether there is any rate to keep."""
        return self.requests_per_minute is not None or self.tokens_per_minute is not None


@attrs.define
class _Flight:
    """An attempt in work: when it began, what it may use, and what its calls have used so far."""

    lane: str
    at: datetime
    reserved: int
    calls: int = 0
    tokens: int = 0


class Lanes:
    """
    One lane a model, for all who work on the log.

    An attempt is a request when it begins, and each call after its first is one more when it is
    recorded. For a minute it takes the tokens that it may use, less those of its calls so far;
    a call's own count for a minute from when it was recorded.

    What was recorded by a clock that is ahead of ours, or before ours was set back, counts from
    when we look: a lane opens again whatever the clocks do.
    """

    def __init__(self, rates: Rates) -> None:
        self._rates = rates
        self._taken: dict[str, deque[tuple[datetime, int, int]]] = {}
        self._flights: dict[str, _Flight] = {}

    def go_by(self, rates: Rates) -> None:
        """Keep these rates from now on."""
        self._rates = rates

    @property
    def are_limited(self) -> bool:
        """Whether there is any rate to keep."""
        return self._rates.are_set

    def begin(self, token: str, model: str | None, tokens: int, at: datetime) -> None:
        """Take note that an attempt at a phase of a model began, which may use so many tokens."""
        lane = lane_of(model)
        self._flights[token] = _Flight(lane, at, tokens)
        self._take(lane, at, 1, 0)

    def knows(self, token: str) -> bool:
        """Tell whether the beginning of an attempt that goes on was noted, and so its model."""
        return token in self._flights

    def call(self, token: str, model: str | None, tokens: int, at: datetime) -> None:
        """Take note of a call of an attempt; *model* is asked of one whose beginning was not."""
        flight = self._flights.get(token)
        is_first = flight is not None and not flight.calls
        lane = lane_of(model) if flight is None else flight.lane
        self._take(lane, at, 0 if is_first else 1, tokens)
        if flight is not None:
            flight.calls += 1
            flight.tokens += tokens

    def end(self, token: str) -> None:
        """Take note that an attempt ended; what its calls used stays."""
        self._flights.pop(token, None)

    def closed(self, now: datetime) -> dict[str, datetime]:
        """Return the lanes that let nothing in now, with when to look again."""
        found: dict[str, datetime] = {}
        if not self._rates.are_set:
            return found
        self._set_back(now)
        start = now - _WINDOW
        fresh = [flight for flight in self._flights.values() if flight.at > start]
        for lane, taken in self._taken.items():
            while taken and taken[0][0] <= start:
                taken.popleft()
            if self._is_full(lane, [flight for flight in fresh if flight.lane == lane]):
                found[lane] = taken[0][0] + _WINDOW
        return found

    def _set_back(self, now: datetime) -> None:
        """Let count from now on what is yet to come."""
        for flight in self._flights.values():
            flight.at = min(flight.at, now)
        for taken in self._taken.values():
            if taken and taken[-1][0] > now:
                ahead = [(min(at, now), requests, tokens) for at, requests, tokens in taken]
                taken.clear()
                taken.extend(ahead)

    def _is_full(self, lane: str, flights: Sequence[_Flight]) -> bool:
        requests, tokens = self._rates.of(lane)
        taken = self._taken[lane]
        if not taken:
            return False
        used = sum(n for _, _, n in taken)
        expected = sum(max(0, flight.reserved - flight.tokens) for flight in flights)
        return (requests is not None and sum(n for _, n, _ in taken) >= requests) or (
            tokens is not None and used + expected >= tokens
        )

    def _take(self, lane: str, at: datetime, requests: int, tokens: int) -> None:
        self._taken.setdefault(lane, deque()).append((at, requests, tokens))


def _rate(rate: Rate, model: str) -> int | None:
    if isinstance(rate, Mapping):
        return rate.get(model, rate.get(ANY_MODEL))
    return rate

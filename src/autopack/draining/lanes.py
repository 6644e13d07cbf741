"""How fast a model may be asked: requests and tokens a minute, and pauses that it asked for."""

from collections import deque
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

import attrs

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
                    raise InvalidInputError(f"{name} is {value!r}; it must be 1 or more.")

    def of(self, model: str) -> tuple[int | None, int | None]:
        """Return a model's requests and tokens a minute."""
        return _rate(self.requests_per_minute, model), _rate(self.tokens_per_minute, model)


class Lanes:
    """
    One lane a model, in this process.

    A claim takes the lane's room for one request and the tokens it may use; when the attempt has
    ended, what it really used takes its place.
    """

    def __init__(self, rates: Rates) -> None:
        self._rates = rates
        self._taken: dict[str, deque[tuple[datetime, int, int]]] = {}
        self._suspended: dict[str, datetime] = {}

    def take(self, model: str | None, tokens: int, now: datetime) -> None:
        """Take note that a phase of a model begins, which may use so many tokens."""
        self._taken.setdefault(lane_of(model), deque()).append((now, 1, tokens))

    def used(
        self, model: str | None, *, calls: int, tokens: int, expected: int, now: datetime
    ) -> None:
        """Take note of what an attempt really used, beyond what it was let in for."""
        more = (now, max(0, calls - 1), tokens - expected)
        self._taken.setdefault(lane_of(model), deque()).append(more)

    def suspend(self, model: str | None, until: datetime) -> None:
        """Let no phase of a model begin before a moment."""
        lane = lane_of(model)
        self._suspended[lane] = max(until, self._suspended.get(lane, until))

    def closed(self, now: datetime) -> dict[str, datetime]:
        """Return the lanes that let nothing in now, with when to look again."""
        found = {lane: until for lane, until in self._suspended.items() if until > now}
        self._suspended = dict(found)
        for lane, taken in self._taken.items():
            while taken and taken[0][0] <= now - _WINDOW:
                taken.popleft()
            requests, tokens = self._rates.of(lane)
            is_full = (requests is not None and sum(n for _, n, _ in taken) >= requests) or (
                tokens is not None and sum(n for _, _, n in taken) >= tokens
            )
            if is_full:
                opens = taken[0][0] + _WINDOW
                found[lane] = max(opens, found.get(lane, opens))
        return found


def lane_of(model: str | None) -> str:
    """Return the lane of a phase's model; phases that name none share one."""
    return model or "(default)"


def _rate(rate: Rate, model: str) -> int | None:
    if isinstance(rate, Mapping):
        return rate.get(model, rate.get(ANY_MODEL))
    return rate

"""Two vendors with plans: windows that fill up, storms, an outage each night, credit that ends."""

import random
from typing import Final

import attrs

HOUR_S: Final = 3600.0
DAY_S: Final = 24 * HOUR_S
MODELS: Final = tuple(f"m{n}" for n in range(8))


@attrs.define
class Window:
    """
    A limit for a span of time that begins with the first call.

    Args:
        name: As its vendor calls it.
        length_s: How long it lasts.
        most: How many calls it lets through.
        told_off_s: By how much it really ends after the moment that is told; below 0 is early.
    """

    name: str
    length_s: float
    most: int
    used: int = 0
    told_s: float = 0.0
    told_off_s: float = 0.0
    begun_s: float | None = None
    full_s: float | None = None
    refused: int = 0

    @property
    def ends_s(self) -> float:
        """When it really starts anew."""
        return self.told_s + self.told_off_s


@attrs.frozen(kw_only=True)
class Ended:
    """A window that is over: how much of it was used, how often it refused, and when it was."""

    account: str
    window: str
    share: float
    refused: int
    begun_s: float
    full_s: float | None
    ended_s: float
    told_off_s: float


@attrs.define
class Plan:
    """An account with its windows, each of which counts every call."""

    account: str
    windows: list[Window]
    draw: random.Random
    ended: list[Ended] = attrs.Factory(list)
    calls: int = 0

    def asks(self, now_s: float) -> Window | None:
        """Take a call in, or return the window that refuses it."""
        for window in self.windows:
            self._turn(window, now_s)
        full = [window for window in self.windows if window.used >= window.most]
        if full:
            closed = max(full, key=lambda window: window.ends_s)
            closed.refused += 1
            return closed
        for window in self.windows:
            if window.begun_s is None:
                window.begun_s, window.told_s = now_s, now_s + window.length_s
                window.told_off_s = self.draw.choice([0.0, 0.0, -600.0, 420.0])
            window.used += 1
            if window.used == window.most:
                window.full_s = now_s
        self.calls += 1
        return None

    def _turn(self, window: Window, now_s: float) -> None:
        if window.begun_s is None or now_s < window.ends_s:
            return
        self.ended.append(
            Ended(
                account=self.account,
                window=window.name,
                share=window.used / window.most,
                refused=window.refused,
                begun_s=window.begun_s,
                full_s=window.full_s,
                ended_s=window.ends_s,
                told_off_s=window.told_off_s,
            )
        )
        window.used = window.refused = 0
        window.begun_s = window.full_s = None


@attrs.frozen(kw_only=True)
class Trouble:
    """A time in which calls of some accounts meet with something that passes: from, to, what."""

    begins_s: float
    ends_s: float
    kind: str
    accounts: tuple[str, ...]

    def is_at(self, account: str, now_s: float) -> bool:
        """Tell whether it meets a call."""
        return account in self.accounts and self.begins_s <= now_s < self.ends_s

"""What attempts used in the end, and between what those end that got as far as one in work."""

import math
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Sequence
from functools import cached_property
from typing import Final, NamedTuple

import attrs

MISSED: Final = 0.1
"""The share of intervals that do not hold what an attempt comes to."""
EVEN: Final = MISSED / 2
"""Half of it below the interval, and half above: how it is split where too little is known."""
CHECKPOINTS: Final = (0.25, 0.5, 0.75, 0.9)
"""At what shares of their final amount the attempts of the past are looked at."""

_NEWEST: Final = 500
_JUDGED: Final = 100
_BELOW: Final = (0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 0.09)
_WORTH: Final = 0.1
"""How much nearer to an even split counts, against nearer to the share that is to be missed."""
_SLIP: Final = 1e-9


class Ends(NamedTuple):
    """
    Between what an attempt ends: final amounts.

    Args:
        most: None where too few got this far to say.
        reached: How many attempts that ended well got this far.
    """

    least: float
    most: float | None
    reached: int


@attrs.frozen
class Survival:
    """
    How many go on: the Kaplan-Meier estimate over final amounts and one more at infinity.

    Args:
        whole: Amounts of attempts that ended well, ascending.
        cut: Amounts at which others were ended, which would have used more; ascending.

    Source: Kaplan and Meier (1958); Vovk et al. (2005) for the one at infinity.
    """

    whole: tuple[float, ...]
    cut: tuple[float, ...] = ()

    @cached_property
    def alive(self) -> tuple[float, ...]:
        """The share of all that goes on beyond each of the whole amounts."""
        found, share, at_risk, cuts = [], 1.0, len(self.whole) + len(self.cut) + 1, 0
        for amount in self.whole:
            while cuts < len(self.cut) and self.cut[cuts] < amount:
                cuts, at_risk = cuts + 1, at_risk - 1
            share *= 1.0 - 1.0 / at_risk
            at_risk -= 1
            found.append(share)
        return tuple(found)

    @cached_property
    def _early(self) -> float:
        """What no more than the share that is missed stays under, of all."""
        found = self._last_below(0, 1.0, MISSED)
        return self.whole[found] if found is not None else 0.0

    def ends(self, used: float, below: float) -> Ends:
        """
        Return between what nine of ten end that got as far as *used*.

        The lower end is never so far ahead that an attempt which is through with nine tenths
        would miss it, but for the tenth of attempts that uses the least.

        Args:
            used: What an attempt in work has used; 0 before its first.
            below: The share of those that got as far which may end under the lower end.
        """
        first, whole = bisect_left(self.whole, used), self.whole
        reached = len(whole) - first
        before = self.alive[first - 1] if first else 1.0
        if not reached or self.alive[-1] / before > MISSED + _SLIP:
            return Ends(used, None, reached)
        below = min(below, MISSED - self.alive[-1] / before)
        least, place = used, self._last_below(first, before, below)
        share = 0.0
        if place is not None:
            least = whole[place]
            least = min(least, max(self._early, used / CHECKPOINTS[-1]))
            there = bisect_left(whole, least, first)
            share = min(below, 1 - self.alive[there] / before)
        return Ends(least, whole[self._first_above(first, before, MISSED - share)], reached)

    def _last_below(self, first: int, before: float, share: float) -> int | None:
        """Return the last whole amount which at most *share* of those from *first* on end under."""
        least_alive = before * (1 - share) - _SLIP
        found = bisect_left(self.alive, -least_alive, first, key=lambda alive: -alive)
        if found < len(self.alive) and self.alive[found] >= least_alive:
            found += 1
        return found - 1 if found > first else None

    def _first_above(self, first: int, before: float, share: float) -> int:
        """Return the first whole amount which at most *share* of those from *first* on exceed."""
        return bisect_left(self.alive, -(before * share + _SLIP), first, key=lambda alive: -alive)


def share_below(past: Survival) -> float:
    """
    Return what share of those that got as far may end under the lower end.

    An interval of nine tenths leaves out what is below it and what is above it in some
    proportion. Looked at when they had used a quarter, a half, ... of what they came to, the
    attempts of the past would have been held by what the others say in different shares, as
    their amounts are spread; the proportion is that by which nine of ten would, at each of these
    checkpoints.
    """
    if len(past.whole) < 1 / EVEN - 1:
        return EVEN
    step = max(1, len(past.whole) // _JUDGED)
    judged = [
        _Judged(
            amount,
            weight=(past.alive[place - 1] if place else 1.0) - past.alive[place],
            others=Survival((*past.whole[:place], *past.whole[place + 1 :]), past.cut),
        )
        for place, amount in enumerate(past.whole)
        if place % step == step // 2
    ]

    def fault(share: float) -> float:
        held = (_share_held(judged, checkpoint, share) for checkpoint in CHECKPOINTS)
        return max(abs(one - (1 - MISSED)) for one in held) + _WORTH * abs(share - EVEN)

    return min(_BELOW, key=fault)


class _Judged(NamedTuple):
    """A final amount that the others are held against; *weight* is how many it stands for."""

    amount: float
    weight: float
    others: Survival


def _share_held(judged: Sequence[_Judged], part: float, below: float) -> float:
    """Return how many final amounts the others hold, looked at when *part* of them was used."""
    held = 0.0
    for amount, weight, others in judged:
        least, most, _reached = others.ends(part * amount, below)
        is_held = least <= amount + _SLIP and (most is None or amount <= most)
        held += weight * is_held
    return held / sum(one.weight for one in judged)


class FinalAmounts:
    """The newest final amounts of a group of attempts."""

    def __init__(self) -> None:
        self._newest: deque[tuple[float, bool]] = deque()
        self._whole: list[float] = []
        self._cut: list[float] = []
        self._known: Survival | None = None
        self._below, self._added, self._choose_at = EVEN, 0, 0

    def __len__(self) -> int:
        """How many of them are of attempts that ended well."""
        return len(self._whole)

    def add(self, amount: float, *, is_whole: bool) -> None:
        """Take in what an attempt used; one that did not end well would have used more."""
        self._newest.append((amount, is_whole))
        insort(self._whole if is_whole else self._cut, amount)
        if len(self._newest) > _NEWEST:
            oldest, was_whole = self._newest.popleft()
            ordered = self._whole if was_whole else self._cut
            del ordered[bisect_left(ordered, oldest)]
        self._known = None
        self._added += 1

    @property
    def survival(self) -> Survival:
        """What is known of them by now."""
        if self._known is None:
            self._known = Survival(tuple(self._whole), tuple(self._cut))
        return self._known

    def ends(self, used: float) -> Ends:
        """Return between what nine of ten end that got as far as *used*; 0 is before its first."""
        if self._added >= self._choose_at:  # it takes its time, and one more changes it little
            self._below = share_below(self.survival)
            self._choose_at = self._added + 1 + len(self._newest) // 10
        return self.survival.ends(used, self._below)

    def quantile(self, tau: float) -> float | None:
        """Return what the share *tau* of those that ended well stayed under; None of too few."""
        place = max(1, math.ceil(tau * (len(self._whole) + 1) - _SLIP))
        return self._whole[place - 1] if place <= len(self._whole) else None

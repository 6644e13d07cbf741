"""What attempts used in the end, and between what those end that got as far as one in work."""

import math
from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Sequence
from functools import cached_property
from itertools import product
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
_BELOW: Final = (0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 0.09)
_STRETCHES: Final = (0.4, 1.5)
"""Where an attempt's way is parted, in what the tenth stays under that uses the least."""
_N_STRETCHES: Final = len(_STRETCHES) + 1
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
    def _gone_on(self) -> tuple[float, ...]:
        """The same, below zero: ascending, to be searched."""
        return tuple(-alive for alive in self.alive)

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

    def stretch(self, used: float) -> int:
        """Return on which stretch an attempt is: before anybody ends, about then, or later."""
        return bisect_right(_STRETCHES, used / self._early) if self._early else 0

    def _last_below(self, first: int, before: float, share: float) -> int | None:
        """Return the last whole amount which at most *share* of those from *first* on end under."""
        least_alive = before * (1 - share) - _SLIP
        found = bisect_left(self._gone_on, -least_alive, first)
        if found < len(self.alive) and self.alive[found] >= least_alive:
            found += 1
        return found - 1 if found > first else None

    def _first_above(self, first: int, before: float, share: float) -> int:
        """Return the first whole amount which at most *share* of those from *first* on exceed."""
        return bisect_left(self._gone_on, -(before * share + _SLIP), first)


def shares_below(past: Survival) -> tuple[float, ...]:
    """
    Return what share of those that got as far may end under the lower end, stretch by stretch.

    An interval of nine tenths leaves out what is below it and what is above it in some
    proportion. Looked at when they had used a quarter, a half, ... of what they came to, the
    attempts of the past would have been held by what the others say in different shares, as
    their amounts are spread. The proportions, one for each :meth:`Survival.stretch`, are those
    by which nine of ten would, at each of these checkpoints.
    """
    if len(past.whole) < 1 / EVEN - 1:
        return (EVEN,) * _N_STRETCHES
    held = _shares_held(past)

    def fault(shares: Sequence[tuple[float, tuple[float, ...]]]) -> float:
        shares_held = zip(*(held for _share, held in shares), strict=True)
        at_each: list[float] = [sum(found) for found in shares_held]
        uneven = sum(abs(share - EVEN) for share, _held in shares) / len(shares)
        return max(abs(one - (1 - MISSED)) for one in at_each) + _WORTH * uneven

    best = min(product(*(list(by_share.items()) for by_share in held)), key=fault)
    return tuple(share for share, _held in best)


def _shares_held(past: Survival) -> list[dict[float, tuple[float, ...]]]:
    """
    Return what share of the past the others hold: by stretch, by share below, by checkpoint.

    An attempt that is looked at within another stretch adds nothing to this one.
    """
    step, total = max(1, len(past.whole) // _JUDGED), 0.0
    held = [{share: [0.0] * len(CHECKPOINTS) for share in _BELOW} for _ in range(_N_STRETCHES)]
    for place in range(step // 2, len(past.whole), step):
        amount, before = past.whole[place], past.alive[place - 1] if place else 1.0
        weight = before - past.alive[place]  # of how many it stands for, where others were cut off
        others = Survival((*past.whole[:place], *past.whole[place + 1 :]), past.cut)
        total += weight
        for number, part in enumerate(CHECKPOINTS):
            used = part * amount
            for share, found in held[past.stretch(used)].items():
                least, most, _reached = others.ends(used, share)
                if least <= amount + _SLIP and (most is None or amount <= most):
                    found[number] += weight
    return [
        {share: tuple(one / total for one in found) for share, found in by_share.items()}
        for by_share in held
    ]


class FinalAmounts:
    """The newest final amounts of a group of attempts."""

    def __init__(self) -> None:
        self._newest: deque[tuple[float, bool]] = deque()
        self._whole: list[float] = []
        self._cut: list[float] = []
        self._known: Survival | None = None
        self._below, self._added, self._choose_at = (EVEN,) * _N_STRETCHES, 0, 0

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
            self._below = shares_below(self.survival)
            self._choose_at = self._added + 1 + len(self._newest) // 10
        return self.survival.ends(used, self._below[self.survival.stretch(used)])

    def quantile(self, tau: float) -> float | None:
        """Return what the share *tau* of those that ended well stayed under; None of too few."""
        place = max(1, math.ceil(tau * (len(self._whole) + 1) - _SLIP))
        return self._whole[place - 1] if place <= len(self._whole) else None

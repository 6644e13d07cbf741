"""A calibrator's state after samples in the order of their ends, however they come and change."""

from bisect import bisect_left
from collections.abc import Iterator
from typing import Any, Final, TypeAlias

from autopack.ports.prediction import Sample
from autopack.prediction.calibration.calibrator_fold import folded

EndedAt: TypeAlias = tuple[int, int]
"""Where a sample ended in its log, and where it was asked for."""

_NEAR: Final = 1024
"""How far back states are kept for each power of two."""
_FARTHER: Final = 16
"""How many times as far back the next one is from there on: those share little with the newest."""


class OrderedFold:
    """
    The state after some samples, each learned once, when the state is asked for.

    Where a sample comes before others that were learned, or changes, those after it are learned
    again from a state that was kept: some are, each about twice as far back as the next, beyond
    the newest 2,000 sixteen times. A million samples keep some thirty, of which five share little.
    """

    def __init__(self, calibrator: Any) -> None:
        self._calibrator = calibrator
        self._samples: dict[EndedAt, Sample] = {}
        self._ended_at: dict[int, EndedAt] = {}
        self._order: list[EndedAt] = []
        self._kept: list[tuple[int, Any]] = [(0, calibrator.initial())]

    def put(self, sample: Sample) -> Sample | None:
        """Learn a sample, or what became of it; return what it was before, or None."""
        place = (sample.ended_position or sample.position, sample.position)
        before_at = self._ended_at.get(sample.position)
        before = None if before_at is None else self._samples[before_at]
        if before == sample:
            return before
        if before_at is not None:
            self._take(before_at)
        at = bisect_left(self._order, place)
        self._order.insert(at, place)
        self._samples[place], self._ended_at[sample.position] = sample, place
        self._forget(at)
        return before

    def _take(self, place: EndedAt) -> None:
        at = bisect_left(self._order, place)
        del self._order[at], self._samples[place]
        self._forget(at)

    def _forget(self, place: int) -> None:
        """Keep no state that has more samples in it than those before a place."""
        while self._kept[-1][0] > place:
            self._kept.pop()

    @property
    def state(self) -> Any:
        """The state after all samples, in the order of their ends."""
        end = len(self._order)
        count, state = self._kept[-1]
        self._kept = [one for one in self._kept if _is_kept(one[0], end)]
        for upto in _kept_between(count, end):
            some = [self._samples[place] for place in self._order[count:upto]]
            state, _aside = folded(self._calibrator, state, some)
            count = upto
            self._kept.append((count, state))
        return state


def _is_kept(count: int, end: int) -> bool:
    """Tell whether a state is kept: of the multiples of each power the newest two are."""
    power = count & -count
    if power > _NEAR:
        power = max(one for one in _powers(power) if one <= power)
    return end - count <= 2 * power or count == 0


def _kept_between(start: int, end: int) -> list[int]:
    """Return the counts after *start* whose states are kept, with *end* as the last."""
    found: set[int] = {end} if end > start else set()
    for power in _powers(end):
        newest = end // power * power
        found.update(count for count in (newest - power, newest) if start < count)
    return sorted(found)


def _powers(most: int) -> Iterator[int]:
    """Yield the powers of which multiples are kept, up to *most*."""
    power = 1
    while power <= most:
        yield power
        power *= 2 if power < _NEAR else _FARTHER

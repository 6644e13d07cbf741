"""How far sums over many outputs were off: what a total's interval is drawn from."""

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import accumulate
from statistics import NormalDist, fmean, stdev
from typing import Any, Final

import attrs

from autopack.ports.prediction import Features, Sample
from autopack.prediction.calibration.calibrator_fold import folded

FEWEST: Final = 3
"""Fewer blocks, one after the other, say nothing of how far apart sums are."""

_LONGEST: Final = 200
_SPAN: Final = 3000
_STARTS: Final = 40
_LEARNED: Final = 20
_OVERLAP: Final = 1.5

Expect = Callable[[Any, Features], float]
"""The size that a state of a calibrator lets expect."""


@attrs.frozen(kw_only=True)
class Factors:
    """What the expected sum over phases is multiplied by: eight of ten lie between the ends."""

    low: float
    middle: float
    high: float
    blocks: int


@attrs.frozen
class BlockErrors:
    """
    Sums over the outputs that came next, against what was expected of them at once.

    Args:
        errors: By block, the logarithm of actual over expected after 1, 2, 3 ... outputs.
        span: Over how many outputs the blocks' beginnings lie.
    """

    errors: Sequence[Sequence[float]] = ()
    span: int = 0

    def factors(self, n: int, share: float) -> Factors | None:
        """
        Return what a sum over *n* may be off by; None if too few blocks are known.

        Of more phases than the blocks have outputs, as of the longest blocks: errors that phases
        share do not cancel out. Blocks that overlap vary less among each other than sums do, by
        the mean of their correlations, which fall from 1 to 0 over a block's length.

        Args:
            share: The share of sums that the interval is to hold.

        Source: Student's interval of a further value, in logarithms; Lo and MacKinlay (1988) for
        what overlapping sums tell of a variance, one and a half times what separate ones do.
        """
        longest = min((len(block) for block in self.errors), default=0)
        length = min(n, longest)
        blocks = min(len(self.errors), self.span // max(1, length))
        if not length or blocks < FEWEST:
            return None
        off = [block[length - 1] for block in self.errors]
        beside = (self.span - length) / length
        apart = min(float(len(off)), 1 + _OVERLAP * beside)
        unseen = 1 - 1 / beside + 1 / (3 * beside**2)
        width = student(0.5 + share / 2, apart - 1) * stdev(off) / math.sqrt(unseen)
        middle, half = fmean(off), width * math.sqrt(1 + 1 / apart)
        low, centre, high = (math.exp(middle + one) for one in (-half, 0.0, half))
        return Factors(low=low, middle=centre, high=high, blocks=blocks)


def block_errors(calibrator: Any, samples: Sequence[Sample], n: int, expect: Expect) -> BlockErrors:
    """
    Return how far off the expected sums were, at up to 40 moments among the newest outputs.

    At each moment the outputs that came next are predicted with what was known by then, as a
    forecast does it: none of them is learned before the last is predicted.

    Args:
        samples: Those that say how large an output is, in order.
        n: Of how many outputs sums are asked for.
    """
    some = samples[-_SPAN:]
    room = len(some) - _LEARNED
    length = min(n, _LONGEST, room // FEWEST)
    if length < 1:
        return BlockErrors()
    span = room - length + 1
    starts = sorted({_LEARNED + span * i // _STARTS for i in range(_STARTS)})
    states = _states(calibrator, some, starts)
    blocks = [
        _errors(some[start : start + length], partial(expect, state))
        for start, state in zip(starts, states, strict=True)
    ]
    return BlockErrors(blocks, room)


def _states(calibrator: Any, samples: Sequence[Sample], starts: Sequence[int]) -> Iterator[Any]:
    state, before = calibrator.initial(), 0
    for start in starts:
        state, _aside = folded(calibrator, state, samples[before:start])
        before = start
        yield state


def _errors(block: Sequence[Sample], expect: Callable[[Features], float]) -> list[float]:
    expected = accumulate(max(1.0, expect(one.question())) for one in block)
    actual = accumulate(max(1, one.actual_output_tokens or 0) for one in block)
    return [math.log(a / e) for a, e in zip(actual, expected, strict=True)]


def student(share: float, degrees: float) -> float:
    """
    Return the quantile of Student's distribution.

    Source: Abramowitz and Stegun (1964), 26.7.5; from 2 degrees on it is within 2 % at 0.9.
    """
    z = NormalDist().inv_cdf(share)
    terms: tuple[float, ...] = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
    )
    return z + math.fsum(term / degrees**power for power, term in enumerate(terms, 1))

"""How good predictions were: coverage, pinball loss, waste, and the errors of the median."""

import math
from collections.abc import Iterable, Sequence
from statistics import fmean
from typing import Final

import attrs

from autopack.prediction.calibration.intervals import share_interval

FEWEST: Final = 20
"""Groups with fewer rows get no figures: they would say more about chance."""
WINDOW: Final = 200
"""How many rows in a row the worst coverage is taken over."""

Step = tuple[int, float, float]
"""The number of a row, and between which two shares the coverage of the stretch up to it lies."""

_MOST_STEPS: Final = 100

ALL: Final = "all"
FAILED: Final = "failed attempts"


@attrs.frozen
class Outcome:
    """What was predicted at tau and as the median, and what it was, in tokens."""

    group: str
    at_tau: float
    median: float
    actual: int
    is_cut: bool = False

    @property
    def is_missed(self) -> bool:
        """Whether the output is larger than predicted for certain, if only by what was seen."""
        return self.actual > self.at_tau

    @property
    def is_open(self) -> bool:
        """Whether that cannot be known: it was cut off, and had not exceeded its prediction."""
        return self.is_cut and not self.is_missed


@attrs.frozen(kw_only=True)
class Score:
    """
    One calibrator on one group; the figures are None if there are too few rows.

    An output that was cut off may have been of any size above what was seen of it. So a share is
    two bounds: the lower one takes such outputs for larger than predicted, the upper one only
    those that had exceeded their prediction when they were cut off. Figures of sizes are about
    the whole outputs, which are the smaller ones.

    Args:
        n: Rows whose whole output is known.
        cut: Further rows whose output was cut off.
        cut_above: How many of those had exceeded their prediction even so: they are missed.
        coverage: The share of all rows whose output is at most as large as predicted at tau;
            None if outputs that were cut off leave it open.
        coverage_least, coverage_most: Between what it lies, whatever was cut off.
        coverage_low, coverage_high: The interval at 95 %, of the lower bound downwards and of the
            upper bound upwards.
        worst_window_least, worst_window_most: Between what the least coverage of any 200 rows
            one after the other lies; None if there are fewer.
        pinball: The mean pinball loss at tau over the mean output, of whole outputs.
        waste_p50, waste_p90: Quantiles of prediction over output, of whole outputs.
        mae: The mean absolute error of the median, in tokens, of whole outputs.
        smape: That of the median as a share of half the sum of both, in percent, likewise.
    """

    calibrator: str
    group: str
    n: int
    cut: int = 0
    cut_above: int = 0
    coverage: float | None = None
    coverage_least: float | None = None
    coverage_most: float | None = None
    coverage_low: float | None = None
    coverage_high: float | None = None
    worst_window_least: float | None = None
    worst_window_most: float | None = None
    pinball: float | None = None
    waste_p50: float | None = None
    waste_p90: float | None = None
    mae: float | None = None
    smape: float | None = None
    note: str = ""


def scored(calibrator: str, outcomes: Sequence[Outcome], tau: float) -> tuple[Score, ...]:
    """Return the scores of all succeeded rows, then of each group, the largest first."""
    groups: dict[str, list[Outcome]] = {ALL: []}
    for outcome in outcomes:
        groups.setdefault(outcome.group, []).append(outcome)
        if outcome.group != FAILED:
            groups[ALL].append(outcome)
    found = [score(calibrator, name, group, tau) for name, group in groups.items()]
    return tuple(sorted(found, key=lambda one: (one.group != ALL, -one.n, one.group)))


def score(calibrator: str, group: str, outcomes: Sequence[Outcome], tau: float) -> Score:
    """Return one calibrator's score on one group."""
    whole = [outcome for outcome in outcomes if not outcome.is_cut]
    cut = [outcome for outcome in outcomes if outcome.is_cut]
    plain = Score(
        calibrator=calibrator,
        group=group,
        n=len(whole),
        cut=len(cut),
        cut_above=sum(outcome.is_missed for outcome in cut),
    )
    if len(outcomes) < FEWEST:
        return attrs.evolve(plain, note=f"too few: {len(outcomes)} of at least {FEWEST} rows")
    covered = _with_coverage(plain, outcomes)
    return covered if len(whole) < FEWEST else _with_sizes(covered, whole, tau)


def _with_coverage(plain: Score, outcomes: Sequence[Outcome]) -> Score:
    n, least, most = len(outcomes), _surely_covered(outcomes), _perhaps_covered(outcomes)
    return attrs.evolve(
        plain,
        coverage=sum(least) / n if least == most else None,
        coverage_least=sum(least) / n,
        coverage_most=sum(most) / n,
        coverage_low=share_interval(sum(least), n)[0],
        coverage_high=share_interval(sum(most), n)[1],
        worst_window_least=worst_window(least),
        worst_window_most=worst_window(most),
    )


def _with_sizes(covered: Score, whole: Sequence[Outcome], tau: float) -> Score:
    wastes = sorted(outcome.at_tau / outcome.actual for outcome in whole if outcome.actual > 0)
    return attrs.evolve(
        covered,
        pinball=_pinball(whole, tau),
        waste_p50=_place(wastes, 0.5),
        waste_p90=_place(wastes, 0.9),
        mae=fmean(abs(outcome.actual - outcome.median) for outcome in whole),
        smape=100 * fmean(map(_relative, whole)),
    )


def _surely_covered(outcomes: Iterable[Outcome]) -> list[bool]:
    return [not (outcome.is_missed or outcome.is_cut) for outcome in outcomes]


def _perhaps_covered(outcomes: Iterable[Outcome]) -> list[bool]:
    return [not outcome.is_missed for outcome in outcomes]


def worst_window(covered: Sequence[bool], length: int = WINDOW) -> float | None:
    """Return the least share of covered ones in any *length* in a row; None if there are fewer."""
    return min(_moving(covered, length), default=None)


def course(outcomes: Sequence[Outcome], length: int = WINDOW) -> list[Step]:
    """
    Return how the coverage of all outputs but those of failed attempts went, in at most 100 steps.

    Each step is the number of the row it ends at, and the bounds of the share covered of the
    stretch before: 200 rows, or a fifth of them if there are fewer than 1,000, but at least 20.
    """
    some = [outcome for outcome in outcomes if outcome.group != FAILED]
    length = min(length, max(FEWEST, len(some) // 5))
    stride = max(1, math.ceil((len(some) - length + 1) / _MOST_STEPS))
    bounds = zip(
        _moving(_surely_covered(some), length), _moving(_perhaps_covered(some), length), strict=True
    )
    steps = [(number, *both) for number, both in enumerate(bounds, length)]
    return steps[::stride]


def _moving(covered: Sequence[bool], length: int) -> list[float]:
    """Return the share of covered ones in each *length* in a row."""
    held, found = 0, []
    for number, is_covered in enumerate(covered, 1):
        held += is_covered - (covered[number - length - 1] if number > length else 0)
        if number >= length:
            found.append(held / length)
    return found


def _pinball(outcomes: Sequence[Outcome], tau: float) -> float | None:
    mean = fmean(outcome.actual for outcome in outcomes)
    if mean <= 0:
        return None
    errors = (outcome.actual - outcome.at_tau for outcome in outcomes)
    return fmean(max(tau * error, (tau - 1) * error) for error in errors) / mean


def _relative(outcome: Outcome) -> float:
    size = (outcome.actual + outcome.median) / 2
    return abs(outcome.actual - outcome.median) / max(1.0, size)


def _place(ordered: Sequence[float], share: float) -> float | None:
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None

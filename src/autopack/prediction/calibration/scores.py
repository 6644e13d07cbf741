"""How good predictions were: coverage, pinball loss, waste, and the errors of the median."""

import math
from collections.abc import Sequence
from statistics import fmean
from typing import Final

import attrs

from autopack.prediction.calibration.intervals import share_interval

FEWEST: Final = 20
"""Groups with fewer rows get no figures: they would say more about chance."""
WINDOW: Final = 200
"""How many rows in a row the worst coverage is taken over."""

Step = tuple[int, float]
"""The number of a row, and the share covered of the stretch that ends there."""

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


@attrs.frozen(kw_only=True)
class Score:
    """
    One calibrator on one group; the figures are None if there are too few rows.

    Args:
        n: Rows whose whole output is known; the figures are about these.
        cut: Further rows whose output was cut off: they were learned from, and are not scored.
        cut_above: How many of those had exceeded their prediction even so.
        coverage: The share of outputs at most as large as predicted at tau.
        coverage_low, coverage_high: Its interval at 95 %.
        worst_window: The least coverage of any 200 rows one after the other; None if fewer.
        pinball: The mean pinball loss at tau over the mean output.
        waste_p50, waste_p90: Quantiles of prediction over output.
        underestimated: The share of outputs that were larger than predicted.
        mae: The mean absolute error of the median, in tokens.
        smape: That of the median as a share of half the sum of both, in percent.
    """

    calibrator: str
    group: str
    n: int
    cut: int = 0
    cut_above: int = 0
    coverage: float | None = None
    coverage_low: float | None = None
    coverage_high: float | None = None
    worst_window: float | None = None
    pinball: float | None = None
    waste_p50: float | None = None
    waste_p90: float | None = None
    underestimated: float | None = None
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
    n = len(whole)
    plain = Score(
        calibrator=calibrator,
        group=group,
        n=n,
        cut=len(cut),
        cut_above=sum(outcome.actual > outcome.at_tau for outcome in cut),
    )
    if n < FEWEST:
        return attrs.evolve(plain, note=f"too few: {n} of at least {FEWEST} rows")
    covered = [outcome.actual <= outcome.at_tau for outcome in whole]
    low, high = share_interval(sum(covered), n)
    wastes = sorted(outcome.at_tau / outcome.actual for outcome in whole if outcome.actual > 0)
    return attrs.evolve(
        plain,
        coverage=sum(covered) / n,
        coverage_low=low,
        coverage_high=high,
        worst_window=worst_window(covered),
        pinball=_pinball(whole, tau),
        waste_p50=_place(wastes, 0.5),
        waste_p90=_place(wastes, 0.9),
        underestimated=1 - sum(covered) / n,
        mae=fmean(abs(outcome.actual - outcome.median) for outcome in whole),
        smape=100 * fmean(map(_relative, whole)),
    )


def worst_window(covered: Sequence[bool], length: int = WINDOW) -> float | None:
    """Return the least share of covered ones in any *length* in a row; None if there are fewer."""
    if len(covered) < length:
        return None
    held = least = sum(covered[:length])
    for new, old in zip(covered[length:], covered, strict=False):
        held += new - old
        least = min(least, held)
    return least / length


def course(outcomes: Sequence[Outcome], length: int = WINDOW) -> list[Step]:
    """
    Return how the coverage of succeeded, whole outputs went, in at most 100 steps.

    Each step is the number of the row it ends at, and the share covered of the stretch before:
    200 rows, or a fifth of them if there are fewer than 1,000, but at least 20.
    """
    covered = [o.actual <= o.at_tau for o in outcomes if o.group != FAILED and not o.is_cut]
    length = min(length, max(FEWEST, len(covered) // 5))
    held, steps = 0, []
    stride = max(1, math.ceil((len(covered) - length + 1) / _MOST_STEPS))
    for number, is_covered in enumerate(covered, 1):
        held += is_covered - (covered[number - length - 1] if number > length else 0)
        if number >= length and (number - length) % stride == 0:
            steps.append((number, held / length))
    return steps


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

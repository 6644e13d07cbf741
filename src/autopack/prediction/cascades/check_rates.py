"""How well a check tells right from wrong: its false passes and false failures."""

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Final, Literal

import attrs

from autopack.prediction.calibration.intervals import share_interval
from autopack.prediction.cascades.trials import Passing, Trial

CHANCE: Final = 0.5
"""A check that passes so much of what is wrong says nothing about it."""

_LEVEL: Final = 0.99
"""A check that is trusted by mistake spoils all that follows, so that more is asked of it."""

Basis = Literal["measured", "given", "assumed"]


@attrs.frozen(kw_only=True)
class CheckRate:
    """
    A share of a check's words that are wrong, with its interval at 99 %.

    Args:
        rows: Of how many trials it is the share; 0 if it was given or assumed.
    """

    share: float
    low: float
    high: float
    rows: int = 0


@attrs.frozen(kw_only=True)
class CheckRates:
    """
    What a check says of work that is wrong, and of work that is right.

    Args:
        false_passes: The share of wrong work that it passes.
        false_failures: The share of right work that it fails.
        basis: Whether they were measured, given, or taken to be 0 as nothing is known.
    """

    false_passes: CheckRate
    false_failures: CheckRate
    basis: Basis

    @property
    def fault(self) -> str | None:
        """Why it cannot carry a chain, as a clause; None if it can."""
        wrong, right = self.false_passes, self.false_failures
        if wrong.high >= CHANCE:
            return f"the check passes {_told(wrong)} of wrong work"
        if 1 - right.high <= wrong.high:
            return (
                f"the check fails {_told(right)} of right work, and passes {_told(wrong)} of wrong "
                "work"
            )
        return None


def rates_of(
    trials: Sequence[Trial], *, false_passes: float | None, false_failures: float | None
) -> CheckRates:
    """
    Return the rates of a check: as given, else measured, else 0.

    A trial whose verdict is the check's own word tells nothing of it. Trials of one task are
    alike; the intervals are as wide as so much less evidence makes them.
    """
    judged = [
        one for one in trials if one.right is not None and one.checked is not None and one.is_proven
    ]
    if false_passes is None and false_failures is None and not judged:
        return CheckRates(false_passes=_exactly(0), false_failures=_exactly(0), basis="assumed")
    wrong = [one for one in judged if not one.right]
    right = [one for one in judged if one.right]
    is_measured = false_passes is None and false_failures is None
    return CheckRates(
        false_passes=_rate(false_passes, wrong, passed=True, is_any=bool(judged)),
        false_failures=_rate(false_failures, right, passed=False, is_any=bool(judged)),
        basis="measured" if is_measured else "given",
    )


def passing_by(rates: CheckRates) -> Passing:
    """Return how probable it is that the check passes a trial: 0 or 1 where that is known."""

    def passing(trial: Trial) -> float:
        if trial.checked is not None and rates.basis != "given":
            return float(trial.checked)
        return 1 - rates.false_failures.share if trial.right else rates.false_passes.share

    return passing


def _exactly(share: float) -> CheckRate:
    return CheckRate(share=share, low=share, high=share)


def _rate(given: float | None, of: Sequence[Trial], *, passed: bool, is_any: bool) -> CheckRate:
    if given is not None or not is_any:
        return _exactly(given or 0.0)
    if not of:
        return CheckRate(share=0.0, low=0.0, high=1.0)
    hits = [float(one.checked is passed) for one in of]
    share = sum(hits) / len(hits)
    alike = _alike(of, hits, share)
    low, high = share_interval(share * len(of) / alike, len(of) / alike, _LEVEL)
    return CheckRate(share=share, low=low, high=high, rows=len(of))


def _alike(of: Sequence[Trial], hits: Sequence[float], share: float) -> float:
    """Return by how much trials of the same tasks say less than as many of different ones."""
    by_task: dict[str, float] = defaultdict(float)
    for one, hit in zip(of, hits, strict=True):
        by_task[one.task] += hit - share
    by_chance = len(of) * share * (1 - share)
    if not by_chance:
        return 1.0
    return max(1.0, math.fsum(off * off for off in by_task.values()) / by_chance)


def _told(rate: CheckRate) -> str:
    if not rate.rows:
        return f"{100 * rate.share:.0f} %" if rate.low == rate.high else "an unknown share"
    return f"{100 * rate.share:.0f} % ({100 * rate.low:.0f} to {100 * rate.high:.0f} %)"

"""From ratios to multipliers: gates, damping, limits, and the version that follows."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from statistics import fmean, median
from typing import Final

import attrs
import msgspec

from autopack.errors import InvalidInputError
from autopack.errors.base import told
from autopack.ports.prediction import Group, Proposal
from autopack.prediction.calibration.confidence import confidence
from autopack.prediction.calibration.intervals import median_interval
from autopack.prediction.calibration.packed_samples import GroupName

LEAST: Final = 1e-4
"""The least multiplier: it makes a token or two of the largest figure for a single file."""
MOST: Final = 1000.0
"""The largest: it makes of the smallest figure more than the ceiling of every budget."""

_BOUNDS: Final = f"{LEAST:.4f} to {MOST:,.0f}"


@attrs.frozen(kw_only=True)
class Terms:
    """What a group must reach, and how far its multiplier then moves."""

    min_samples: int
    confidence_threshold: float
    damping: float
    max_change: float | None
    interval: float

    def group(self, name: GroupName, figures: Sequence[int], *, old: float, obstacle: str) -> Group:
        """Return what a group's figures (predicted, actual, ...) say and propose."""
        ratios = sorted(ratios_of(figures))
        middle, sure = median(ratios), confidence(ratios)
        low, high = median_interval(ratios, self.interval)
        multiplier = old * self._change(middle)
        note = obstacle or self._gate(len(ratios), middle, sure) or _absurd(multiplier)
        return Group(
            category=name[0],
            complexity=name[1],
            n=len(ratios),
            mean_actual=fmean(actual_of(figures)),
            mean_estimated=fmean(figures[::2]),
            median_ratio=middle,
            confidence=sure,
            proposed_multiplier=multiplier,
            is_high_confidence=not note,
            note=note,
            ratio_low=low,
            ratio_high=high,
        )

    def _change(self, ratio: float) -> float:
        change = ratio if self.damping == 1 or ratio <= 0 else float(ratio**self.damping)
        if self.max_change is None:
            return change
        return min(max(change, 1 / self.max_change), self.max_change)

    def _gate(self, n: int, middle: float, sure: float) -> str:
        """Return which gate a group does not pass, or an empty text."""
        if n < self.min_samples:
            return f"{n} of at least {self.min_samples} samples"
        if sure < self.confidence_threshold:
            return f"confidence {sure:.3f}, under {self.confidence_threshold:g}"
        return "" if middle > 0 else "a median of 0, which would predict nothing"


def check_multipliers(multipliers: Mapping[str, float]) -> None:
    """
    Refuse multipliers that no estimate could need.

    Raises:
        InvalidInputError: One is no number from :data:`LEAST` to :data:`MOST`; names its group.
    """
    for group, multiplier in multipliers.items():
        is_number = isinstance(multiplier, int | float) and not isinstance(multiplier, bool)
        if not is_number or not LEAST <= multiplier <= MOST:
            raise InvalidInputError(
                f"The multiplier of {group} is {told(multiplier)}; give {_BOUNDS}. What is further "
                "off turns every size into none that an output can have, so prediction and output "
                "were not of the same thing: look at the samples of that group.",
                name=f"proposal.new.{group}",
                value=multiplier,
            )


def _absurd(multiplier: float) -> str:
    if LEAST <= multiplier <= MOST:
        return ""
    return (
        f"a multiplier of {multiplier:.3g}; it must be {_BOUNDS}, since predictions and outputs "
        "further apart are not of the same thing"
    )


def insisted_on(proposal: Proposal) -> dict[str, float]:
    """Return the multipliers that a proposal's groups speak for, those under the gates too."""
    new = dict(proposal.new)
    for group in proposal.groups:
        key, multiplier = f"{group.category}/{group.complexity}", group.proposed_multiplier
        if group.n and multiplier > 0 and multiplier != new.get(key, 1.0):
            new[key] = multiplier
    return new


def ratios_of(figures: Sequence[int]) -> list[float]:
    """Return actual over predicted, in order, of flat figures: predicted, actual, ..."""
    pairs = zip(figures[::2], figures[1::2], strict=True)
    return [actual / predicted for predicted, actual in pairs]


def actual_of(figures: Sequence[int]) -> Sequence[int]:
    """Return the actual sizes, in order, of flat figures."""
    return figures[1::2]


def version_of(base_version: str, multipliers: Mapping[str, float]) -> str:
    """Return the version's root with a digest of the multipliers: equal ones, equal version."""
    text = msgspec.json.encode(sorted(multipliers.items()))
    return f"{base_version.partition('+')[0]}+{sha256(text).hexdigest()[:8]}"

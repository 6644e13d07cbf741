"""The old system's calibration: an upper median a group, and a confidence of its own."""

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any, Final

import attrs
from rpds import HashTrieMap, List

from autopack.errors import InvalidInputError
from autopack.types import Features, Group, Prediction, Proposal, Sample

ESTIMATOR_VERSION: Final = "v5-step1"
"""The version of the old estimator whose figures the proposal is about."""

_ENOUGH: Final = 12
_DIGITS: Final = 3
_DEFAULT_TOKENS: Final = {"low": 8192, "medium": 12288, "high": 16384}

GroupName = tuple[str, str]
Pair = tuple[int, int]
"""Actual and estimated output tokens of one sample."""


@attrs.frozen(kw_only=True)
class Evidence:
    """Samples by their original category and complexity, the newest first."""

    groups: "HashTrieMap[GroupName, List[Pair]]" = attrs.field(factory=HashTrieMap)


@attrs.frozen(kw_only=True)
class LegacyCalibrator:
    """
    Proposes the upper median of actual over estimated tokens, as the old system did.

    No repeats, no estimator versions and no test rows are set aside, and ``tests`` and
    ``testing`` stay two groups: that is what its figures were made of.

    Args:
        min_samples: Groups with fewer samples say nothing.
        confidence_threshold: From 0 to 1; only groups that reach it change a coefficient.
    """

    name = "legacy"
    min_samples: int = 5
    confidence_threshold: float = 0.7

    def __attrs_post_init__(self) -> None:
        """Refuse options that no group could meet or miss."""
        if self.min_samples < 1:
            raise InvalidInputError(f"min_samples is {self.min_samples}; give 1 or more.")
        if not 0 <= self.confidence_threshold <= 1:
            raise InvalidInputError(
                f"confidence_threshold is {self.confidence_threshold:g}; give 0 to 1."
            )

    def initial(self) -> Evidence:
        """Return no evidence."""
        return Evidence()

    def set_aside(self, state: Evidence, sample: Sample) -> str | None:
        """Return why a sample is not used: unsuccessful, truncated, or without a figure."""
        if sample.actual_output_tokens is None:
            return "no_measurement"
        if not sample.success:
            return "unsuccessful"
        return "truncated" if sample.truncated else None

    def update(self, state: Evidence, sample: Sample) -> Evidence:
        """Return the evidence with the sample; without it, if it may not be used."""
        actual = sample.actual_output_tokens
        if actual is None or self.set_aside(state, sample):
            return state
        name = group_of(sample)
        pairs: List[Pair] = state.groups.get(name, List())
        pair = (actual, sample.predicted_output_tokens)
        return Evidence(groups=state.groups.insert(name, pairs.push_front(pair)))

    def predict(self, state: Evidence, features: Features, tau: float) -> Prediction:
        """Return the group's actual output at *tau*, or the old default of the complexity."""
        pairs = state.groups.get((features.category, features.complexity), ())
        sizes = sorted(actual for actual, _ in pairs)
        if not sizes:
            default = _DEFAULT_TOKENS.get(features.complexity, _DEFAULT_TOKENS["low"])
            return Prediction(tokens=float(default), tau=tau, basis="default of the complexity")
        place = min(int(tau * len(sizes)), len(sizes) - 1)
        return Prediction(tokens=float(sizes[place]), tau=tau, basis=f"{len(sizes)} samples")

    def propose(self, state: Evidence) -> Proposal:
        """Return the groups that reach the minimum, the largest first."""
        pairs = {name: list(found) for name, found in state.groups.items()}
        small = sum(len(found) for found in pairs.values() if len(found) < self.min_samples)
        groups = self._groups(pairs)
        new = {
            f"{g.category}/{g.complexity}": g.proposed_multiplier
            for g in groups
            if g.is_high_confidence
        }
        return Proposal(
            calibrator=self.name,
            estimator=self.name,
            base_version=ESTIMATOR_VERSION,
            new_version=f"{ESTIMATOR_VERSION}+{self.name}" if new else ESTIMATOR_VERSION,
            samples_used=sum(group.n for group in groups),
            samples_set_aside={"small_group": small} if small else {},
            groups=groups,
            old=dict.fromkeys(new, 1.0),
            new=new,
            settings=self._settings(),
        )

    def _groups(self, pairs: Mapping[GroupName, list[Pair]]) -> tuple[Group, ...]:
        enough = ((name, found) for name, found in pairs.items() if len(found) >= self.min_samples)
        groups = (self._group(name, found) for name, found in enough)
        return tuple(sorted(groups, key=lambda g: (-g.n, g.category, g.complexity)))

    def _group(self, name: GroupName, pairs: list[Pair]) -> Group:
        ratios = [actual / estimated if estimated > 0 else 0.0 for actual, estimated in pairs]
        median = upper_median(ratios)
        sure = confidence(ratios)
        return Group(
            category=name[0],
            complexity=name[1],
            n=len(pairs),
            mean_actual=fmean(actual for actual, _ in pairs),
            mean_estimated=fmean(estimated for _, estimated in pairs),
            median_ratio=round(median, _DIGITS),
            confidence=round(sure, _DIGITS),
            proposed_multiplier=round(median, _DIGITS),
            is_high_confidence=sure >= self.confidence_threshold,
        )

    def _settings(self) -> dict[str, Any]:
        return {
            "min_samples": self.min_samples,
            "confidence_threshold": self.confidence_threshold,
        }


def group_of(sample: Sample) -> GroupName:
    """Return a sample's category and complexity in the words of its source."""
    complexity = sample.features.get("source_complexity")
    return sample.source_category or sample.category, str(complexity or sample.complexity)


def upper_median(ratios: Iterable[float]) -> float:
    """Return the middle one, of an even number the upper of both."""
    ordered = sorted(ratios)
    return ordered[len(ordered) // 2]


def confidence(ratios: Sequence[float]) -> float:
    """Return 0 to 1: up to 0.6 for twelve samples, up to 0.4 for ratios that agree."""
    mean = math.fsum(ratios) / len(ratios)
    spread = math.sqrt(math.fsum((ratio - mean) ** 2 for ratio in ratios) / len(ratios))
    return 0.6 * min(1.0, len(ratios) / _ENOUGH) + 0.4 / (1.0 + spread)

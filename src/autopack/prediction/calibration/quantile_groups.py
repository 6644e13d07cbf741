"""What calibrators that predict sizes by themselves show of their groups."""

from collections import deque
from collections.abc import Mapping
from functools import lru_cache
from statistics import fmean, median
from typing import Any, Protocol

import attrs
from rpds import HashTrieMap

from autopack.ports.prediction import Group, Proposal, Sample
from autopack.prediction.calibration import usable_samples
from autopack.prediction.calibration.confidence import confidence
from autopack.prediction.estimation import vocabulary

GroupKey = tuple[str, str, str]
"""Category, complexity, and whether the attempts succeeded or failed."""
Noted = dict[GroupKey, "deque[tuple[int, int]]"]

_UNKNOWN_VERSION = "unknown"
_OWN_WAY = (
    "For information only: this calibrator predicts output sizes by itself, and teaches the "
    "estimator no multiplier."
)


class _Teaching(Protocol):
    """What a proposal says of the calibrator that made it."""

    @property
    def name(self) -> str: ...
    @property
    def estimator(self) -> str: ...
    @property
    def estimator_version(self) -> str | None: ...
    @property
    def old(self) -> Mapping[str, float]: ...
    @property
    def min_samples(self) -> int: ...


@attrs.frozen
class Recent:
    """The newest (predicted, actual) output tokens of each group, in order of arrival."""

    pairs: "HashTrieMap[GroupKey, tuple[tuple[int, int], ...]]" = attrs.field(factory=HashTrieMap)
    used: int = 0

    def with_sample(self, sample: Sample, longest: int) -> "Recent":
        """Return the pairs after one sample."""
        key = _key(sample)
        pairs = (*self.pairs.get(key, ()), pair_of(sample))[-longest:]
        return Recent(self.pairs.insert(key, pairs), self.used + 1)

    def with_noted(self, noted: Noted, longest: int, *, used: int) -> "Recent":
        """Return the pairs after *used* samples that were put where :func:`noted_at` says."""
        pairs = self.pairs
        for key, added in noted.items():
            pairs = pairs.insert(key, (*pairs.get(key, ()), *added)[-longest:])
        return Recent(pairs, self.used + used)


def noted_at(noted: Noted, sample: Sample, longest: int) -> "deque[tuple[int, int]]":
    """Return where pairs of the sample's group are put beside the others: the newest are kept."""
    key = _key(sample)
    if key not in noted:
        noted[key] = deque(maxlen=longest)
    return noted[key]


def pair_of(sample: Sample) -> tuple[int, int]:
    """Return predicted and actual output tokens, the actual ones at least 1."""
    return sample.predicted_output_tokens, max(1, sample.actual_output_tokens or 0)


def quantile_proposal(
    calibrator: _Teaching, recent: Recent, settings: Mapping[str, Any]
) -> Proposal:
    """Return the groups, the largest first, failed attempts apart, and no new multiplier."""
    version = calibrator.estimator_version or _UNKNOWN_VERSION
    groups = (_group(key, pairs, calibrator) for key, pairs in recent.pairs.items())
    return Proposal(
        calibrator=calibrator.name,
        estimator=calibrator.estimator,
        base_version=version,
        new_version=version,
        samples_used=recent.used,
        groups=tuple(sorted(groups, key=lambda g: (-g.n, g.category, g.complexity, g.note))),
        old=dict(calibrator.old),
        new=dict(calibrator.old),
        settings=settings,
        note=_OWN_WAY,
    )


@lru_cache(maxsize=4096)
def group_of(category: str, complexity: str) -> tuple[str, str]:
    """Return the standard words of a group, under which the estimator looks it up."""
    return vocabulary.category(category), vocabulary.complexity(complexity)


def _key(sample: Sample) -> GroupKey:
    return (*group_of(sample.category, sample.complexity), usable_samples.stratum(sample))


def _group(key: GroupKey, pairs: tuple[tuple[int, int], ...], calibrator: _Teaching) -> Group:
    category, complexity, stratum = key
    ratios = [actual / predicted for predicted, actual in pairs if predicted > 0]
    multiplier = calibrator.old.get(f"{category}/{complexity}", 1.0)
    is_small = len(pairs) < calibrator.min_samples
    note = f"{len(pairs)} of at least {calibrator.min_samples} samples" if is_small else ""
    return Group(
        category=category,
        complexity=complexity,
        n=len(pairs),
        mean_actual=fmean(actual for _, actual in pairs),
        mean_estimated=fmean(predicted for predicted, _ in pairs),
        median_ratio=median(ratios) if ratios else 0.0,
        confidence=confidence(ratios) if ratios else 0.0,
        proposed_multiplier=multiplier,
        is_high_confidence=False,
        note="failed attempts, apart" if stratum == "failed" else note,
    )

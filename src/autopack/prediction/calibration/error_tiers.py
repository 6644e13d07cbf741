"""How an estimator does, the costly faults first: too small, cut off, failed; then waste."""

import math
from collections.abc import Callable, Iterable, Sequence
from statistics import fmean
from typing import Final

import attrs

from autopack.ports.prediction import Sample
from autopack.prediction.calibration.quantile_groups import group_of

MOST_UNDERESTIMATED: Final = 0.05
MOST_TRUNCATED: Final = 0.02

ALL: Final = "all"


@attrs.frozen(kw_only=True)
class Tier:
    """
    One stratum's faults, as shares of its samples; None where no sample tells.

    Args:
        stratum: What it is a part by: all, category, complexity or deliverables.
        part: Which part.
        n: Samples with a prediction and a measured output.
        underestimated: Outputs that were larger than predicted; cut off ones by what was seen.
        underestimated_most: With all that were cut off, whose whole sizes nobody knows.
        truncated: Outputs that were cut off.
        succeeded: Attempts that succeeded, of those that ended.
        waste_p50, waste_p90: Quantiles of prediction over output, cut off ones left out.
        smape: The prediction's error as a share of half the sum of both, in percent, likewise.
        needs_work: Whether a target is missed, or may be: 5 % underestimated, 2 % cut off.
    """

    stratum: str
    part: str
    n: int
    underestimated: float
    underestimated_most: float
    truncated: float
    succeeded: float | None = None
    waste_p50: float | None = None
    waste_p90: float | None = None
    smape: float | None = None
    needs_work: bool = False


def tiers_of(samples: Iterable[Sample]) -> tuple[Tier, ...]:
    """Return the tiers of all samples, then by category, complexity and deliverables."""
    known = [sample for sample in samples if is_judged(sample)]
    found: list[Tier] = []
    for stratum, part_of in _PARTS.items():
        parts: dict[str, list[Sample]] = {}
        for sample in known:
            parts.setdefault(part_of(sample), []).append(sample)
        found += [_tier(stratum, part, parts[part]) for part in sorted(parts)]
    return tuple(found)


def is_judged(sample: Sample) -> bool:
    """Tell whether a sample has a prediction and a measured output, above 0, to hold against it."""
    return (
        sample.predicted_output_tokens > 0
        and (sample.actual_output_tokens or 0) > 0
        and sample.split == "measured"
        and not sample.is_test
    )


def _tier(stratum: str, part: str, samples: Sequence[Sample]) -> Tier:
    n = len(samples)
    whole = [_figures(sample) for sample in samples if not sample.truncated]
    wastes = sorted(predicted / actual for predicted, actual in whole if actual > 0)
    ended = [bool(sample.success) for sample in samples if sample.success is not None]
    errors = [abs(a - p) / max(1.0, (a + p) / 2) for p, a in whole]
    larger = [actual > predicted for predicted, actual in map(_figures, samples)]
    under = sum(larger) / n
    most = sum(is_larger or one.truncated for is_larger, one in zip(larger, samples, strict=True))
    truncated = sum(sample.truncated for sample in samples) / n
    return Tier(
        stratum=stratum,
        part=part,
        n=n,
        underestimated=under,
        underestimated_most=most / n,
        truncated=truncated,
        succeeded=sum(ended) / len(ended) if ended else None,
        waste_p50=_place(wastes, 0.5),
        waste_p90=_place(wastes, 0.9),
        smape=100 * fmean(errors) if errors else None,
        needs_work=most / n > MOST_UNDERESTIMATED or truncated > MOST_TRUNCATED,
    )


def _figures(sample: Sample) -> tuple[int, int]:
    return sample.predicted_output_tokens, sample.actual_output_tokens or 0


def _place(ordered: Sequence[float], share: float) -> float | None:
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None


def _category(sample: Sample) -> str:
    return group_of(sample.category, sample.complexity)[0]


def _complexity(sample: Sample) -> str:
    return group_of(sample.category, sample.complexity)[1]


def _deliverables(sample: Sample) -> str:
    n = sample.deliverables
    if n is None or n < 1:
        return "none named"
    return "1" if n == 1 else "2-5" if n <= 5 else "6 or more"


def _all(_: Sample) -> str:
    return ALL


_PARTS: Final[dict[str, Callable[[Sample], str]]] = {
    ALL: _all,
    "category": _category,
    "complexity": _complexity,
    "deliverables": _deliverables,
}

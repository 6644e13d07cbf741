"""What a calibration would have done to the errors of its own evidence, judged fairly."""

from collections.abc import Iterator, Sequence
from statistics import fmean
from typing import Any, Final

from autopack.ports.prediction import Sample
from autopack.prediction.calibration.calibrator_fold import folded, reason_of
from autopack.prediction.calibration.quantile_groups import group_of

_NEWEST: Final = 10_000
_PARTS: Final = 10
_DIGITS: Final = 4

Pair = tuple[float, float, int]
"""Predicted before, predicted with what was learned, and actual output tokens."""


def expected_effect(calibrator: Any, samples: Sequence[Sample]) -> dict[str, Any]:
    """
    Return the errors on the evidence as it was predicted, and as it would have been.

    The newest samples are cut into ten parts, and each part is judged by the multipliers that
    the parts before it speak for, so that no sample corrects itself.
    """
    pairs = list(_judged(calibrator, samples[-_NEWEST:]))
    if not pairs:
        return {"samples": 0}
    before = [(old, actual) for old, _, actual in pairs]
    after = [(new, actual) for _, new, actual in pairs]
    return {"samples": len(pairs), "before": _errors(before), "after": _errors(after)}


def _judged(calibrator: Any, samples: Sequence[Sample]) -> Iterator[Pair]:
    state = calibrator.initial()
    size = max(1, len(samples) // _PARTS)
    for start in range(0, len(samples), size):
        proposal = calibrator.propose(state)
        for sample in samples[start : start + size]:
            if reason_of(calibrator, state, sample) is None and sample.actual_output_tokens:
                key = "/".join(group_of(sample.category, sample.complexity))
                change = proposal.new.get(key, 1.0) / proposal.old.get(key, 1.0)
                predicted = sample.predicted_output_tokens
                yield predicted, predicted * change, sample.actual_output_tokens
        state, _ = folded(calibrator, state, samples[start : start + size])


def _errors(pairs: Sequence[tuple[float, int]]) -> dict[str, float]:
    relative = (abs(a - p) / max(1.0, (a + p) / 2) for p, a in pairs)
    return {
        "mae": round(fmean(abs(actual - predicted) for predicted, actual in pairs), _DIGITS),
        "smape": round(100 * fmean(relative), _DIGITS),
        "underestimated": round(fmean(actual > predicted for predicted, actual in pairs), _DIGITS),
    }

"""What is learned from a sample: its features as numbers, and the size of its output."""

import math

import attrs

from autopack.types import Features, Sample

WORDS = 3
"""How many words a row holds: model, category and complexity."""


@attrs.frozen
class Row:
    """One question: three words and two logarithms, NaN where they are not known."""

    words: tuple[str, str, str]
    log_prompt: float
    log_predicted: float


def row_of(features: Features) -> Row:
    """Return what was known before the output."""
    return Row(
        (features.model or "", features.category, features.complexity),
        _log(features.prompt_tokens),
        _log(features.predicted_output_tokens),
    )


def outcome_of(sample: Sample) -> float:
    """Return the logarithm of a sample's output in tokens, which is at least 1."""
    return math.log(max(1, sample.actual_output_tokens or 0))


def _log(tokens: int | None) -> float:
    return math.log1p(tokens) if tokens is not None and tokens >= 0 else math.nan

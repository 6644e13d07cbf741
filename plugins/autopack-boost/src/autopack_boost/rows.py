"""What is learned from a sample: its features as numbers, and the size of its output."""

import math
from collections.abc import Sequence
from typing import Final

import attrs

from autopack.types import Features, Sample

_LEANING: Final = 5.0
"""How many outputs under a word make them count as much as all outputs do."""
_UNKNOWN: Final = -1.0
"""What stands for a size that is not known; logarithms of sizes are 0 or more."""


@attrs.frozen
class Row:
    """One question: three words and two logarithms, -1 where they are not known."""

    words: tuple[str, str, str]
    log_prompt: float
    log_predicted: float

    @property
    def names(self) -> tuple[object, ...]:
        """What outputs are looked up under: each word by its place, and all of them."""
        return (*enumerate(self.words), self.words)


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


class WordLevels:
    """
    How much larger outputs are under a word, or under three together, than all are on average.

    In log tokens, the more leaning on 0 the fewer there were; so trees can tell any number of
    words apart by one figure each. One that was not there is 0.
    """

    def __init__(self, rows: Sequence[Row], sizes: Sequence[float]) -> None:
        mean = math.fsum(sizes) / len(sizes)
        sums: dict[object, tuple[int, float]] = {}
        for row, size in zip(rows, sizes, strict=True):
            for name in row.names:
                n, total = sums.get(name, (0, 0.0))
                sums[name] = n + 1, total + size - mean
        self._levels = {name: total / (n + _LEANING) for name, (n, total) in sums.items()}

    def numbers(self, row: Row) -> list[float]:
        """Return what trees are asked with: the levels of its words, and its two logarithms."""
        levels = [self._levels.get(name, 0.0) for name in row.names]
        return [*levels, row.log_prompt, row.log_predicted]


def _log(tokens: int | None) -> float:
    return math.log1p(tokens) if tokens is not None and tokens >= 0 else _UNKNOWN

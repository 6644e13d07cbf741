"""Trees fitted once to the rows of a moment, with what they then got wrong."""

import math
from collections.abc import Sequence
from typing import Any

import attrs

from autopack_boost.rows import WORDS, Row

_HELD_BACK = 0.2
_MOST_WORDS = 30


@attrs.frozen(eq=False)
class Forest:
    """
    A quantile regression on rows, corrected by the newest fifth of them, which it has not seen.

    Each quantile is fitted when it is first asked for, and then kept: the answer for a row and a
    quantile is always the same.

    Args:
        rows: In the order in which they were learned.
        sizes: Their outputs, as logarithms.
        trees: How many trees are fitted.
        seed: What scikit-learn draws from; equal seeds, equal trees.

    Source: Romano, Patterson and Candes (2019), conformalized quantile regression, one-sided.
    """

    rows: Sequence[Row]
    sizes: Sequence[float]
    trees: int = 100
    seed: int = 0
    _fitted: dict[float, tuple[Any, float]] = attrs.field(factory=dict, init=False, repr=False)
    _words: list[dict[str, int]] = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        """Number the words of each column, the most frequent first."""
        columns = ([row.words[place] for row in self.rows] for place in range(WORDS))
        object.__setattr__(self, "_words", [_numbered(column) for column in columns])

    def quantile(self, row: Row, tau: float) -> float:
        """Return the logarithm of the size at *tau*; infinite if too few were held back for it."""
        model, correction = self._at(tau)
        return float(model.predict(self._numbers([row]))[0]) + correction

    def _at(self, tau: float) -> tuple[Any, float]:
        if tau not in self._fitted:
            self._fitted[tau] = self._fit(tau)
        return self._fitted[tau]

    def _fit(self, tau: float) -> tuple[Any, float]:
        # They take seconds to load, and every command registers the calibrator.
        import numpy as np
        from sklearn.ensemble import GradientBoostingRegressor

        cut = len(self.rows) - max(1, math.floor(_HELD_BACK * len(self.rows)))
        numbers, sizes = self._numbers(self.rows), np.asarray(self.sizes)
        # The histogram kind fits faster, but starts its threads anew for each single row.
        model = GradientBoostingRegressor(
            loss="quantile", alpha=tau, n_estimators=self.trees, random_state=self.seed
        ).fit(numbers[:cut], sizes[:cut])
        scores = np.sort(sizes[cut:] - model.predict(numbers[cut:]))
        place = math.ceil(tau * (len(scores) + 1) - 1e-9)
        return model, float(scores[place - 1]) if place <= len(scores) else math.inf

    def _numbers(self, rows: Sequence[Row]) -> Any:
        """Return a line a row: a mark a known word, and each logarithm with whether it is known."""
        import numpy as np

        starts = np.cumsum([0, *map(len, self._words)])
        numbers = np.zeros((len(rows), int(starts[-1]) + 4))
        for line, row in zip(numbers, rows, strict=True):
            for start, known, word in zip(starts, self._words, row.words, strict=False):
                if word in known:
                    line[start + known[word]] = 1.0
            for place, size in ((-4, row.log_prompt), (-2, row.log_predicted)):
                if not math.isnan(size):
                    line[place : place + 2 or None] = (size, 1.0)
        return numbers


def _numbered(words: Sequence[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for word in words:
        counts[word] = counts.get(word, 0) + 1
    ranked = sorted(counts, key=lambda word: (-counts[word], word))[:_MOST_WORDS]
    return {word: number for number, word in enumerate(ranked)}

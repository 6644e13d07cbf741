"""Trees that were fitted to the rows of a moment, once for each quantile that is asked for."""

from array import array
from collections.abc import Sequence
from typing import Any, Final, TypeAlias

import attrs

from autopack_boost.rows import Row, WordLevels

Node: TypeAlias = "float | tuple[int, float, Node, Node]"
"""A leaf's value; or which number is held against which threshold, and what follows either way."""
_RATE: Final = 0.1
"""How much of what is missing each tree adds."""


@attrs.frozen
class Trees:
    """What a regression is made of: a start, and trees whose answers are added to it."""

    start: float
    nodes: tuple[Node, ...]

    def at(self, numbers: Sequence[float]) -> float:
        """
        Return the logarithm of a size, walking each tree; a tenth of scikit-learn's time.

        Args:
            numbers: In single precision, in which scikit-learn holds them against thresholds.
        """
        found = self.start
        for node in self.nodes:
            while isinstance(node, tuple):
                place, threshold, low, high = node
                node = low if numbers[place] <= threshold else high
            found += _RATE * node
        return found


class Forest:
    """
    A quantile regression on rows.

    Each quantile is fitted when it is first asked for, and then kept: the answer for a row and a
    quantile is always the same.

    Args:
        rows: In the order in which they were learned.
        sizes: Their outputs, as logarithms.
        trees: How many trees are fitted.
        seed: What scikit-learn draws from; equal seeds, equal trees.
    """

    def __init__(
        self, rows: Sequence[Row], sizes: Sequence[float], *, trees: int = 100, seed: int = 0
    ) -> None:
        self.rows, self.sizes, self._trees, self._seed = rows, sizes, trees, seed
        self._levels = WordLevels(rows, sizes)
        self._fitted: dict[float, Trees] = {}
        self._last: dict[float, tuple[Row, float]] = {}

    def quantile(self, row: Row, tau: float) -> float:
        """Return the logarithm of the size at *tau*; the last answer is asked for twice."""
        last = self._last.get(tau)
        if last is not None and last[0] == row:
            return last[1]
        if tau not in self._fitted:
            self._fitted[tau] = self._fit(tau)
        found = self._fitted[tau].at(array("f", self._levels.numbers(row)))
        self._last[tau] = row, found
        return found

    def _fit(self, tau: float) -> Trees:
        # They take seconds to load, and every command registers the calibrator.
        import numpy as np
        from sklearn.ensemble import GradientBoostingRegressor

        # The histogram kind fits faster, but keeps its trees to itself.
        model = GradientBoostingRegressor(
            loss="quantile",
            alpha=tau,
            learning_rate=_RATE,
            n_estimators=self._trees,
            random_state=self._seed,
        ).fit(np.array([self._levels.numbers(row) for row in self.rows]), np.array(self.sizes))
        start = float(np.ravel(model.init_.constant_)[0])
        return Trees(start, tuple(_node(tree.tree_, 0) for tree in model.estimators_[:, 0]))


def _node(tree: Any, place: int) -> Node:
    if tree.children_left[place] < 0:
        return float(tree.value[place][0][0])
    low, high = (_node(tree, side[place]) for side in (tree.children_left, tree.children_right))
    return int(tree.feature[place]), float(tree.threshold[place]), low, high

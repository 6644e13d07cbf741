"""Each row predicted before it is learned, and learned only once its outcome is known."""

import math
from collections.abc import Iterable, Iterator, Sequence
from heapq import heappop, heappush
from itertools import count, groupby
from typing import Any

import attrs

from autopack.ports.prediction import Features, Prediction, Sample


@attrs.frozen(kw_only=True)
class Row:
    """
    One prediction to be made, and what came of it.

    Args:
        at: When it is asked for: a moment, or a position in a log.
        known_at: When its outcome is known, on the same clock; not before *at*.
        features: What is known when it is asked for.
        sample: The outcome, and what a calibrator learns.
    """

    at: float
    known_at: float
    features: Features
    sample: Sample


class Replay:
    """
    Iterating it yields each row with its predictions, in the order in which they are asked for.

    Before a row is predicted, all outcomes that are known by then are learned, in the order in
    which they became known; its own never is, nor one that is known later, nor that of a row
    asked for at the same moment. After the last row the rest is learned.

    Args:
        taus: The quantiles that are asked for.
    """

    def __init__(self, calibrator: Any, rows: Iterable[Row], taus: Sequence[float]) -> None:
        self.calibrator, self.rows, self.taus = calibrator, sorted(rows, key=_at), taus
        self.state = calibrator.initial()
        """What the calibrator has learned so far."""
        self._pending: list[tuple[float, int, Sample]] = []

    def __iter__(self) -> Iterator[tuple[Row, tuple[Prediction, ...]]]:
        ask, numbers = self.calibrator.predict, count()
        for at, together in groupby(self.rows, key=_at):
            self._learn(at)
            moment = list(together)
            for row in moment:
                yield row, tuple(ask(self.state, row.features, tau) for tau in self.taus)
            for row in moment:
                heappush(self._pending, (max(at, row.known_at), next(numbers), row.sample))
        self._learn(math.inf)

    def _learn(self, until: float) -> None:
        while self._pending and self._pending[0][0] <= until:
            self.state = self.calibrator.update(self.state, heappop(self._pending)[2])


def late(rows: Iterable[Row]) -> int:
    """Return how many outcomes are known only after the next prediction has been asked for."""
    moments = [list(together) for _, together in groupby(sorted(rows, key=_at), key=_at)]
    following = [*(moment[0].at for moment in moments[1:]), math.inf]
    return sum(
        len(moment) > 1 or moment[0].known_at > after
        for moment, after in zip(moments, following, strict=False)
        for _ in moment
    )


def _at(row: Row) -> float:
    return row.at

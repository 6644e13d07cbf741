"""What a log knows of its groups' predictions, read when a strategy first asks."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from autopack.log.journal import Journal
from autopack.log.views import LiveView
from autopack.ports.drain import GroupEvidence, evidence_of
from autopack.prediction.estimation import vocabulary
from autopack.projections.attempt_row import AttemptRow
from autopack.projections.attempts import ATTEMPTS

_UNIT: Final = 2**60
"""Sums are kept in whole parts of one, so many: floats would add up by their order."""


class Knowledge(Mapping[str, GroupEvidence]):
    """
    Evidence by ``category/complexity``, kept up to date from the log while somebody looks.

    Only samples that a calibrator could use count: of this estimator, successful, measured and
    whole. Their sums are exact, whatever the order in which they come.

    Args:
        until: Returns the position up to which the log is read now.
    """

    def __init__(self, journal: Journal, estimator: str, until: Callable[[], int]) -> None:
        self._journal, self._estimator, self._until = journal, estimator, until
        self._samples: LiveView | None = None
        self._sums: dict[str, tuple[int, int, int]] = {}
        self._groups: dict[str, GroupEvidence] = {}

    def __getitem__(self, group: str) -> GroupEvidence:
        return self._now()[group]

    def __iter__(self) -> Iterator[str]:
        return iter(self._now())

    def __len__(self) -> int:
        return len(self._now())

    def _now(self) -> Mapping[str, GroupEvidence]:
        if self._samples is None:
            self._samples = LiveView(self._journal, ATTEMPTS)
            for row in self._samples.rows.values():
                self._add(row, 1)
        for before, after in self._samples.catch_up(self._until()).values():
            self._add(before, -1)
            self._add(after, 1)
        return self._groups

    def _add(self, row: AttemptRow | None, sign: int) -> None:
        found = None if row is None else evidence_in(row, self._estimator, sign)
        if row is None or found is None:
            return
        group = vocabulary.group(row.category, row.complexity)
        n, log_sum, log_squares = self._sums.get(group, (0, 0, 0))
        sums = n + found.n, log_sum + _exact(found.log_sum), log_squares + _exact(found.log_squares)
        self._sums[group] = sums
        self._groups[group] = GroupEvidence(
            n=sums[0], log_sum=sums[1] / _UNIT, log_squares=sums[2] / _UNIT
        )


def _exact(value: float) -> int:
    return round(value * _UNIT)


def evidence_in(row: AttemptRow, estimator: str, sign: int = 1) -> GroupEvidence | None:
    """Return what an attempt says of its group; None if a calibrator could not use it."""
    is_good = bool(row.success) and not (row.truncated or row.is_test)
    if not (is_good and row.estimator == estimator and row.is_met):
        return None
    predicted, actual = row.predicted_output_tokens or 0, row.actual_output_tokens or 0
    return evidence_of(predicted, actual, sign) if predicted > 0 and actual > 0 else None


class Predictions:
    """
    Predicted output tokens of phases, each asked for once.

    Attributes:
        known, fresh: By key, all of them, and those that nobody has taken out since.
    """

    def __init__(self, predict: Callable[[Any], int]) -> None:
        self._predict = predict
        self.known: dict[str, int] = {}
        self.fresh: dict[str, int] = {}

    def __call__(self, phase: Any) -> int:
        """Return the prediction; what a calibration teaches in the meantime is for the budgets."""
        if phase.key not in self.known:
            self.known[phase.key] = self.fresh[phase.key] = self._predict(phase)
        return self.known[phase.key]

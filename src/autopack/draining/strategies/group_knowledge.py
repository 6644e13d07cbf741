"""What a log knows of its groups' predictions, read when a strategy first asks."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from autopack.log.journal import Journal
from autopack.log.views import LiveView
from autopack.ports.drain import GroupEvidence, evidence_of
from autopack.prediction.estimation import vocabulary
from autopack.projections.attempt_row import AttemptRow
from autopack.projections.attempts import ATTEMPTS


class Knowledge(Mapping[str, GroupEvidence]):
    """
    Evidence by ``category/complexity``, kept up to date from the log while somebody looks.

    Only samples that a calibrator could use count: of this estimator, successful, measured and
    whole.
    """

    def __init__(self, journal: Journal, estimator: str) -> None:
        self._journal, self._estimator = journal, estimator
        self._samples: LiveView | None = None
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
        for before, after in self._samples.catch_up().values():
            self._add(before, -1)
            self._add(after, 1)
        return self._groups

    def _add(self, row: AttemptRow | None, sign: int) -> None:
        found = None if row is None else evidence_in(row, self._estimator, sign)
        if row is None or found is None:
            return
        group = vocabulary.group(row.category, row.complexity)
        self._groups[group] = self._groups.get(group, GroupEvidence()).plus(found)


def evidence_in(row: AttemptRow, estimator: str, sign: int = 1) -> GroupEvidence | None:
    """Return what an attempt says of its group; None if a calibrator could not use it."""
    is_good = bool(row.success) and not (row.truncated or row.is_test)
    if not (is_good and row.estimator == estimator and row.is_met):
        return None
    predicted, actual = row.predicted_output_tokens or 0, row.actual_output_tokens or 0
    return evidence_of(predicted, actual, sign) if predicted > 0 and actual > 0 else None


class Predictions:
    """Predicted output tokens of phases, each asked for once."""

    def __init__(self, estimate: Callable[[Any], Any]) -> None:
        self._estimate = estimate
        self._known: dict[str, int] = {}

    def __call__(self, phase: Any) -> int:
        """Return the prediction; what a calibration teaches in the meantime is for the budgets."""
        if phase.key not in self._known:
            self._known[phase.key] = self._estimate(phase).predicted_output_tokens
        return self._known[phase.key]

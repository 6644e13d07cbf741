"""What the next attempt will use at most, nine times of ten, from what attempts used before."""

import math
from collections.abc import Iterable
from typing import Final

from autopack.log.journal import Journal
from autopack.ports.measures import Measure
from autopack.ports.prediction import Features
from autopack.prediction.calibration.forecast_intervals import expected_by
from autopack.prediction.calibration.measure_calibrator import MeasureCalibrator
from autopack.prediction.mixture.calibrator import Mixture
from autopack.projections.attempt_row import AttemptRow
from autopack.projections.attempts import ATTEMPTS
from autopack.projections.observations import attempt_total

UPPER: Final = 0.9
"""The share of attempts that are to use no more than is set aside for them."""
_EVENTS_READ: Final = 5_000


class PredictedUse:
    """
    What attempts used in a measure, learned in the order of their ends.

    Args:
        by: Total tokens, or US dollars.
    """

    def __init__(self, by: Measure) -> None:
        self._by, self._calibrator = by, MeasureCalibrator(Mixture(tau=UPPER), by)
        self._state = self._calibrator.initial()

    def learn(self, row: AttemptRow) -> None:
        """Take note of what an attempt used that came to an end of its own."""
        sample = attempt_total(row, log_id="", by=self._by)
        if sample is not None:
            self._state = self._calibrator.update(self._state, sample)

    def at_most(self, features: Features) -> int:
        """Return the size, in whole units of the measure, that an attempt will not exceed."""
        return math.ceil(self._calibrator.predict(self._state, features, UPPER).tokens)

    def expected(self, features: Features) -> int:
        """Return the size that lets expect what many attempts use together."""
        return round(expected_by(self._calibrator)(self._state, features))


def newest_attempts(journal: Journal, *, but_of: str | None) -> Iterable[AttemptRow]:
    """
    Yield the log's newest attempts that came to an end, in its order, read from its last events.

    Args:
        but_of: The drain whose own attempts are left out.
    """
    rows: dict[str, AttemptRow] = {}
    after = max(0, journal.head().position - _EVENTS_READ)
    for recorded in journal.read_all(after=after, types=ATTEMPTS.types):
        key = ATTEMPTS.key(recorded)
        row = None if key is None else ATTEMPTS.project(rows.get(key), recorded)
        if key is not None and row is not None:
            rows[key] = row
    begun = (row for row in rows.values() if row.claimed_us is not None)
    ended = [row for row in begun if row.success is not None and row.drain != but_of]
    return sorted(ended, key=lambda row: row.ended_position or row.position)

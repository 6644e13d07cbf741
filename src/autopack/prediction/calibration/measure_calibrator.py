"""A calibrator that is asked for another measure than output tokens."""

import math
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

import attrs

from autopack.ports.measures import OUTPUT, Measure
from autopack.ports.prediction import Features, Prediction, Sample
from autopack.prediction.calibration.calibrator_fold import reason_of
from autopack.prediction.calibration.usable_samples import stratum

_FIRST_GUESS: Final[Mapping[Measure, float]] = {
    "total_tokens": 1.0,
    "cost_usd": 15.0,
    "calls": 1 / 4096,
}
"""What a token of the estimator's comes to before anything is known: 15 USD a million, say."""
_NEWEST: Final = 200
"""Of how many samples the usual rate is; from then on the older ones fade."""
LARGEST: Final = 2**53
"""What stands for the most that an output may be: of other measures nothing is known to be it."""


class MeasureState(NamedTuple):
    """
    A calibrator's state, and what a token that the estimator predicts usually comes to.

    Args:
        n: How many samples that is of, at most 200.
        log_rate: The mean logarithm of size over prediction.
    """

    of: Any
    n: int
    log_rate: float


@attrs.frozen
class MeasureCalibrator:
    """
    Asks a calibrator of output tokens for totals, costs or calls, whose sizes it learns instead.

    Where it leans on the estimator's figure it is shown that figure in the measure: what a token
    of it has come to so far. Calls are answered as a whole number.

    Args:
        of: The calibrator.
        by: The measure of the samples, which are sized in it.
    """

    of: Any
    by: Measure

    @property
    def name(self) -> str:
        """The calibrator's own name."""
        return str(self.of.name)

    def initial(self) -> MeasureState:
        """Return the state before any sample."""
        return MeasureState(self.of.initial(), 0, math.log(_FIRST_GUESS[self.by]))

    def set_aside(self, state: MeasureState, sample: Sample) -> str | None:
        """Return why the sample may not be used, or None."""
        return reason_of(self.of, state.of, self._shown(state, sample))

    def update(self, state: MeasureState, sample: Sample) -> MeasureState:
        """Return the state after the sample; *state* itself if it is set aside."""
        after = self.of.update(state.of, self._shown(state, sample))
        if after is state.of:
            return state
        predicted, size = sample.predicted_output_tokens, sample.actual_output_tokens or 0
        if predicted < 1 or size < 1 or stratum(sample) == "failed":
            return state._replace(of=after)
        n = min(state.n + 1, _NEWEST)
        log_rate = state.log_rate + (math.log(size / predicted) - state.log_rate) / n
        return MeasureState(after, n, log_rate)

    def predict(self, state: MeasureState, features: Features, tau: float) -> Prediction:
        """Return the size at quantile *tau*."""
        given = features.predicted_output_tokens
        shown = attrs.evolve(
            features, predicted_output_tokens=None if given is None else _scaled(state, given)
        )
        found: Prediction = self.of.predict(state.of, shown, tau)
        if self.by != "calls" or not math.isfinite(found.tokens):
            return found
        return attrs.evolve(found, tokens=float(max(1, round(found.tokens))))

    def guarantees(self, state: MeasureState) -> Iterable[Any]:
        """Return what the calibrator promises, if it does: of rounded counts nothing."""
        told = getattr(self.of, "guarantees", None)
        return () if told is None or self.by == "calls" else told(state.of)

    def _shown(self, state: MeasureState, sample: Sample) -> Sample:
        predicted = sample.predicted_output_tokens
        if predicted < 1:
            return sample
        return attrs.evolve(sample, predicted_output_tokens=_scaled(state, predicted))


def in_measure(calibrator: Any, by: Measure) -> Any:
    """Return a calibrator that is asked for a measure: itself, for output tokens."""
    return calibrator if by == OUTPUT else MeasureCalibrator(calibrator, by)


def usual_in(by: Measure) -> Mapping[str, Any]:
    """Return options for calibrators that have them: none holds back what is no output."""
    return {} if by == OUTPUT else {"cap_tokens": LARGEST}


def _scaled(state: MeasureState, tokens: int) -> int:
    return max(1, min(LARGEST, round(tokens * math.exp(state.log_rate))))

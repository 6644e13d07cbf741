"""What a drain is told of the next output: what a backtest would have told."""

import random

import autopack
from autopack import Failed, PhaseSpec
from autopack.prediction.calibration.backtesting import rows_of
from autopack.prediction.calibration.prequential import Replay
from autopack.prediction.mixture.calibrator import Mixture


class Recording:
    """The mixture, and what it was asked and said at 0.9."""

    name = "recording"

    def __init__(self):
        self._mixture, self.said = Mixture(), []
        self.initial, self.update = self._mixture.initial, self._mixture.update
        self.set_aside, self.propose = self._mixture.set_aside, self._mixture.propose

    def predict(self, state, features, tau):
        """Return what the mixture says, and note it."""
        found = self._mixture.predict(state, features, tau)
        if tau == 0.9:
            self.said.append(found.tokens)
        return found


def test_a_drain_answers_as_a_backtest(log):
    """Each attempt's quantile rests on all that ended before it, to the last sample."""
    rng, calibrator = random.Random(1), Recording()
    autopack.create_run(log, "r", [PhaseSpec(f"p{n}", category="docs") for n in range(60)])

    def write(_phase, attempt):
        tokens = int(rng.lognormvariate(5, 0.6))
        attempt.record_usage(model="m", input_tokens=10, output_tokens=tokens)

    autopack.drain(log, executor=write, workers=1, calibrator=calibrator, tau=0.9)
    rows, _aside = rows_of(autopack.list_samples(log))
    told = [said.tokens for _row, (said,) in Replay(Mixture(), rows, (0.9,))]

    assert 60 == len(told)
    assert told == calibrator.said


def test_a_model_that_answers_anew_each_time(log):
    """Where another answer follows one that was cut, a tenth of first answers is cut, no third."""
    rng = random.Random(1)

    def write(_phase, attempt):
        size = int(rng.lognormvariate(5, 0.6))
        told = min(size, attempt.budget_tokens)
        attempt.record_usage(
            model="m", output_tokens=told, max_tokens=attempt.budget_tokens, truncated=size > told
        )
        return Failed("truncated", "it was cut") if size > told else None

    autopack.create_run(log, "r", [PhaseSpec(f"p{n}", category="docs") for n in range(250)])
    autopack.drain(log, executor=write, workers=1, calibrator="mixture", tau=0.9)
    first = [one for one in autopack.list_samples(log) if one.attempt == 1][50:]

    assert 0.06 <= sum(one.truncated for one in first) / 200 <= 0.16

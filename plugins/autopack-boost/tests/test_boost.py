"""The calibrator ``boost``: when it fits, what it learns, what it leaves alone, how it covers."""

import math
import random
import subprocess
import sys

import pytest

from autopack import load_plugins
from autopack.errors import InvalidInputError
from autopack.prediction.calibration.backtesting import judged, rows_of
from autopack.prediction.calibration.shrinkage import ShrinkageQuantile
from autopack.testing.calibrators import CalibratorContract
from autopack.types import Features, Sample
from autopack_boost import BoostCalibrator
from autopack_boost.forest import Forest
from autopack_boost.rows import row_of


def sample(actual, prompt=100, **fields):
    """Return a usable sample, but for the fields given."""
    defaults = {
        "position": 1,
        "run_id": None,
        "phase_id": None,
        "attempt": 1,
        "category": "docs",
        "complexity": "low",
        "success": True,
        "features": {"model": "m", "prompt_tokens": prompt},
    }
    return Sample(actual_output_tokens=actual, predicted_output_tokens=1000, **(defaults | fields))


def asked(prompt=100, **fields):
    """Return a question about such a sample."""
    defaults = {"category": "docs", "complexity": "low", "model": "m"}
    return Features(prompt_tokens=prompt, predicted_output_tokens=1000, **(defaults | fields))


def proportional(n, seed=1):
    """Return samples whose output is about half of their prompt."""
    drawn = random.Random(seed)
    prompts = [drawn.randrange(100, 10_000) for _ in range(n)]
    return [
        sample(max(1, round(prompt / 2 * drawn.lognormvariate(0, 0.2))), prompt, position=i + 1)
        for i, prompt in enumerate(prompts)
    ]


def learned(calibrator, samples):
    """Return the state after samples."""
    state = calibrator.initial()
    for one in samples:
        state = calibrator.update(state, one)
    return state


@pytest.fixture(scope="module")
def calibrator():
    """Return one that fits few trees."""
    return BoostCalibrator(least=60, trees=30)


@pytest.fixture(scope="module")
def state(calibrator):
    """Return its state after 120 samples."""
    return learned(calibrator, proportional(120))


def test_it_is_found():
    """The entry point registers it, and loads scikit-learn only when it is used."""
    code = (
        "import sys, autopack; autopack.load_plugins(); "
        "print({'sklearn', 'numpy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert BoostCalibrator is load_plugins().resolve("calibrator", "boost")
    assert "set()" == done.stdout.strip()


def test_early_on(calibrator):
    """Until there are samples enough it answers as the shrinkage quantile does."""
    few = proportional(20)
    under = ShrinkageQuantile()

    assert under.predict(learned(under, few), asked(), 0.9) == calibrator.predict(
        learned(calibrator, few), asked(), 0.9
    )


def test_when_trees_are_fitted(calibrator):
    """At the first 60 samples, and again with a quarter more each time."""
    state, fitted = calibrator.initial(), []
    for one in proportional(120):
        state = calibrator.update(state, one)
        if state.fitted_at == state.n:
            fitted.append(state.n)

    assert [60, 75, 94, 118] == fitted


def test_it_learns_from_numbers(calibrator, state):
    """A prompt ten times as large gives a prediction several times as large."""
    small, large = (calibrator.predict(state, asked(size), 0.5).tokens for size in (800, 8000))

    assert 4 < large / small < 20


def test_words_that_it_has_not_seen(calibrator, state):
    """They count as not known, and are answered."""
    found = calibrator.predict(state, asked(category="new", model="new"), 0.5)

    assert math.isfinite(found.tokens)


def test_what_is_set_aside(calibrator):
    """A regression learns nothing from sizes that are not known, nor from failures."""
    start = calibrator.initial()
    cut, failed = sample(5, truncated=True), sample(5, success=False)

    assert ("truncated", "unsuccessful") == (
        calibrator.set_aside(start, cut),
        calibrator.set_aside(start, failed),
    )
    assert start is calibrator.update(start, cut)


def test_states_are_not_mutated(calibrator, state):
    """Learning on leaves the state before as it was, and the same fold gives the same answers."""
    before = calibrator.predict(state, asked(), 0.9)
    for one in proportional(40, seed=2):
        calibrator.update(state, one)
    again = learned(calibrator, proportional(120))

    assert before == calibrator.predict(state, asked(), 0.9)
    assert before == calibrator.predict(again, asked(), 0.9)


def test_too_few_held_back_for_a_quantile():
    """The correction is infinite then, so that the cap is given."""
    calibrator = BoostCalibrator(least=20, trees=5, cap_tokens=7000)
    state = learned(calibrator, proportional(20))

    assert 7000 == calibrator.predict(state, asked(), 0.9).tokens


def test_the_correction_is_conformal():
    """It is the held-back score at place ceil(tau (n + 1)) of n."""
    samples = proportional(100)
    forest = Forest(
        [row_of(one.question()) for one in samples],
        [math.log(one.actual_output_tokens) for one in samples],
        trees=10,
    )
    model, correction = forest._at(0.9)
    numbers = forest._numbers([row_of(one.question()) for one in samples[80:]])
    sizes = [math.log(one.actual_output_tokens) for one in samples[80:]]
    scores = sorted(size - guess for size, guess in zip(sizes, model.predict(numbers), strict=True))

    assert pytest.approx(scores[18]) == correction


def test_it_covers_and_beats_what_sees_less():
    """On outputs that follow the prompt it covers, and loses less than without numbers."""
    rows, _ = rows_of(proportional(600))
    boost = BoostCalibrator(least=60, trees=15, growth=1.8)
    plain = ShrinkageQuantile(use_prompt=False)
    scores = {
        (one.calibrator, one.group): one
        for one in judged(rows, {"boost": boost, "plain": plain}, 0.9).scores
    }

    assert 0.85 <= scores["boost", "all"].coverage <= 0.97
    assert scores["boost", "all"].pinball < scores["plain", "all"].pinball


def test_it_teaches_no_multiplier(calibrator, state):
    """Its proposal shows the groups, and changes nothing."""
    found = calibrator.propose(state)

    assert ("boost", False, 120) == (found.calibrator, found.is_change, found.samples_used)


@pytest.mark.parametrize("options", [{"least": 5}, {"growth": 1.0}, {"newest": 50}, {"trees": 0}])
def test_impossible_options(options):
    """They are refused by value."""
    with pytest.raises(InvalidInputError, match="give"):
        BoostCalibrator(**options)


class TestContract(CalibratorContract):
    """It keeps what every calibrator promises, also once trees are fitted."""

    def make(self):
        """Return one that fits two trees to ten samples."""
        return BoostCalibrator(least=10, trees=2)

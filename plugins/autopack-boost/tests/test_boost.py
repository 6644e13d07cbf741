"""The calibrator ``boost``: when it fits, what it learns, what it leaves alone, how it covers."""

import math
import random
import subprocess
import sys

import attrs
import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingRegressor

from autopack import load_plugins
from autopack.errors import InvalidInputError
from autopack.prediction.calibration.backtesting import judged, rows_of
from autopack.prediction.calibration.prequential import Replay
from autopack.prediction.calibration.shrinkage import ShrinkageQuantile
from autopack.prediction.calibrators import calibrator_of
from autopack.prediction.mixture.calibrator import Mixture
from autopack.testing.experts import ExpertContract
from autopack.types import Features, Sample
from autopack_boost import BoostCalibrator
from autopack_boost.forest import Forest
from autopack_boost.rows import outcome_of, row_of


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
    return learned_more(calibrator, calibrator.initial(), samples)


def learned_more(calibrator, state, samples):
    """Return the state after further samples."""
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


def fitted_at(calibrator, n):
    """Return after how many samples trees were fitted, of *n*."""
    state, found = calibrator.initial(), []
    for one in proportional(n):
        state = calibrator.update(state, one)
        if state.fitted_at == state.n:
            found.append(state.n)
    return found


def test_when_trees_are_fitted():
    """At the first 60 samples, and again with a tenth more each time, or a fifth of the newest."""
    assert [60, 66, 73, 81, 90] == fitted_at(BoostCalibrator(least=60), 95)
    assert [60, 72, 84, 96] == fitted_at(BoostCalibrator(least=60, newest=60, growth=3.0), 100)


def test_trees_are_fitted_to_the_newest():
    """What is older than that is forgotten, and not kept for long."""
    calibrator = BoostCalibrator(least=20, newest=30, trees=1)
    samples = proportional(90)
    state = learned(calibrator, samples)
    at = state.fitted_at

    assert [row_of(one.question()) for one in samples[at - 30 : at]] == list(state.forest.rows)
    assert 30 <= len(list(state.rows)) < 60


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


def test_what_is_added_is_conformal():
    """It is the score at place ceil(tau (n + 1)) of the newest n, by trees that came before."""
    samples = proportional(500)
    calibrator = BoostCalibrator(least=100, growth=1.5, trees=10)
    state, rows, sizes, scores = calibrator.initial(), [], [], []
    forest = None
    for one in samples:
        state = calibrator.update(state, one)
        row, size = row_of(one.question()), outcome_of(one)
        if forest is not None:
            scores.append(size - forest.quantile(row, 0.9))
        rows.append(row)
        sizes.append(size)
        if state.fitted_at == state.n:
            forest = Forest(list(rows), list(sizes), trees=10)
    added = sorted(scores[-300:])[math.ceil(0.9 * 301) - 1]
    expected = math.exp(forest.quantile(row_of(asked(500)), 0.9) + added)

    assert pytest.approx(expected, abs=1e-5) == calibrator.predict(state, asked(500), 0.9).tokens


def test_few_outputs_that_trees_had_not_seen():
    """Until they are enough for the quantile, the most that one was missed by is added."""
    calibrator = BoostCalibrator(least=20, trees=5, growth=9.0)
    state = learned(calibrator, proportional(20))
    bare = calibrator.predict(state, asked(), 0.9).tokens
    grown = learned_more(calibrator, state, [sample(10**6), sample(1)])

    assert math.exp(state.forest.quantile(row_of(asked()), 0.9)) == pytest.approx(bare, abs=1e-5)
    assert 10**6 == pytest.approx(calibrator.predict(grown, asked(), 0.9).tokens, rel=1e-6)


@pytest.mark.parametrize("tau", [0.5, 0.9])
def test_walked_trees_are_those_that_were_fitted(tau):
    """They say what scikit-learn says of the same numbers."""
    samples = proportional(300)
    rows = [row_of(one.question()) for one in samples]
    sizes = [outcome_of(one) for one in samples]
    forest = Forest(rows, sizes, trees=20, seed=3)
    numbers = np.array([forest._levels.numbers(row) for row in rows])
    model = GradientBoostingRegressor(loss="quantile", alpha=tau, n_estimators=20, random_state=3)
    expected = model.fit(numbers, np.array(sizes)).predict(numbers)

    assert list(expected) == pytest.approx([forest.quantile(row, tau) for row in rows])


def test_any_number_of_words(calibrator):
    """Of 200 categories each is told apart, though trees see one figure of it."""
    drawn = random.Random(4)
    levels = {f"c{n}": drawn.lognormvariate(6, 1) for n in range(200)}
    named = [(f"c{drawn.randrange(200)}", drawn.lognormvariate(0, 0.1)) for _ in range(2000)]
    state = learned(
        BoostCalibrator(least=2000, growth=9.0),
        [sample(round(levels[word] * off), category=word) for word, off in named],
    )
    off = [
        abs(math.log(calibrator.predict(state, asked(category=word), 0.5).tokens / level))
        for word, level in levels.items()
    ]

    assert sum(off) / len(off) < 0.3


def test_drift_is_followed():
    """Outputs grow threefold: 200 rows later nine of ten are covered again."""
    samples = proportional(600) + [
        attrs.evolve(one, actual_output_tokens=3 * one.actual_output_tokens)
        for one in proportional(400, seed=2)
    ]
    calibrator = BoostCalibrator(trees=15, growth=1.3)
    state, fit = calibrator.initial(), []
    for one in samples:
        fit.append(
            one.actual_output_tokens <= calibrator.predict(state, one.question(), 0.9).tokens
        )
        state = calibrator.update(state, one)

    assert sum(fit[800:]) >= 0.87 * 200


def test_the_mixture_gains_by_it():
    """Outputs that follow the estimator's figure, which trees look at: it loses a third less."""
    drawn = random.Random(5)
    samples = []
    for number in range(1000):
        predicted, off = drawn.randrange(100, 10_000), drawn.lognormvariate(0, 0.2)
        fields = {"predicted_output_tokens": predicted, "position": number + 1}
        samples.append(attrs.evolve(sample(round(off * predicted)), **fields))
    rows, _ = rows_of(samples)
    trees = BoostCalibrator(trees=30, growth=1.5)
    alone, helped = (
        sum(
            max(0.9 * off, -0.1 * off)
            for row, (said,) in Replay(one, rows, (0.9,))
            for off in [row.sample.actual_output_tokens - said.tokens]
        )
        for one in (Mixture(), Mixture(experts=[trees]))
    )

    assert helped < 0.67 * alone


def test_it_is_named_in_a_mixture():
    """``mixture:experts=boost`` asks it, with the options that are given there."""
    found = calibrator_of(load_plugins(), "mixture:experts=boost:trees=20", {"tau": 0.8})

    assert [20] == [expert.trees for expert in found.experts]


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


class TestContract(ExpertContract):
    """It keeps what calibrators and experts of the mixture promise, also once trees are fitted."""

    def make(self):
        """Return one that fits two trees to ten samples."""
        return BoostCalibrator(least=10, trees=2)

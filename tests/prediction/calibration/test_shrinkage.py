"""The shrinkage quantile: its tree, its mixing, what is cut, what failed, and its bulk form."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autopack.errors import InvalidInputError
from autopack.ports.prediction import Features
from autopack.prediction.calibration.calibrator_fold import run_calibrator
from autopack.prediction.calibration.shrinkage import DEFAULT_TOKENS, ShrinkageQuantile

DOCS = Features(category="docs", complexity="low")


def test_nothing_known(learned):
    """Without samples the estimator's figure is given, or a default."""
    calibrator = ShrinkageQuantile()
    told = Features(category="docs", complexity="low", predicted_output_tokens=800)

    assert (
        pytest.approx(DEFAULT_TOKENS)
        == calibrator.predict(learned(calibrator, []), DOCS, 0.9).tokens
    )
    assert pytest.approx(800) == calibrator.predict(learned(calibrator, []), told, 0.9).tokens


def test_mixing(learned, sample):
    """Each node's quantile is mixed with its parent's by n / (n + shrinkage), in log tokens."""
    calibrator = ShrinkageQuantile(shrinkage=10)
    state = learned(calibrator, [sample(100)] * 10 + [sample(800, category="tests")] * 10)
    root = math.log(4096) + 20 / 30 * (math.log(800) - math.log(4096))
    model = root + 20 / 30 * (math.log(800) - root)
    category = model + 10 / 20 * (math.log(100) - model)
    complexity = category + 10 / 20 * (math.log(100) - category)

    assert pytest.approx(math.exp(complexity)) == calibrator.predict(state, DOCS, 0.9).tokens


def test_without_shrinkage_it_is_the_order_statistic(learned, sample):
    """A group of nineteen gives its eighteenth at 0.9."""
    calibrator = ShrinkageQuantile(shrinkage=0)
    state = learned(calibrator, [sample(size) for size in range(10, 200, 10)])

    assert pytest.approx(180) == calibrator.predict(state, DOCS, 0.9).tokens


def test_prompts_of_a_size_are_a_leaf(learned, sample):
    """Prompts between two powers of two are one leaf, unless prompts are not to be looked at."""
    short, long = {"features": {"prompt_tokens": 100}}, {"features": {"prompt_tokens": 5000}}
    evidence = [sample(50, **short)] * 20 + [sample(900, **long)] * 20
    asked = Features(category="docs", complexity="low", prompt_tokens=127)
    seeing, blind = ShrinkageQuantile(shrinkage=0), ShrinkageQuantile(shrinkage=0, use_prompt=False)

    assert pytest.approx(50) == seeing.predict(learned(seeing, evidence), asked, 0.9).tokens
    assert pytest.approx(900) == blind.predict(learned(blind, evidence), asked, 0.9).tokens


def test_models_are_told_apart_by_the_name_asked_for(learned, sample):
    """What the provider calls the model in its answer makes no leaf that nobody asks for."""
    called = {"model": "m-2026-01-01", "features": {"model": "m"}}
    calibrator = ShrinkageQuantile(shrinkage=0)
    state = learned(calibrator, [sample(50, **called)] * 9 + [sample(900)] * 9)
    asked = Features(category="docs", complexity="low", model="m")

    assert pytest.approx(50) == calibrator.predict(state, asked, 0.9).tokens


@pytest.mark.parametrize("model", [None, "new"])
def test_a_model_that_was_not_seen(learned, sample, model):
    """It is answered by the categories of all models, not by all that was ever written."""
    known = {"features": {"model": "m"}}
    calibrator = ShrinkageQuantile(shrinkage=0)
    evidence = [sample(50, **known)] * 9 + [sample(900, category="tests", **known)] * 9
    asked = Features(category="docs", complexity="low", model=model)
    found = calibrator.predict(learned(calibrator, evidence), asked, 0.9)

    assert (50, "9 samples of any model/docs/low") == (found.tokens, found.basis)


def test_one_output_of_a_new_model_hides_no_category(learned, sample):
    """What others wrote in a category counts until the model has written there itself."""
    new, known = {"features": {"model": "new"}}, {"features": {"model": "m"}}
    calibrator = ShrinkageQuantile(shrinkage=0)
    evidence = [sample(50, **known)] * 9 + [sample(900, category="tests", **new)]
    state = learned(calibrator, evidence)
    asked = [Features(category=one, complexity="low", model="new") for one in ("docs", "other")]
    found = [calibrator.predict(state, one, 0.9) for one in asked]

    assert (50, "9 samples of any model/docs/low") == (found[0].tokens, found[0].basis)
    assert (900, "1 samples of new") == (found[1].tokens, found[1].basis)


def test_truncated_outputs_raise(learned, sample):
    """An output that was cut off counts as larger than what was seen, not as that size."""
    calibrator = ShrinkageQuantile(shrinkage=0)
    whole = [sample(size) for size in range(10, 200, 10)]
    cut = [sample(100, truncated=True, success=False)] * 5

    assert (
        pytest.approx(190) == calibrator.predict(learned(calibrator, whole + cut), DOCS, 0.9).tokens
    )


def test_failed_attempts_are_apart(learned, sample):
    """Attempts that failed do not bear on predictions, and are shown as a group of their own."""
    calibrator = ShrinkageQuantile()
    good, bad = [sample(1000)] * 10, [sample(40, success=False)] * 30
    without, both = learned(calibrator, good), learned(calibrator, good + bad)
    groups = {group.note: group.n for group in calibrator.propose(both).groups}

    assert calibrator.predict(without, DOCS, 0.5) == calibrator.predict(both, DOCS, 0.5)
    assert {"": 10, "failed attempts, apart": 30} == groups


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"is_test": True}, "test_data"),
        ({"split": "inferred"}, "unmeasured_split"),
        ({"actual": None}, "no_measurement"),
        ({"actual": 0}, "no_output"),
        ({"success": None}, "no_outcome"),
        ({"truncated": True, "is_superseded": True}, "superseded"),
    ],
)
def test_what_is_set_aside(sample, fields, reason):
    """Each reason is named, and the sample changes nothing."""
    calibrator = ShrinkageQuantile()
    state, one = calibrator.initial(), sample(**fields)

    assert reason == calibrator.set_aside(state, one)
    assert state is calibrator.update(state, one)


def test_a_repeat(sample):
    """The same phase with the same figures counts once."""
    calibrator = ShrinkageQuantile()
    found = run_calibrator(calibrator, [sample(run_id="r", phase_id="p")] * 3)

    assert (1, {"repeat": 2}) == (found.samples_used, found.samples_set_aside)


def test_an_old_world_is_forgotten(learned, sample):
    """What is older than the window no longer counts."""
    calibrator = ShrinkageQuantile(window=50)
    state = learned(calibrator, [sample(100)] * 60 + [sample(1000)] * 50)
    fresh = learned(calibrator, [sample(1000)] * 50)

    assert calibrator.predict(fresh, DOCS, 0.1) == calibrator.predict(state, DOCS, 0.1)


def test_it_teaches_no_multiplier(learned, sample):
    """Its proposal changes nothing, and says why."""
    calibrator = ShrinkageQuantile(old={"docs/low": 2.0}, estimator_version="v7")
    found = calibrator.propose(learned(calibrator, [sample(500)] * 6))

    assert ({"docs/low": 2.0}, False) == (found.new, found.is_change)
    assert ("v7", "v7") == (found.base_version, found.new_version)
    assert "teaches the estimator no multiplier" in found.note


@pytest.mark.parametrize("options", [{"shrinkage": -1.0}, {"window": 0}, {"shrinkage": math.inf}])
def test_impossible_options(options):
    """They are refused by value."""
    with pytest.raises(InvalidInputError, match="give"):
        ShrinkageQuantile(**options)


rows = st.lists(
    st.tuples(
        st.integers(0, 60),
        st.sampled_from(["docs", "tests"]),
        st.booleans(),
        st.booleans(),
        st.sampled_from([None, 3, 200]),
        st.sampled_from([None, "p1", "p2"]),
    ),
    max_size=40,
)


@given(rows, st.integers(0, 40))
@settings(max_examples=60)
def test_bulk_equals_one_by_one(sample, learned, given_rows, split):
    """Many at once, after some one by one, give the same tree and the same reasons."""
    evidence = [
        sample(size, category=category, success=ok, truncated=cut, phase_id=phase,
               features={"prompt_tokens": prompt})
        for size, category, ok, cut, prompt, phase in given_rows
    ]  # fmt: skip
    calibrator = ShrinkageQuantile(window=7)
    start = learned(calibrator, evidence[:split])
    bulk, _ = calibrator.update_all(start, evidence[split:])

    assert learned(calibrator, evidence) == bulk
    assert calibrator.propose(bulk) == calibrator.propose(learned(calibrator, evidence))


@given(st.lists(st.integers(1, 500), min_size=1, max_size=60), st.floats(0.05, 0.95))
@settings(max_examples=60)
def test_quantiles_are_in_order(sample, learned, sizes, tau):
    """A higher tau never gives a smaller prediction."""
    calibrator = ShrinkageQuantile()
    state = learned(calibrator, [sample(size) for size in sizes])
    low, high = (calibrator.predict(state, DOCS, one).tokens for one in (tau, min(0.99, tau + 0.1)))

    assert low <= high * (1 + 1e-9)

"""The mixture on outputs whose truth is known: it holds its coverage where others are trapped."""

import math
import random

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autopack.errors import InvalidInputError
from autopack.ports.prediction import Features
from autopack.prediction.calibration.backtesting import judged, rows_of
from autopack.prediction.calibration.shrinkage import DEFAULT_TOKENS
from autopack.prediction.mixture.calibrator import Mixture
from autopack.prediction.mixture.layers import HOLDING, HOLDING_OF_GROUP

DOCS = Features(category="docs", complexity="medium", model="m")


def _pinball(said, sizes, tau=0.9):
    loss = sum(
        max(tau * (size - one), (tau - 1) * (size - one))
        for size, one in zip(sizes, said, strict=True)
    )
    return loss / sum(sizes)


def _until_back(covered, length=100):
    """Return after how many rows a window of 100 is at 87 % for the first time."""
    return next(
        end
        for end in range(length, len(covered) + 1)
        if sum(covered[end - length : end]) >= 0.87 * length
    )


@pytest.mark.slow
def test_a_drift_is_followed(drifting, asked_in_turn):
    """Outputs grow threefold: 250 rows later nine of ten fit, in a leaf of 1 % after 200 of it."""
    said = asked_in_turn(drifting)
    after = list(zip(drifting, said, strict=True))[3000:]
    covered = [sample.actual_output_tokens <= one for sample, one in after]
    rare = [covered[number] for number, (sample, _) in enumerate(after) if sample.category == "c11"]

    assert _until_back(covered) <= 250
    assert _until_back(rare) <= 200


def test_a_cap_that_cuts_a_tenth(make, asked_in_turn):
    """Of the whole sizes, which nobody sees, 87 % or more fit, as the printed bounds say."""
    rng = random.Random(2)
    sizes = [int(rng.lognormvariate(6, 0.8)) for _ in range(3000)]
    limit = sorted(sizes)[2700]
    samples = [
        make(number, min(size, limit), cut=size > limit) for number, size in enumerate(sizes)
    ]
    truth = sum(map(float.__ge__, asked_in_turn(samples), map(float, sizes))) / 3000
    rows, _ = rows_of(samples)
    score, *_ = judged(rows, {"mixture": Mixture()}, 0.9).scores

    assert truth >= 0.87
    assert score.coverage is None
    assert score.coverage_least <= truth <= score.coverage_most


@pytest.mark.parametrize("growth", [1, 1.5, 2, 4])
def test_its_own_budgets_are_no_trap(make, growth):
    """Outputs are cut at what was said, and grow: in the end 85 % or more fit again."""
    rng, calibrator, n = random.Random(3), Mixture(), 2000
    state, fit, largest = calibrator.initial(), [], 0
    for number in range(n):
        size = max(1, int(1000 * (growth if number >= n // 2 else 1) * rng.lognormvariate(0, 0.8)))
        budget = size
        if number >= 200:
            budget = math.ceil(calibrator.predict(state, DOCS, 0.9).tokens)
            largest = max(largest, budget)
        fit.append(size <= budget)
        state = calibrator.update(state, make(number, min(size, budget), cut=size > budget))

    assert sum(fit[-500:]) / 500 >= 0.85
    assert largest < 10 * 1000 * growth


@pytest.mark.parametrize("tau", [0.5, 0.9, 0.99])
@pytest.mark.parametrize("size", [1, 100, 4096])
def test_constant_outputs_are_said_as_they_are(make, asked_in_turn, size, tau):
    """From the tenth on each is said to the token, neither 0 nor a bit less."""
    said = asked_in_turn((make(number, size) for number in range(600)), tau)

    assert [float(size)] * 580 == said[20:]


def test_nearly_constant_outputs(make, asked_in_turn):
    """Where one of thirty is smaller, nine of ten are covered, at hardly more than the size."""
    rng = random.Random(1)
    sizes = [100 if rng.random() < 0.97 else rng.randrange(60, 100) for _ in range(2000)]
    said = asked_in_turn(make(number, size) for number, size in enumerate(sizes))

    assert all(99 <= one <= 106 for one in said[300:])
    assert sum(size <= one for size, one in zip(sizes, said, strict=True)) >= 0.9 * 2000


def test_many_small_groups(make, asked_in_turn):
    """A thousand groups by Zipf's law lose less than half as much again as who knows them all."""
    rng = random.Random(4)
    levels = [math.exp(rng.gauss(6, 1)) for _ in range(1000)]
    shares = [1 / (place + 1) for place in range(1000)]
    groups = rng.choices(range(1000), shares, k=6000)
    sizes = [max(1, int(levels[group] * rng.lognormvariate(0, 0.48))) for group in groups]
    said = asked_in_turn(
        make(number, size, category=f"c{group}")
        for number, (group, size) in enumerate(zip(groups, sizes, strict=True))
    )
    oracle = [levels[group] * math.exp(0.48 * 1.2815516) for group in groups]

    assert pytest.approx(0.12, abs=0.01) == _pinball(oracle, sizes)
    assert _pinball(said, sizes) <= 0.28


def _four_categories(make):
    rng = random.Random(0)
    medians = {"docs": 500, "tests": 2000, "implementation": 8000, "bugfix": 100}
    calibrator = Mixture()
    state = calibrator.initial()
    for number in range(1200):
        category = rng.choice(list(medians))
        size = int(medians[category] * rng.lognormvariate(0, 0.3))
        sample = make(number, size, category=category, model=f"old-{number % 3}")
        state = calibrator.update(state, sample)
    truths = {category: size * math.exp(1.2816 * 0.3) for category, size in medians.items()}
    return calibrator, state, truths


@pytest.mark.parametrize("samples", [0, 1, 3])
def test_a_new_model_keeps_what_categories_tell(make, samples):
    """A few outputs of a new model in one category do not hide what others wrote in the rest."""
    calibrator, state, truths = _four_categories(make)
    for number in range(1200, 1200 + samples):
        state = calibrator.update(state, make(number, 8000, category="implementation", model="new"))

    for category, truth in truths.items():
        asked = Features(category=category, complexity="medium", model="new")
        assert 0.8 <= calibrator.predict(state, asked, 0.9).tokens / truth <= 1.25


@pytest.mark.parametrize("model", [None, "never seen"])
def test_a_category_that_was_not_seen(make, model):
    """It is answered by all that was written, within what was ever seen."""
    calibrator, state, truths = _four_categories(make)
    asked = Features(category="research", complexity="high", model=model)

    assert truths["bugfix"] < calibrator.predict(state, asked, 0.9).tokens < 20_000


def test_nothing_known():
    """Without samples the estimator's figure is given, or a default."""
    calibrator = Mixture()
    told = attrs.evolve(DOCS, predicted_output_tokens=800)

    assert (
        pytest.approx(DEFAULT_TOKENS) == calibrator.predict(Mixture().initial(), DOCS, 0.9).tokens
    )
    assert pytest.approx(800) == calibrator.predict(Mixture().initial(), told, 0.9).tokens


@pytest.mark.parametrize("tau", [0.5, 0.8, 0.95, 0.99])
def test_coverage_by_group(make, asked_in_turn, tau):
    """The share is held in each category, though one grows and the other shrinks."""
    rng, n = random.Random(5), 3000
    categories = [rng.choice("ab") for _ in range(n)]
    sizes = []
    for number, category in enumerate(categories):
        growth = 1 + number / n if category == "a" else 1 / (1 + number / n)
        sizes.append(max(1, int(1000 * growth * rng.lognormvariate(0, 0.6))))
    said = asked_in_turn((make(i, sizes[i], category=categories[i]) for i in range(n)), tau)
    for category in "ab":
        own = [i for i in range(n) if categories[i] == category]
        assert abs(sum(sizes[i] <= said[i] for i in own) / len(own) - tau) <= 0.02


@settings(deadline=None, max_examples=25)
@given(
    sizes=st.lists(st.integers(1, 100_000), min_size=1, max_size=120),
    tau=st.sampled_from([0.5, 0.9, 0.99]),
)
def test_what_is_promised_holds(make, sizes, tau):
    """The share of misses is bounded by the ways of the offsets, whatever the outputs are."""
    calibrator = Mixture(tau=tau)
    state, misses = calibrator.initial(), 0
    for number, size in enumerate(sizes):
        misses += size > calibrator.predict(state, DOCS, tau).tokens
        state = calibrator.update(state, make(number, size))
    layers, n = state.basis.layers, len(sizes)
    of_group = layers.groups["m\0m\0docs"][-1]

    assert misses / n <= 1 - tau + layers.held / (HOLDING * n) + 1e-9
    assert misses / n <= 1 - tau + of_group / (HOLDING_OF_GROUP * n) + 1e-9


@settings(deadline=None, max_examples=25)
@given(sizes=st.lists(st.integers(1, 10_000), min_size=1, max_size=60))
def test_no_size_is_absurd(make, sizes):
    """With evidence it is 1 or more, and at most eight times the largest output."""
    calibrator = Mixture(tau=0.99)
    state = calibrator.initial()
    for number, size in enumerate(sizes):
        state = calibrator.update(state, make(number, size, cut=number % 3 == 0))

    for tau in (0.01, 0.5, 0.99, 0.999):
        assert 1 <= calibrator.predict(state, DOCS, tau).tokens <= 8 * max(sizes)


@settings(deadline=None, max_examples=25)
@given(sizes=st.lists(st.integers(1, 10_000), max_size=60))
def test_more_is_never_less_than_what_is_tracked(make, sizes):
    """A larger share than tau gets no smaller size, and a smaller share no larger one."""
    calibrator = Mixture(tau=0.8)
    state = calibrator.initial()
    for number, size in enumerate(sizes):
        state = calibrator.update(state, make(number, size))
    low, middle, high = (calibrator.predict(state, DOCS, tau).tokens for tau in (0.5, 0.8, 0.95))

    assert low <= middle <= high


def test_late_outcomes_judge_experts_by_what_they_said(make, asked_in_turn):
    """The weights are moved by what was said at the time, as if the sample had come then."""
    calibrator, rng = Mixture(), random.Random(6)
    sizes = [int(rng.lognormvariate(6, 0.6)) for _ in range(40)]
    state = calibrator.initial()
    for number, size in enumerate(sizes):
        state = calibrator.update(state, make(number, size))
    in_time = make(40, 900)
    late = attrs.evolve(in_time, position=2 * 30 + 3)
    early = attrs.evolve(in_time, position=2 * 39 + 3)
    weights = [
        calibrator.update(state, sample).basis.layers.experts.shares
        for sample in (in_time, early, late)
    ]
    offsets = [calibrator.update(state, sample).basis.layers.held for sample in (in_time, late)]

    assert weights[0] == weights[1]
    assert weights[0] != weights[2]
    assert offsets[0] == offsets[1]


def test_outcomes_far_too_late(make):
    """One that was asked for before all that is kept is judged by the oldest, and learned."""
    calibrator = Mixture()
    state = calibrator.initial()
    for number in range(200):
        state = calibrator.update(state, make(number, 100 + number % 7))
    late = attrs.evolve(make(300, 5000), position=0)
    after = calibrator.update(state, late)

    assert calibrator.predict(after, DOCS, 0.9).tokens > calibrator.predict(state, DOCS, 0.9).tokens


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"is_test": True}, "test_data"),
        ({"split": "inferred"}, "unmeasured_split"),
        ({"actual_output_tokens": None}, "no_measurement"),
        ({"actual_output_tokens": 0}, "no_output"),
        ({"success": None}, "no_outcome"),
        ({"truncated": True, "is_superseded": True}, "superseded"),
    ],
)
def test_what_is_set_aside(make, fields, reason):
    """Each reason is named, and the sample changes nothing."""
    calibrator = Mixture()
    state, sample = calibrator.initial(), attrs.evolve(make(0, 500), **fields)

    assert reason == calibrator.set_aside(state, sample)
    assert state is calibrator.update(state, sample)


def test_repeats_are_set_aside(make):
    """The same phase with the same figures is one sample; without a phase nothing says so."""
    calibrator = Mixture()
    named = attrs.evolve(make(0, 500), run_id="r", phase_id="p")
    state = calibrator.update(calibrator.initial(), named)
    unnamed = calibrator.update(state, make(1, 500))

    assert "repeat" == calibrator.set_aside(state, attrs.evolve(named, position=9))
    assert calibrator.set_aside(unnamed, make(2, 500)) is None


def test_failed_attempts_are_apart(make):
    """Attempts that failed do not bear on predictions, and are shown as a group of their own."""
    calibrator = Mixture()
    state = calibrator.initial()
    for number in range(10):
        state = calibrator.update(state, make(number, 1000))
    said = calibrator.predict(state, DOCS, 0.9)
    for number in range(10, 40):
        state = calibrator.update(state, attrs.evolve(make(number, 40), success=False))
    groups = {group.note: group.n for group in calibrator.propose(state).groups}

    assert said == calibrator.predict(state, DOCS, 0.9)
    assert {"": 10, "failed attempts, apart": 30} == groups


def test_prompts_may_be_left_out(make):
    """Without the prompt's size, prompts of all sizes are answered alike."""
    calibrator = Mixture(use_prompt=False)
    state = calibrator.initial()
    for number in range(60):
        state = calibrator.update(state, make(number, 50 + number, prompt=50 + number))
    said = {
        calibrator.predict(state, attrs.evolve(DOCS, prompt_tokens=prompt), 0.9).tokens
        for prompt in (None, 10, 100, 10_000)
    }

    assert 1 == len(said)


@pytest.mark.parametrize("tau", [0, 1, -0.1, math.nan])
def test_a_tau_that_is_no_share(tau):
    """It is refused by name."""
    with pytest.raises(InvalidInputError, match="tau is"):
        Mixture(tau=tau)

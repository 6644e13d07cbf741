"""Experts of others in the mixture: a good one is heard, a bad one hardly costs, none breaks it."""

import math
import random

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.drains import found

import autopack
from autopack import PhaseSpec, load_plugins
from autopack.errors import InvalidInputError, UnknownNameError
from autopack.ports.prediction import Features, Prediction
from autopack.prediction.calibration.backtesting import judged, rows_of
from autopack.prediction.calibration.shrinkage import ShrinkageQuantile
from autopack.prediction.calibrators import calibrator_of
from autopack.prediction.mixture.calibrator import Mixture
from autopack.prediction.mixture.layers import HOLDING
from autopack.testing.experts import ExpertContract

DOCS = Features(category="docs", complexity="medium", model="m")
NONSENSE = (math.nan, math.inf, -1.0, None, "many", 10**400)


class Saying:
    """An expert that says what it is told to say of a prompt, and counts samples."""

    name = "saying"

    def __init__(self, said, failing=()):
        self._said, self._failing = said, failing

    def initial(self):
        """Return that nothing was seen."""
        return self._answer("initial", 0)

    def update(self, state, _sample):
        """Count one more."""
        return self._answer("update", state + 1)

    def predict(self, state, features, tau):
        """Return what is to be said."""
        tokens = self._said(state, features) if callable(self._said) else self._said
        return self._answer("predict", Prediction(tokens=tokens, tau=tau, basis="told"))

    def _answer(self, step, found):
        if step in self._failing:
            raise RuntimeError(f"no {step}\ntoday")
        return found


def _made(make, n=1500, seed=7):
    """Return samples whose size is 100 or 1,000 by whether a prompt is odd, which no tree sees."""
    rng = random.Random(seed)
    prompts = [rng.randrange(1000, 2000) for _ in range(n)]
    return [
        make(number, int((1000 if prompt % 2 else 100) * rng.lognormvariate(0, 0.2)), prompt=prompt)
        for number, prompt in enumerate(prompts)
    ]


def _knowing(_state, features):
    return (1000 if features.prompt_tokens % 2 else 100) * math.exp(0.2 * 1.2816)


def _loss(said, samples, tau=0.9):
    pairs = [(s.actual_output_tokens - one) for s, one in zip(samples, said, strict=True)]
    return sum(max(tau * off, (tau - 1) * off) for off in pairs)


def test_one_that_knows_is_heard(make, asked_in_turn):
    """What only it knows of is worth most of what knowing it is worth; coverage is held."""
    samples = _made(make)
    alone = asked_in_turn(samples)
    with_it = asked_in_turn(samples, calibrator=Mixture(experts=[Saying(_knowing)]))
    known = [_knowing(0, sample.question()) for sample in samples]
    fit = [s.actual_output_tokens <= one for s, one in zip(samples, with_it, strict=True)]
    gained = _loss(alone, samples) - _loss(with_it, samples)

    assert gained >= 0.8 * (_loss(alone, samples) - _loss(known, samples))
    assert 0.88 <= sum(fit) / len(fit) <= 0.92


@pytest.mark.parametrize("said", [1.0, 1e12, *NONSENSE])
def test_one_that_knows_nothing_hardly_costs(make, asked_in_turn, said):
    """Whatever it says, too little, absurdly much or what is no size: under 2 % are lost."""
    samples = _made(make)
    with_it = asked_in_turn(samples, calibrator=Mixture(experts=[Saying(said)]))

    assert _loss(with_it, samples) <= 1.02 * _loss(asked_in_turn(samples), samples)


def _after(calibrator, samples):
    state = calibrator.initial()
    for sample in samples:
        state = calibrator.update(state, sample)
    return state


@pytest.mark.parametrize("step", ["initial", "update", "predict"])
def test_one_that_fails_is_named(make, step):
    """Whichever of its methods raises, the answer is the others', and its basis tells why."""
    samples = _made(make, n=60)
    calibrator = Mixture(experts=[Saying(500.0, {step}), ShrinkageQuantile()])
    said = calibrator.predict(_after(calibrator, samples), DOCS, 0.9)

    assert 100 < said.tokens < 2000
    assert said.basis == (f"60 samples like it; saying is left out: RuntimeError: no {step} today")


@pytest.mark.parametrize("said", NONSENSE)
def test_nonsense_is_named(make, said):
    """An answer that is no size is left out, and said."""
    calibrator = Mixture(experts=[Saying(said)])
    said = calibrator.predict(_after(calibrator, _made(make, n=20)), DOCS, 0.5)

    assert "; saying is left out: " in said.basis
    assert "\n" not in said.basis


def test_one_that_fails_costs_nobody_a_phase(log):
    """A drain goes on without it, and each estimate says so."""
    autopack.create_run(log, "r", [PhaseSpec(f"p{n}", category="docs") for n in range(12)])

    def write(phase, attempt):
        attempt.record_usage(model="m", input_tokens=10, output_tokens=200)

    calibrator = Mixture(experts=[Saying(500.0, {"update"})])
    autopack.drain(log, executor=write, workers=1, calibrator=calibrator, tau=0.9)
    told = [estimated.budget_basis for estimated in found(log, "phase.estimated")]

    assert ["COMPLETE"] * 12 == [phase.status for phase in autopack.list_phases(log, "r")]
    assert "saying is left out: RuntimeError: no update today" in told[-1]


def test_a_backtest_tells_who_was_left_out(make):
    """Figures without an expert are not taken for its own; each reason is told, with how often."""
    rows, _aside = rows_of(_made(make, n=30))
    sometimes = Saying(lambda state, _features: math.nan if state > 20 else 500.0)
    experts = [sometimes, Saying(500.0), Saying(500.0, {"update"})]
    found = judged(rows, {"mixture": Mixture(experts=experts)}, 0.9)

    assert found.notes == (
        "mixture: saying is left out: RuntimeError: no update today (29 of 30 rows)",
        "mixture: saying is left out: it said nan tokens (9 of 30 rows)",
    )


def test_it_is_judged_by_what_it_said_then(make):
    """An outcome that comes late is held against the state of the time it was asked for."""
    calibrator = Mixture(experts=[Saying(lambda state, _features: 900 if state < 39 else 90_000)])
    state = _after(calibrator, _made(make, n=40))
    in_time = make(40, 900)
    late = attrs.evolve(in_time, position=2 * 38 + 1)
    of_it = [
        calibrator.update(state, sample).basis.layers.experts.shares[-1]
        for sample in (in_time, late)
    ]

    assert of_it[0] < of_it[1]


def test_what_the_mixture_sets_aside_is_not_shown(make):
    """Failed attempts and repeats reach no expert."""
    calibrator = Mixture(experts=[Saying(500.0)])
    named = attrs.evolve(make(0, 500), run_id="r", phase_id="p")
    failed = attrs.evolve(make(1, 500), success=False)

    assert (1,) == _after(calibrator, [named, named, failed]).basis.named


def test_prompts_may_be_left_out(make):
    """Without the prompt's size experts are not told of it either."""
    told = []

    def said(_state, features):
        told.append(features.prompt_tokens)
        return 500.0

    calibrator = Mixture(experts=[Saying(said)], use_prompt=False)
    state = _after(calibrator, _made(make, n=3))
    calibrator.predict(state, attrs.evolve(DOCS, prompt_tokens=5), 0.9)

    assert {None} == set(told)


@settings(deadline=None, max_examples=25)
@given(
    sizes=st.lists(st.integers(1, 100_000), min_size=1, max_size=100),
    said=st.lists(st.sampled_from((0.0, 1.0, 700.0, 1e9, 1e300, math.nan)), min_size=1),
)
def test_what_is_promised_holds(make, sizes, said):
    """The bound on misses, and that no answer is absurd, hold whatever an expert says."""
    calibrator = Mixture(experts=[Saying(lambda state, _features: said[state % len(said)])])
    state, misses = calibrator.initial(), 0
    for number, size in enumerate(sizes):
        found = calibrator.predict(state, DOCS, 0.9).tokens
        misses += size > found
        state = calibrator.update(state, make(number, size))
        assert number == 0 or 1 <= found <= 8 * max(sizes[:number])
    layers, n = state.basis.layers, len(sizes)

    assert misses / n <= 0.1 + layers.held / (HOLDING * n) + 1e-9


def test_they_are_named_by_text():
    """As calibrators are, several with a plus, each with an option, also one of a file."""
    registry = load_plugins()
    found = calibrator_of(
        registry, "mixture:tau=0.8,experts=shrinkage-quantile:window=90+mixture", {"tau": 0.9}
    )
    first, second = found.experts

    assert (0.8, 90) == (found.tau, first.window)
    assert ("mixture", 0.9) == (second.name, second.tau)


def test_a_class_of_a_file(tmp_path):
    """``mixture:experts=FILE.py:NAME`` asks what stands in a file."""
    path = tmp_path / "mine.py"
    path.write_text("from autopack.types import *\nfrom autopack.prediction.calibration"
                    ".conformal import SplitConformal as Mine\n")  # fmt: skip
    found = calibrator_of(load_plugins(), f"mixture:experts={path}:Mine", {})

    assert ["split-conformal"] == [expert.name for expert in found.experts]


def test_a_text_is_no_list_of_experts():
    """Only where names are looked up may they be given as a text; elsewhere it is refused."""
    with pytest.raises(InvalidInputError, match="give calibrators"):
        Mixture(experts="boost")


def test_one_that_nobody_registered():
    """It is refused by name before anything is asked."""
    with pytest.raises(UnknownNameError, match="no-such"):
        calibrator_of(load_plugins(), "mixture:experts=no-such", {})


def test_proposals_name_them(make):
    """The settings of a proposal say who was asked; without any they are as they were."""
    alone, with_one = Mixture(), Mixture(experts=[Saying(500.0)])

    assert ["saying"] == with_one.propose(with_one.initial()).settings["experts"]
    assert "experts" not in alone.propose(alone.initial()).settings


class TestContract(ExpertContract):
    """With experts it is what it is without: a calibrator, and an expert of another mixture."""

    def make(self):
        """Return one with two."""
        return Mixture(experts=[ShrinkageQuantile(), Saying(700.0, {"update"})])

"""Prequential replay: nothing leaks, outcomes come late, and scores are what they are called."""

import random

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autopack.errors import PluginError
from autopack.ports.prediction import Prediction
from autopack.prediction.calibration.backtesting import judged, kept_from, rows_of
from autopack.prediction.calibration.conformal import SplitConformal
from autopack.prediction.calibration.median_ratio import MedianRatio
from autopack.prediction.calibration.prequential import Replay, Row
from autopack.prediction.calibration.scores import Outcome, course, score, scored, worst_window
from autopack.prediction.calibration.shrinkage import ShrinkageQuantile
from autopack.prediction.mixture.calibrator import Mixture

EVERY = [MedianRatio, ShrinkageQuantile, Mixture, SplitConformal]

events = st.lists(
    st.tuples(
        st.integers(0, 20),
        st.integers(0, 10),
        st.integers(1, 5000),
        st.sampled_from(["docs", "tests"]),
        st.booleans(),
    ),
    min_size=1,
    max_size=30,
)


def rows(sample, given_events):
    """Return rows that are asked for at a time and known some time later."""
    found = []
    for at, later, size, category, is_cut in given_events:
        one = sample(size, category=category, truncated=is_cut)
        found.append(Row(at=at, known_at=at + later, features=one.question(), sample=one))
    return found


@pytest.mark.parametrize("calibrator", EVERY)
@given(events, st.integers(0, 20), st.integers(1, 5000))
@settings(max_examples=40)
def test_the_future_changes_no_prediction(sample, calibrator, given_events, now, other):
    """Outcomes that are known after a prediction have no part in it."""
    before = rows(sample, given_events)
    after = [
        attrs.evolve(row, sample=attrs.evolve(row.sample, actual_output_tokens=other))
        if row.known_at > now
        else row
        for row in before
    ]
    one, two = (
        [predicted for row, predicted in Replay(calibrator(), found, (0.9, 0.5)) if row.at <= now]
        for found in (before, after)
    )

    assert one == two


def test_an_outcome_is_learned_when_it_is_known(sample):
    """A row that ends after the next prediction is learned before the one after it."""
    slow, quick = sample(1000), sample(10)
    asked = [(0, 5, slow), (1, 1, quick), (6, 6, quick)]
    found = Replay(
        SplitConformal(cap_tokens=7),
        [Row(at=a, known_at=k, features=s.question(), sample=s) for a, k, s in asked],
        (0.1,),
    )
    bases = [predicted.basis for _, (predicted,) in found]

    assert ["0 samples of docs", "0 samples of docs", "2 samples of docs"] == [
        basis.removeprefix("the hard cap: ").partition(" are")[0] for basis in bases
    ]


def test_rows_of_one_moment_do_not_learn_from_each_other(sample):
    """Whatever their order none knows another's outcome; what was asked for before is known."""
    asked = [(0, 5, 100), (5, 5, 10), (5, 5, 2000), (5, 6, 30), (6, 6, 40)]
    found = [
        Row(at=a, known_at=k, features=(s := sample(size)).question(), sample=s)
        for a, k, size in asked
    ]
    told = {
        tuple(p.basis.partition(" samples")[0] for _, (p,) in Replay(MedianRatio(), order, (0.5,)))
        for order in (found, [found[0], *found[3:0:-1], found[4]])
    }

    assert {("no", "1", "1", "1", "4")} == told


def test_everything_is_learned_in_the_end(sample):
    """The state after the last row holds all outcomes, also those that come late."""
    late = rows(sample, [(0, 10, 100, "docs", False), (1, 10, 100, "docs", False)])
    found = Replay(ShrinkageQuantile(), late, (0.9,))
    list(found)

    assert 2 == found.state.recent.used


def outcomes(*pairs, group="docs/low", **fields):
    """Return outcomes of (predicted, actual); the median is predicted as half."""
    return [Outcome(group, at_tau, at_tau / 2, actual, **fields) for at_tau, actual in pairs]


def test_scores():
    """Each figure is what its name says, worked out by hand."""
    found = score("c", "docs/low", outcomes(*[(100, 50)] * 15, *[(100, 200)] * 5), 0.9)

    assert (20, 0.75, 0.75, 0.75) == (
        found.n,
        found.coverage,
        found.coverage_least,
        found.coverage_most,
    )
    mean = (15 * 50 + 5 * 200) / 20
    assert pytest.approx((15 * 0.1 * 50 + 5 * 0.9 * 100) / 20 / mean) == found.pinball
    assert (2.0, 2.0) == (found.waste_p50, found.waste_p90)
    assert pytest.approx(5 * 150 / 20) == found.mae
    assert pytest.approx(100 * 5 * (150 / 125) / 20) == found.smape
    assert (None, None, "") == (found.worst_window_least, found.worst_window_most, found.note)


def test_too_few_rows():
    """Under twenty rows there are counts and a reason, and no figures."""
    found = score("c", "docs/low", outcomes(*[(100, 50)] * 19), 0.9)

    assert (19, None, "too few: 19 of at least 20 rows") == (found.n, found.coverage, found.note)


def test_cut_outputs_make_two_bounds():
    """One that had exceeded its prediction is missed; the others may have fitted, or not."""
    cut = outcomes((100, 90), (100, 100), (100, 110), is_cut=True)
    found = score("c", "docs/low", outcomes(*[(100, 50)] * 20) + cut, 0.9)

    assert (20, 3, 1, None) == (found.n, found.cut, found.cut_above, found.coverage)
    assert (20 / 23, 22 / 23) == (found.coverage_least, found.coverage_most)
    assert found.coverage_low < 20 / 23
    assert found.coverage_high > 22 / 23


def test_cut_outputs_that_all_exceeded_leave_nothing_open():
    """Where each cut output is a miss already, the share is known."""
    cut = outcomes(*[(100, 101)] * 20, is_cut=True)
    found = score("c", "docs/low", outcomes(*[(100, 50)] * 20) + cut, 0.9)

    assert (0.5, 0.5, 0.5) == (found.coverage, found.coverage_least, found.coverage_most)


def test_outputs_that_were_all_cut_off_have_bounds_and_no_sizes():
    """Their coverage is anything; what needs whole outputs is left out."""
    found = score("c", "docs/low", outcomes(*[(100, 50)] * 300, is_cut=True), 0.9)

    assert (0, 300, "", None, 0.0, 1.0) == (
        found.n,
        found.cut,
        found.note,
        found.coverage,
        found.coverage_least,
        found.coverage_most,
    )
    assert (0.0, 1.0) == (found.worst_window_least, found.worst_window_most)
    assert (None, None, None) == (found.pinball, found.waste_p50, found.smape)


sizes = st.integers(1, 40)


@given(st.lists(st.tuples(sizes, sizes, sizes), min_size=20, max_size=300), st.integers(1, 30))
@settings(max_examples=200)
def test_the_truth_lies_between_the_bounds(drawn, length):
    """Whatever was cut off where: of all rows, of the worst stretch, and at each step."""
    true = outcomes(*[(at_tau, size) for at_tau, size, _ in drawn])
    seen = [
        attrs.evolve(one, actual=min(cap, one.actual), is_cut=one.actual >= cap)
        for one, (_, _, cap) in zip(true, drawn, strict=True)
    ]
    known, found = score("c", "g", true, 0.9), score("c", "g", seen, 0.9)
    steps = zip(course(true, length), course(seen, length), strict=True)

    assert found.coverage_least <= known.coverage <= found.coverage_most
    assert found.coverage_low <= known.coverage_low
    assert known.coverage_high <= found.coverage_high
    if len(true) >= 200:
        assert found.worst_window_least <= known.worst_window_least <= found.worst_window_most
    for (row, truth, _), (number, least, most) in steps:
        assert row == number
        assert least <= truth <= most


@pytest.mark.parametrize("cut", [0.02, 0.1, 0.3])
def test_a_fixed_cap_hides_nothing(sample, cut):
    """With two to thirty outputs of a hundred cut off, the true coverage is within the bounds."""
    drawn = random.Random(3)
    true = [max(1, round(drawn.lognormvariate(6, 0.8))) for _ in range(1500)]
    cap = sorted(true)[round((1 - cut) * len(true))]
    seen = [sample(min(size, cap), truncated=size > cap) for size in true]
    asked = [
        Row(at=i, known_at=i, features=one.question(), sample=one) for i, one in enumerate(seen)
    ]
    found = [p.tokens for _, (p,) in Replay(ShrinkageQuantile(), asked, (0.9,))]
    (whole, *_) = judged(asked, {"s": ShrinkageQuantile()}, 0.9).scores
    truth = sum(size <= at for size, at in zip(true, found, strict=True)) / len(true)

    assert whole.coverage_least <= truth <= whole.coverage_most
    assert whole.coverage_most - whole.coverage_least <= cut + 0.001


def test_outputs_cut_at_exactly_their_prediction_are_open(sample):
    """Nobody knows whether they would have gone on: half of the rows may be missed."""
    seen = [sample(100, truncated=i >= 300) for i in range(600)]
    asked = [
        Row(at=i, known_at=i, features=one.question(), sample=one) for i, one in enumerate(seen)
    ]
    (whole, *_) = judged(asked, {"s": ShrinkageQuantile()}, 0.9).scores

    assert (300, 300, None) == (whole.n, whole.cut, whole.coverage)
    assert (0.5, 1.0) == (whole.coverage_least, whole.coverage_most)


def test_failed_attempts_are_not_in_the_whole():
    """They are a group of their own."""
    good, bad = outcomes((1, 1)), outcomes((1, 1), (1, 1), group="failed attempts")

    assert [("all", 1), ("failed attempts", 2), ("docs/low", 1)] == [
        (found.group, found.n) for found in scored("c", good + bad, 0.9)
    ]


@given(st.lists(st.booleans(), max_size=40), st.integers(1, 12))
def test_worst_window(covered, length):
    """It is the least of all windows."""
    windows = [covered[i : i + length] for i in range(len(covered) - length + 1)]
    expected = min((sum(window) / length for window in windows), default=None)

    assert expected == worst_window(covered, length)


def test_the_course_of_coverage():
    """Stretches of at least twenty rows, in order, and at most a hundred of them."""
    few = outcomes(*[(1, 1)] * 20, *[(1, 2)] * 20)
    many = outcomes(*[(1, 1)] * 5000)

    assert [(20, 1.0, 1.0), (40, 0.0, 0.0)] == [course(few)[0], course(few)[-1]]
    assert (21, 50) == (len(course(few)), len(course(outcomes(*[(1, 1)] * 69))))
    assert 100 >= len(course(many))
    assert [] == course(outcomes(*[(1, 1)] * 19))


def test_a_log_is_its_own_clock(sample):
    """Positions say when a sample was predicted and when its outcome was known."""
    evidence = [sample(position=4, ended_position=9), sample(position=6), sample(split="inferred")]
    found, aside = rows_of(evidence)

    assert [(4, 9), (6, 6)] == [(row.at, row.known_at) for row in found]
    assert {"unmeasured_split": 1} == aside


def test_features_that_are_kept_back(sample):
    """Neither the question nor the sample tells them."""
    (row,), _ = rows_of([sample(model="m", features={"model": "m", "prompt_tokens": 7})])
    (blind,) = kept_from([row], ["prompt_tokens"])
    (blinder,) = kept_from([row], ["prompt_tokens", "model"])

    assert ("m", 7) == (row.features.model, row.sample.prompt_tokens)
    assert ("m", None, None) == (
        blind.features.model,
        blind.features.prompt_tokens,
        blind.sample.prompt_tokens,
    )
    assert (None, None) == (blinder.features.model, blinder.sample.asked_model)


def test_promises(sample):
    """What a calibrator guarantees is given under the name it is judged by."""
    found = rows(sample, [(at, 0, 100, "docs", False) for at in range(30)])
    judgement = judged(found, {"a": Mixture(), "s": ShrinkageQuantile()}, 0.9)
    scores, promises = judgement.scores, judgement.guarantees

    assert [("a", "all groups", 30)] == [(p.calibrator, p.group, p.rows) for p in promises]
    assert ["a", "a", "s", "s"] == [one.calibrator for one in scores]


@pytest.mark.parametrize("tokens", [float("nan"), float("inf"), -1.0])
def test_a_prediction_that_is_no_size(sample, tokens):
    """A calibrator that gives one is named, with what it said."""

    class Wild(ShrinkageQuantile):
        def predict(self, state, features, tau):
            return Prediction(tokens=tokens, tau=tau, basis="")

    with pytest.raises(PluginError, match=r"wild.*predicted"):
        judged(rows(sample, [(0, 0, 100, "docs", False)]), {"wild": Wild()}, 0.9)

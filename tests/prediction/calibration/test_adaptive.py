"""Adaptive conformal inference: its bound, its limits, its pool, and what it leaves alone."""

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autopack.errors import InvalidInputError
from autopack.ports.prediction import Features
from autopack.prediction.calibration.adaptive import AdaptiveConformal, Tracker, bound
from autopack.prediction.calibration.shrinkage import ShrinkageQuantile

DOCS = Features(category="docs", complexity="low")
CAP = 10_000


def test_the_formula():
    """The bound is (max(alpha1, 1 - alpha1) + gamma) / (T gamma)."""
    assert pytest.approx((0.9 + 0.005) / (400 * 0.005)) == bound(0.1, 0.005, 400)
    assert pytest.approx((0.7 + 0.1) / (10 * 0.1)) == bound(0.7, 0.1, 10)


class Adversary:
    """Plays outputs that it chooses after it has seen the prediction."""

    def __init__(self, moves):
        self.moves = moves

    def sizes(self, calibrator, make):
        """Return the state after the moves: over the prediction, under it, or a size."""
        state = calibrator.initial()
        for move in self.moves:
            asked = make(1).question()
            predicted = int(calibrator.predict(state, asked, calibrator.tau).tokens)
            sizes = {"over": min(predicted + 1, CAP), "under": max(1, predicted - 1)}
            state = calibrator.update(state, make(sizes.get(move, move)))
        return state


moves = st.lists(
    st.one_of(st.sampled_from(["over", "under"]), st.integers(1, CAP)), min_size=1, max_size=120
)


@given(moves, st.sampled_from([0.5, 0.8, 0.9, 0.95]), st.sampled_from([0.01, 0.05, 0.2, 1.0]))
@settings(max_examples=200)
def test_the_bound_holds_whatever_is_played(sample, given_moves, tau, gamma):
    """No sequence of outputs up to the cap, chosen with sight of the predictions, breaks it."""
    calibrator = AdaptiveConformal(tau=tau, gamma=gamma, pool_rows=30, cap_tokens=CAP, window=20)
    state = Adversary(given_moves).sizes(calibrator, sample)
    found = calibrator.guarantees(state)

    assert len(given_moves) == sum(one.rows for one in found)
    for one in found:
        assert abs(one.coverage - tau) <= one.bound + 1e-9


@given(moves)
@settings(max_examples=50)
def test_coverage_is_that_of_the_predictions(sample, given_moves):
    """The errors it counts are those of the predictions that were given before each outcome."""
    calibrator = AdaptiveConformal(gamma=0.05, pool_rows=10**6, cap_tokens=CAP, window=20)
    state, errors = calibrator.initial(), 0
    for size in (move if isinstance(move, int) else 77 for move in given_moves):
        errors += size > calibrator.predict(state, sample(1).question(), 0.9).tokens
        state = calibrator.update(state, sample(size))
    (found,) = calibrator.guarantees(state)

    assert pytest.approx(1 - errors / len(given_moves)) == found.coverage


def test_the_hard_cap(learned, sample):
    """Once alpha has reached 0 the hard cap is given, and alpha rises again."""
    calibrator = AdaptiveConformal(gamma=0.2, cap_tokens=CAP)
    state = learned(calibrator, [sample(9000)])
    capped = calibrator.predict(state, DOCS, 0.9)
    after = calibrator.update(state, sample(9000))

    assert (CAP, "the hard cap") == (capped.tokens, capped.basis.partition(":")[0])
    assert after.trackers[()].alpha > state.trackers[()].alpha


def test_the_hard_cap_is_exceeded_like_any_prediction(learned, sample):
    """What is larger than what nothing exceeds is an error, and counted apart."""
    calibrator = AdaptiveConformal(gamma=0.2, cap_tokens=CAP)
    state = learned(calibrator, [sample(9000)])
    above = calibrator.update(state, sample(CAP + 1))

    assert (2, 1) == (above.trackers[()].errors, above.trackers[()].beyond)
    assert above.trackers[()].alpha < state.trackers[()].alpha


def test_nothing_at_all(learned, sample):
    """Once alpha has reached 1 nothing is held, as the bound asks for."""
    calibrator = AdaptiveConformal(tau=0.5, gamma=1.0)
    state = learned(calibrator, [sample(1)])

    assert 0 == calibrator.predict(state, DOCS, 0.5).tokens


def test_groups_leave_the_pool(learned, sample):
    """A group goes on with the pool's alpha once it has had enough rows."""
    calibrator = AdaptiveConformal(pool_rows=3)
    state = learned(calibrator, [sample(100)] * 5 + [sample(100, category="tests")] * 2)
    pool, docs = state.trackers[()], state.trackers["docs", "low"]

    assert (3 + 2, 2) == (pool.rows, docs.rows)
    assert ["all groups", "docs/low"] == [one.group for one in calibrator.guarantees(state)]


def test_other_quantiles_are_those_underneath(learned, sample):
    """A tau that is not tracked is answered by the shrinkage quantile."""
    evidence = [sample(size) for size in range(100, 400, 10)]
    calibrator, under = AdaptiveConformal(), ShrinkageQuantile()
    given_tokens = calibrator.predict(learned(calibrator, evidence), DOCS, 0.5).tokens

    assert under.predict(learned(under, evidence), DOCS, 0.5).tokens == given_tokens


def test_a_cut_output_under_its_prediction_moves_nothing(learned, sample):
    """Whether it would have exceeded is not known; one that did already counts as an error."""
    calibrator = AdaptiveConformal()
    start = learned(calibrator, [sample(1000)] * 30)
    under = calibrator.update(start, sample(10, truncated=True))
    over = calibrator.update(start, sample(5000, truncated=True))

    assert attrs.evolve(start.trackers[()], undecided=1) == under.trackers[()]
    assert start.trackers[()].errors + 1 == over.trackers[()].errors


def test_failed_attempts_move_nothing(learned, sample):
    """They are learned apart, and neither covered nor missed."""
    calibrator = AdaptiveConformal()
    start = learned(calibrator, [sample(1000)] * 5)

    assert start.trackers == calibrator.update(start, sample(9, success=False)).trackers


def test_the_proposal_prints_the_guarantee(learned, sample):
    """Rows, coverage and bound are those of the tracker."""
    calibrator = AdaptiveConformal()
    found = calibrator.propose(learned(calibrator, [sample(1000)] * 40))

    (line,) = found.settings["guarantees"]
    assert (
        f"all groups: 40 rows, coverage 1.0000, |coverage - 0.9| <= {bound(0.1, 0.005, 40):.4f}"
        == line
    )
    assert ("aci", False) == (found.calibrator, found.is_change)


def test_trackers_start_where_they_aim(sample):
    """Before any row alpha is 1 - tau, and nothing is guaranteed yet."""
    calibrator = AdaptiveConformal(tau=0.8)
    state = calibrator.update(calibrator.initial(), sample(1))

    assert () == calibrator.guarantees(calibrator.initial())
    assert (
        Tracker(alpha=pytest.approx(0.201), first_alpha=pytest.approx(0.2), rows=1)
        == (state.trackers[()])
    )


@pytest.mark.parametrize("options", [{"tau": 1.0}, {"gamma": 0.0}, {"pool_rows": -1}])
def test_impossible_options(options):
    """They are refused by value."""
    with pytest.raises(InvalidInputError, match="give"):
        AdaptiveConformal(**options)

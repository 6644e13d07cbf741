"""A guarantee is given only for rows in which all that it rests on was so."""

import re

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autopack.ports.prediction import Prediction
from autopack.prediction.calibration.backtesting import Backtest, judged
from autopack.prediction.calibration.guarantees import Guarantee
from autopack.prediction.calibration.prequential import Row, late
from autopack.prediction.calibration.shrinkage import ShrinkageQuantile
from autopack.prediction.mixture.calibrator import Mixture
from autopack.report.backtest_text import backtest_json, backtest_markdown

CAP = 3000


def rows(sample, drawn):
    """Return rows of (seconds since the last one, seconds it takes, size, category, is cut)."""
    found, at = [], 0
    for later, takes, size, category, is_cut in drawn:
        at += later
        one = sample(size, category=category, truncated=is_cut)
        found.append(Row(at=at, known_at=at + takes, features=one.question(), sample=one))
    return found


def in_order(sample, *sizes, cut=()):
    """Return rows whose outcomes are known at once, those at the numbers in *cut* cut off."""
    return rows(sample, [(1, 0, size, "docs", i in cut) for i, size in enumerate(sizes)])


def backtest(found, calibrators, tau=0.9):
    """Return a backtest of rows."""
    judgement = judged(found, calibrators, tau)
    return Backtest(
        source="made up",
        tau=tau,
        rows=len(found),
        scores=judgement.scores,
        guarantees=judgement.guarantees,
        without_guarantee=judgement.without_guarantee,
        courses=judgement.courses,
    )


def lacking(found):
    """Return in words what is missing for the only guarantee that is not given."""
    (one,) = found.without_guarantee
    return " and ".join(one.missing)


@attrs.frozen
class Follower:
    """Follows one size in steps, and tells which share it must have missed: exactly."""

    tau: float = 0.9
    eta: float = 0.25
    told: float = 0.0
    name = "follower"

    def initial(self):
        return (0.0, 0, 0)

    def set_aside(self, state, sample):
        return None

    def update(self, state, sample):
        theta, n, misses = state
        is_missed = sample.actual_output_tokens > self._size(theta)
        return (theta + self.eta * (is_missed - (1 - self.tau)), n + 1, misses + is_missed)

    def predict(self, state, features, tau):
        return Prediction(tokens=self._size(state[0]), tau=tau, basis="")

    def guarantees(self, state):
        theta, n, misses = state
        if n:
            most = 1 - self.tau + theta / (self.eta * n) - self.told
            yield Guarantee(group="all", rows=n, missed=misses / n, at_most=most, tau=self.tau)

    def _size(self, theta):
        return max(0.0, 100 + 200 * theta)


events = st.lists(
    st.tuples(
        st.sampled_from([1, 1, 1, 0]),
        st.sampled_from([0, 0, 0, 0, 1, 5]),
        st.one_of(st.integers(1, CAP), st.sampled_from([10, CAP, CAP + 1, 90_000])),
        st.sampled_from(["docs", "tests"]),
        st.sampled_from([False] * 19 + [True]),
    ),
    min_size=1,
    max_size=80,
)
plain = st.lists(
    st.tuples(st.just(1), st.just(0), st.integers(1, CAP), st.just("docs"), st.just(False)),
    min_size=1,
    max_size=80,
)


@given(st.one_of(events, plain), st.sampled_from([0.5, 0.9]))
@settings(max_examples=60, deadline=None)
def test_what_is_printed_is_never_more_than_is_promised(sample, drawn, tau):
    """With cut, late and huge outputs, in JSON and in text; each guarantee is told of once."""
    calibrators = {
        "mixture": Mixture(tau=tau), "other": Mixture(tau=0.7), "follower": Follower(tau=tau)
    }  # fmt: skip
    found = backtest(rows(sample, drawn), calibrators, tau)
    data = backtest_json(found)
    printed = re.findall(r"at most ([\d.]+) over .* it is ([\d.]+)\.", backtest_markdown(found))

    assert {"other"} <= {one.calibrator for one in found.without_guarantee}
    assert len(printed) == len(data["guarantees"])
    assert all(one["missed"] <= one["at_most"] for one in data["guarantees"])
    assert all(float(it_is) <= float(most) for most, it_is in printed)
    for one in found.guarantees:
        score = next(s for s in found.scores if (s.calibrator, s.group) == (one.calibrator, "all"))
        assert (0, 0) == (score.cut - score.cut_above, late(rows(sample, drawn)))
        if one.rows == score.n + score.cut >= 20:
            assert pytest.approx(1 - score.coverage) == one.missed


def test_it_is_given_where_all_was_so(sample):
    """Whole outputs, each known before the next prediction; those that were cut above it count."""
    found = backtest(in_order(sample, *range(100, 400), 90_000, cut=[300]), {"m": Mixture()})
    (one,) = found.guarantees

    assert () == found.without_guarantee
    assert ("m", "all groups", 301) == (one.calibrator, one.group, one.rows)
    assert 0.05 < one.missed <= one.at_most < 0.3


def test_an_identity_is_given_to_the_last_digit(sample):
    """A bound that is exactly what it is survives rounding, in JSON and in text."""
    found = backtest(in_order(sample, *[90, 400, 20, 4000] * 20), {"f": Follower()})
    (one,) = backtest_json(found)["guarantees"]

    assert one["missed"] <= one["at_most"] <= one["missed"] + 2e-4


def test_outputs_that_nobody_can_decide(sample):
    """One that was cut off under its prediction may have fitted; the guarantee is of all."""
    found = backtest(in_order(sample, *[500] * 150 + [20] * 50, cut=range(150, 200)),
                     {"m": Mixture(), "f": Follower()})  # fmt: skip

    assert () == found.guarantees
    assert {"m", "f"} == {one.calibrator for one in found.without_guarantee}
    assert "50 outputs were cut off under the prediction" in found.without_guarantee[0].missing[0]


def test_outcomes_that_come_late(sample):
    """They are held against what would be predicted then, which was never given to anybody."""
    drawn = [(1, 50, size, "docs", False) for size in range(1, 300)]
    found = backtest(rows(sample, drawn), {"m": Mixture()})

    assert () == found.guarantees
    assert "298 outcomes were known only after the next prediction" in lacking(found)


def test_how_many_come_late(sample):
    """One that is known when the next is asked for is in time; of one moment none is."""
    known = [(0, 1, 1, "docs", False), (1, 2, 1, "docs", False), (1, 0, 1, "docs", False)]
    moment = [(1, 0, 1, "docs", False), (0, 0, 1, "docs", False), (1, 9, 1, "docs", False)]

    assert 1 == late(rows(sample, known))
    assert 2 == late(rows(sample, moment))
    assert 0 == late([])


def test_another_quantile_than_the_one_that_is_tracked(sample):
    """What holds 95 of 100 outputs says nothing of what is to hold 90."""
    found = backtest(in_order(sample, *range(100, 200)), {"a": Mixture(tau=0.95)})

    assert () == found.guarantees
    assert "it holds 0.95 of the outputs, and 0.9 was asked for" == lacking(found)


def test_a_calibrator_that_is_wrong_about_itself(sample):
    """What the rows show counts, not what it says."""
    found = backtest(
        in_order(sample, *range(100, 200)), {"f": Follower(told=0.1), "o": Overlooking()}
    )

    assert () == found.guarantees
    assert ["more were missed than it says, so something else was not so"] == [
        reason for one in found.without_guarantee if one.calibrator == "f" for reason in one.missing
    ]
    assert ["it counted 0 misses, and these predictions had 100"] == [
        reason for one in found.without_guarantee if one.calibrator == "o" for reason in one.missing
    ]


class Overlooking(ShrinkageQuantile):
    """Predicts nothing at all, and sees no miss."""

    def predict(self, state, features, tau):
        return Prediction(tokens=0.0, tau=tau, basis="")

    def guarantees(self, state):
        yield Guarantee(group="all", rows=state.recent.used, missed=0.0, at_most=0.1, tau=0.9)


def test_a_proposal_says_it_as_well(sample):
    """`calibrate` prints the bound where it holds, and else what is missing."""
    calibrator = Mixture()
    state = calibrator.initial()
    for number in range(40):
        one = attrs.evolve(sample(2000 + number), position=number, ended_position=number)
        state = calibrator.update(state, one)
    (line,) = calibrator.propose(state).settings["guarantees"]
    for number in (41, 42):
        cut = attrs.evolve(sample(20, truncated=True), position=number, ended_position=number)
        state = calibrator.update(state, cut)
    (lacks,) = calibrator.propose(state).settings["guarantees"]

    assert line.startswith("all groups: the share missed of 40 rows is at most 0.")
    assert (
        "all groups: no guarantee over 42 rows: 2 outputs were cut off under the prediction, and "
        "may have fitted or not" == lacks
    )


def test_the_page_in_markdown_says_what_is_missing(sample):
    """In a list of its own, in words."""
    found = backtest(in_order(sample, *range(100, 200)), {"a": Mixture(tau=0.95)})
    text = backtest_markdown(found)

    assert "Guarantees in force" not in text
    assert (
        "## Without a guarantee\n\n- a, all groups: nothing is promised over 100 rows, since it "
        "holds 0.95 of the outputs, and 0.9 was asked for.\n" in text
    )

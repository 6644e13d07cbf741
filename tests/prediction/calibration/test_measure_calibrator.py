"""Calibrators of output tokens, asked for totals, costs and calls of which the truth is known."""

import json
import math
import random

import attrs
import pytest

from autopack import backtest
from autopack.errors import InvalidInputError
from autopack.ports.measures import MEASURES
from autopack.prediction.calibration.block_errors import block_errors
from autopack.prediction.calibration.calibrator_fold import folded
from autopack.prediction.calibration.forecast_intervals import expected_by
from autopack.prediction.calibration.measure_calibrator import MeasureCalibrator, in_measure
from autopack.prediction.calibration.median_ratio import MedianRatio
from autopack.prediction.calibration.prequential import Replay
from autopack.prediction.calibration.shrinkage import ShrinkageQuantile
from autopack.prediction.calibration.trace_rows import trace_of
from autopack.prediction.mixture.calibrator import Mixture

PRICES = {"in": 3e-6, "cached": 0.3e-6, "out": 15e-6}


def count_of(rng, share):
    """Return one more as long as a draw says so."""
    calls = 1
    while rng.random() < share:
        calls += 1
    return calls


def records(n=1500, seed=7):
    """
    Return phases whose cost is hardly that of what they wrote.

    Reviews read much, of which a share is cached that nobody knows before, and write little;
    implementations write much.
    """
    rng, found = random.Random(seed), []
    for second in range(n):
        is_review = rng.random() < 0.5
        calls = count_of(rng, 0.8 if is_review else 0.3)
        written = int(rng.lognormvariate(5 if is_review else 8, 0.5)) + 1
        given = int(calls * rng.lognormvariate(10 if is_review else 6, 0.3))
        cached = int(given * rng.betavariate(2, 2))
        cost = cached * PRICES["cached"] + (given - cached) * PRICES["in"] + written * PRICES["out"]
        found.append(
            {
                "ts": second,
                "category": "review" if is_review else "implementation",
                "output_tokens": written,
                "total_tokens": given + written,
                "calls": calls,
                "cost_usd": cost,
            }
        )
    return found


@pytest.fixture(scope="module")
def trace(tmp_path_factory):
    """Return the path of a trace of such phases."""
    path = tmp_path_factory.mktemp("trace") / "phases.jsonl"
    path.write_text("\n".join(map(json.dumps, records())), encoding="utf-8")
    return path


@pytest.mark.parametrize("tau", [0.5, 0.9])
@pytest.mark.parametrize("by", ["output_tokens", "total_tokens", "cost_usd"])
def test_coverage(trace, by, tau):
    """Each measure is covered as often as it should be, for all and in either kind."""
    found = backtest(trace, calibrators=["mixture"], tau=tau, by=by)

    assert (1500, by, {}) == (found.rows, found.by, found.set_aside)
    for group in ("all", "implementation/medium", "review/medium"):
        assert abs(found.score("mixture", group).coverage - tau) <= 0.03


@pytest.mark.parametrize("tau", [0.5, 0.9])
def test_counts_are_covered(tau):
    """Of calls the answer is the least count that covers enough: one fewer would cover less."""
    rows = rows_by("calls")
    for category in ("implementation", "review"):
        said = [
            (row.sample.calls, at.tokens)
            for row, (at,) in Replay(in_measure(Mixture(tau=tau), "calls"), rows, (tau,))
            if row.sample.category == category
        ][50:]

        assert all(predicted == round(predicted) >= 1 for _, predicted in said)
        assert sum(n <= predicted for n, predicted in said) / len(said) >= tau - 0.03
        assert sum(n < predicted for n, predicted in said) / len(said) <= tau + 0.03


def rows_by(by, some=None):
    """Return the made phases as rows in a measure."""
    found = trace_of(
        some or records(), columns={}, estimator="deliverables", predict=lambda _: 2000, by=by
    )
    return found.rows


@pytest.mark.parametrize("tau", [0.5, 0.9])
def test_outputs_times_a_price_miss(tau):
    """What outputs are predicted to be, times what a token of them costs, covers neither kind."""
    whole, costs = Replay(Mixture(tau=tau), rows_by("output_tokens"), (tau,)), rows_by("cost_usd")
    spent = written = 0.0
    held = {"implementation": [], "review": []}
    for (row, (said,)), cost in zip(whole, costs, strict=True):
        if written:
            usd = said.tokens * spent / written
            held[row.sample.category].append(float(cost.sample.cost_usd) <= usd)
        spent += float(cost.sample.cost_usd)
        written += row.sample.actual_output_tokens

    assert all(abs(sum(some) / len(some) - tau) > 0.09 for some in held.values())


@pytest.mark.parametrize("calibrator", [Mixture, ShrinkageQuantile, MedianRatio])
def test_what_it_leans_on_is_in_the_measure(calibrator):
    """A category never seen is predicted by what a token of the estimator's came to, not as one."""
    asked = MeasureCalibrator(calibrator(), "cost_usd")
    state = asked.initial()
    rows = rows_by("cost_usd", [one for one in records(200) if one["category"] == "review"])
    for row in rows:
        state = asked.update(state, row.sample)
    usual = math.exp(sum(math.log(row.sample.actual_output_tokens) for row in rows) / len(rows))

    assert math.exp(state.log_rate) * 2000 == pytest.approx(usual)
    assert usual / 3 < asked.predict(state, rows[0].features, 0.5).tokens < usual * 3


def test_one_by_one_as_always():
    """Asked for output tokens a calibrator is itself, and what it sets aside stays aside."""
    one = Mixture()
    asked = MeasureCalibrator(one, "cost_usd")
    (row,) = rows_by("cost_usd", records(1))
    untold, state = attrs.evolve(row.sample, actual_output_tokens=None), asked.initial()

    assert one is in_measure(one, "output_tokens")
    assert "no_measurement" == asked.set_aside(state, untold)
    assert state is asked.update(state, untold)


def test_promises(trace):
    """What is promised of costs is kept; whole numbers are not what was promised of."""
    costs, calls = (backtest(trace, calibrators=["mixture"], by=by) for by in ("cost", "calls"))
    (one,) = costs.guarantees

    assert 0.07 <= one.missed <= one.at_most + 1e-9 <= 0.13
    assert () == calls.guarantees + calls.without_guarantee


def test_what_was_not_told_is_set_aside(tmp_path):
    """A row without a cost says nothing of costs, and is counted; one that cost nothing counts."""
    path = tmp_path / "t.jsonl"
    told = [{"output_tokens": 10, "cost": 0.5}] * 25 + [{"output_tokens": 10, "cost": 0}] * 3
    path.write_text("\n".join(map(json.dumps, [*told, *[{"output_tokens": 10}] * 4])))
    found = backtest(path, calibrators=["mixture"], by="cost")

    assert (28, {"no_measurement": 4}) == (found.rows, found.set_aside)


@pytest.mark.parametrize("by", MEASURES[1:])
def test_a_trace_of_nothing(tmp_path, by):
    """One that does not tell the measure is refused, by its name."""
    path = tmp_path / "t.jsonl"
    path.write_text(json.dumps({"output_tokens": 10}), encoding="utf-8")

    with pytest.raises(InvalidInputError, match=f"Needed is one of: {by}"):
        backtest(path, by=by)


def test_intervals_of_sums_of_costs():
    """Eight of ten sums of costs over what comes next are within them."""
    calibrator, known, n, held = in_measure(ShrinkageQuantile(), "cost_usd"), 240, 15, []
    expected = expected_by(calibrator)
    for seed in range(60):
        samples = [row.sample for row in rows_by("cost_usd", records(known + n, seed))]
        state, _aside = folded(calibrator, calibrator.initial(), samples[:known])
        factors = block_errors(calibrator, samples[:known], n, expected).factors(n, 0.8)
        said = sum(expected(state, one.question()) for one in samples[known:])
        actual = sum(one.actual_output_tokens for one in samples[known:])
        held.append(factors.low <= actual / said <= factors.high)

    assert 0.68 <= sum(held) / len(held) <= 0.95

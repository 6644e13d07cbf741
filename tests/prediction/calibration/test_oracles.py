"""Split conformal bounds, as two other libraries give them on the same numbers."""

import pytest

from autopack.ports.prediction import Features
from autopack.prediction.calibration.conformal import SplitConformal

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def ratios():
    """Return 137 ratios and the categories they are of, from a fixed seed."""
    import numpy as np

    drawn = np.random.default_rng(7)
    return drawn.lognormal(0, 1, 137), drawn.choice(["docs", "tests"], 137)


def bounds(learned, sample, ratios, tau):
    """Return the bound of each category for a figure of 1,000,000 tokens."""
    calibrator = SplitConformal(cap_tokens=10**12)
    evidence = [
        sample(round(ratio * 1_000_000), 1_000_000, category=str(category))
        for ratio, category in zip(*ratios, strict=True)
    ]
    state = learned(calibrator, evidence)
    return {
        name: calibrator.predict(
            state,
            Features(category=name, complexity="low", predicted_output_tokens=1_000_000),
            tau,
        ).tokens
        for name in ("docs", "tests")
    }


@pytest.mark.parametrize("tau", [0.5, 0.8, 0.9])
def test_as_crepes(learned, sample, ratios, tau):
    """A Mondrian conformal predictive system gives the same upper bounds."""
    import numpy as np
    from crepes import ConformalPredictiveSystem

    values, categories = ratios
    system = ConformalPredictiveSystem()
    system.fit(residuals=values, bins=categories, seed=1)
    wanted = np.array(["docs", "tests"])
    upper = system.predict_percentiles(
        y_hat=np.zeros(2), bins=wanted, higher_percentiles=[100 * tau]
    ).ravel()

    assert {
        name: pytest.approx(1_000_000 * bound, rel=1e-5)
        for name, bound in zip(wanted, upper, strict=True)
    } == bounds(learned, sample, ratios, tau)


@pytest.mark.parametrize("tau", [0.8, 0.9])
def test_as_mapie(learned, sample, ratios, tau):
    """Split conformal regression with signed residuals gives the same upper bound."""
    import numpy as np
    from mapie.conformity_scores import AbsoluteConformityScore
    from mapie.regression import SplitConformalRegressor
    from sklearn.dummy import DummyRegressor

    values, categories = ratios
    docs = values[categories == "docs"]
    places = np.zeros((len(docs), 1))
    model = DummyRegressor(strategy="constant", constant=0.0).fit(places, docs)
    regressor = SplitConformalRegressor(
        model,
        confidence_level=1 - 2 * (1 - tau),
        conformity_score=AbsoluteConformityScore(sym=False),
        prefit=True,
    ).conformalize(places, docs)
    _, intervals = regressor.predict_interval(places[:1])

    assert (
        pytest.approx(1_000_000 * intervals[0, 1, 0], rel=1e-5)
        == bounds(learned, sample, ratios, tau)["docs"]
    )

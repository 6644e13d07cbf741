"""The calibrators keep their promises on recorded traces, with and without the prompt's size."""

import pytest

from autopack import backtest

pytestmark = pytest.mark.real

NAMES = ("median-ratio:buffer=1.2", "median-ratio:buffer=2", "shrinkage-quantile", "mixture")


@pytest.fixture(scope="module", params=[(), ("prompt_tokens",)], ids=["prompts", "no prompts"])
def azure(real_data, request):
    """Return the backtest of a trace of production calls."""
    path = real_data / "traces" / "azure-llm-2023-first-half.jsonl.gz"
    return backtest(path, calibrators=NAMES, without=request.param)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["shrinkage-quantile", "mixture"])
def test_coverage_of_many_calls(azure, name):
    """Nine of ten outputs are covered, give or take two of a hundred."""
    score = azure.score(name)

    assert 14_092 == score.n
    assert 0.88 <= score.coverage <= 0.92


@pytest.mark.slow
def test_worst_stretch(azure):
    """The mixture never covers less than four of five in 200 calls."""
    assert azure.score("mixture").worst_window_least >= 0.8


@pytest.mark.slow
@pytest.mark.parametrize("name", ["shrinkage-quantile", "mixture"])
def test_better_than_rules_of_thumb(azure, name):
    """Both lose less than the median times 1.2 and times 2."""
    for rule in NAMES[:2]:
        assert azure.score(name).pinball < azure.score(rule).pinball


@pytest.mark.parametrize("name", ["shrinkage-quantile", "mixture"])
def test_phases(real_data, name):
    """So they do on a few phases."""
    found = backtest(real_data / "traces" / "autopack-phases.jsonl.gz", calibrators=NAMES)

    for rule in NAMES[:2]:
        assert found.score(name).pinball < found.score(rule).pinball


@pytest.mark.slow
def test_the_guarantees_hold(azure):
    """What is missed is within the bound, and that is hardly above what was asked for."""
    (one,) = azure.guarantees

    assert (("mixture", 14_092), ()) == ((one.calibrator, one.rows), azure.without_guarantee)
    assert one.missed <= one.at_most <= 0.11


@pytest.mark.slow
@pytest.mark.parametrize(("tau", "off"), [(0.5, 0.03), (0.9, 0.01)])
def test_tokens_in_and_out(real_data, tau, off):
    """Totals, of which most is input, are covered; they spread by 5 %, hardly more than a step."""
    path = real_data / "traces" / "azure-llm-2023-first-half.jsonl.gz"
    score = backtest(path, calibrators=["mixture"], tau=tau, by="total_tokens").score("mixture")

    assert 14_092 == score.n
    assert abs(score.coverage - tau) <= off


def test_costs(real_data):
    """Of a hundred calls costs are covered, and nearer than by the rule that ratios make."""
    path = real_data / "traces" / "aider-sample-analytics.jsonl.gz"
    found = backtest(path, calibrators=["mixture", "median-ratio"], by="cost_usd")

    assert (107, {}) == (found.rows, found.set_aside)
    assert 0.82 <= found.score("mixture").coverage <= 0.96
    assert found.score("mixture").pinball < found.score("median-ratio").pinball

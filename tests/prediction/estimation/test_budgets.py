"""How a budget follows from a prediction."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopack.prediction.estimation import budgets

models = st.sampled_from(["deliverables", "unnamed", "doc_synthesis", "ledger"])


def budget_for(predicted, **changes):
    """Return the budget of one confident low implementation file, but for *changes*."""
    settings = {
        "category": "implementation",
        "complexity": "low",
        "n": 1,
        "confidence": 1.0,
    }
    return budgets.budget_for(predicted, **(settings | changes)).tokens


@pytest.mark.parametrize(
    ("category", "complexity", "tokens"),
    [
        ("docs", "low", 4096),
        ("documentation", "medium", 8192),
        ("tests", "low", 6144),
        ("testing", "high", 12288),
        ("IMPLEMENT_FEATURE", "medium", 12288),
        ("anything", "high", 16384),
        ("anything", "astonishing", 12288),
    ],
)
def test_no_budget_is_below_its_floor(category, complexity, tokens):
    """The floor depends on category and complexity, however they are spelled."""
    assert tokens == budget_for(0, category=category, complexity=complexity)


@pytest.mark.parametrize(
    ("changes", "tokens"),
    [
        ({}, 24_000),
        ({"confidence": 0.69}, 28_000),
        ({"n": 8}, 32_000),
        ({"n": 8, "confidence": 0.5}, 32_000),
        ({"complexity": "high"}, 32_000),
        ({"complexity": "high", "category": "integration"}, 32_000),
        ({"complexity": "high", "category": "tests"}, 24_000),
        ({"model": "doc_synthesis", "n": 9}, 44_000),
        ({"model": "ledger", "confidence": 0.1}, 44_000),
    ],
)
def test_the_buffer_grows_with_what_is_unsure(changes, tokens):
    """The largest buffer that applies is taken."""
    assert tokens == budget_for(20_000, **changes)


@pytest.mark.parametrize("predicted", [60_000, 64_000, 10**400])
def test_no_budget_exceeds_the_cap(predicted):
    """A budget stops at 64000 tokens, whatever is predicted."""
    assert 64_000 == budget_for(predicted)


@pytest.mark.parametrize("model", ["doc_synthesis", "ledger"])
def test_gathered_documents_have_the_usual_floor(model):
    """Documents that are drawn together get no smaller floor than code does."""
    assert 8192 == budget_for(10, category="docs", model=model)


@pytest.mark.parametrize(
    ("predicted", "basis"),
    [
        (10_000, "1.2 times the prediction"),
        (100, "the least for implementation/low; 1.2 times the prediction would be 120"),
        (60_000, "the most that is given; 1.2 times the prediction would be more"),
    ],
)
def test_a_budget_says_where_it_comes_from(predicted, basis):
    """A floor or the ceiling never takes the place of the estimator's figure unsaid."""
    found = budgets.budget_for(
        predicted, category="implementation", complexity="low", n=1, confidence=1.0
    )

    assert basis == found.basis


@given(
    predicted=st.integers(min_value=0, max_value=100_000),
    category=st.text(),
    complexity=st.text(),
    n=st.integers(min_value=0, max_value=50),
    confidence=st.floats(min_value=0, max_value=1),
    model=models,
)
def test_a_budget_covers_its_prediction(predicted, **settings):
    """A budget is at least the prediction, unless it is capped."""
    budget = budgets.budget_for(predicted, **settings).tokens

    assert min(predicted, budgets.CAP_TOKENS) <= budget <= budgets.CAP_TOKENS

"""The default estimator."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopack.errors import InvalidInputError
from autopack.ports.prediction import Coefficients, Estimator, Features
from autopack.prediction.estimation.budgets import CAP_TOKENS
from autopack.prediction.estimation.deliverables import Deliverables
from autopack.prediction.estimation.vocabulary import group

PLAIN = Coefficients(estimator="deliverables", version="deliverables-1")

words = st.sampled_from(["implementation", "Testing", "docs", "IMPLEMENT_FEATURE"]) | st.text()
sizes = st.sampled_from(["low", "medium", "high"]) | st.text()
files = st.tuples(
    st.sampled_from(["backend", "frontend", "test", "doc", "config", "sql"]),
    st.booleans(),
    st.floats(min_value=0.5, max_value=2.0),
)
features = st.builds(
    Features,
    category=words,
    complexity=sizes,
    deliverables=st.lists(st.text(), max_size=9).map(tuple),
    files=st.lists(files, max_size=9).map(tuple),
    ledger=st.booleans(),
    context_texts=st.integers(min_value=0, max_value=20),
    goal_words=st.sets(st.sampled_from(["examples", "research"])).map(tuple),
)


def estimate(*deliverables, category="implementation", complexity="low", by=PLAIN, **others):
    """Return the estimate of a phase that writes *deliverables*."""
    given = Features(category=category, complexity=complexity, deliverables=deliverables, **others)
    return Deliverables().estimate(given, by)


def test_a_new_file():
    """A new file costs the overhead and its own size, times the margin."""
    found = estimate("src/new_module.py")

    assert int((634 + 2000) * 1.3) == found.predicted_output_tokens
    assert 8192 == found.budget_tokens
    assert 64_000 == found.ceiling_tokens
    assert "deliverables" == found.estimator


def test_a_changed_file_costs_by_its_factor():
    """The factor scales a changed file, and nothing is cut off on the way."""
    found = estimate("src/a.py", files=(("backend", False, 1.17),))

    assert int((634 + 700 * 1.17) * 1.3) == found.predicted_output_tokens


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("tests", "testing"),
        ("docs", "documentation"),
        ("implementation", "IMPLEMENT_FEATURE"),
    ],
)
def test_spellings_of_a_category_agree(one, other):
    """Spellings of one category give one prediction and one budget."""
    first, second = (estimate("src/a.py", category=word) for word in (one, other))

    assert first.predicted_output_tokens == second.predicted_output_tokens
    assert first.budget_tokens == second.budget_tokens


@pytest.mark.parametrize(("complexity", "tokens"), [("low", 8192), ("odd", 12288), ("high", 16384)])
def test_without_deliverables(complexity, tokens):
    """Nothing to go by gives the usual size of the complexity, without trust or margin."""
    found = estimate(complexity=complexity)

    assert tokens == found.predicted_output_tokens
    assert 0.5 == found.confidence


def test_a_path_that_only_looks_like_a_verb():
    """A path that holds a verb's letters is not read as one."""
    address, modify = estimate("src/address.py"), estimate("Modify src/address.py")

    assert int((634 + 2000) * 1.3) == address.predicted_output_tokens
    assert int((634 + 700) * 1.3) == modify.predicted_output_tokens


@pytest.mark.parametrize(
    ("n_texts", "tokens", "budget"), [(0, 5915, 13013), (10, 5265, 11583), (11, 4615, 10153)]
)
def test_documents_drawn_together(n_texts, tokens, budget):
    """An API reference is investigated first: the less, the more context is given."""
    found = estimate("docs/API_REFERENCE.md", category="docs", context_texts=n_texts)

    assert tokens == found.predicted_output_tokens
    assert budget == found.budget_tokens
    assert 0.75 == found.confidence


def test_many_documents_are_coordinated():
    """From five documents on, their agreement costs a share of the writing."""
    paths = ("docs/examples.md", "docs/tutorial.md", "docs/a.md", "docs/b.md", "docs/c.md")
    found = estimate(*paths, category="docs")

    assert int((2500 + 1400 + 5 * 850 + 510) * 1.3) == found.predicted_output_tokens


def test_a_running_record():
    """A ledger is read before it is continued."""
    found = estimate("BUILD_HISTORY.md", category="docs", ledger=True, context_texts=1)

    assert 4205 == found.predicted_output_tokens
    assert 0.7 == found.confidence


def test_code_beside_a_running_record():
    """A ledger beside code does not make the phase one of docs."""
    found = estimate("src/a.py", "CHANGELOG.md", ledger=True)

    assert int((634 + 2000 + 500) * 1.3) == found.predicted_output_tokens


def test_a_multiplier_scales_the_whole_prediction():
    """A multiplier is found by standard words, and its version names the estimate."""
    by = Coefficients(estimator="deliverables", version="v2", multipliers={"tests/low": 0.5})
    found = estimate("tests/test_a.py", category="testing", complexity="simple", by=by)

    assert int((915 + 1400) * 1.3 * 0.5) == found.predicted_output_tokens
    assert "v2" == found.estimator_version
    assert ["overhead", "test_new", "margin", "calibration"] == [p.name for p in found.parts]


def test_documents_of_another_category():
    """The category decides the model: documents of a code phase are ordinary files."""
    found = estimate("docs/API_REFERENCE.md", "CHANGELOG.md", ledger=True)

    assert int((634 + 2 * 500) * 1.3) == found.predicted_output_tokens


@pytest.mark.parametrize("factor", [0.0, -1.0, math.nan, math.inf])
def test_an_impossible_multiplier_is_refused(factor):
    """A multiplier that is no finite number above 0 is refused by name."""
    by = Coefficients(
        estimator="deliverables", version="v2", multipliers={"implementation/low": factor}
    )

    with pytest.raises(InvalidInputError, match="implementation/low"):
        estimate("src/a.py", by=by)


@pytest.mark.parametrize(
    ("texts", "confidence"),
    [
        ((), 0.5),
        (("the parser",), 0.5),
        (("src/a.py",), 0.8),
        (("Create src/a.py",), 1.0),
        (("Create src/a.py", "the parser"), 0.75),
    ],
)
def test_confidence(texts, confidence):
    """Paths and leading verbs are trusted more than prose."""
    assert confidence == pytest.approx(estimate(*texts).confidence)


@given(features=features)
def test_every_prediction_is_explained_and_covered(features):
    """Parts add up to the prediction; the budget covers it, unless it is capped."""
    estimator: Estimator = Deliverables()
    found = estimator.estimate(features, PLAIN)

    assert 0 < found.predicted_output_tokens
    assert min(found.predicted_output_tokens, CAP_TOKENS) <= found.budget_tokens <= CAP_TOKENS
    assert (
        0 <= sum(part.tokens for part in found.parts) - found.predicted_output_tokens + 1e-6 < 1.1
    )
    assert 0.5 <= found.confidence <= 1.0


@given(features=features, factor=st.floats(min_value=0.01, max_value=20))
def test_multipliers_scale_the_prediction(features, factor):
    """The prediction with a multiplier is the plain one times it, but for rounding down."""
    key = group(features.category, features.complexity)
    by = Coefficients(estimator="deliverables", version="v2", multipliers={key: factor})
    plain = Deliverables().estimate(features, PLAIN).predicted_output_tokens
    scaled = Deliverables().estimate(features, by).predicted_output_tokens

    assert plain * factor - 1.001 <= scaled <= (plain + 1) * factor + 0.001

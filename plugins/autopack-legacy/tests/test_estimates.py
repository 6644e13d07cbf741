"""The old estimator: its arithmetic, its known defects, and its shape as a plugin."""

import pytest

from autopack.types import Coefficients, Features
from autopack_legacy import LegacyEstimator, estimate

TAUGHT_NOTHING = Coefficients(estimator="legacy", version="v5-step1")


def tokens(*deliverables, category="implementation", complexity="low", **given):
    """Return the predicted tokens."""
    return estimate(list(deliverables), category, complexity, **given)["estimated_tokens"]


def test_overhead_files_and_margin():
    """The prediction is overhead and files, and three tenths more."""
    assert int((634 + 2000 + 1400) * 1.3) == tokens("src/a.py", "tests/test_a.py")


@pytest.mark.parametrize(
    ("category", "overhead"),
    [("testing", 915), ("tests", 2000), ("IMPLEMENT_FEATURE", 2000), ("implementation", 634)],
)
def test_words_count_as_written(category, overhead):
    """A category that is spelled otherwise misses its overhead."""
    assert int((overhead + 2000) * 1.3) == tokens("src/a.py", category=category)


def test_parts_of_words_make_a_file_new(tmp_path):
    """An address is an addition: the file is new although it is there."""
    for name in ("address.py", "other.py"):
        (tmp_path / name).write_text("x = 1\n", encoding="utf-8")

    assert int((634 + 2000) * 1.3) == tokens("address.py", workspace=tmp_path)
    assert int((634 + 396) * 1.3) == tokens("other.py", workspace=tmp_path)


@pytest.mark.parametrize(
    ("path", "label", "cost"),
    [
        ("db/schema.sql", "backend_new", 1500),
        ("web/App.svelte", "backend_new", 2800),
        ("db/migration_1.py", "backend_new", 1000),
        ("no extension", "backend_new", 2000),
        ("tests/data.json", "test_new", 1400),
        ("settings.toml", "config_new", 1000),
    ],
)
def test_kinds_and_their_labels(path, label, cost):
    """Some kinds are charged as one thing and labelled as another."""
    assert {label: cost} == estimate([path], "implementation", "low")["breakdown"]


def test_nothing_to_write():
    """Without deliverables the complexity decides, and an unknown one is low."""
    found = [estimate(None, "docs", word) for word in ("medium", "odd")]

    assert [(12288, 0.5), (8192, 0.5)] == [(f["estimated_tokens"], f["confidence"]) for f in found]


def test_nested_deliverables():
    """Mappings and lists are flattened, and blanks dropped."""
    nested = {"code": ["src/a.py", ["src/b.py", " "]], "none": None}

    assert 2 == estimate(nested, "implementation", "low")["deliverable_count"]


def test_a_folder_counts_as_an_ordinary_file(tmp_path):
    """What cannot be read is there, and as hard as any other."""
    (tmp_path / "src.d").mkdir()

    assert int((634 + 700) * 1.3) == tokens("src.d", workspace=tmp_path)


def test_wording_turns_documents_into_a_synthesis():
    """A word of the task changes the category, and with it the budget."""
    plain = estimate(["docs/x.md"], "docs", "low")
    asked = estimate(["docs/x.md"], "docs", "low", task_description="List the endpoints")

    assert ("docs", 4096) == (plain["category"], plain["selected_budget"])
    assert ("doc_synthesis", 13013) == (asked["category"], asked["selected_budget"])


def features(**given):
    """Return features of an existing file, but for what is given."""
    defaults = {
        "category": "implementation",
        "complexity": "low",
        "deliverables": ("src/other.py",),
        "files": (("backend", False, 0.5),),
    }
    return Features(**(defaults | given))


def test_the_estimator_uses_what_was_found():
    """An existing file costs its recorded factor; without a look at it, it is new."""
    seen = LegacyEstimator().estimate(features(), TAUGHT_NOTHING)
    unseen = LegacyEstimator().estimate(features(files=()), TAUGHT_NOTHING)

    assert int((634 + 350) * 1.3) == seen.predicted_output_tokens
    assert int((634 + 2000) * 1.3) == unseen.predicted_output_tokens
    assert "v5-step1" == seen.estimator_version


def test_the_estimator_can_be_taught():
    """A multiplier scales the whole prediction, and the parts still add up to it."""
    taught = Coefficients(estimator="legacy", version="v2", multipliers={"implementation/low": 0.5})
    found = LegacyEstimator().estimate(features(), taught)

    assert (639, "v2") == (found.predicted_output_tokens, found.estimator_version)
    assert 639 == pytest.approx(sum(part.tokens for part in found.parts))


def test_asks_of_the_goal():
    """What the goal asks for is known by its recorded words."""
    written = features(
        category="docs", deliverables=("docs/x.md",), files=(), goal_words=("api_reference",)
    )
    found = LegacyEstimator().estimate(written, TAUGHT_NOTHING)

    assert 5915 == found.predicted_output_tokens

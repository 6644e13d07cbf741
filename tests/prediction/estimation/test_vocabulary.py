"""One word for each category and complexity."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopack.prediction.estimation import vocabulary


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("documentation", "docs"),
        ("doc_write", "docs"),
        ("docs", "docs"),
        ("testing", "tests"),
        (" Tests ", "tests"),
        ("IMPLEMENT_FEATURE", "implementation"),
        ("implement-feature", "implementation"),
        ("Archaeology", "archaeology"),
        ("", "uncategorised"),
        ("unknown", "uncategorised"),
    ],
)
def test_categories(text, word):
    """Spellings of one category have one word; an unknown one is kept in lower case."""
    assert word == vocabulary.category(text)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("simple", "low"),
        ("Moderate", "medium"),
        ("medium-high", "high"),
        ("maintenance", "maintenance"),
        ("astonishing", "astonishing"),
    ],
)
def test_complexities(text, word):
    """Spellings of one complexity have one word; an unknown one is kept in lower case."""
    assert word == vocabulary.complexity(text)


@pytest.mark.parametrize(
    ("text", "size"),
    [("trivial", "low"), ("maintenance", "medium"), ("astonishing", "medium"), ("hard", "high")],
)
def test_sizes(text, size):
    """What is neither low nor high is reckoned with as medium."""
    assert size == vocabulary.size(text)


def test_group_is_the_key_of_a_multiplier():
    """A group names both standard words."""
    assert "tests/low" == vocabulary.group("Testing", "simple")


@given(text=st.text(st.characters(max_codepoint=0x7F)))
def test_standard_words_stay(text):
    """A word that is standard already is left as it is."""
    category, complexity = vocabulary.category(text), vocabulary.complexity(text)

    assert category == vocabulary.category(category)
    assert complexity == vocabulary.complexity(complexity)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("implmentation", "implementation"),
        ("Documentatoin", "docs"),
        ("tets", "tests"),
        ("bug-fx", "bugfix"),
        ("docs", None),
        ("Unit Tests", None),
        ("", None),
        ("translation", None),
        ("design", None),
        ("tasks", None),
        ("text", None),
    ],
)
def test_a_category_is_doubted_only_if_it_is_nearly_a_known_one(text, meant):
    """Any word may be a category; only one that looks like a slip is doubted."""
    assert meant == vocabulary.misspelt_category(text)


@pytest.mark.parametrize(
    ("text", "is_known", "meant"),
    [("low", True, "low"), ("Very High", True, "high"), ("maintenance", True, "maintenance"),
     ("hihg", False, "high"), ("meduim", False, "medium"), ("astonishing", False, None)],
)  # fmt: skip
def test_what_is_no_complexity_is_known(text, is_known, meant):
    """A complexity is one of a few words; the nearest to another one is found."""
    assert (is_known, meant) == (
        vocabulary.is_complexity(text), vocabulary.meant_complexity(text),
    )  # fmt: skip

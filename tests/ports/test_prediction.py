"""What a phase may be asked for with, from Python."""

from pathlib import Path

import pytest

from autopack import PhaseSpec
from autopack.errors import InvalidInputError


def spec(**given):
    """A small phase with what is given."""
    return PhaseSpec("p1", **{"category": "docs", "complexity": "low", **given})


@pytest.mark.parametrize("given", ["a.md", ["a.md"], ("a.md",), (one for one in ["a.md"])])
def test_one_text_stands_for_a_list_of_it(given):
    """Of deliverables, and of what comes before."""
    assert ("a.md",) == spec(deliverables=given).deliverables


@pytest.mark.parametrize("given", [Path("a.md"), 5, b"a.md", {"a.md": 1}, [Path("a.md")], [None]])
@pytest.mark.parametrize("field", ["deliverables", "after"])
def test_what_is_no_text_is_named(field, given):
    """As it was given, with what is asked for."""
    with pytest.raises(InvalidInputError, match=r"must be a string: name what is to be written"):
        spec(**{field: given})


@pytest.mark.parametrize("field", ["category", "complexity", "model", "tier"])
@pytest.mark.parametrize("word", ["", "  "])
def test_an_empty_word_says_nothing(field, word):
    """It would be a group, or a model, of its own, that nobody meant."""
    with pytest.raises(InvalidInputError, match=f"{field} is empty") as refused:
        spec(**{field: word})

    assert field == refused.value.name

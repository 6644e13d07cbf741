"""The pages on strategies name every answer that one may give."""

from pathlib import Path
from typing import get_args

import pytest

from autopack.ports.drain import Choice

DOCS = Path(__file__).resolve().parents[2] / "docs"
COUNTS = {2: "two", 3: "three", 4: "four", 5: "five"}


@pytest.mark.parametrize("name", ["write_a_strategy.md", "strategies.md"])
def test_a_page_names_all_answers_and_how_many_they_are(name):
    """A new answer is told on both pages."""
    text = (DOCS / name).read_text(encoding="utf-8")
    answers = [answer.__name__ for answer in get_args(Choice)]

    assert [] == [answer for answer in answers if f"`{answer}" not in text]
    assert f"one of {COUNTS[len(answers)]} things" in text

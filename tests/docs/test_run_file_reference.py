"""The page on run files lists every field, and no other."""

import itertools
import re
from pathlib import Path

import attrs
import pytest

from autopack.exchange.run_files import RunFile
from autopack.ports.prediction import PhaseSpec
from autopack.prediction.estimation import vocabulary

PAGE = Path(__file__).parents[2] / "docs" / "run_files.md"


def listed(title):
    """Return the fields of the table that begins with *title*."""
    _, _, table = PAGE.read_text(encoding="utf-8").partition(f"| {title} |")
    return re.findall(r"^\| `(\w+)` \|", table.partition("\n\n")[0], re.MULTILINE)


@pytest.mark.parametrize(
    ("title", "cls"), [("field of a run", RunFile), ("field of a phase", PhaseSpec)]
)
def test_every_field_is_listed(title, cls):
    """The names of the table are those that a file may hold."""
    assert sorted(field.name for field in attrs.fields(cls)) == sorted(listed(title))


@pytest.mark.parametrize(
    ("title", "words"),
    [("category", vocabulary.CATEGORIES), ("complexity", vocabulary.COMPLEXITIES)],
)
def test_every_word_is_listed(title, words):
    """Each known category and complexity, with the other words that mean it."""
    _, _, table = PAGE.read_text(encoding="utf-8").partition(f"| {title} |")
    rows = itertools.takewhile(str.strip, table.splitlines()[2:])
    shown = {row[0]: sorted(row) for row in (re.findall(r"`(\w+)`", line) for line in rows)}

    assert {word: sorted({word, *aliases} - {""}) for word, aliases in words.items()} == shown

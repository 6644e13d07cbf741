"""The reference of the Python surface leaves no public name out."""

import re
from pathlib import Path

import autopack
from autopack import types

DOCS = Path(__file__).resolve().parents[2] / "docs"


def described(page, module):
    """Return the names of a module that a page describes."""
    return re.findall(rf":: {module}\.(\w+)\n", (DOCS / page).read_text(encoding="utf-8"))


def test_every_public_name_is_described():
    """What ``__all__`` lists stands on the page once, and nothing else does."""
    names = [*described("python.md", "autopack"), "__version__"]

    assert sorted(autopack.__all__) == sorted(names)


def test_every_type_is_described():
    """Once: where the calls are, or on the page of the types, which names the others."""
    page = (DOCS / "types.md").read_text(encoding="utf-8")
    too = set(types.__all__) & set(autopack.__all__)
    told = page.partition("everyday use")[2].partition("Events and errors")[0]

    assert sorted(set(types.__all__) - too) == sorted(described("types.md", r"autopack\.types"))
    assert too == set(re.findall(r"`(\w+)`", told)) - {"autopack"}

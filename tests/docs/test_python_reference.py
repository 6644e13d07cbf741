"""The reference of the Python surface leaves no public name out."""

import re
from pathlib import Path

import autopack

PAGE = Path(__file__).resolve().parents[2] / "docs" / "python.md"


def test_every_public_name_is_described():
    """What ``__all__`` lists stands on the page, and nothing else does."""
    described = re.findall(r":: autopack\.(\w+)\n", PAGE.read_text(encoding="utf-8"))

    assert sorted({*described, "__version__"}) == sorted(autopack.__all__)
    assert len(described) == len(set(described))

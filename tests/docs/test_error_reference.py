"""The error reference has a section for every error, and none for what is no error."""

import inspect
from pathlib import Path

from autopack import errors

PAGE = Path(__file__).resolve().parents[2] / "docs" / "errors.md"
CLASSES = [name for name, found in vars(errors).items() if inspect.isclass(found)]


def test_every_error_has_a_section():
    """Headings are the names of the library's exceptions."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()

    assert sorted(CLASSES) == sorted(line[4:] for line in lines if line.startswith("### "))


def test_every_error_is_in_the_tree():
    """The tree in the module's docstring leaves none out."""
    assert [] == [name for name in CLASSES if name not in (errors.__doc__ or "")]

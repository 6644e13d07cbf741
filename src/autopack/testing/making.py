"""What ``make()`` returned, before a suite tests it: a slip there would fail every test alike."""

from collections.abc import Iterable
from typing import Any


def checked(given: Any, kind: str, needs: Iterable[str]) -> Any:
    """
    Return what ``make()`` returned, if it can be tested at all.

    Args:
        given: What was returned.
        kind: What it should be, in words.
        needs: The attributes that one of the kind has.

    Raises:
        AssertionError: It is a class, or lacks attributes; says what to return.
    """
    if isinstance(given, type):
        name = given.__name__
        raise AssertionError(f"make() returned the class {name}. Return one of it: {name}(...)")
    missing = [name for name in needs if getattr(given, name, None) is None]
    if missing:
        raise AssertionError(f"make() returned {given!r}: no {kind}, it lacks {', '.join(missing)}")
    return given


def not_written(method: str, what: str) -> NotImplementedError:
    """Return the error of a method that a test class has to write."""
    return NotImplementedError(f"Write {method} in your test class: {what}.")

"""What a phase requires of whoever works at it, and what a worker offers."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

from autopack.errors import InvalidInputError
from autopack.errors.base import told
from autopack.values.ids import check_name

Resources: TypeAlias = Mapping[str, float | str | Sequence[str]]
"""How much there is, or must be, as ``{"gpu": 1}``; or words, as ``{"label": "eu"}``."""

_MOST: Final = 2**53


def checked_resources(given: Any, *, name: str) -> dict[str, float | list[str]]:
    """
    Return amounts and words by name.

    Args:
        given: A table of numbers above 0, texts, and lists of texts.
        name: What it is called: ``requires`` or ``offers``.

    Raises:
        InvalidInputError: It is no such table; says which entry.
    """
    if not isinstance(given, Mapping):
        raise InvalidInputError(
            f'{name} is {told(given)}; give a table, as {{"gpu": 1, "label": "eu"}}.',
            name=name,
            value=given,
        )
    return {check_name(name, key, forbidden="="): _entry(name, key, v) for key, v in given.items()}


def _entry(name: str, key: str, value: Any) -> float | list[str]:
    if isinstance(value, int | float) and not isinstance(value, bool):
        if math.isfinite(value) and 0 < value <= _MOST:
            return value
    elif isinstance(value, str) and value:
        return [value]
    elif isinstance(value, list | tuple) and value and all(isinstance(v, str) and v for v in value):
        return list(dict.fromkeys(value))
    raise InvalidInputError(
        f"{name}: {key} is {told(value)}; give a number above 0, a word, or a list of words.",
        name=name,
        value=value,
    )

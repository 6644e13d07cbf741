"""One word for each category and complexity, whatever a source calls them."""

import re
from typing import Final, Literal

Size = Literal["low", "medium", "high"]

UNKNOWN: Final = "unknown"
"""The category of a phase that names none."""

_CATEGORIES: Final = {
    "docs": ("doc", "doc_write", "docs", "documentation"),
    "tests": ("test", "testing", "tests", "unit_test", "unit_tests"),
    "implementation": ("feature", "impl", "implement", "implement_feature", "implementation"),
    "bugfix": ("bug_fix", "bugfix", "bugfixes", "fix"),
    "refactoring": ("refactor", "refactoring"),
    "configuration": ("config", "configuration"),
    "deployment": ("deploy", "deployment"),
    UNKNOWN: ("", "none", "null", UNKNOWN),
}
_COMPLEXITIES: Final = {
    "low": ("easy", "low", "minor", "simple", "small", "trivial", "very_low"),
    "medium": ("", "low_medium", "med", "medium", "mid", "moderate", "none", "normal", "null"),
    "high": ("complex", "critical", "hard", "high", "large", "medium_high", "very_high"),
    "maintenance": ("maintain", "maintenance"),
}
_SEPARATORS: Final = re.compile(r"[\s_\-]+")


def category(text: str) -> str:
    """
    Return the word under which phases of a category are grouped.

    ``documentation``, ``doc`` and ``docs`` are one category, ``testing`` and ``tests`` another,
    ``IMPLEMENT_FEATURE`` is ``implementation``. An unknown word is kept in lower case.
    """
    return _word(text, _CATEGORY_OF)


def complexity(text: str) -> str:
    """
    Return ``low``, ``medium``, ``high`` or ``maintenance``; an unknown word in lower case.

    What lies between two sizes counts as the larger, since a budget that is too small costs a
    whole attempt; no word at all is ``medium``.
    """
    return _word(text, _COMPLEXITY_OF)


def size(text: str) -> Size:
    """Return the complexity to reckon with: maintenance and unknown words are medium."""
    match complexity(text):
        case "low":
            return "low"
        case "high":
            return "high"
        case _:
            return "medium"


def group(category_text: str, complexity_text: str) -> str:
    """Return ``category/complexity``, the key of a multiplier."""
    return f"{category(category_text)}/{complexity(complexity_text)}"


def _word(text: str, known: dict[str, str]) -> str:
    lowered = text.strip().lower()
    return known.get(_SEPARATORS.sub("_", lowered).strip("_"), lowered)


def _inverted(words: dict[str, tuple[str, ...]]) -> dict[str, str]:
    return {alias: word for word, aliases in words.items() for alias in aliases}


_CATEGORY_OF: Final = _inverted(_CATEGORIES)
_COMPLEXITY_OF: Final = _inverted(_COMPLEXITIES)

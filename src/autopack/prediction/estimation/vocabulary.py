"""One word for each category and complexity, whatever a source calls them."""

import re
from typing import Final, Literal

from autopack.errors.nearest import nearest

Size = Literal["low", "medium", "high"]

UNKNOWN: Final = "uncategorised"
"""The category of a phase that names none."""

CATEGORIES: Final = {
    "docs": ("doc", "doc_write", "docs", "documentation"),
    "tests": ("test", "testing", "tests", "unit_test", "unit_tests"),
    "implementation": ("feature", "impl", "implement", "implement_feature", "implementation"),
    "bugfix": ("bug_fix", "bugfix", "bugfixes", "fix"),
    "refactoring": ("refactor", "refactoring"),
    "configuration": ("config", "configuration"),
    "deployment": ("deploy", "deployment"),
    UNKNOWN: ("", "none", "null", "uncategorized", "unknown", UNKNOWN),
}
"""Each known category with the words that mean it; without a separator, or with ``_``."""
COMPLEXITIES: Final = {
    "low": ("easy", "low", "minor", "simple", "small", "trivial", "very_low"),
    "medium": ("", "low_medium", "med", "medium", "mid", "moderate", "none", "normal", "null"),
    "high": ("complex", "critical", "hard", "high", "large", "medium_high", "very_high"),
    "maintenance": ("maintain", "maintenance"),
}
"""Likewise for how complex a phase is."""
_LIKENESS: Final = 0.8
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


def misspelt_category(text: str) -> str | None:
    """
    Return the category that was probably meant, or None for a known word and for one of its own.

    A category may be any word, so that only one that is nearly a known one is doubted.
    """
    if _plain(text) in _CATEGORY_OF:
        return None
    meant = nearest(_plain(text), filter(None, _CATEGORY_OF), likeness=_LIKENESS)
    return None if meant is None else _CATEGORY_OF[meant]


def is_complexity(text: str) -> bool:
    """Tell whether a word says how complex something is; any other is reckoned as medium."""
    return _plain(text) in _COMPLEXITY_OF


def meant_complexity(text: str) -> str | None:
    """Return the complexity whose name is nearest to an unknown word, or None if none is near."""
    meant = nearest(_plain(text), filter(None, _COMPLEXITY_OF))
    return None if meant is None else _COMPLEXITY_OF[meant]


def _word(text: str, known: dict[str, str]) -> str:
    return known.get(_plain(text), text.strip().lower())


def _plain(text: str) -> str:
    return _SEPARATORS.sub("_", text.strip().lower()).strip("_")


def _inverted(words: dict[str, tuple[str, ...]]) -> dict[str, str]:
    return {alias: word for word, aliases in words.items() for alias in aliases}


_CATEGORY_OF: Final = _inverted(CATEGORIES)
_COMPLEXITY_OF: Final = _inverted(COMPLEXITIES)

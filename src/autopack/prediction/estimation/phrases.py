"""What the text of a deliverable or a goal says, by whole words and never by parts of words."""

import re
from collections.abc import Iterable
from typing import Final

_NEW: Final = ("create", "add", "new", "generate", "introduce", "scaffold")
_MODIFY: Final = (
    "modify", "update", "edit", "change", "extend", "fix", "improve", "patch", "refactor",
    "rename", "remove", "delete", "rewrite", "append",
)  # fmt: skip
_VERB: Final = re.compile(
    rf"[\s\-*]*(?P<verb>{'|'.join((*_NEW, *_MODIFY))})(?P<file>\s+file)?(?=[\s:])\s*:?",
    re.IGNORECASE,
)
_INTO: Final = re.compile(r"\b(?:to|into)\s+(?:the\s+)?(?:file\s+)?\S*\s*$", re.IGNORECASE)
_NOTE: Final = re.compile(r"\s*\([^()]*\)\s*$")
_WORDS: Final = re.compile(r"[a-z0-9]+")

_ASKS: Final = {
    "api_reference": ("api reference", "api md", "endpoint", "endpoints", "rest api"),
    "examples": ("example", "examples", "snippets", "sample code"),
    "research": (
        "from scratch", "create documentation for", "document the", "comprehensive", "investigate",
    ),
    "usage_guide": ("usage guide", "user guide", "getting started", "tutorial", "tutorials"),
}  # fmt: skip
_ASKED_BY_GOALS_ONLY: Final = frozenset({"research"})


def is_new(text: str) -> bool | None:
    """
    Return whether a deliverable's leading verb says new (True) or modify (False); None if none.

    ``"Add a route to src/app.py"`` changes a file that is there, ``"Add src/app.py"`` makes it;
    ``"src/address.py"`` says nothing.
    """
    found = _VERB.match(text)
    if found is None:
        return None
    if found["verb"].lower() in _MODIFY:
        return False
    return not (found["verb"].lower() == "add" and _INTO.search(without_note(text)))


def without_note(text: str) -> str:
    """Return *text* without a remark in brackets at its end."""
    return _NOTE.sub("", text)


def without_verb(text: str) -> str:
    """Return *text* without its leading verb."""
    found = _VERB.match(text)
    return text[found.end() :] if found else text


def asks_of_goal(goal: str | None) -> tuple[str, ...]:
    """Return what kinds of document a goal asks for, sorted; the goal itself is not kept."""
    said = _spaced(goal or "")
    return tuple(ask for ask, phrases in _ASKS.items() if any(f" {p} " in said for p in phrases))


def asks_of_names(deliverables: Iterable[str]) -> tuple[str, ...]:
    """Return what kinds of document deliverables are by their names, sorted."""
    found = {ask for text in deliverables for ask in asks_of_goal(text)}
    return tuple(sorted(found - _ASKED_BY_GOALS_ONLY))


def _spaced(text: str) -> str:
    return f" {' '.join(_WORDS.findall(text.lower()))} "

"""What a phase row asks for: its scope, and the deliverables in it."""

from typing import Any

from autopack_legacy.values import Cells


def scope_of(cells: Cells) -> Any:
    """Return the scope: a mapping, a list, a text, or None if there is none that can be read."""
    if "scope" not in cells:
        return None
    scope = cells.json("scope")
    if isinstance(scope, str):
        cells.findings.count("scopes_that_are_text")
    return scope


def deliverables_of(value: Any) -> tuple[str, ...]:
    """
    Return the deliverables of a scope or a list, flat, in the order given.

    They come as a list, as lists by kind (``{"code": [...], "docs": [...]}``) or as one text;
    blanks are dropped.
    """
    if isinstance(value, dict):
        return tuple(_flat(value.get("deliverables")))
    return tuple(_flat(value)) if isinstance(value, list) else ()


def _flat(value: Any) -> list[str]:
    match value:
        case None:
            return []
        case dict():
            return [text for item in value.values() for text in _flat(item)]
        case list():
            return [text for item in value for text in _flat(item)]
        case _:
            text = str(value).strip()
            return [text] if text else []

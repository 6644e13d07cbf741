"""JSON to plain values, unless an object says one name twice: then nobody knows which was meant."""

import json
from typing import Any


def loaded(text: str) -> Any:
    """
    Return the values of a JSON document.

    Raises:
        ValueError: It is malformed, or an object has one name twice.
        RecursionError: It is nested too deeply.
    """
    return json.loads(text, object_pairs_hook=_distinct)


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _value in pairs]
        twice = next(name for place, name in enumerate(names) if name in names[:place])
        raise ValueError(f"{twice!r} is said twice in one object")
    return found

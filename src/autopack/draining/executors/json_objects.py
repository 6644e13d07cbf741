"""The JSON objects that programs print, one a line."""

import json
from collections.abc import Iterator
from typing import Any


def json_object(text: str) -> dict[str, Any] | None:
    """Return the JSON object that a line holds, or None."""
    stripped = text.removeprefix("\ufeff").strip()  # some programs begin with that mark
    if not stripped.startswith("{"):
        return None
    try:
        found = json.loads(stripped)
    except (ValueError, RecursionError):  # nested too deeply to be read
        return None
    return found if isinstance(found, dict) else None


def objects_of(text: str) -> Iterator[dict[str, Any]]:
    """Yield the JSON objects of the list that a text holds; none if it holds no list."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return
    for told in found if isinstance(found, list) else ():
        if isinstance(told, dict):
            yield told

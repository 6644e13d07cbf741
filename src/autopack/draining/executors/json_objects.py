"""The JSON objects that programs print, one a line."""

import json
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

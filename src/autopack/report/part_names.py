"""The parts of a drain as they are said: by name, without the folders of files."""

import re
from collections.abc import Mapping
from typing import Any, Final

from autopack.report.escaping import on_line

_FOLDER: Final = re.compile(r"[^+=,]*[/\\](?=[^/\\]*\.py:)")


def part_name(name: str) -> str:
    """Return a part's name without the folder of its file."""
    return on_line(_FOLDER.sub("", name))


def calibrator_words(settings: Mapping[str, Any]) -> str | None:
    """Return by whom a drain's settings give budgets, and for which share; None by nobody."""
    name, tau = settings.get("calibrator"), settings.get("tau")
    if not isinstance(name, str):
        return None
    is_share = isinstance(tau, int | float) and not isinstance(tau, bool)
    return f"{part_name(name)} at {tau:g}" if is_share else part_name(name)

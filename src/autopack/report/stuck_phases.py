"""Phases that can never be taken, as text."""

from collections.abc import Sequence
from typing import Final

from autopack.aggregates.order import Stuck

_SHOWN: Final = 10


def stuck_lines(stuck: Sequence[Stuck]) -> list[str]:
    """Return which phases can never be taken and why, one a line, and how many more there are."""
    lines = [f"{one.phase} {one.why}" for one in stuck[:_SHOWN]]
    more = len(stuck) - len(lines)
    return [*lines, f"and {more} more"] if more else lines

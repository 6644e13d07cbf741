"""The moves of a phase that the old system's state manager allowed."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

PHASE_MOVES: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "QUEUED": frozenset({"EXECUTING", "SKIPPED"}),
        "EXECUTING": frozenset({"GATE", "CI_RUNNING", "COMPLETE", "FAILED"}),
        "GATE": frozenset({"EXECUTING", "COMPLETE", "FAILED"}),
        "CI_RUNNING": frozenset({"COMPLETE", "FAILED"}),
        "FAILED": frozenset({"QUEUED"}),
        "COMPLETE": frozenset(),
        "SKIPPED": frozenset(),
    }
)
"""To which states each state may go; its drain scripts and its stale reset went past this."""


def may_move(old: str, new: str) -> bool:
    """Tell whether the old system allowed a move; a state that it did not know allows none."""
    return new in PHASE_MOVES.get(old, frozenset())

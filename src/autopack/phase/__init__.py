"""A phase: its moves, decided from its own stream."""

from typing import TYPE_CHECKING, Any

from autopack.phase.state import PhaseState, PhaseStreamEvent, evolve, fold, holds

if TYPE_CHECKING:
    from autopack.phase.deciding import decide

__all__ = ["PhaseState", "PhaseStreamEvent", "decide", "evolve", "fold", "holds"]


def __getattr__(name: str) -> Any:
    """Load the decisions when they are asked for: who only reads never needs the commands."""
    if name != "decide":
        raise AttributeError(f"module 'autopack.phase' has no attribute {name!r}")
    from autopack.phase.deciding import decide

    return decide

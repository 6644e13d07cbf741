"""A phase: its moves, decided from its own stream."""

from typing import TYPE_CHECKING, Any

from autopack.aggregates.phase.state import PhaseState, PhaseStreamEvent, evolve, fold, holds

if TYPE_CHECKING:
    from autopack.aggregates.phase.decisions import decide

__all__ = ["PhaseState", "PhaseStreamEvent", "decide", "evolve", "fold", "holds"]


def __getattr__(name: str) -> Any:
    if name != "decide":  # with all requests, which views need none of
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from autopack.aggregates.phase.decisions import decide

    return decide

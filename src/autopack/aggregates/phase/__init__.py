"""A phase: its moves, decided from its own stream."""

from autopack.aggregates.phase.decisions import decide
from autopack.aggregates.phase.state import PhaseState, PhaseStreamEvent, evolve, fold, holds

__all__ = ["PhaseState", "PhaseStreamEvent", "decide", "evolve", "fold", "holds"]

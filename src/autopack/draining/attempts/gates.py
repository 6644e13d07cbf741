"""Asks the plugins whether a person is to look at what was done, before it counts as complete."""

from typing import Any, Final

from autopack.draining.attempts.storable_text import shown, storable, words_of
from autopack.plugins.narrator import Narrator
from autopack.plugins.registry import Registry
from autopack.ports.attempt import Attempt
from autopack.ports.work import Completed, PhaseView

GATE: Final = "autopack_gate_phase"
"""The hook by which plugins ask."""


def question_of(
    registry: Registry, phase: PhaseView, attempt: Attempt, outcome: Completed
) -> str | None:
    """
    Return the first question that a plugin asks of completed work, or None to let it through.

    A plugin that fails, or answers with no question, asks one by that: what could not be judged
    does not go through unseen.
    """
    given = {"phase": phase, "attempt": attempt, "outcome": outcome}
    for plugin, answer in registry.answers(GATE, **given):
        if isinstance(answer, str) and answer.strip():
            return storable(answer)
        if answer is not None:
            return _unanswered(plugin, answer, phase)
    return None


def _unanswered(plugin: str, answer: Any, phase: PhaseView) -> str:
    fault = answer if isinstance(answer, BaseException) else None
    if fault is not None:
        what = storable(f"failed: {type(fault).__name__}: {words_of(fault)}")
    else:
        what = storable(f"answered {shown(answer)}, which is no question")
    Narrator("autopack.drain").error(
        "a gate did not answer", plugin=plugin, phase=phase.key, why=what, exc_info=fault
    )
    return f"Is the work as it should be? The gate of plugin {plugin} {what}"

"""Asks a strategy, and says plainly what is wrong with one that fails or answers amiss."""

import traceback
from pathlib import Path
from typing import Any

from autopack.errors import PluginError
from autopack.ids import PhaseRef
from autopack.ports.drain import Choice, Choose, DrainView, Retry, Stop, Wait


def ask(strategy: Any, view: DrainView, name: str) -> Choice:
    """
    Return what the strategy answers.

    Raises:
        PluginError: It raised, with where; or its answer is none of the four, or names no phase.
    """
    try:
        answer: Any = strategy(view)
    except Exception as fault:
        last = traceback.extract_tb(fault.__traceback__)[-1]
        place = f"{Path(last.filename).name}, line {last.lineno}"
        what = f"the strategy failed: {type(fault).__name__}: {fault} ({place})"
        raise PluginError(name, what) from fault
    if not isinstance(answer, Choose | Retry | Wait | Stop):
        what = (
            f"the strategy answered with {type(answer).__name__}; it must return "
            "Choose(phase.ref, reason), Retry, Wait or Stop"
        )
        raise PluginError(name, what)
    ref: Any = getattr(answer, "ref", None)
    if isinstance(answer, Choose | Retry) and not isinstance(ref, PhaseRef):
        kind, given = type(answer).__name__, type(ref).__name__
        what = f"the strategy answered with {kind} of a {given}: give phase.ref"
        raise PluginError(name, what)
    chosen: Choice = answer
    return chosen


def not_to_be_had(name: str, choice: Choose | Retry, why: str | None = None) -> PluginError:
    """Return the error of a choice that names a phase which may not be taken, and *why* not."""
    group = "failed" if isinstance(choice, Retry) else "ready"
    what = f"the strategy chose {choice.ref}, which is not in view.{group}"
    return PluginError(name, f"{what}: {why}" if why else what)

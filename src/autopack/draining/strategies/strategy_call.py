"""Asks a strategy, and says plainly what is wrong with one that fails or answers amiss."""

import traceback
from pathlib import Path
from typing import Any, Final

from autopack.errors import PluginError
from autopack.ports.drain import Choice, Choose, DrainView, Retry, Stop, Wait

_LIBRARY: Final = str(Path(__file__).parents[2])


def ask(strategy: Any, view: DrainView, name: str) -> Choice:
    """
    Return what the strategy answers.

    Raises:
        PluginError: It raised, with where; or its answer is none of the four.
    """
    try:
        answer: Any = strategy(view)
    except Exception as fault:
        what = f"the strategy failed: {type(fault).__name__}: {fault} ({_place(fault)})"
        raise PluginError(name, what) from fault
    if not isinstance(answer, Choose | Retry | Wait | Stop):
        what = (
            f"the strategy answered with {type(answer).__name__}; it must return "
            "Choose(phase.ref, reason), Retry, Wait or Stop"
        )
        raise PluginError(name, what)
    chosen: Choice = answer
    return chosen


def _place(fault: Exception) -> str:
    """Return where a strategy went wrong: in its own lines, if it has any, not in the library's."""
    frames = traceback.extract_tb(fault.__traceback__)
    own = [f for f in frames if Path(f.filename).is_file() and not f.filename.startswith(_LIBRARY)]
    last = (own or frames)[-1]
    return f"{Path(last.filename).name}, line {last.lineno}"


def not_to_be_had(name: str, choice: Choose | Retry, why: str | None = None) -> PluginError:
    """Return the error of a choice that names a phase which may not be taken, and *why* not."""
    group = "failed" if isinstance(choice, Retry) else "ready"
    what = f"the strategy chose {choice.ref}, which is not in view.{group}"
    return PluginError(name, f"{what}: {why}" if why else what)

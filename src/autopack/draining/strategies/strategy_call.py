"""Asks a strategy, and says plainly what is wrong with one that fails or answers amiss."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from autopack.errors import PluginError
from autopack.plugins.fault_place import said_with_place
from autopack.plugins.hook_calls import Called, answer_in_time
from autopack.ports.drain import (
    Afterwards,
    Ask,
    Choice,
    Choose,
    DrainView,
    GiveUp,
    PastAttempt,
    Retry,
    Stop,
    Wait,
)
from autopack.ports.work import PhaseView

_DEADLINE_S: Final = 600.0
"""For how long a strategy may look at a log, however long that is."""


def ask(strategy: Any, view: DrainView, name: str, *, deadline_s: float | None = None) -> Choice:
    """
    Return what the strategy answers.

    Args:
        deadline_s: For how long it may look at the view; None for as long as in a drain.

    Raises:
        PluginError: It raised, with where; or its answer is none of the four, or gives no reason.
    """
    answer: Any = _called(strategy, lambda: strategy(view), name, deadline_s)
    if not isinstance(answer, Choose | Retry | Wait | Stop):
        what = (
            f"the strategy answered with {type(answer).__name__}; it must return "
            "Choose(phase.ref, reason), Retry, Wait or Stop"
        )
        raise PluginError(name, what)
    if not isinstance(answer.reason, str) or not answer.reason.strip():
        kind = type(answer).__name__
        what = f"the strategy answered with {kind} and the reason {answer.reason!r}"
        raise PluginError(name, f"{what}; a reason is a text that says why")
    chosen: Choice = answer
    return chosen


def route_asked(strategy: Any, phase: PhaseView, view: DrainView, name: str) -> Choose:
    """
    Return what a strategy's ``choice_for`` answers of one phase.

    Raises:
        PluginError: It raised, with where; or its answer is no choice of that phase.
    """
    answer: Any = _called(strategy, lambda: strategy.choice_for(phase, view), name)
    if isinstance(answer, Choose) and answer.ref == phase.ref:
        return answer
    shown = str(answer.ref) if isinstance(answer, Choose) else type(answer).__name__
    what = f"its choice_for({phase.key}) answered with {shown}; it must return Choose(phase.ref, …)"
    raise PluginError(name, what)


def followed(
    strategy: Any,
    phase: PhaseView,
    attempts: Sequence[PastAttempt],
    name: str,
    *,
    deadline_s: float | None = None,
) -> Afterwards:
    """
    Return what a strategy says of a phase that has just failed; None if it leaves that to others.

    Args:
        deadline_s: For how long it may think; None for as long as in a drain.

    Raises:
        PluginError: It raised, with where; or its answer is none of those.
    """
    if not hasattr(strategy, "after_failure"):
        return None
    answer: Any = _called(
        strategy, lambda: strategy.after_failure(phase, attempts), name, deadline_s
    )
    if answer is None or isinstance(answer, Retry | Ask | GiveUp):
        found: Afterwards = answer
        return found
    what = (
        f"its after_failure({phase.key}) answered with {type(answer).__name__}; it must return "
        "Retry, Ask, GiveUp, or None"
    )
    raise PluginError(name, what)


def _called(
    strategy: Any, asked: Callable[[], Any], name: str, deadline_s: float | None = None
) -> Any:
    deadline_s = _DEADLINE_S if deadline_s is None else deadline_s
    answer = answer_in_time(Called(name, "the strategy", strategy, deadline_s), asked)
    if isinstance(answer, PluginError):
        raise answer
    if isinstance(answer, BaseException):
        raise PluginError(name, f"the strategy failed: {said_with_place(answer)}") from answer
    return answer


def not_to_be_had(name: str, choice: Choose | Retry, why: str | None = None) -> PluginError:
    """Return the error of a choice that names a phase which may not be taken, and *why* not."""
    group = "failed" if isinstance(choice, Retry) else "ready"
    what = f"the strategy chose {choice.ref}, which is not in view.{group}"
    return PluginError(name, f"{what}: {why}" if why else what)

"""Calibrators asked as experts beside the mixture's own: what they say, and who is left out."""

import math
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from autopack.ports.calibrator_protocol import Calibrator
from autopack.ports.prediction import Features, Sample
from autopack.prediction.calibration.calibrator_fold import reason_of

_FARTHEST: Final = math.log(8)
"""How far what is said may be from the tree, in log tokens: nonsense must not move the rest."""
_LONGEST: Final = 120
"""How many characters of why one is left out are told."""


class LeftOut(NamedTuple):
    """What stands in the place of an expert's state since it failed to learn a sample."""

    why: str


class ExpertWords(NamedTuple):
    """
    What named experts say of one question.

    Args:
        values: Logarithms of sizes at the quantile, one an expert; None where one says nothing.
        faults: Why, by the expert's name.
    """

    values: tuple[float | None, ...] = ()
    faults: tuple[str, ...] = ()


NO_WORDS: Final = ExpertWords()


def first_states(experts: Sequence[Calibrator[Any]]) -> tuple[Any, ...]:
    """Return each expert's state before any sample."""
    return tuple(map(_first_state, experts))


def _first_state(expert: Calibrator[Any]) -> Any:
    try:
        return expert.initial()
    except Exception as fault:
        return LeftOut(_told(fault))


def said_by_experts(
    experts: Sequence[Calibrator[Any]],
    states: Sequence[Any],
    features: Features,
    tau: float,
    usual: float,
) -> ExpertWords:
    """
    Return what each expert says at quantile *tau*.

    One that raises, or answers with what is no size, says nothing this time; one that failed to
    learn says nothing any more.

    Args:
        usual: What the tree says, in log tokens: no more than eightfold up or down counts.
    """
    values: list[float | None] = []
    faults: list[str] = []
    for expert, state in zip(experts, states, strict=True):
        found: float | None = None
        if isinstance(state, LeftOut):
            why = state.why
        else:
            try:
                tokens = float(expert.predict(state, features, tau).tokens)
            except Exception as fault:
                why = _told(fault)
            else:
                why = f"it said {tokens:g} tokens"
                if 0 <= tokens < math.inf:
                    found = min(usual + _FARTHEST, max(usual - _FARTHEST, math.log(max(1, tokens))))
        if found is None:
            faults.append(f"{expert.name} is left out: {why}")
        values.append(found)
    return ExpertWords(tuple(values), tuple(faults))


def learned_by_experts(
    experts: Sequence[Calibrator[Any]], states: Sequence[Any], sample: Sample
) -> tuple[Any, ...]:
    """Return the experts' states after one more sample, which each may set aside."""
    return tuple(map(_learned_by, experts, states, [sample] * len(experts)))


def _learned_by(expert: Calibrator[Any], state: Any, sample: Sample) -> Any:
    if isinstance(state, LeftOut):
        return state
    try:
        return state if reason_of(expert, state, sample) else expert.update(state, sample)
    except Exception as fault:
        return LeftOut(_told(fault))


def _told(fault: Exception) -> str:
    """Return an error in one line that a basis has room for."""
    return " ".join(f"{type(fault).__name__}: {fault}".split())[:_LONGEST]

"""How many tokens a phase may write, given a prediction of how many it will."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

import attrs

from autopack.prediction.estimation import vocabulary

Model: TypeAlias = Literal["deliverables", "unnamed", "doc_synthesis", "ledger"]
"""How a prediction was made: by deliverables, without any, or as a document that is gathered."""

CAP_TOKENS: Final = 64_000


@attrs.frozen
class Budget:
    """How many tokens may be written, and where the figure comes from."""

    tokens: int
    basis: str


_USUAL: Final[Mapping[str, int]] = MappingProxyType({"low": 8192, "medium": 12288, "high": 16384})
_FLOORS: Final[Mapping[str, Mapping[str, int]]] = MappingProxyType(
    {
        "docs": MappingProxyType({"low": 4096, "medium": 8192, "high": 12288}),
        "tests": MappingProxyType({"low": 6144, "medium": 8192, "high": 12288}),
    }
)
_BUFFER: Final = 1.2
_BUFFER_IF_UNSURE: Final = 1.4
_BUFFER_IF_WIDE: Final = 1.6
_BUFFER_IF_GATHERED: Final = 2.2
_GATHERED: Final = frozenset({"doc_synthesis", "ledger"})
_UNSURE_BELOW: Final = 0.7
_WIDE_FROM: Final = 8
_WIDE_AT_HIGH: Final = frozenset({"implementation", "integration"})


_LIKE_LEAST: Final = 3
_LIKE_TIMES: Final = 2
_LIKE_FLOOR: Final = 4096


def usual_tokens(complexity: str) -> int:
    """Return what a phase is given when nothing but its complexity is known, in tokens."""
    return _USUAL[vocabulary.size(complexity)]


def floor_tokens(category: str, complexity: str, model: Model = "deliverables") -> int:
    """Return the least budget of a category and complexity, in tokens."""
    if model in _GATHERED:
        return usual_tokens(complexity)
    return _FLOORS.get(vocabulary.category(category), _USUAL)[vocabulary.size(complexity)]


def buffer(
    category: str, complexity: str, *, n: int, confidence: float, model: Model = "deliverables"
) -> float:
    """Return the factor by which a budget exceeds its prediction, from 1.2 to 2.2."""
    if model in _GATHERED:
        return _BUFFER_IF_GATHERED
    is_broad = (
        vocabulary.category(category) in _WIDE_AT_HIGH and vocabulary.size(complexity) == "high"
    )
    if n >= _WIDE_FROM or is_broad:
        return _BUFFER_IF_WIDE
    return _BUFFER_IF_UNSURE if confidence < _UNSURE_BELOW else _BUFFER


def budget_for(
    predicted_output_tokens: int,
    category: str,
    complexity: str,
    *,
    n: int,
    confidence: float,
    model: Model = "deliverables",
) -> Budget:
    """
    Return the budget for a prediction: buffered, never below its floor, at most 64000 tokens.

    Args:
        predicted_output_tokens: The prediction, in tokens, 0 or more.
        category: Any word; spellings of one category get one budget.
        complexity: ``low``, ``medium`` or ``high``; another word counts as medium.
        n: How many things are to be written.
        confidence: How far the prediction is trusted, 0 to 1.
        model: How the prediction was made.
    """
    factor = buffer(category, complexity, n=n, confidence=confidence, model=model)
    floor = floor_tokens(category, complexity, model)
    buffered = f"{factor:g} times the prediction"
    if predicted_output_tokens >= CAP_TOKENS or predicted_output_tokens * factor >= CAP_TOKENS:
        return Budget(CAP_TOKENS, f"the most that is given; {buffered} would be more")
    tokens = int(predicted_output_tokens * factor)
    if tokens < floor:
        group = vocabulary.group(category, complexity)
        return Budget(floor, f"the least for {group}; {buffered} would be {tokens}")
    return Budget(tokens, buffered)


def budget_like(outputs: Sequence[int], ceiling_tokens: int) -> Budget | None:
    """
    Return the budget of a phase that lists nothing to be written; None with too few like it.

    It is no prediction: it is to end what runs away, so it has room for twice what was seen.

    Args:
        outputs: What like phases wrote, in tokens.
    """
    if len(outputs) < _LIKE_LEAST:
        return None
    largest = max(outputs)
    tokens = max(_LIKE_FLOOR, _LIKE_TIMES * largest)
    basis = f"twice the largest of {len(outputs)} outputs of like phases, {largest}"
    if tokens == _LIKE_FLOOR:
        basis = f"the least where like phases wrote {largest} at most"
    if tokens >= ceiling_tokens:
        return Budget(ceiling_tokens, f"the most that is given; {basis} would be more")
    return Budget(tokens, basis)

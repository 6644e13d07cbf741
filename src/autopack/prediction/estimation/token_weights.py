"""What a phase costs by itself and what each deliverable adds, in output tokens."""

from typing import Final

from autopack.prediction.estimation import vocabulary
from autopack.prediction.estimation.deliverable_kinds import Kind

MARGIN: Final = 1.3
"""What the sum of all parts is multiplied by."""

UNNAMED_TOKENS: Final = {"low": 8192, "medium": 12288, "high": 16384}
"""The whole prediction of a phase that names no deliverables."""

_MARGINAL: Final[dict[Kind, tuple[int, int]]] = {
    "backend": (2000, 700),
    "frontend": (2800, 1100),
    "test": (1400, 600),
    "doc": (500, 400),
    "config": (1000, 500),
    "sql": (1500, 600),
}
_OVERHEAD: Final = {
    "implementation": {"low": 634, "medium": 1176, "high": 5000},
    "refactoring": {"low": 2500, "medium": 3500, "high": 5500},
    "configuration": {"low": 800, "medium": 1500, "high": 2500},
    "integration": {"low": 3000, "medium": 4000, "high": 6000},
    "tests": {"low": 915, "medium": 2500, "high": 4000},
    "docs": {"low": 1500, "medium": 2500, "high": 3500},
    "backend": {"low": 2000, "medium": 3000, "high": 5000},
    "frontend": {"low": 2500, "medium": 3500, "high": 5500},
    "database": {"low": 2000, "medium": 3000, "high": 5000},
    "deployment": {"low": 2000, "medium": 3000, "high": 5000},
}
_OTHER_OVERHEAD: Final = 2000


def overhead_tokens(category: str, complexity: str) -> int:
    """Return what a phase costs before its first deliverable; 2,000 for unknown categories."""
    sizes = _OVERHEAD.get(vocabulary.category(category))
    return sizes[vocabulary.size(complexity)] if sizes else _OTHER_OVERHEAD


def marginal_tokens(kind: str, *, is_new: bool) -> int:
    """Return what one deliverable adds; a kind that is not known costs as much as backend."""
    for known, (new, modified) in _MARGINAL.items():
        if known == kind:
            return new if is_new else modified
    return marginal_tokens("backend", is_new=is_new)

"""The old estimator's figures, in output tokens: overheads, costs a file, budgets."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

MARGIN: Final = 1.3
OTHER_OVERHEAD: Final = 2000
MOST_TOKENS: Final = 64_000

COSTS: Final[Mapping[str, tuple[int, int]]] = MappingProxyType(
    {
        "backend": (2000, 700),
        "frontend": (2800, 1100),
        "test": (1400, 600),
        "doc": (500, 400),
        "config": (1000, 500),
        "sql": (1500, 600),
    }
)
"""What a new file and what a changed one adds, by kind."""

_COMPLEXITIES: Final = ("low", "medium", "high")
_OVERHEADS: Final = {
    "implementation": (634, 1176, 5000),
    "refactoring": (2500, 3500, 5500),
    "configuration": (800, 1500, 2500),
    "integration": (3000, 4000, 6000),
    "testing": (915, 2500, 4000),
    "documentation": (1500, 2500, 3500),
    "docs": (1500, 2500, 3500),
    "backend": (2000, 3000, 5000),
    "frontend": (2500, 3500, 5500),
    "database": (2000, 3000, 5000),
    "deployment": (2000, 3000, 5000),
}
_FLOORS: Final = {"docs": (4096, 8192, 12288), "tests": (6144, 8192, 12288)}
_USUAL: Final = (8192, 12288, 16384)
_SPELLINGS: Final = {
    "documentation": "docs",
    "doc_write": "docs",
    "doc": "docs",
    "testing": "tests",
    "implement_feature": "implementation",
}
_GATHERED: Final = frozenset({"doc_synthesis", "doc_sot_update"})
_RISKY: Final = frozenset({"IMPLEMENT_FEATURE", "integration"})


def overhead(category: str, complexity: str) -> int:
    """Return the overhead by the words as they are: ``tests`` and upper case miss their row."""
    if complexity not in _COMPLEXITIES or category not in _OVERHEADS:
        return OTHER_OVERHEAD
    return _OVERHEADS[category][_COMPLEXITIES.index(complexity)]


def usual(complexity: str) -> int:
    """Return the size of a phase of which only the complexity is known; other words are low."""
    return _USUAL[_COMPLEXITIES.index(complexity) if complexity in _COMPLEXITIES else 0]


def normalized(category: str) -> str:
    """Return the word under which budgets are looked up."""
    lowered = category.lower()
    return _SPELLINGS.get(lowered, lowered)


def budget(tokens: int, category: str, complexity: str, *, n: int, confidence: float) -> int:
    """Return the budget for a prediction of *tokens* with *n* deliverables."""
    floors = _FLOORS.get(normalized(category))
    floor = usual(complexity)
    if floors and complexity in _COMPLEXITIES:
        floor = floors[_COMPLEXITIES.index(complexity)]
    factor = _buffer(category, complexity, n=n, confidence=confidence)
    return min(max(floor, int(tokens * factor)), MOST_TOKENS)


def _buffer(category: str, complexity: str, *, n: int, confidence: float) -> float:
    if category in _GATHERED:
        return 2.2
    is_risky = category in _RISKY and complexity == "high"
    if n >= 8 or is_risky:
        return 1.6
    return 1.4 if confidence < 0.7 else 1.2

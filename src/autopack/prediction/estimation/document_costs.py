"""Two kinds of document that cost more than their length: syntheses and running records."""

from collections.abc import Sequence
from typing import Final

from autopack.ports.prediction import Part
from autopack.prediction.estimation import vocabulary

_DOCUMENT_CATEGORIES: Final = frozenset({"docs", "doc_synthesis", "doc_sot_update"})

_INVESTIGATION: Final = (2500, 2000, 1500)
_CONTEXT: Final = (3000, 2200, 1500)
_MUCH_CONTEXT_ABOVE: Final = 10
_API_TOKENS: Final = 1200
_EXAMPLES_TOKENS: Final = 1400
_SECTION_TOKENS: Final = 850
_COORDINATED_FROM: Final = 5
_COORDINATION: Final = 0.12
_ENTRY_TOKENS: Final = 900
_RECONCILING: Final = 0.15


def is_document_work(category: str, kinds: Sequence[str]) -> bool:
    """Tell whether a phase's category is documentation and all it writes are documents."""
    return vocabulary.category(category) in _DOCUMENT_CATEGORIES and set(kinds) == {"doc"}


def is_ledger_work(category: str, *, ledger: bool) -> bool:
    """Tell whether such a phase extends a running record."""
    return ledger or vocabulary.category(category) == "doc_sot_update"


def is_synthesis(category: str, asks: frozenset[str]) -> bool:
    """
    Tell whether such a phase must find things out before it can write.

    An API reference does, and so do examples that come with research or a usage guide.
    """
    if vocabulary.category(category) == "doc_synthesis" or "api_reference" in asks:
        return True
    return "examples" in asks and bool(asks & {"research", "usage_guide"})


def synthesis_parts(n: int, asks: frozenset[str], *, context_texts: int) -> tuple[Part, ...]:
    """Return what a synthesis of *n* documents is made of, without the margin."""
    parts = [_by_context("investigation", _INVESTIGATION, context_texts, "finding things out")]
    if "api_reference" in asks:
        parts.append(Part(name="api_reference", tokens=_API_TOKENS, why="an API is described"))
    if "examples" in asks:
        parts.append(Part(name="examples", tokens=_EXAMPLES_TOKENS, why="examples are written"))
    writing = _SECTION_TOKENS * n
    why = f"{n} documents, {_SECTION_TOKENS} each"
    parts.append(Part(name="writing", tokens=writing, why=why))
    if n >= _COORDINATED_FROM:
        share = int(_COORDINATION * writing)
        parts.append(Part(name="coordination", tokens=share, why=f"{n} documents must agree"))
    return tuple(parts)


def ledger_parts(n: int, *, context_texts: int) -> tuple[Part, ...]:
    """Return what extending *n* running records is made of, without the margin."""
    writing = _ENTRY_TOKENS * max(1, n)
    why = f"{n} records, {_ENTRY_TOKENS} each"
    return (
        _by_context("context", _CONTEXT, context_texts, "reading what is recorded so far"),
        Part(name="writing", tokens=writing, why=why),
        Part(
            name="reconciling",
            tokens=int(_RECONCILING * writing),
            why="new entries must fit the old ones",
        ),
    )


def _by_context(name: str, steps: tuple[int, int, int], texts: int, what: str) -> Part:
    none, some, many = steps
    tokens = none if texts <= 0 else some if texts <= _MUCH_CONTEXT_ABOVE else many
    return Part(name=name, tokens=tokens, why=f"{what}, with {max(0, texts)} texts given")

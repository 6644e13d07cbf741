"""The old system's words for categories and complexities, in today's."""

from autopack.prediction.estimation.vocabulary import category, complexity
from autopack_legacy.values import Cells


def category_of(cells: Cells, column: str) -> str:
    """Return today's word for a category; the original is counted where it differs."""
    original = cells.text(column) or ""
    word = category(original)
    if word != original:
        cells.findings.tally("categories_normalised", original)
    return word


def complexity_of(cells: Cells, column: str = "complexity") -> str:
    """Return today's word for a complexity; the original is counted where it differs."""
    original = cells.text(column) or ""
    word = complexity(original)
    if word != original:
        cells.findings.tally("complexities_normalised", original)
    return word

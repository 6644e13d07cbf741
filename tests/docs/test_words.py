"""The words of docs/words.md are said before they are used, on pages that are read alone."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
OURS = (
    "phase", "attempt", "executor", "preset", "drain", "strategy", "claim", "lease", "gate", "cap",
    "projection", "estimator", "sample", "calibrator", "quantile",
)  # fmt: skip
"""Those that mean nothing else in a sentence of everyday words."""
PAGES = (
    "index", "tutorial", "batch", "overnight", "own_loop", "usage", "prices", "replay", "plugins",
    "draining", "executors", "run_files", "strategies", "service", "doctor",
    "history", "sql_views", "calibrated_budgets", "backtest", "write_a_calibrator",
    "write_a_strategy",
    "why_events", "versioning", "testing", "checks", "coding_agent", "workspaces", "cascades",
    "histories", "tables", "otel", "launchers", "web", "scale",
)  # fmt: skip
_NOT_PROSE = re.compile(r"^```.*?^```|^#.*?$|`[^`]*`|(?<=\])\([^)\n]*\)", re.MULTILINE | re.DOTALL)


def is_said(text: str, word: str) -> bool:
    """Tell whether a word's first use is a link, or stands in italics, as where it is defined."""
    prose = _NOT_PROSE.sub("", text)
    stem = f"{word[:-1]}(y|ies)" if word.endswith("y") else f"{word}(s|ed)?"
    first = re.search(rf"\b{stem}\b", prose, re.IGNORECASE)
    if first is None:
        return True
    before = prose[prose.rfind("\n", 0, first.start()) + 1 : first.start()]
    return before.endswith("*") or before.count("[") > before.count("]")


def test_every_word_has_its_row():
    """What is asked for here is one of those that the page of words has."""
    rows = (DOCS / "words.md").read_text(encoding="utf-8")

    assert [] == [word for word in OURS if f"| {word} |" not in rows and f"*{word}*" not in rows]


@pytest.mark.parametrize("page", PAGES)
def test_a_word_is_said_where_it_is_first_used(page):
    """Who comes to a page by a link knows none of our words yet."""
    text = (DOCS / f"{page}.md").read_text(encoding="utf-8")

    assert [] == [word for word in OURS if not is_said(text, word)]


def test_a_word_that_is_not_said_is_found():
    """The check sees a use that neither links nor defines, and passes what comes after one."""
    assert not is_said("# A drain\n\nA `drain` is a drain.", "drain")
    assert is_said("A *drain* does it; a drain ends.", "drain")
    assert is_said("[Strategies and drains](words.md) are many; each drain ends.", "drain")

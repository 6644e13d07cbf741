"""The old estimator (``v5-step1``), defects and all, as a function of what it was given.

Its cache is left out: it only made the answer depend on what had been asked before.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, Final

from autopack.prediction.estimation.deliverable_kinds import flatten
from autopack_legacy import oldfigures as figures
from autopack_legacy.budgets import enforce_before

Place = Callable[[str], tuple[bool, float]]
"""Whether the file at a path is there, and what changing it costs against an ordinary one."""
Prediction = tuple[str, int, dict[str, int], float]
"""The category that was used, tokens, their breakdown, and the confidence."""

_PATH: Final = re.compile(r"[A-Za-z0-9_\-./]+\.[A-Za-z0-9]+")
_EXTENSION: Final = re.compile(r"\.[A-Za-z0-9]{2,4}")
_NOTE: Final = re.compile(r"\s*\([^)]*\)\s*$")
_PREFIXES: Final = ("create ", "modify ", "update ", "add ", "new file: ", "new: ")
_NEW: Final = ("create", "new", "add")
_VERBS: Final = (*_NEW, "modify", "update")

_TEST_ENDINGS: Final = ("_test.py", ".spec.ts", ".spec.tsx", ".test.ts", ".test.tsx")
_CONFIG_ENDINGS: Final = (".yml", ".yaml", ".json", ".toml", ".txt", ".ini")
_FRONTEND_ENDINGS: Final = (".tsx", ".jsx", ".vue")
_LEDGERS: Final = frozenset(
    {"build_log.md", "build_history.md", "changelog.md", "history.md", "release_notes.md"}
)
_DOC_CATEGORIES: Final = frozenset({"documentation", "docs", "doc_synthesis", "doc_sot_update"})
_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "api_reference_required": (
        "api_reference", "api reference", "api.md", "endpoints", "rest api",
    ),
    "examples_required": ("examples.md", "example", "snippets", "sample code"),
    "research_required": (
        "from scratch", "create documentation for", "document the", "comprehensive", "investigate",
    ),
    "usage_guide_required": ("usage_guide", "user guide", "getting started", "tutorial"),
}  # fmt: skip
_INVESTIGATION: Final = (2500, 2000, 1500)
_CONTEXT: Final = (3000, 2200, 1500)


def estimate(
    deliverables: object,
    category: str,
    complexity: str,
    scope_paths: Sequence[str] | None = None,
    task_description: str = "",
    workspace: str | Path | None = None,
) -> dict[str, Any]:
    """
    Return what the old system predicted for a phase, the budget it chose, and its verdict.

    Args:
        deliverables: Texts in any nesting of lists, sets and mappings, or None.
        category: Its words count as they are written: ``tests`` is not ``testing``.
        complexity: Likewise.
        scope_paths: Only their number counts: none, up to ten, or more.
        task_description: Looked at for parts of words.
        workspace: Where to look for files that exist; without it every file is new.
    """
    place = _nowhere if workspace is None else _looker(Path(workspace))
    texts = flatten(deliverables)
    asks = asked_for(texts, task_description)
    used, tokens, breakdown, sure = predicted(
        texts, category, complexity, contexts=len(scope_paths or ()), asks=asks, place=place
    )
    budget = figures.budget(tokens, used, complexity, n=len(texts), confidence=sure)
    verdict = enforce_before(tokens, budget)
    return {
        "estimated_tokens": tokens,
        "deliverable_count": len(texts),
        "category": used,
        "complexity": complexity,
        "breakdown": breakdown,
        "confidence": sure,
        "selected_budget": budget,
        "normalized_category": figures.normalized(used),
        "doc_features": asks,
        "enforce": {
            "status": verdict["status"],
            "should_escalate": verdict["escalate"],
            "utilization_pct": verdict["utilization"],
        },
    }


def predicted(
    texts: Sequence[str],
    category: str,
    complexity: str,
    *,
    contexts: int,
    asks: Mapping[str, bool],
    place: Place,
) -> Prediction:
    """Return the prediction for deliverables that are flat texts."""
    if not texts:
        return category, figures.usual(complexity), {}, 0.5
    if all(map(_is_document, texts)):
        if any(_name(text.lower()) in _LEDGERS for text in texts):
            return _ledger(len(texts), contexts)
        category = category if category in _DOC_CATEGORIES else "documentation"
        if category in ("documentation", "docs") and _is_synthesis(asks):
            return _synthesis(len(texts), contexts, asks)
    breakdown: dict[str, int] = {}
    for text in texts:
        label, tokens = _file(text, category, place)
        breakdown[label] = breakdown.get(label, 0) + tokens
    whole = figures.overhead(category, complexity) + sum(breakdown.values())
    return category, int(whole * figures.MARGIN), breakdown, _confidence(texts)


def asked_for(texts: Sequence[str], task: str) -> dict[str, bool]:
    """Return which kinds of document are asked for, by parts of words; research by *task* only."""
    said = task.lower()
    named = f"{' '.join(texts).lower()} {said}"
    return {
        ask: any(word in (said if ask == "research_required" else named) for word in words)
        for ask, words in _WORDS.items()
    }


def _is_synthesis(asks: Mapping[str, bool]) -> bool:
    helped = asks["research_required"] or asks["usage_guide_required"]
    return asks["api_reference_required"] or (asks["examples_required"] and helped)


def _synthesis(n: int, contexts: int, asks: Mapping[str, bool]) -> Prediction:
    writing = 850 * n
    parts = {
        "doc_synthesis_investigate": _by_context(_INVESTIGATION, contexts),
        "doc_synthesis_api_extract": 1200 * asks["api_reference_required"],
        "doc_synthesis_examples": 1400 * asks["examples_required"],
        "doc_synthesis_writing": writing,
        "doc_synthesis_coordination": int(0.12 * writing) if n >= 5 else 0,
    }
    return "doc_synthesis", int(sum(parts.values()) * figures.MARGIN), parts, 0.75


def _ledger(n: int, contexts: int) -> Prediction:
    writing = 900 * n
    parts = {
        "sot_context_reconstruction": _by_context(_CONTEXT, contexts),
        "sot_write_entries": writing,
        "sot_consistency_overhead": int(writing * 0.15),
    }
    return "doc_sot_update", int(sum(parts.values()) * figures.MARGIN), parts, 0.7


def _by_context(steps: tuple[int, int, int], contexts: int) -> int:
    none, some, many = steps
    return none if contexts == 0 else some if contexts <= 10 else many


def _file(text: str, category: str, place: Place) -> tuple[str, int]:
    path = _path(text)
    is_there, factor = place(path)
    is_new = any(verb in text.lower() for verb in _NEW) or not is_there
    lowered = path.replace("\\", "/").lower()
    label = f"{_label(lowered)}_{'new' if is_new else 'modify'}"
    new, changed = figures.COSTS[_kind(lowered, category)]
    return label, new if is_new else int(changed * factor)


def _path(text: str) -> str:
    found = _PATH.search(text)
    if found:
        return found[0]
    rest = text.lower()
    for prefix in _PREFIXES:
        rest = rest.removeprefix(prefix)
    return _NOTE.sub("", rest).strip()


def _kind(path: str, category: str) -> str:
    label = _label(path)
    if label in ("test", "doc", "config"):
        return label
    if "alembic/versions" in path or "migration" in path:
        return "config"
    if path.endswith(".svelte") or category == "frontend":
        return "frontend"
    return "sql" if path.endswith(".sql") else label


def _label(path: str) -> str:
    name = _name(path)
    if path.startswith("tests/") or "/tests/" in path or name.startswith("test_"):
        return "test"
    if name.endswith(_TEST_ENDINGS):
        return "test"
    if path.startswith("docs/") or path.endswith(".md"):
        return "doc"
    if path.endswith(_CONFIG_ENDINGS):
        return "config"
    return "frontend" if path.endswith(_FRONTEND_ENDINGS) else "backend"


def _is_document(text: str) -> bool:
    lowered = text.lower().replace("\\", "/")
    return lowered.startswith("docs/") or lowered.endswith(".md")


def _name(path: str) -> str:
    return PurePosixPath(path.replace("\\", "/")).name


def _confidence(texts: Sequence[str]) -> float:
    extensions = sum(1 for text in texts if _EXTENSION.search(text))
    verbs = sum(1 for text in texts if any(verb in text.lower() for verb in _VERBS))
    return min(1.0, 0.5 + extensions / len(texts) * 0.3 + verbs / len(texts) * 0.2)


def _nowhere(path: str) -> tuple[bool, float]:
    return False, 1.0


def _looker(workspace: Path) -> Place:
    def look(path: str) -> tuple[bool, float]:
        file = workspace / path
        try:
            if not file.exists():
                return False, 1.0
            return True, _factor(file.read_text(encoding="utf-8", errors="ignore"))
        except (OSError, ValueError):  # a folder, no permission, a null byte in the name
            return file.is_dir(), 1.0

    return look


def _factor(source: str) -> float:
    code = [line for line in source.split("\n") if line.strip() and line.strip()[0] != "#"]
    imports = sum("import " in line for line in code)
    depth = max((len(line) - len(line.lstrip()) for line in code), default=0)
    lines = len(code)
    size = 0.7 if lines < 50 else 1.0 if lines < 200 else 1.3 if lines < 500 else 1.5
    joined = 0.9 if imports < 5 else 1.0 if imports < 15 else 1.2
    nested = 0.9 if depth < 8 else 1.0 if depth < 16 else 1.2
    return max(0.5, min(2.0, size * joined * nested))

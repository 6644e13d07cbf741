"""Looks at a phase and its workspace, and makes the Features that an estimate is made of."""

from pathlib import Path
from typing import Final

from autopack.ports.prediction import Features, PhaseSpec
from autopack.ports.work import PhaseView
from autopack.prediction.estimation import deliverable_kinds, existing_files, phrases, vocabulary
from autopack.prediction.same_work import tasks_of

_MOST_BYTES: Final = 1_000_000
_UNSEEN_FACTOR: Final = 1.0


def features_of(
    phase: PhaseSpec | PhaseView, *, category: str | None = None, workspace: Path | None = None
) -> Features:
    """
    Return what an estimator may know of a phase.

    Whether a deliverable is new is said by its leading verb, else by whether the file is there;
    without a workspace it is new. Nothing is kept between calls, so files that have changed are
    seen as they are.

    Args:
        phase: As asked for, or as it stands in its run.
        category: The standard word under which it is grouped; that of the built-in vocabulary if
            not given.
        workspace: The folder that relative paths start from; nothing outside it is looked at.
            A file that cannot be read, or is not text, counts as an ordinary one.
    """
    texts = deliverable_kinds.flatten(phase.deliverables)
    named = [deliverable_kinds.recognise(text, phase.category) for text in texts]
    return Features(
        category=category or vocabulary.category(phase.category),
        complexity=vocabulary.complexity(phase.complexity),
        deliverables=texts,
        files=tuple(_file(found, workspace) for found in named),
        ledger=any(deliverable_kinds.is_ledger(found.path) for found in named),
        model=phase.model,
        prompt_tokens=phase.prompt_tokens,
        context_texts=len(phase.inputs or ()),
        goal_words=phrases.asks_of_goal(phase.goal),
        tasks=tasks_of(
            str(phase.ref) if isinstance(phase, PhaseView) else None,
            goal=phase.goal,
            inputs=phase.inputs,
        ),
    )


def _file(found: deliverable_kinds.Deliverable, workspace: Path | None) -> tuple[str, bool, float]:
    path = None if found.is_new or workspace is None else _inside(workspace, found.path)
    is_new = path is None if found.is_new is None else found.is_new
    factor = _UNSEEN_FACTOR if path is None else _factor(path)
    return found.kind, is_new, factor


def _inside(workspace: Path, name: str) -> Path | None:
    """Return the file at *name* in the workspace, or None if none is, or it lies outside."""
    try:
        root = workspace.resolve()
        path = (root / name).resolve()
        return path if path.is_relative_to(root) and path.is_file() else None
    except (OSError, ValueError, RuntimeError):  # too long, a null byte, a loop of links
        return None


def _factor(path: Path) -> float:
    try:
        with path.open("rb") as file:
            start = file.read(_MOST_BYTES)
    except OSError:
        return _UNSEEN_FACTOR
    if b"\x00" in start:
        return _UNSEEN_FACTOR
    return existing_files.complexity_factor(start.decode("utf-8", errors="replace"))

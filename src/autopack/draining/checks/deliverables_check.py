"""Check ``deliverables``: what was asked for is there, and not empty."""

from pathlib import Path

from autopack.ports.checks import CheckAnswer, CheckedWork
from autopack.prediction.estimation import deliverable_kinds


def deliverables(work: CheckedWork) -> CheckAnswer:
    """
    Say what of the phase's deliverables is missing, or empty.

    Each is looked for among the outputs, by its whole name, and in the folder. A phase that names
    none is asked for an answer: one of its outputs must hold a text.
    """
    if not work.phase.deliverables:
        is_there = any(text.strip() for text in work.outputs.values())
        return is_there or "it names no deliverables, and gave no output that is not empty"
    faults = [fault for asked in work.phase.deliverables if (fault := _fault(work, asked))]
    return "; ".join(faults) or True


def _fault(work: CheckedWork, asked: str) -> str | None:
    """Return what is wrong with one deliverable; None if it is there."""
    named = deliverable_kinds.recognise(asked).path
    texts = [work.outputs[name] for name in (asked, named) if name in work.outputs]
    if texts:
        return None if texts[0].strip() else f"output {named} is empty"
    found = _inside(work.folder, named)
    if found is None:
        return f"{named} is missing"
    return None if _has_something(found) else f"{named} is empty"


def _inside(folder: Path, name: str) -> Path | None:
    """Return what is at *name* in the folder; None if nothing is, or it lies outside."""
    try:
        root = folder.resolve()
        path = (root / name).resolve()
        return path if path.is_relative_to(root) and path.exists() else None
    except (OSError, ValueError, RuntimeError):  # too long, a null byte, a loop of links
        return None


def _has_something(path: Path) -> bool:
    if path.is_dir():
        return any(one.is_file() and one.stat().st_size > 0 for one in path.rglob("*"))
    return path.stat().st_size > 0

"""Usage rows as facts, each with an honest word on its split into input and output."""

from datetime import datetime
from typing import Final

import attrs

from autopack.events import LlmUsageRecorded
from autopack.events.usage import Split
from autopack.values.ids import PhaseId, RunId, phase_stream, run_stream
from autopack_legacy.facts import IMPORT_STREAM, Fact, fact, native_key
from autopack_legacy.values import UNKNOWN_TIME, Cells

_INPUT_SHARES: Final = {
    "builder": 0.4,
    "auditor": 0.6,
    "doctor": 0.7,
    "agent:deliverables_manifest": 0.8,
}
"""The part of the total that the old system took for input, by role, when it did not know."""

_KEPT: Final = (
    "id", "role", "is_doctor_call", "doctor_model", "doctor_action", "client_id", "phase_type",
    "intent",
)  # fmt: skip
_FIGURES: Final = ("total_tokens", "prompt_tokens", "completion_tokens")
_CALL_ID_CHARS: Final = 24


@attrs.frozen(kw_only=True)
class Figures:
    """Tokens of a call, and how far their split can be believed."""

    total: int | None
    prompt: int | None = None
    completion: int | None = None
    split: Split = "total_only"


def stream_for(run: RunId | None, phase: PhaseId | None) -> str:
    """Return the stream of what a row reports: its phase's, its run's, or the import's own."""
    if run is None:
        return IMPORT_STREAM
    return run_stream(run) if phase is None else phase_stream(run, phase)


def usage_fact(cells: Cells, run_at: datetime | None, *, is_later: bool) -> Fact:
    """
    Return what a usage row reports.

    Args:
        cells: The row.
        run_at: When its run was created, for a row without a time.
        is_later: Whether the row is of the schema whose writer measured totals.
    """
    run, phase = cells.run(), cells.phase()
    figures = _later_figures(cells) if is_later else _first_figures(cells)
    _count(cells, figures)
    event = LlmUsageRecorded(
        run_id=run,
        phase_id=phase,
        call_id=f"legacy-{native_key(cells).partition(':')[2][:_CALL_ID_CHARS]}",
        role=cells.text("role") or "unknown",
        provider=_named(cells, "provider"),
        request_model=_named(cells, "model"),
        input_tokens=figures.prompt,
        output_tokens=figures.completion,
        total_tokens=figures.total,
        split=figures.split,
        source_fields=cells.kept(*_KEPT, *_unsaid(figures)),
    )
    at = cells.time("created_at")
    if at is None:
        cells.findings.tally("times_taken_from_elsewhere", "llm_usage_events.created_at")
        at = run_at or UNKNOWN_TIME
    return fact(stream_for(run, phase), event, at=at, cells=cells)


def is_guessed(role: str, prompt: int, completion: int) -> bool:
    """Tell whether a split is, but for rounding, the one that was made up for the role."""
    share = _INPUT_SHARES.get(role)
    return share is not None and abs(prompt - share * (prompt + completion)) <= 1


def _first_figures(cells: Cells) -> Figures:
    """Return the figures of the first schema: its writer knew totals only, and split them."""
    prompt, completion = cells.whole("prompt_tokens"), cells.whole("completion_tokens")
    if prompt is None or completion is None:
        return Figures(total=None)
    if not is_guessed(cells.text("role") or "", prompt, completion):
        cells.findings.count("splits_of_unknown_shares")
    return Figures(
        total=prompt + completion, prompt=prompt, completion=completion, split="inferred"
    )


def _later_figures(cells: Cells) -> Figures:
    """Return the figures of the later schema: a split is measured unless it looks made up."""
    total = cells.whole("total_tokens")
    prompt, completion = cells.whole("prompt_tokens"), cells.whole("completion_tokens")
    if prompt is None or completion is None:
        return Figures(total=total or None)
    if prompt + completion != total:
        cells.findings.count("splits_that_do_not_add_up")
        return Figures(total=total or None)
    guessed = is_guessed(cells.text("role") or "", prompt, completion)
    split: Split = "inferred" if guessed else "measured"
    return Figures(total=total, prompt=prompt, completion=completion, split=split)


def _unsaid(figures: Figures) -> tuple[str, ...]:
    return _FIGURES if figures.prompt is None else ()


def _named(cells: Cells, column: str) -> str | None:
    name = cells.text(column)
    return None if name is None or name.lower() == "unknown" else name


def _count(cells: Cells, figures: Figures) -> None:
    cells.findings.count(f"{figures.split}_splits")
    if figures.total is None:
        cells.findings.count("usage_without_figures")
    if _named(cells, "model") is None:
        cells.findings.count("usage_of_unnamed_models")

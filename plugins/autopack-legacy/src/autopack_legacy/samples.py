"""Estimation and escalation rows as facts."""

import re
from datetime import datetime
from typing import Final

from autopack.events import BudgetEscalated, SampleRecorded
from autopack.values.ids import PhaseId, phase_stream
from autopack_legacy.facts import Fact, fact
from autopack_legacy.scopes import deliverables_of
from autopack_legacy.usage import stream_for
from autopack_legacy.values import UNKNOWN_TIME, Cells
from autopack_legacy.words import category_of, complexity_of

_KEPT: Final = (
    "event_id", "category", "complexity", "smape_percent", "waste_ratio", "underestimated",
    "is_truncated_output", "api_reference_required", "examples_required", "research_required",
    "usage_guide_required", "context_quality", "is_sot_file", "sot_file_name",
    "sot_entry_count_hint",
)  # fmt: skip

_HARNESS_PHASE: Final = re.compile(r"telemetry-test-\d+|test-token-telemetry")
_HARNESS_DELIVERABLES: Final = ("src/x.py",)
_HARNESS_MODEL: Final = "claude"
_HARNESS_ROW: Final = ("diagnostics-deep-retrieval", 100, 120)
"""The one row of the writer's own test that lost its deliverable and model in later copies."""


def sample_fact(cells: Cells, run_at: datetime | None) -> Fact | None:
    """Return a prediction with its measurement; None if the row has no prediction."""
    predicted = cells.whole("predicted_output_tokens")
    if predicted is None:
        cells.findings.tally("rows_left_out", cells.table)
        return None
    run, phase = cells.run(), cells.phase()
    deliverables = deliverables_of(cells.json("deliverables_json"))
    actual = cells.whole("actual_output_tokens")
    event = SampleRecorded(
        run_id=run,
        phase_id=phase,
        category=category_of(cells, "category"),
        complexity=complexity_of(cells),
        deliverables=deliverables,
        deliverable_count=cells.whole("deliverable_count"),
        predicted_output_tokens=predicted,
        actual_output_tokens=actual,
        budget_tokens=cells.whole("selected_budget"),
        ceiling_tokens=cells.whole("actual_max_tokens"),
        success=cells.flag("success") or False,
        truncated=bool(cells.flag("truncated") or cells.flag("is_truncated_output")),
        stop_reason=cells.text("stop_reason"),
        model=cells.text("model"),
        is_test=_is_test(cells, phase, deliverables, (predicted, actual)),
        source_fields=cells.kept(*_KEPT),
    )
    _count(event, cells)
    return fact(stream_for(run, phase), event, at=_at(cells, run_at), cells=cells)


def escalation_fact(cells: Cells, run_at: datetime | None) -> Fact | None:
    """Return that an output budget was raised; None if the row does not say whose or how far."""
    run, phase = cells.run(), cells.phase()
    base, raised = cells.whole("base_value"), cells.whole("retry_max_tokens")
    if run is None or phase is None or base is None or raised is None:
        cells.findings.tally("rows_left_out", cells.table)
        return None
    event = BudgetEscalated(
        run_id=run,
        phase_id=phase,
        attempt=cells.whole("attempt_index") or 1,
        from_tokens=base,
        to_tokens=raised,
        why=_why(cells),
    )
    return fact(phase_stream(run, phase), event, at=_at(cells, run_at), cells=cells)


def _is_test(
    cells: Cells,
    phase: PhaseId | None,
    deliverables: tuple[str, ...],
    figures: tuple[int, int | None],
) -> bool:
    """Tell whether the source's own tests wrote the row."""
    if deliverables == _HARNESS_DELIVERABLES and cells.text("model") == _HARNESS_MODEL:
        return True
    if phase is None:
        return False
    return bool(_HARNESS_PHASE.fullmatch(phase)) or (phase, *figures) == _HARNESS_ROW


def _why(cells: Cells) -> str:
    reason = cells.text("reason") or "The source gives no reason"
    parts = [
        f"{column} {cells.text(column)}"
        for column in ("escalation_factor", "base_source", "output_utilization")
        if column in cells
    ]
    return f"{reason} ({', '.join(parts)})" if parts else reason


def _at(cells: Cells, run_at: datetime | None) -> datetime:
    at = cells.time("timestamp", "created_at")
    if at is None:
        cells.findings.tally("times_taken_from_elsewhere", f"{cells.table}.timestamp")
    return at or run_at or UNKNOWN_TIME


def _count(event: SampleRecorded, cells: Cells) -> None:
    if event.is_test:
        cells.findings.count("test_samples")
    if event.truncated:
        cells.findings.count("truncated_samples")

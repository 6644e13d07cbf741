"""Phase rows as facts: what was queued, and the one state that the source knows."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import attrs

from autopack.events import (
    PhaseCompleted,
    PhaseFailed,
    PhaseGated,
    PhaseQueued,
    PhaseReclaimed,
    PhaseSkipped,
)
from autopack.values.ids import PhaseRef, phase_stream, run_stream
from autopack_legacy.facts import SOURCE, Fact, fact
from autopack_legacy.scopes import deliverables_of, scope_of
from autopack_legacy.values import UNKNOWN_TIME, Cells
from autopack_legacy.words import category_of, complexity_of

_DEFAULT_ATTEMPTS: Final = 3

_ASKED: Final = (
    "id", "run_id", "phase_id", "tier_id", "phase_index", "name", "description", "task_category",
    "complexity", "builder_mode", "phase_type", "scope", "deployment_config",
    "max_builder_attempts", "max_auditor_attempts", "incident_token_cap", "created_at",
)  # fmt: skip
"""The columns that say what was asked for; the source does not change them later."""

_KEPT_OF_ASKED: Final = (
    "name", "phase_index", "builder_mode", "phase_type", "deployment_config",
    "max_auditor_attempts", "incident_token_cap", "created_at",
)  # fmt: skip

_KEPT_OF_STATE: Final = (
    "state", "builder_attempts", "auditor_attempts", "retry_attempt", "revision_epoch",
    "escalation_level", "tokens_used", "minor_issues_count", "major_issues_count", "issue_state",
    "quality_level", "quality_blocked", "last_failure_reason", "last_attempt_timestamp",
    "started_at", "completed_at", "updated_at",
)  # fmt: skip

_END_TIMES: Final = ("completed_at", "updated_at", "last_attempt_timestamp", "started_at")
_HELD_TIMES: Final = ("updated_at", "last_attempt_timestamp", "started_at")
_STATUS_WORD: Final = re.compile(r"([A-Z][A-Z_]+)(?:$|:)")


@attrs.frozen(kw_only=True)
class PhaseRow:
    """A phase row with its place: *index* counts the phases of its run, *tier* names its tier."""

    cells: Cells
    ref: PhaseRef
    index: int
    tier: str | None
    tier_index: int | None
    run_at: datetime | None

    @property
    def state(self) -> str:
        """The state's name in the source."""
        return (self.cells.text("state") or "").upper()


def phase_facts(row: PhaseRow) -> list[Fact]:
    """Return the queueing of a phase and its state, as far as the source says."""
    state = _state_fact(row)
    queued = _queued_fact(row, state.at if state else None)
    return [queued, state] if state else [queued]


def _queued_fact(row: PhaseRow, state_at: datetime | None) -> Fact:
    cells, ref = row.cells, row.ref
    scope = scope_of(cells)
    event = PhaseQueued(
        run_id=ref.run_id,
        phase_id=ref.phase_id,
        index=row.index,
        category=category_of(cells, "task_category"),
        complexity=complexity_of(cells),
        tier=row.tier,
        deliverables=deliverables_of(scope),
        goal=cells.text("description") or (scope if isinstance(scope, str) else None),
        payload=None if scope is None else {"scope": scope},
        max_attempts=cells.whole("max_builder_attempts") or _DEFAULT_ATTEMPTS,
        source_fields=_source_fields(row),
    )
    at = _queued_at(row, state_at)
    return fact(run_stream(ref.run_id), event, at=at, cells=cells, columns=_ASKED)


def _source_fields(row: PhaseRow) -> dict[str, Any]:
    cells = row.cells
    fields = cells.kept(*_KEPT_OF_ASKED)
    fields |= {"category": cells.text("task_category"), "complexity": cells.text("complexity")}
    if row.tier_index is not None:
        fields["tier_index"] = row.tier_index
    return fields


def _queued_at(row: PhaseRow, state_at: datetime | None) -> datetime:
    """Return when the row was made; if it was made after the phase's work, when that began."""
    created = row.cells.time("created_at")
    if created is None:
        row.cells.findings.tally("times_taken_from_elsewhere", "phases.created_at")
    known = [created, row.cells.time("started_at"), row.cells.time("last_attempt_timestamp")]
    times = [at for at in (*known, state_at) if at is not None]
    if not times:
        return row.run_at or UNKNOWN_TIME
    if created is not None and min(times) < created:
        row.cells.findings.add("phases_dated_before_their_row", str(row.ref))
    return min(times)


def _state_fact(row: PhaseRow) -> Fact | None:
    state = row.state
    if state == "QUEUED":
        if "last_failure_reason" in row.cells:
            row.cells.findings.add("queued_with_failures", str(row.ref))
        return None
    make = _STATES.get(state)
    if make is None:
        row.cells.findings.tally("unknown_phase_states", state)
        return None
    times = _HELD_TIMES if make in (_gated, _reclaimed) else _END_TIMES
    at = row.cells.time(*times) or row.cells.time("created_at") or row.run_at or UNKNOWN_TIME
    stream = phase_stream(row.ref.run_id, row.ref.phase_id)
    return fact(stream, make(row), at=at, cells=row.cells)


def _of(row: PhaseRow) -> dict[str, Any]:
    return {"run_id": row.ref.run_id, "phase_id": row.ref.phase_id}


def _kept(row: PhaseRow) -> dict[str, Any]:
    return row.cells.kept(*_KEPT_OF_STATE)


def _completed(row: PhaseRow) -> PhaseCompleted:
    return PhaseCompleted(**_of(row), source_fields=_kept(row))


def _failed(row: PhaseRow) -> PhaseFailed:
    reason = row.cells.text("last_failure_reason")
    if reason is None:
        row.cells.findings.count("failed_without_reason")
    return PhaseFailed(
        **_of(row),
        code=_code(reason),
        message=reason or "The source says that the phase failed, and gives no reason.",
        source_fields=_kept(row),
    )


def _code(reason: str | None) -> str:
    """Return the status word that a reason starts with; ``FAILED`` alone says nothing."""
    if reason is None:
        return "unrecorded"
    found = _STATUS_WORD.match(reason)
    word = found[1].lower() if found else "recorded"
    return "recorded" if word == "failed" else word


def _gated(row: PhaseRow) -> PhaseGated:
    row.cells.findings.count("gated_without_question")
    question = "The source recorded a gate without a question. Is the phase to go on?"
    return PhaseGated(**_of(row), question=question, source_fields=_kept(row))


def _reclaimed(row: PhaseRow) -> PhaseReclaimed:
    row.cells.findings.count("executing_reclaimed")
    why = f"The source recorded the phase as {row.state}; nobody holds it any longer."
    return PhaseReclaimed(**_of(row), why=why, source_fields=_kept(row))


def _skipped(row: PhaseRow) -> PhaseSkipped:
    reason = row.cells.text("last_failure_reason")
    why = reason or "The source recorded the phase as skipped, and gives no reason."
    return PhaseSkipped(**_of(row), by=SOURCE, why=why)


_STATES: Final[dict[str, Callable[[PhaseRow], Any]]] = {
    "COMPLETE": _completed,
    "FAILED": _failed,
    "GATE": _gated,
    "EXECUTING": _reclaimed,
    "CI_RUNNING": _reclaimed,
    "SKIPPED": _skipped,
}

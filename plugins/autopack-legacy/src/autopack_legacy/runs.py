"""Run rows as facts: that a run was created, and how it ended where the source says so."""

from datetime import datetime
from typing import Any, Final

from autopack.events import RunCreated, RunFinished
from autopack.events.cap_table import CapTable
from autopack.events.run import Outcome
from autopack.values.ids import RunId, run_stream
from autopack_legacy.facts import Fact, fact
from autopack_legacy.values import UNKNOWN_TIME, Cells

_CAPS: Final = {"tokens": "token_cap", "minutes": "max_duration_minutes"}

_ASKED: Final = (
    "id", "state", "created_at", "safety_profile", "run_scope", "goal_anchor",
    "max_minor_issues_total", "max_phases", *_CAPS.values(),
)  # fmt: skip
_KEPT_OF_ASKED: Final = (
    "state", "safety_profile", "run_scope", "max_minor_issues_total", "created_at",
    "max_phases",  # how many phases a run may have, which is no cap on attempts
)  # fmt: skip
_KEPT_OF_END: Final = (
    "state", "tokens_used", "ci_runs_used", "minor_issues_count", "major_issues_count",
    "promotion_eligible_to_main", "debt_status", "started_at", "completed_at", "updated_at",
)  # fmt: skip


def run_facts(cells: Cells, run: RunId, first_phase_at: datetime | None) -> list[Fact]:
    """
    Return the facts of a run row.

    Args:
        cells: The row.
        run: Its id.
        first_phase_at: When the run's first phase was queued; a run is no younger than that.
    """
    state = (cells.text("state") or "").upper()
    cells.findings.tally("run_states", state)
    finished = _finished(cells, run, state)
    created = _created(cells, run, [first_phase_at, finished.at if finished else None])
    return [created, finished] if finished else [created]


def has_ended(state: str) -> bool:
    """Tell whether a run's state is one of the final ones."""
    return state.startswith("DONE_")


def _created(cells: Cells, run: RunId, later: list[datetime | None]) -> Fact:
    event = RunCreated(
        run_id=run,
        goal=cells.text("goal_anchor"),
        caps=_caps(cells),
        source_fields=cells.kept(*_KEPT_OF_ASKED),
    )
    at = _created_at(cells, run, [time for time in later if time is not None])
    return fact(run_stream(run), event, at=at, cells=cells, columns=_ASKED)


def _caps(cells: Cells) -> CapTable:
    caps = {name: cells.whole(column) for name, column in _CAPS.items()}
    return CapTable.of({name: cap for name, cap in caps.items() if cap})


def _created_at(cells: Cells, run: RunId, later: list[datetime]) -> datetime:
    created = cells.time("created_at")
    if created is None:
        cells.findings.tally("times_taken_from_elsewhere", "runs.created_at")
        created = cells.time("started_at", "updated_at") or min(later, default=UNKNOWN_TIME)
    if later and min(later) < created:
        cells.findings.add("runs_dated_before_their_row", run)
    return min([created, *later])


def _finished(cells: Cells, run: RunId, state: str) -> Fact | None:
    if not has_ended(state):
        return None
    event = RunFinished(
        run_id=run,
        outcome=_outcome(state),
        why=cells.text("failure_reason") or f"The source recorded the run as {state}.",
        source_fields=_kept(cells),
    )
    at = cells.time("completed_at", "updated_at", "created_at") or UNKNOWN_TIME
    return fact(run_stream(run), event, at=at, cells=cells)


def _outcome(state: str) -> Outcome:
    if state == "DONE_SUCCESS":
        return "succeeded"
    return "failed" if state.startswith("DONE_FAILED") else "unrecorded"


def _kept(cells: Cells) -> dict[str, Any]:
    return cells.kept(*_KEPT_OF_END)

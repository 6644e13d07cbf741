"""What calibrators are shown of the samples: one observation a phase, in the order of the log."""

from collections.abc import Iterable

import attrs

from autopack.ports.prediction import Sample
from autopack.projections.attempt_row import AttemptRow


def samples_of(rows: Iterable[AttemptRow], *, log_id: str) -> list[Sample]:
    """
    Return what a calibrator may be shown, in position order; unmeasured ones included.

    A phase is one observation: of its attempts that were cut off, and the one that was not, the
    last that ended stands for it, and the others are marked as superseded.
    """
    shown = sorted((row for row in rows if row.is_sample), key=lambda row: row.position)
    last = {_phase(row): row.position for row in shown if _is_reached(row)}
    found = []
    for row in shown:
        sample = sample_of(row, log_id=log_id)
        is_superseded = row.truncated and row.position < last.get(_phase(row), 0)
        found.append(attrs.evolve(sample, is_superseded=True) if is_superseded else sample)
    return found


def sample_of(row: AttemptRow, *, log_id: str) -> Sample:
    """Return one row as evidence; for rows that are read one by one, where ``is_sample``."""
    return Sample(
        log=log_id,
        position=row.position,
        run_id=row.run_id,
        phase_id=row.phase_id,
        attempt=row.attempt,
        category=row.category,
        complexity=row.complexity,
        predicted_output_tokens=row.predicted_output_tokens or 0,
        actual_output_tokens=row.actual_output_tokens,
        budget_tokens=row.budget_tokens,
        ceiling_tokens=row.ceiling_tokens,
        estimator=row.estimator,
        estimator_version=row.estimator_version,
        success=row.success,
        truncated=row.truncated,
        split=row.split,
        late_calls=row.late_calls,
        model=row.model,
        deliverables=row.deliverables,
        is_test=row.is_test,
        is_imported=row.is_imported,
        source_category=row.source_category,
        features=row.features,
        ended_position=row.ended_position,
    )


def _phase(row: AttemptRow) -> tuple[str | None, str | None]:
    return row.run_id, row.phase_id


def _is_reached(row: AttemptRow) -> bool:
    """Tell whether the attempt shows how far the phase's output goes, at least."""
    is_attempt = row.attempt is not None and row.actual_output_tokens is not None
    return is_attempt and (row.success is True or row.truncated)

"""What calibrators are shown of attempts: outputs one by one, or what whole phases took."""

from collections.abc import Iterable, Sequence
from typing import Any

import attrs

from autopack.ports.measures import OUTPUT, Measure, size_of_figure
from autopack.ports.prediction import Sample
from autopack.projections.attempt_row import AttemptRow
from autopack.projections.call_use import MEASURED
from autopack.values.money import Usd


def observations(rows: Iterable[AttemptRow], *, log_id: str, by: Measure) -> list[Sample]:
    """Return what a measure is predicted from: outputs of attempts, or what phases took."""
    if by == OUTPUT:
        return samples_of(rows, log_id=log_id)
    return phase_totals(rows, log_id=log_id, by=by)


def samples_of(rows: Iterable[AttemptRow], *, log_id: str) -> list[Sample]:
    """
    Return what a calibrator may be shown, in position order; unmeasured ones included.

    A phase is one observation as far as its attempts tell of one size: one that was cut off is
    marked as superseded where a later one, whole or cut, went as far. Where the later one ended
    short of that, the answer was another one: both are observations, the cut one of a size that
    is larger than what was seen. To leave it out would call every large answer a small one.
    """
    shown = sorted((row for row in rows if row.is_sample), key=lambda row: row.position)
    farthest: dict[tuple[Any, ...], int] = {}
    found: list[Sample] = []
    for row in reversed(shown):
        sample = sample_of(row, log_id=log_id)
        size, later = row.actual_output_tokens or 0, farthest.get(_phase(row), -1)
        is_superseded = row.truncated and later >= size
        found.append(attrs.evolve(sample, is_superseded=True) if is_superseded else sample)
        if _is_reached(row):
            farthest[_phase(row)] = max(later, size)
    return found[::-1]


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
        **_used([row]),
    )


def phase_totals(rows: Iterable[AttemptRow], *, log_id: str, by: Measure) -> list[Sample]:
    """
    Return what phases took in all their attempts, a sample each that :func:`sized` has sized.

    A phase is asked for where its first attempt was predicted, and known where its last one
    ended, whose success is its own; while one is in work, or to be made anew, it has no outcome.
    """
    phases: dict[tuple[Any, ...], list[AttemptRow]] = {}
    for row in sorted(rows, key=lambda row: row.position):
        key = (row.position,) if row.is_imported else _phase(row)
        phases.setdefault(key, []).append(row)
    found = [_phase_total(some, log_id=log_id) for some in phases.values()]
    return sorted((sized(one, by) for one in found if one), key=lambda one: one.position)


def attempt_total(row: AttemptRow, *, log_id: str, by: Measure) -> Sample | None:
    """Return what an attempt took that came to an end of its own, good or bad; else None."""
    if row.success is None or not row.use.calls:
        return None
    return sized(attrs.evolve(sample_of(row, log_id=log_id), success=True), by)


def sized(sample: Sample, by: Measure) -> Sample:
    """
    Return a sample whose size is its figure in a measure, in place of its output.

    What was used is known whole, also where an output was cut off or only totals were told.
    """
    if by == OUTPUT:
        return sample
    size = size_of_figure(by, getattr(sample, by))
    return attrs.evolve(
        sample, actual_output_tokens=size, split=MEASURED, truncated=False, is_superseded=False
    )


def _phase_total(rows: Sequence[AttemptRow], *, log_id: str) -> Sample | None:
    """Return what a phase's attempts took together; None if nothing was predicted of it."""
    first = next((row for row in rows if row.predicted_output_tokens is not None), None)
    if first is None or not any(row.is_sample for row in rows):
        return None
    attempts = [row for row in rows if row.attempt is not None]
    last = attempts[-1] if attempts else first
    ends = [row.ended_position for row in rows if row.ended_position is not None]
    is_open = any(row.ending is None for row in attempts)
    return attrs.evolve(
        sample_of(first, log_id=log_id),
        success=None if is_open else last.success,
        attempt=last.attempt,
        ended_position=max(ends, default=None),
        **_used(rows),
    )


def _used(rows: Sequence[AttemptRow]) -> dict[str, Any]:
    """Return what calls of attempts used together; what one did not tell is unknown, not 0."""
    uses = [row.use for row in rows]
    is_told = not any(row.is_imported or row.is_silent or row.is_misread for row in rows)
    has_totals = is_told and not any(use.calls_without_total for use in uses)
    has_costs = is_told and not any(use.calls_without_cost for use in uses)
    cost = sum(use.cost_pico_usd for use in uses)
    return {
        "total_tokens": sum(use.total_tokens for use in uses) if has_totals else None,
        "cost_usd": Usd.of_pico(cost) if has_costs else None,
        "calls": sum(use.calls for use in uses) if is_told else None,
    }


def _phase(row: AttemptRow) -> tuple[str | None, str | None]:
    return row.run_id, row.phase_id


def _is_reached(row: AttemptRow) -> bool:
    """Tell whether the attempt shows how far the phase's output goes, at least."""
    is_attempt = row.attempt is not None and row.actual_output_tokens is not None
    return is_attempt and (row.success is True or row.truncated)

"""Failures that are alike: how many attempts and phases, what they used, and the last of them."""

from collections.abc import Iterable, Sequence

import attrs

from autopack.ports.states import PhaseStatus
from autopack.ports.work import PhaseView
from autopack.projections.attempt_row import AttemptRow
from autopack.projections.phases import FAILED_STATES
from autopack.projections.use_groups import UsageRow, total_of


@attrs.frozen(kw_only=True)
class FailureKind:
    """
    Attempts that failed alike.

    Args:
        alike: Their fingerprint, or their code.
        attempts: How many there were; *phases* stand failed because of one.
        use: What they used.
        phase: The last of them, and *message* what it said.
    """

    alike: str
    failure_class: str | None
    attempts: int
    phases: int
    use: UsageRow
    phase: str
    message: str | None


def failure_kinds(attempts: Iterable[AttemptRow], phases: Iterable[PhaseView]) -> list[FailureKind]:
    """
    Return the kinds of failures, that of most phases first, then of most attempts.

    Args:
        attempts: Those that did not fail are passed over.
        phases: Those that stand failed now count; of an import their attempts may not be known.
    """
    kinds: dict[str, tuple[list[AttemptRow], list[PhaseView]]] = {}
    for row in attempts:
        if row.alike is not None:
            kinds.setdefault(row.alike, ([], []))[0].append(row)
    for phase in phases:
        if phase.status in FAILED_STATES:
            kinds.setdefault(alike_of(phase), ([], []))[1].append(phase)
    found = [_kind(alike, rows, standing) for alike, (rows, standing) in kinds.items()]
    return sorted(found, key=lambda kind: (-kind.phases, -kind.attempts))


def alike_of(phase: PhaseView) -> str:
    """Return what a phase's failure is counted under, as the account counts attempts."""
    if phase.status is PhaseStatus.TIMED_OUT:
        return "timed_out"
    return phase.fingerprint or phase.reason_code or "unknown"


def _kind(alike: str, rows: Sequence[AttemptRow], phases: Sequence[PhaseView]) -> FailureKind:
    examples = [(one.key, one.failure_class, one.reason) for one in phases]
    examples += [(f"{row.run_id}/{row.phase_id}", row.failure_class, row.message) for row in rows]
    name, failure_class, message = next(
        (one for one in reversed(examples[: len(phases)]) if one[2]), examples[-1]
    )
    return FailureKind(
        alike=alike,
        failure_class=failure_class,
        attempts=len(rows),
        phases=len(phases),
        use=total_of(UsageRow(use=row.use) for row in rows),
        phase=name,
        message=message,
    )

"""What failed: failures that are alike, what they cost, and each of one kind."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import attrs

from autopack.api.views import phase_rows
from autopack.events import PhaseFailed, PhaseGateDecided, PhaseInherited, PhaseTimedOut
from autopack.log.log import journal_of
from autopack.ports.log import from_us
from autopack.prediction.newest_attempts import attempt_rows
from autopack.projections.attempt_row import AttemptRow
from autopack.projections.attempts import attempt_key
from autopack.projections.phases import FAILED_STATES
from autopack.report.failure_kinds import FailureKind, alike_of, failure_kinds
from autopack.types import PhaseView, UsageRow
from autopack_web.paging import Part, part_of

if TYPE_CHECKING:
    from autopack import Log
    from autopack_web.moments import Asked

_KINDS_MOST: Final = 50
_FAILED_MOST: Final = 100
_WORK_MOST: Final = 20_000
_FAILING: Final = (PhaseFailed, PhaseTimedOut, PhaseGateDecided, PhaseInherited)


@attrs.frozen(kw_only=True)
class FailedWork:
    """A failed attempt, or, of an import, a phase that stands failed; None is unknown."""

    phase: str
    attempt: int | None
    at: datetime | None
    model: str | None
    use: UsageRow
    message: str | None


@attrs.frozen(kw_only=True)
class Failures:
    """
    What failed.

    Args:
        kinds: Some of the kinds, or the one that was asked for; the *part* is of them, or of its
            *failed* work.
        total: What all failed attempts used.
    """

    kinds: tuple[FailureKind, ...]
    part: Part
    total: UsageRow
    kind: str | None = None
    failed: tuple[FailedWork, ...] = ()


def read(log: "Log", asked: "Asked") -> Failures:
    """Return the kinds of failures; with ``kind`` each failure of it, the newest first."""
    rows, standing = failed_work(log)
    kinds = sorted(failure_kinds(rows, standing), key=dearest)
    total = UsageRow(use=sum((row.use for row in rows), UsageRow().use))
    kind = asked.query.get("kind")
    if kind is None:
        part = part_of(asked, len(kinds), _KINDS_MOST)
        return Failures(kinds=tuple(kinds[part.first : part.end]), part=part, total=total)
    failed = _of_kind(kind, rows, standing)
    part = part_of(asked, len(failed), _FAILED_MOST)
    return Failures(
        kinds=tuple(one for one in kinds if one.alike == kind),
        part=part,
        total=total,
        kind=kind,
        failed=tuple(failed[part.first : part.end]),
    )


def failed_work(
    log: "Log", *, after: int = 0, most: int = _WORK_MOST
) -> tuple[list[AttemptRow], list[PhaseView]]:
    """
    Return attempts that failed, and phases that stand failed: the last of them.

    No other attempt is loaded: most of a large log went well.

    Args:
        after: The position after which they failed.
        most: How many events of failures are looked at.
    """
    events: list[Any] = [one.event for one in log.read_all(after=after, types=_FAILING)][-most:]
    numbered = [one for one in events if getattr(one, "attempt", None) is not None]
    attempts = {attempt_key(one.run_id, one.phase_id, one.attempt): None for one in numbered}
    phases = {f"{one.run_id}/{one.phase_id}": None for one in events}
    rows = attempt_rows(journal_of(log), list(attempts)).values()
    standing = phase_rows(log, list(phases)).values()
    return (
        [row for row in rows if row.alike is not None],
        [one for one in standing if one.status in FAILED_STATES],
    )


def dearest(kind: FailureKind) -> tuple[int, int, int]:
    """Return by what kinds are sorted: cost, then tokens, then phases."""
    use = kind.use.use
    return -use.cost_pico_usd, -use.total_tokens, -kind.phases


def _of_kind(kind: str, rows: list[AttemptRow], standing: list[PhaseView]) -> list[FailedWork]:
    alike = sorted((one for one in rows if one.alike == kind), key=lambda one: -one.position)
    told = [
        FailedWork(
            phase=f"{row.run_id}/{row.phase_id}",
            attempt=row.attempt,
            at=None if row.claimed_us is None else from_us(row.claimed_us),
            model=row.model,
            use=UsageRow(use=row.use),
            message=row.message,
        )
        for row in alike
    ]
    known = {one.phase for one in told}
    alone = [one for one in standing if alike_of(one) == kind and one.key not in known]
    alone.sort(key=lambda one: one.since.timestamp() if one.since else 0.0, reverse=True)
    told += [
        FailedWork(
            phase=one.key,
            attempt=None,
            at=one.since,
            model=one.last_model,
            use=UsageRow(),
            message=one.reason,
        )
        for one in alone
    ]
    return told

"""How a log stands now: live workers, last failures, totals."""

from collections.abc import Sequence
from typing import Final

from autopack import views
from autopack.api.reading import phase_rows
from autopack.events import PhaseFailed, PhaseGated, PhaseTimedOut
from autopack.log import Log
from autopack.ports.log import from_us
from autopack.projections.phases import FAILED_STATES, PHASES
from autopack.projections.runs import RUNS
from autopack.projections.samples import SAMPLES
from autopack.projections.usage import USAGE
from autopack.report.status import Halted, LiveWorker, Status
from autopack.states import PhaseStatus

_LOOK_BACK: Final = 20_000


def status(log: Log) -> Status:
    """Return how the log stands, live workers and last failures included; loads few rows."""
    runs = views.current(log, RUNS, with_rows=False).total
    board = views.current(log, PHASES, with_rows=False).total
    usage = views.current(log, USAGE, with_rows=False).total
    pairs = views.current(log, SAMPLES, with_rows=False).total
    head, identity, now_us = log.backend.head(), log.backend.identity, log.now_us()
    return Status(
        target=log.target,
        log_id=identity.log_id,
        parent=identity.parent,
        at=from_us(now_us),
        events=head.position,
        last_event_at=from_us(head.recorded_at) if head.position else None,
        runs=runs.created,
        runs_implied=runs.implied,
        phases_by_state=board.by_state(),
        live=_live_workers(log, board.live, now_us),
        failures=_last_halted(log, (PhaseFailed, PhaseTimedOut), FAILED_STATES),
        gates=_last_halted(log, (PhaseGated,), (PhaseStatus.GATED,)),
        calls=usage.calls,
        late_calls=usage.late_calls,
        total_tokens=usage.total_tokens,
        output_tokens=usage.output_tokens,
        cost_usd=usage.cost_usd,
        calls_without_cost=usage.unknown_cost,
        estimates=pairs.estimates,
        samples=pairs.samples,
    )


def _live_workers(log: Log, keys: Sequence[str], now_us: int) -> tuple[LiveWorker, ...]:
    leases = {lease.key: lease for lease in log.backend.leases()}
    found = []
    for key, row in phase_rows(log, keys).items():
        lease = leases.get(key)
        deadline = lease.deadline_at if lease else None
        found.append(
            LiveWorker(
                phase=key,
                worker=row.worker,
                step=lease.step if lease else None,
                since=row.since,
                deadline=None if deadline is None else from_us(deadline),
                is_expired=lease is None or lease.expires_at <= now_us,
            )
        )
    return tuple(found)


def _last_halted(log: Log, types: Sequence[type], states: Sequence[str]) -> tuple[Halted, ...]:
    """Return the last phases that still stand where such an event left them, newest first."""
    head = log.head().position
    rows = log.backend.page(
        after=max(head - _LOOK_BACK, 0),
        until=head,
        limit=_LOOK_BACK,
        types=log.codec.names_of(types),
    )
    keys = list(dict.fromkeys(row[2].removeprefix("phase-") for row in reversed(rows)))[:50]
    found = [row for row in phase_rows(log, keys).values() if row.status in states]
    return tuple(
        Halted(phase=r.key, state=r.status, code=r.reason_code, message=r.reason, at=r.since)
        for r in found[:5]
    )

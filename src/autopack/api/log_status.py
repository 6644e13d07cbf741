"""How a log stands now: live workers, last failures, totals."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from autopack.aggregates.order import Stuck, find_stuck
from autopack.api.drain_summaries import drain_of, live_drains
from autopack.api.held_runs import held
from autopack.api.views import phase_rows
from autopack.draining.attempts.lease_keys import phase_key, worker_key
from autopack.draining.attempts.living_workers import is_over
from autopack.draining.attempts.steady_clock import this_machine
from autopack.events import (
    CalibrationApplied,
    CapAsked,
    CapDecided,
    CapSet,
    DrainStarted,
    PhaseCompleted,
    PhaseEstimated,
    PhaseFailed,
    PhaseGated,
    PhaseGateDecided,
    PhaseQueued,
    PhaseTimedOut,
    WorkspaceCommitted,
)
from autopack.log import views
from autopack.log.log import Log, journal_of
from autopack.log.past_backend import is_past
from autopack.ports.log import Row, from_us
from autopack.ports.states import LIVE, PhaseStatus
from autopack.ports.work import PhaseView
from autopack.prediction.newest_attempts import attempt_rows, newest_attempts
from autopack.projections.accounts import ACCOUNTS
from autopack.projections.attempts import ATTEMPTS, attempt_key
from autopack.projections.phases import FAILED_STATES, PHASES
from autopack.projections.runs import RUNS
from autopack.report.account_text import limits_of, waits_of
from autopack.report.drain_summary import DrainSummary
from autopack.report.progress_rate import expected_end
from autopack.report.status import FailureGroup, Halted, LiveWorker, Pace, Status
from autopack.values.ids import estimator_stream, run_stream

_LOOK_BACK: Final = 20_000
_ESTIMATED_WITHIN: Final = 1000
_BUILT_IN: Final = "deliverables"
_FAILURES_MOST: Final = 500
_PACE_OF: Final = 200
_SHOWN: Final = 5
_ENDS: Final = (PhaseCompleted, PhaseFailed, PhaseTimedOut, PhaseGated)
_ASKS: Final = (CapAsked, CapDecided, CapSet)
_LOOKED_AT: Final = (*_ENDS, PhaseGateDecided, *_ASKS, DrainStarted, WorkspaceCommitted)


def status(log: Log) -> Status:
    """
    Return how the log stands at one moment, live workers and last failures included.

    Few rows are loaded, whatever the log holds.
    """
    with journal_of(log).backend.snapshot():
        return _standing(log)


def _standing(log: Log) -> Status:
    journal = journal_of(log)
    runs = views.current(journal, RUNS, with_rows=False).total
    board = views.current(journal, PHASES, with_rows=False).total
    work = views.current(journal, ATTEMPTS, with_rows=False).total.all
    use = work.use
    backend, now_us = journal.backend, journal.now_us()
    head, identity = backend.head(), backend.identity
    last = _last_rows(log)
    failed = _last_halted(log, last, (PhaseFailed, PhaseTimedOut, PhaseGateDecided), FAILED_STATES)
    states, n_live = board.by_state(), len(board.live)
    holds = held(log, board)
    accounts, now = views.current(journal, ACCOUNTS).rows, from_us(now_us)
    left = sum(states.get(state, 0) for state in (PhaseStatus.QUEUED, *LIVE))
    return Status(
        target=log.target,
        log_id=identity.log_id,
        parent=identity.parent,
        at=now,
        is_past=is_past(journal_of(log).backend),
        events=head.position,
        last_event_at=from_us(head.recorded_at) if head.position else None,
        runs=runs.created,
        runs_implied=runs.implied,
        phases_by_state=states,
        live=_live_workers(log, board.live, now_us),
        drains=tuple(live_drains(log)),
        last_drain=_last_drain(log, last),
        failures=_halted(failed),
        gates=_halted(_last_halted(log, last, (PhaseGated,), (PhaseStatus.GATED,))),
        unmerged=tuple(_unmerged(log, last)),
        asked_caps=_asked_caps(log, last),
        dead_letters=sum(states.get(state, 0) for state in FAILED_STATES),
        failure_groups=_groups(failed),
        stuck=tuple(_stuck(log, board.ordered)),
        is_held=holds.is_all,
        paused=holds.paused,
        waits=tuple(waits_of(accounts, states.get(PhaseStatus.QUEUED, 0), now)),
        limits=tuple(limits_of(accounts, now)),
        pace=_pace(log, last, left, n_live, now_us),
        calls=use.calls,
        late_calls=use.late_calls,
        total_tokens=use.total_tokens,
        output_tokens=use.output_tokens,
        inferred_output_tokens=use.inferred_output_tokens,
        cost_usd=use.cost_usd,
        calls_without_cost=use.calls_without_cost,
        calls_without_total=use.calls_without_total,
        estimates=work.estimates,
        samples=work.samples,
        samples_won=work.samples_won,
        is_calibrated=_is_calibrated(log),
    )


def _is_calibrated(log: Log) -> bool:
    """Tell whether what predicted last goes by what a calibration taught."""
    journal = journal_of(log)
    head = journal.backend.head().position
    estimates = journal.backend.page(
        after=max(head - _ESTIMATED_WITHIN, 0),
        until=head,
        limit=_ESTIMATED_WITHIN,
        types=journal.codec.names_of((PhaseEstimated,)),
    )
    names = {_BUILT_IN, *(recorded.event.estimator for recorded in journal.decode(estimates))}
    return any(_is_taught(log, name) for name in names)


def _is_taught(log: Log, estimator: str) -> bool:
    events = (recorded.event for recorded in log.read(estimator_stream(estimator)))
    applied = [event for event in events if isinstance(event, CalibrationApplied)]
    return bool(applied and applied[-1].new)  # a rollback to its own figures has none


def _live_workers(log: Log, keys: Sequence[str], now_us: int) -> tuple[LiveWorker, ...]:
    leases = {lease.key: lease for lease in journal_of(log).backend.leases()}
    machine = this_machine()
    found = []
    in_work = phase_rows(log, keys)
    used = _used(log, in_work.values(), now_us)
    for key, row in in_work.items():
        lease = leases.get(phase_key(key))
        alive = leases.get(worker_key(lease.worker)) if lease else None
        deadline = lease.deadline_at if lease else None
        found.append(
            LiveWorker(
                phase=key,
                worker=row.worker,
                step=lease.step if lease else None,
                since=row.since,
                deadline=None if deadline is None else from_us(deadline),
                is_expired=not is_past(journal_of(log).backend)
                and (lease is None or is_over(machine, lease, alive, now_us)),
                **used.get(key, {}),
            )
        )
    return tuple(found)


def _used(log: Log, phases: Iterable[PhaseView], now_us: int) -> dict[str, dict[str, Any]]:
    """Return what phases in work used, and will still use; nothing is read if there are none."""
    keys = {attempt_key(row.run_id, row.phase_id, row.attempts): row.key for row in phases}
    if not keys:
        return {}
    journal, found = journal_of(log), {}
    rows = attempt_rows(journal, list(keys))
    past = newest_attempts(
        journal, until=journal.backend.head().position, asked=list(rows.values())
    )
    for key, row in rows.items():
        took_s = None if row.claimed_us is None else max(0.0, (now_us - row.claimed_us) / 1e6)
        found[keys[key]] = {
            "calls": row.use.calls,
            "total_tokens": row.use.total_tokens,
            "remaining": tuple(past.all_remaining(row, took_s)),
        }
    return found


def _last_halted(
    log: Log, last: Sequence[Row], types: Sequence[type], states: Sequence[str]
) -> list[PhaseView]:
    """Return the last phases that still stand where such an event left them, newest first."""
    rows = _of(log, last, types)
    keys = list(dict.fromkeys(row[2].removeprefix("phase-") for row in reversed(rows)))
    found = phase_rows(log, keys[:_FAILURES_MOST]).values()
    return [row for row in found if row.status in states]


def _unmerged(log: Log, last: Sequence[Row]) -> Iterator[Halted]:
    """Yield approved work that is not merged; folders are looked at only if there are some."""
    if is_past(journal_of(log).backend) or not _of(log, last, (WorkspaceCommitted,)):
        return
    from autopack.api.workspaces import list_workspaces

    for row in list_workspaces(log):
        if row.unmerged:
            yield Halted(
                phase=row.ref, state=PhaseStatus.COMPLETE, code="unmerged", message=row.unmerged
            )


def _asked_caps(log: Log, last: Sequence[Row]) -> tuple[CapAsked, ...]:
    """Return the questions to owners of caps that nothing has answered yet."""
    asked: dict[str, CapAsked] = {}
    for recorded in journal_of(log).decode(_of(log, last, _ASKS)):
        asked.pop(recorded.event.scope, None)
        if isinstance(recorded.event, CapAsked):
            asked[recorded.event.scope] = recorded.event
    return tuple(asked.values())


def _of(log: Log, rows: Sequence[Row], types: Sequence[type]) -> list[Row]:
    names = journal_of(log).codec.names_of(types)
    return [row for row in rows if row[4] in names]


def _last_rows(log: Log) -> list[Row]:
    """Return what happened last, of all that is looked at here, in one walk."""
    journal = journal_of(log)
    head = journal.backend.head().position
    return journal.backend.page(
        after=max(head - _LOOK_BACK, 0),
        until=head,
        limit=_LOOK_BACK,
        types=journal.codec.names_of(_LOOKED_AT),
    )


def _last_drain(log: Log, last: Sequence[Row]) -> DrainSummary | None:
    rows = _of(log, last, (DrainStarted,))
    return drain_of(log, rows[-1][2].removeprefix("drain-")) if rows else None


def _stuck(log: Log, run_ids: Iterable[str]) -> Iterator[Stuck]:
    """Yield the queued phases of these runs whose order can never be kept; seldom loads a row."""
    for run_id in run_ids:
        events = (recorded.event for recorded in log.read(run_stream(run_id)))
        after = {event.phase_id: event.after for event in events if isinstance(event, PhaseQueued)}
        if not find_stuck(run_id, after, after):
            continue
        rows = phase_rows(log, [f"{run_id}/{name}" for name in after]).values()
        queued = {row.phase_id: row.after for row in rows if row.status is PhaseStatus.QUEUED}
        yield from find_stuck(run_id, queued, after)


def _halted(rows: Sequence[PhaseView]) -> tuple[Halted, ...]:
    return tuple(
        Halted(phase=r.key, state=r.status, code=r.reason_code, message=r.reason, at=r.since)
        for r in rows[:_SHOWN]
    )


def _groups(rows: Sequence[PhaseView]) -> tuple[FailureGroup, ...]:
    """Return the kinds of failures among *rows*, largest first; one alone is no kind."""
    alike: dict[str, list[str]] = {}
    for row in rows:
        alike.setdefault(row.fingerprint or row.reason_code or "unknown", []).append(row.key)
    groups = [
        FailureGroup(fingerprint=name, n=len(keys), example=keys[0])
        for name, keys in alike.items()
        if len(keys) > 1
    ]
    return tuple(sorted(groups, key=lambda group: -group.n)[:_SHOWN])


def _pace(log: Log, last: Sequence[Row], left: int, n_live: int, now_us: int) -> Pace | None:
    """Return how fast the last attempts ended; imported ones, without a claim, are left out."""
    rows = [row for row in _of(log, last, _ENDS)[-_PACE_OF:] if '"lease_token"' in row[9]]
    if not rows:
        return None
    until_us = now_us if n_live else rows[-1][7]
    seconds = max(0.0, (until_us - rows[0][7]) / 1e6)
    end = expected_end(from_us(now_us), ended=len(rows), seconds=seconds, left=left)
    (completed,) = journal_of(log).codec.names_of((PhaseCompleted,))
    return Pace(
        ended=len(rows),
        completed=sum(row[4] == completed for row in rows),
        seconds=seconds,
        expected_end=end if n_live else None,
    )

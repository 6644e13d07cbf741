"""Two runs beside each other, or one run at two moments, or in two logs."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from autopack.api.batch_rows import work_by_phase
from autopack.api.views import list_phases, view
from autopack.errors import InvalidInputError, RunMissingError
from autopack.log.log import Log, journal_of
from autopack.log.past_backend import is_past
from autopack.ports.log import from_us
from autopack.ports.states import FINAL, PhaseStatus
from autopack.ports.work import PhaseView
from autopack.projections.sums_by_drain_and_run import Work
from autopack.report.run_comparison import PhaseDifference, RunComparison, RunSide, WorkSide
from autopack.values.money import pico


def compare(log: Log, a: str, b: str | None = None, *, other: Log | None = None) -> RunComparison:
    """
    Say in what two runs differ: phases of one id, those that only one has, and the totals.

    One run at two moments is ``compare(log.as_of(then), "nightly", other=log)``. A fork and its
    parent are compared from where they part: what the parent did before counts for neither. So are
    a fork of a fork and the first run, and two forks of one.

    Args:
        a: A run of *log*.
        b: Another run; None is one of the same id, which needs *other*.
        other: The log that holds *b*; None is the same.

    Raises:
        RunMissingError: There is no such run.
        InvalidInputError: A run would be compared with itself.
    """
    if b in (None, a) and other in (None, log):
        raise InvalidInputError(
            f"Run {a!r} would be compared with itself: name another, or a log of another moment.",
            name="b",
            value=b,
        )
    sides = (log, a), (other or log, a if b is None else b)
    parted_at = _parted_at(*sides)
    left, right = (_phases(*side, since=parted_at) for side in sides)
    both = {name: (left[name], right[name]) for name in left if name in right}
    if parted_at is not None:
        both = {name: pair for name, pair in both.items() if not _is_before(*pair)}
    differing = [PhaseDifference(phase_id=name, a=x, b=y) for name, (x, y) in both.items()]
    changed = sorted((one for one in differing if one.differs), key=_order)
    return RunComparison(
        a=_side(*sides[0], left, since=parted_at),
        b=_side(*sides[1], right, since=parted_at),
        changed=tuple(changed),
        parted_at=parted_at,
        same=len(both) - len(changed),
        only_in_a=tuple(name for name in left if name not in right),
        only_in_b=tuple(name for name in right if name not in left),
    )


def _parted_at(a: tuple[Log, str], b: tuple[Log, str]) -> int | None:
    """Return the position at which two runs part that were one: forks, or a fork and its parent."""
    if journal_of(a[0]).log_id != journal_of(b[0]).log_id or a[1] == b[1]:
        return None
    left, right = _lineage(*a), _lineage(*b)
    common = next((run_id for run_id in left if run_id in right), None)
    if common is None:
        return None
    return min(at for at in (left[common], right[common]) if at is not None)


def _lineage(log: Log, run_id: str) -> dict[str, int | None]:
    """Return a run and those that it was forked from, each with how far it is the run's past."""
    rows, found, until = view(log, "runs").rows, dict[str, int | None](), None
    one: str | None = run_id
    while one is not None and one not in found:
        found[one] = until
        row = rows.get(one)
        one, until = (None, None) if row is None else (row.forked_from, row.forked_at or 0)
    return found


def _is_before(a: WorkSide, b: WorkSide) -> bool:
    """Tell whether a phase had ended when its runs parted, and neither went on with it."""
    has_worked = a.attempts or a.calls or b.attempts or b.calls
    return a.state == b.state and a.state in FINAL and not has_worked


def _then(log: Log, since: int | None) -> Log | None:
    """Return the log as it stood at a position; None where it begins later or nothing is asked."""
    return None if since is None or log.head().position < since else log.as_of(since)


def _phases(log: Log, run_id: str, *, since: int | None) -> dict[str, WorkSide]:
    work = work_by_phase(log, run_id)
    if (then := _then(log, since)) is not None:
        before = work_by_phase(then, run_id)
        work = {name: found - before.get(name, Work()) for name, found in work.items()}
    try:
        phases = list_phases(log, run_id)
    except RunMissingError:
        if run_id not in view(log, "runs").rows:
            raise
        phases = []  # only its calls name it
    return {one.phase_id: _phase_side(one, work.get(one.key, Work())) for one in phases}


def _phase_side(phase: PhaseView, work: Work) -> WorkSide:
    is_done = phase.status is PhaseStatus.COMPLETE
    return _work_side(
        phase.status.value, work, reason=None if is_done else phase.reason or phase.reason_code
    )


def _work_side(state: str, work: Work, reason: str | None = None) -> WorkSide:
    use = work.use
    return WorkSide(
        state=state,
        attempts=work.attempts,
        calls=use.calls,
        tokens=use.total_tokens if use.calls > use.calls_without_total or not use.calls else None,
        calls_without_total=use.calls_without_total,
        cost_usd=use.cost_usd if use.calls > use.calls_without_cost or not use.calls else None,
        calls_without_cost=use.calls_without_cost,
        seconds=round(work.worked_us / 1e6, 3),
        reason=reason,
    )


def _side(log: Log, run_id: str, phases: Mapping[str, WorkSide], *, since: int | None) -> RunSide:
    journal = journal_of(log)
    run = view(log, "runs").rows[run_id]
    whole = view(log, "attempts", with_rows=False).total.by_run.get(run_id) or Work()
    if (then := _then(log, since)) is not None:
        whole -= view(then, "attempts", with_rows=False).total.by_run.get(run_id) or Work()
    states = Counter(side.state for side in phases.values())
    return RunSide(
        run_id=run_id,
        position=log.head().position,
        at=from_us(journal.now_us()) if is_past(journal_of(log).backend) else None,
        phases=len(phases),
        phases_by_state={state: states[state] for state in PhaseStatus if states[state]},
        work=_work_side(run.outcome or run.status, whole),
    )


def _order(one: PhaseDifference) -> tuple[Any, ...]:
    by_cost = abs(pico(one.b.cost_usd) - pico(one.a.cost_usd))
    by_tokens = abs((one.b.tokens or 0) - (one.a.tokens or 0))
    return one.a.state == one.b.state, -by_cost, -by_tokens

"""Whether a drain would find anything to take, and which paused runs keep it from that."""

import attrs

from autopack.api.views import phase_rows
from autopack.events import PhaseQueued
from autopack.log import views
from autopack.log.log import Log, journal_of
from autopack.ports.states import PhaseStatus
from autopack.projections.phases import DONE_STATES, BoardTotal
from autopack.projections.runs import RUNS
from autopack.values.ids import run_stream


@attrs.frozen(kw_only=True)
class HeldRuns:
    """Whether all that is queued is held back, and which paused runs have a part in that."""

    is_all: bool
    paused: tuple[str, ...] = ()


def held(log: Log, board: BoardTotal) -> HeldRuns:
    """
    Return whether no drain could take any queued phase as things stand; seldom loads a row.

    A phase in work may let others go, and one that backs off is only a matter of time.
    """
    queued = {run_id: n.get(PhaseStatus.QUEUED, 0) for run_id, n in board.by_run.items()}
    asked = [run_id for run_id, n in queued.items() if n]
    if board.live or not asked:
        return HeldRuns(is_all=False)
    paused = []
    for run_id in asked:
        run = views.current_row(journal_of(log), RUNS, run_id)
        if run is not None and run.status == "PAUSED":
            paused.append(run_id)
        elif queued[run_id] > board.ordered.get(run_id, 0) or _has_free(log, run_id):
            return HeldRuns(is_all=False)
    return HeldRuns(is_all=True, paused=tuple(paused))


def _has_free(log: Log, run_id: str) -> bool:
    """Tell whether a queued phase of a run comes after nothing that is not done."""
    events = (recorded.event for recorded in log.read(run_stream(run_id)))
    names = [event.phase_id for event in events if isinstance(event, PhaseQueued)]
    rows = {row.phase_id: row for row in phase_rows(log, [f"{run_id}/{n}" for n in names]).values()}
    done = {name for name, row in rows.items() if row.status in DONE_STATES}
    return any(
        row.status is PhaseStatus.QUEUED and done.issuperset(row.after) for row in rows.values()
    )

"""Rows of a table as phases of a run: queued once, and what became of each."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias

import attrs

from autopack.api.runs import create_run, queue_phases, skip
from autopack.api.views import get_phase, list_phases
from autopack.draining.executors.json_lines import PRINTED, without_own
from autopack.errors import InvalidInputError, RunMissingError
from autopack.exchange.task_rows import ROW_LABEL, VERSION_OF, Task
from autopack.log import views
from autopack.log.log import Log, journal_of
from autopack.ports.prediction import PhaseSpec
from autopack.ports.states import FINAL, PhaseStatus
from autopack.ports.work import PhaseView
from autopack.projections.attempt_row import AttemptRow, work_of
from autopack.projections.attempts import ATTEMPTS
from autopack.projections.sums_by_drain_and_run import Work
from autopack.values.ids import PhaseRef, phase_stream
from autopack.values.money import UsdLike

Changed: TypeAlias = Literal["keep", "requeue"]
"""What becomes of a row that says something else than it did: its answer is kept, or made anew."""

_RESULTS: Final = ("result", "output")
_ANSWERED: Final = frozenset({PhaseStatus.COMPLETE, PhaseStatus.GATED})
_OVER: Final = FINAL | _ANSWERED


@attrs.frozen(kw_only=True)
class BatchResult:
    """
    What became of a row.

    Args:
        id: The row's id: its column ``id``, or the digest of the row.
        state: Its phase's, such as COMPLETE or FAILED.
        output: What the executor gave as ``result`` or as its only output, else what it printed;
            None where there is none.
        tokens: What all calls for it used; None where no call told.
        cost_usd: Likewise in US dollars; None where no price is known.
        seconds: How long its attempts took.
        error: Why it failed, or waits.
    """

    id: str
    state: str
    output: str | None = None
    tokens: int | None = None
    cost_usd: UsdLike | None = None
    seconds: float | None = None
    error: str | None = None


@attrs.frozen(kw_only=True)
class QueuedRows:
    """
    What the rows of a batch are in a log.

    Args:
        phases: The phase of each row, by the row's id.
        added: Rows that were queued just now.
        changed: Rows that say something else than their phase does, and whose answer was kept.
    """

    phases: Mapping[str, str]
    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


def queue_rows(
    log: Log,
    run_id: str,
    tasks: Sequence[Task],
    *,
    changed: Changed = "keep",
    caps: Mapping[str, UsdLike] | None = None,
) -> QueuedRows:
    """
    Queue the rows that a run does not know; makes the run where there is none.

    A row that changed under a known id is not asked again, unless *changed* is ``requeue``: then
    a new phase answers it, and the phase before, if it was still queued, is skipped.

    Raises:
        InvalidInputError: The run has phases of that id which are no rows of a batch.
    """
    try:
        known = {_row_id(view): view for view in list_phases(log, run_id)}
    except RunMissingError:
        create_run(log, run_id, [task.spec for task in tasks], caps=caps)
        names = {task.row_id: str(task.spec.id) for task in tasks}
        return QueuedRows(phases=names, added=tuple(names))
    _check_rows(run_id, tasks, known)
    new, kept = dict[str, PhaseSpec](), list[str]()
    for task in tasks:
        view = known.get(task.row_id)
        if view is None:
            new[task.row_id] = task.spec
        elif view.labels[ROW_LABEL] != task.digest and changed == "requeue":
            new[task.row_id] = _anew(task, view)
        elif view.labels[ROW_LABEL] != task.digest:
            kept.append(task.row_id)
    if new:
        queue_phases(log, run_id, new.values())
    _skip_queued(log, [known[row_id] for row_id in new if row_id in known])
    phases = {row_id: view.phase_id for row_id, view in known.items()}
    phases |= {row_id: spec.id for row_id, spec in new.items()}
    asked = {task.row_id: phases[task.row_id] for task in tasks}
    return QueuedRows(phases=asked, added=tuple(new), changed=tuple(kept))


def results_of(log: Log, run_id: str, phases: Mapping[str, str]) -> Iterator[BatchResult]:
    """Yield what became of rows so far, by their ids and phases; those not begun are left out."""
    phase_of = {view.phase_id: view for view in list_phases(log, run_id)}
    for row_id, phase_id in phases.items():
        if phase_id in phase_of and is_over(phase_of[phase_id]):
            yield result_of(log, phase_of[phase_id], row_id)


class OpenRows:
    """
    Rows of a batch of which something may become still; each is told once, when nothing more does.

    Args:
        phases: The phase of each row, by the row's id.

    Attributes:
        known: What became of the others, in the order of the rows.
        left: The rows by their phases, without those that were told.
    """

    def __init__(self, log: Log, run_id: str, phases: Mapping[str, str]) -> None:
        self._log, self._run_id = log, run_id
        self.known = list(results_of(log, run_id, phases))
        over = {result.id for result in self.known}
        self.left = {phase: row for row, phase in phases.items() if row not in over}

    def phase_in(self, event: Any) -> str | None:
        """Return which of their phases an event is of, if it is one of them."""
        phase = getattr(event, "phase_id", None)
        return phase if phase in self.left and event.run_id == self._run_id else None

    def ended(self, phase: str) -> BatchResult | None:
        """Return what became of a row, once, as soon as nothing more does."""
        if phase not in self.left:
            return None
        view = get_phase(self._log, (self._run_id, phase))
        return result_of(self._log, view, self.left.pop(phase)) if is_over(view) else None

    def not_asked(self, why: str) -> Iterator[BatchResult]:
        """Yield the rows that are left as they stand, with why nobody asks for them now."""
        for phase, row in list(self.left.items()):
            found = result_of(self._log, get_phase(self._log, (self._run_id, phase)), row)
            yield attrs.evolve(found, error=why if found.error is None else f"{why}; {found.error}")


def is_over(view: PhaseView) -> bool:
    """Tell whether nothing more becomes of a phase by itself."""
    return view.status in _OVER


def result_of(log: Log, view: PhaseView, row_id: str | None = None) -> BatchResult:
    """Return what became of one phase, as a row of a batch."""
    work = work_on(log, view.ref)
    is_known = work.use.calls > work.use.calls_without_total
    return BatchResult(
        id=row_id or _row_id(view),
        state=view.status.value,
        output=output_of(log, view) if view.status in _ANSWERED else None,
        tokens=work.use.total_tokens if is_known else None,
        cost_usd=work.use.cost_usd if work.use.calls > work.use.calls_without_cost else None,
        seconds=round(work.worked_us / 1e6, 3) if work.attempts else None,
        error=None if view.status is PhaseStatus.COMPLETE else view.reason or view.reason_code,
    )


def work_on(log: Log, ref: PhaseRef) -> Work:
    """Return what all attempts at a phase came to: use, seconds, how they ended."""
    rows: dict[str, AttemptRow | None] = {}
    for recorded in log.read(phase_stream(ref.run_id, ref.phase_id)):
        key = ATTEMPTS.key(recorded) if isinstance(recorded.event, ATTEMPTS.types) else None
        if key is not None:
            rows[key] = ATTEMPTS.project(rows.get(key), recorded)
    return sum(map(work_of, rows.values()), Work())


def work_by_phase(log: Log, run_id: str) -> dict[str, Work]:
    """Return what all attempts at each phase of a run came to, by ``RUN/PHASE``."""
    return summed_by_phase(attempts_of(log, run_id))


def summed_by_phase(attempts: Iterable[AttemptRow]) -> dict[str, Work]:
    """Return what attempts came to, by ``RUN/PHASE``."""
    found: dict[str, Work] = {}
    for row in attempts:
        key = f"{row.run_id}/{row.phase_id}"
        found[key] = found.get(key, Work()) + work_of(row)
    return found


def attempts_of(log: Log, run_id: str) -> Collection[AttemptRow]:
    """Return all attempts at the phases of a run."""
    live = views.LiveView(journal_of(log), ATTEMPTS, run_id=run_id)
    live.catch_up()
    return live.rows.values()


def output_of(log: Log, view: PhaseView) -> str | None:
    """Return the text that answers a phase; None where it gave none, or several without a name."""
    named = [name for name in _RESULTS if name in view.outputs] or list(view.outputs)
    if named and (named[0] in _RESULTS or len(named) == 1):
        return log.artifacts.get(view.outputs[named[0]])
    if PRINTED in view.artifacts:
        return without_own(log.artifacts.get(view.artifacts[PRINTED]))
    return view.summary


def _row_id(view: PhaseView) -> str:
    return view.labels.get(VERSION_OF, view.phase_id)


def _check_rows(run_id: str, tasks: Sequence[Task], known: Mapping[str, PhaseView]) -> None:
    for task in tasks:
        view = known.get(task.row_id)
        if view is not None and ROW_LABEL not in view.labels:
            raise InvalidInputError(
                f"Run {run_id!r} has a phase {task.row_id!r} that is no row of a batch: name "
                "another run.",
                name="run_id",
                value=run_id,
            )


def _anew(task: Task, before: PhaseView) -> PhaseSpec:
    stem, _, number = before.phase_id.removeprefix(task.row_id).rpartition("~")
    nth = int(number) + 1 if not stem and number.isdecimal() else 2
    labels = {**(task.spec.labels or {}), VERSION_OF: task.row_id}
    return attrs.evolve(task.spec, id=f"{task.row_id}~{nth}", labels=labels)


def _skip_queued(log: Log, phases: Sequence[PhaseView]) -> None:
    for view in phases:
        if view.status is PhaseStatus.QUEUED:
            skip(log, view.ref, why="its row changed", actor="batch")

"""A run: its phases with what they used, its caps, and when who worked on it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import attrs

import autopack
from autopack.api.batch_rows import attempts_of, summed_by_phase
from autopack.events import RunPaused, RunReopened, RunResumed
from autopack.projections.attempt_row import AttemptRow
from autopack.projections.call_use import NO_USE, Use
from autopack.projections.sums_by_drain_and_run import Work
from autopack.projections.use_groups import UsageRow, regrouped
from autopack.report.work_timeline import TIMELINE_TYPES, Timeline, timeline_of
from autopack.types import CapUse, PhaseView, RunView
from autopack_web.moments import now_of
from autopack_web.pages.events import EventEntry, event_entry
from autopack_web.paging import Part, part_of

if TYPE_CHECKING:
    from autopack import Log, Recorded
    from autopack_web.moments import Asked

_MOST: Final = 100
_CALLS_MOST: Final = 20_000
_SIZES: Final[Mapping[str, Callable[[Work], int]]] = {
    "cost": lambda work: work.use.cost_pico_usd,
    "tokens": lambda work: work.use.total_tokens,
    "time": lambda work: work.worked_us,
    "attempts": lambda work: work.attempts,
}
_BY_PEOPLE: Final = (RunPaused, RunResumed, RunReopened)


@attrs.frozen(kw_only=True)
class PhaseEntry:
    """A phase, and what all attempts at it came to."""

    phase: PhaseView
    work: Work


@attrs.frozen(kw_only=True)
class RunPage:
    """
    A run.

    Args:
        states: How many of its phases stand how.
        work: What all its attempts came to.
        by_model: What its calls used, model by model; nothing where there are too many of them.
        phases: Some of its phases, and the *part* that they are; *timeline* is theirs.
        notes: What people did with it.
    """

    run: RunView
    states: Mapping[str, int]
    work: Work
    by_model: tuple[UsageRow, ...]
    caps: tuple[CapUse, ...]
    phases: tuple[PhaseEntry, ...]
    part: Part
    timeline: Timeline
    notes: tuple[EventEntry, ...]


def read(log: "Log", asked: "Asked") -> RunPage:
    """
    Return the run that the path names, its phases of a ``state``, or the largest by an ``order``.

    Raises:
        RunMissingError: There is no such run.
    """
    run_id = asked.parts["run"]
    row = autopack.view(log, "runs", key=run_id)
    phases = (
        autopack.list_phases(log, run_id) if row is None or row.created else _named(log, run_id)
    )
    wanted = asked.query.get("state")
    shown = [one for one in phases if wanted in (None, "", one.status.value)]
    attempts, states = attempts_of(log, run_id), dict[str, int]()
    work = summed_by_phase(attempts)
    if (size := _SIZES.get(asked.query.get("order", ""))) is not None:
        shown.sort(key=lambda one: -size(work.get(one.key, Work())))
    part = part_of(asked, len(shown), _MOST)
    for one in phases:
        states[one.status.value] = states.get(one.status.value, 0) + 1
    some = shown[part.first : part.end]
    whole = sum(work.values(), Work())
    return RunPage(
        run=row,
        states=states,
        work=whole,
        by_model=tuple(_by_model(attempts)) if whole.use.calls <= _CALLS_MOST else (),
        caps=tuple(autopack.get_caps(log, run_id)) if row.created else (),
        phases=tuple(PhaseEntry(phase=one, work=work.get(one.key, Work())) for one in some),
        part=part,
        timeline=timeline_of(_events(log, some), now_of(log)),
        notes=tuple(map(event_entry, log.read(f"run-{run_id}", types=_BY_PEOPLE))),
    )


def _by_model(attempts: Iterable[AttemptRow]) -> list[UsageRow]:
    uses: dict[str | None, Use] = {}
    for call in (call for row in attempts for call in row.calls.values()):
        uses[call.model] = uses.get(call.model, NO_USE).plus(call)
    told = {model: use for model, use in uses.items() if use.calls}
    return regrouped([UsageRow(group={"model": m}, use=use) for m, use in told.items()], ("model",))


def _named(log: "Log", run_id: str) -> list[PhaseView]:
    """Return the phases of a run that nobody created: some, or none that was queued."""
    try:
        return autopack.list_phases(log, run_id)
    except autopack.AutopackError:
        return []


def _events(log: "Log", phases: Sequence[PhaseView]) -> "Iterator[Recorded[Any]]":
    told = [
        recorded
        for one in phases
        if one.attempts
        for recorded in log.read(f"phase-{one.key}", types=TIMELINE_TYPES)
    ]
    for account in autopack.view(log, "accounts").rows if told else ():
        told += log.read(f"account-{account}", types=TIMELINE_TYPES)
    yield from sorted(told, key=lambda recorded: recorded.position)

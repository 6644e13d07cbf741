"""What the log says: boards, replay, history, differences."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, overload

import attrs

from autopack.errors import InvalidInputError, RunMissingError
from autopack.log import views
from autopack.log.log import Log, handler_of, journal_of, registry_of
from autopack.log.views import ViewAt
from autopack.log.views.kept_views import is_anothers, is_kept
from autopack.ports.log import Recorded
from autopack.ports.projection import ProjectionLike, check_projection, is_keyed
from autopack.ports.work import PhaseView
from autopack.projections.phases import PHASES
from autopack.projections.runs import RUNS
from autopack.values.ids import (
    PhaseName,
    PhaseRef,
    drain_stream,
    phase_ref,
    phase_stream,
    run_stream,
)


@overload
def view(log: Log, projection: ProjectionLike, *, with_rows: bool = True) -> ViewAt: ...


@overload
def view(log: Log, projection: ProjectionLike, *, key: str) -> Any: ...


def view(
    log: Log, projection: ProjectionLike, *, with_rows: bool = True, key: str | None = None
) -> Any:
    """
    Return a projection as it stands now: what is saved of it, and what came since.

    That is a :class:`autopack.types.ViewAt`; with *key* that row alone, or None. What is saved is
    not asked for where another projection is registered under its name.

    Args:
        projection: An object, or a registered name: ``phases`` (by ``RUN/PHASE``, in total by run
            and state), ``runs`` (by id), ``attempts``, ...
        with_rows: Without, a saved view's total alone is read, however many rows it has.
        key: Of which row, of a keyed projection; no other is loaded.

    Raises:
        UnknownNameError: No projection of that name is registered.
        InvalidInputError: A row is asked for, and the projection has none; or it is none.
    """
    journal, registry = journal_of(log), registry_of(log)
    chosen = check_projection(registry.resolve("projection", projection))
    if key is not None and not is_keyed(chosen):
        raise InvalidInputError(
            f"Projection {chosen.name!r} is one value, without rows: leave the key out.",
            name="key",
            value=key,
        )
    if is_anothers(registry, chosen):
        found = views.replay(journal, chosen)
        return found if key is None else found.rows.get(key)
    if key is not None:
        return views.current_row(journal, chosen, key)
    return views.current(journal, chosen, with_rows=with_rows)


def list_phases(log: Log, run_id: str) -> list[PhaseView]:
    """Return a run's phases as they stand, in their order; loads no other run's."""
    known = handler_of(log).run_state(run_id)
    if not known.exists and not known.phases:
        raise RunMissingError(run_id, known=views.current(journal_of(log), RUNS).rows)
    keys = [f"{run_id}/{phase_id}" for phase_id in known.phases]
    rows = phase_rows(log, keys).values()
    return sorted(rows, key=lambda row: (row.index, row.order))


def get_phase(log: Log, phase: PhaseName) -> PhaseView:
    """Return one phase as it stands."""
    ref = phase_ref(phase)
    handler_of(log).queued(ref)
    return phase_rows(log, [str(ref)])[str(ref)]


def replay(
    log: Log,
    projection: ProjectionLike,
    *,
    until: int | datetime | None = None,
    clock: Literal["recorded", "occurred"] = "recorded",
) -> ViewAt:
    """
    Fold a projection from the first event to any position or moment.

    Far into a log one that is registered, whether the library's own or a plugin's, goes on from
    where it stood at a position that was kept (:meth:`autopack.Log.keep_past`), which is the same
    answer sooner.

    Args:
        projection: An object, or a registered name (``phases``, ``runs``, ``usage``, ...).
        until: The last position, up to the head, or an aware moment; None goes to the head.
        clock: ``recorded`` (what was known) or ``occurred`` (a reconstruction of what was true).

    Raises:
        InvalidInputError: *until* is past the head, or a moment without a time zone.
        UnknownNameError: No projection of that name is registered.
    """
    journal = journal_of(log)
    chosen = check_projection(registry_of(log).resolve("projection", projection))
    if until is not None and clock == "recorded":
        end = views.position_at(journal, until)
        if is_kept(journal, chosen, end):
            return views.current(journal_of(log.as_of(end)), chosen)
    return views.replay(journal, chosen, until=until, clock=clock)


async def areplay(
    log: Log,
    projection: ProjectionLike,
    *,
    until: int | datetime | None = None,
    clock: Literal["recorded", "occurred"] = "recorded",
) -> ViewAt:
    """Do as :func:`replay` does, in a thread, while the event loop goes on."""
    return await log.acall(replay, projection, until=until, clock=clock)


def history(log: Log, run: PhaseName, phase: str | None = None) -> list[Recorded[Any]]:
    """
    Return a run's events in order with those of its phases, or those of one phase.

    The run's own include what drains said of its phases. Events of other runs are not decoded.

    Args:
        run: The run's id; or the whole name of a phase, if *phase* is left out.
        phase: The id of one of its phases.

    Raises:
        RunMissingError, PhaseMissingError: It is not there.
        InvalidInputError: A phase is named twice.
    """
    if phase is not None:
        if not isinstance(run, str):
            raise InvalidInputError(
                f"{run} names a phase already; leave out {phase!r}.", name="phase", value=phase
            )
        return _history_of(log, PhaseRef(run, phase))
    if isinstance(run, str) and "/" not in run:  # no run id holds one
        return _history_of_run(log, run)
    return _history_of(log, phase_ref(run))


def _history_of(log: Log, ref: PhaseRef) -> list[Recorded[Any]]:
    queued = handler_of(log).queued(ref)
    whole = [r for r in log.read(run_stream(ref.run_id)) if r.event == queued]
    return whole + list(log.read(phase_stream(ref.run_id, ref.phase_id)))


def _history_of_run(log: Log, run_id: str) -> list[Recorded[Any]]:
    of_run, of_phases, of_drains = run_stream(run_id), phase_stream(run_id, ""), drain_stream("")
    told: list[Recorded[Any]] = []
    journal = journal_of(log)
    for page in journal.pages():
        rows = [r for r in page if r[2] == of_run or r[2].startswith((of_phases, of_drains))]
        told += [
            recorded
            for recorded in journal.decode(rows)
            if recorded.stream == of_run or getattr(recorded.event, "run_id", None) == run_id
        ]
    if not told:
        raise RunMissingError(run_id, known=views.current(journal, RUNS).rows)
    return told


@attrs.frozen
class Change:
    """One row that differs between two positions; None stands for absent."""

    key: str
    before: Any
    after: Any


def diff(
    log: Log, projection: ProjectionLike, *, at: int | datetime, to: int | datetime | None = None
) -> list[Change]:
    """
    Return what changed in a projection between two positions or moments, by key.

    Raises:
        InvalidInputError: One of them is past the head, or a moment without a time zone.
    """
    before = replay(log, projection, until=at)
    after = replay(log, projection, until=to)
    old = dict(before.rows) or {"": before.value}
    new = dict(after.rows) or {"": after.value}
    keys = {**old, **new}
    return [Change(key, old.get(key), new.get(key)) for key in keys if old.get(key) != new.get(key)]


def phase_rows(log: Log, keys: Sequence[str]) -> dict[str, PhaseView]:
    """Return the phases of these ``RUN/PHASE`` keys as they stand, without loading the others."""
    journal = journal_of(log)
    with journal.backend.snapshot() as reader:
        return views.folded(journal, PHASES, reader).some(keys)

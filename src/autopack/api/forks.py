"""A run that begins where another one stood: what was done is done, what was not is tried anew."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

import attrs

from autopack.aggregates.requests import PhasesRequest
from autopack.api.caps import get_caps
from autopack.api.views import list_phases
from autopack.errors import InvalidInputError, RunMissingError
from autopack.events import PhaseInherited, PhaseQueued, RunCreated
from autopack.log.log import Log, handler_of
from autopack.ports.log import Entry, Recorded
from autopack.ports.prediction import PhaseSpec
from autopack.ports.states import BEGUN, OPEN, PhaseStatus
from autopack.ports.work import PhaseView
from autopack.projections.phases import DONE_STATES
from autopack.values import ids
from autopack.values.ids import phase_stream, run_stream

_UNDONE: Final = BEGUN | {PhaseStatus.QUEUED}


def fork_run(
    log: Log,
    run_id: str,
    new_id: str,
    *,
    at: int | datetime | None = None,
    model: str | None = None,
) -> list[Recorded[Any]]:
    """
    Create a run that begins as another one stood at a moment, and refers to it.

    It has the parent's goal, settings, labels, checks, workspace and phases, and the caps that held
    then. Phases that had ended stand as they did, with what they gave; those that waited or were in
    work are queued with all their attempts. No usage is copied: under its caps the fork has used
    nothing. ``compare(log, run_id, new_id)`` shows both from where they part.

    Args:
        at: A position of the log or an aware moment; now, if it is not given.
        model: What the phases that are not done ask for, in place of their own.

    Raises:
        RunMissingError: There was no such run then.
        RunExistsError: There is a run of the new name; it is left as it is.
        InvalidInputError: Nothing was left to be done then.
    """
    past = log if at is None else log.as_of(at)
    position = past.head().position
    told = [one.event for one in past.read(run_stream(run_id))]
    created = next((one for one in told if isinstance(one, RunCreated)), None)
    if created is None:
        exists = past is not log and handler_of(log).run_state(run_id).exists
        raise RunMissingError(run_id, at=position if exists else None)
    views = {one.phase_id: one for one in list_phases(past, run_id)}
    if not any(one.status in OPEN for one in views.values()):
        lacks = "Nothing of run {} was left to be done" if views else "Run {} had no phases yet"
        raise InvalidInputError(
            f"{lacks.format(repr(run_id))} at position {position}: name "
            f"{'an earlier' if views else 'a later'} moment.",
            name="at",
            value=at,
        )
    undone = {name for name, one in views.items() if one.status in _UNDONE}
    queued = sorted(
        (one for one in told if isinstance(one, PhaseQueued)), key=lambda one: one.index
    )
    specs = tuple(
        _spec(one, None if views[one.phase_id].status in DONE_STATES else model) for one in queued
    )
    fork: RunCreated = attrs.evolve(  # type: ignore[misc]
        created,
        run_id=ids.run_id(new_id),
        caps={use.unit: use.cap for use in get_caps(past, run_id) if use.cap is not None},
        forked_from=run_id,
        forked_at=position,
        source_fields={},
    )
    ended = [one for one in views.values() if one.phase_id not in undone]
    request = PhasesRequest(run_id=fork.run_id, phases=specs, created=fork)
    return handler_of(log).handle(request, also=list(_inherited(fork, ended)))


def _spec(queued: PhaseQueued, model: str | None) -> PhaseSpec:
    names = {field.name for field in attrs.fields(PhaseSpec)} - {"id", "check", "model"}
    given: dict[str, Any] = {name: getattr(queued, name) for name in names}
    checks = None if queued.checks is None else list(queued.checks)
    return PhaseSpec(
        queued.phase_id, **given, model=queued.model if model is None else model, check=checks
    )


def _inherited(fork: RunCreated, ended: list[PhaseView]) -> Iterator[Entry]:
    for one in ended:
        event = PhaseInherited(
            run_id=fork.run_id,
            phase_id=one.phase_id,
            from_run=fork.forked_from or "",
            state=one.status.value,  # type: ignore[arg-type]
            reason_code=one.reason_code,
            reason=one.reason,
            outputs=one.outputs,
            artifacts=one.artifacts,
            summary=one.summary,
        )
        yield phase_stream(fork.run_id, one.phase_id), [event], 0

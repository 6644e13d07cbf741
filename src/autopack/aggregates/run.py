"""A run: what it may do next, decided from its own stream."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import attrs
from rpds import HashTrieMap

from autopack.aggregates.order import find_cycles, find_missing
from autopack.aggregates.requests import PhasesRequest, RunRequest
from autopack.errors import (
    InvalidInputError,
    PhaseExistsError,
    RunExistsError,
    RunMissingError,
    RunPausedError,
)
from autopack.errors.nearest import did_you_mean
from autopack.events import (
    PhaseQueued,
    RunCreated,
    RunEvent,
    RunFinished,
    RunPaused,
    RunPrepared,
    RunPrepareFailed,
    RunReopened,
    RunResumed,
)
from autopack.events.run import Outcome
from autopack.ports.check_specs import tables_of
from autopack.ports.prediction import PhaseSpec
from autopack.ports.states import OPEN, PhaseStatus
from autopack.values.ids import PhaseId, PhaseRef, RunId, run_id
from autopack.values.money import Usd

_TOLD_MOST: Final = 5


@attrs.frozen(kw_only=True)
class RunState:
    """What a run's stream says; phases are kept by id, in a map that shares its parts."""

    run_id: str = ""
    exists: bool = False
    is_paused: bool = False
    is_finished: bool = False
    is_prepared: bool = False
    next_index: int = 0
    caps: Mapping[str, float | Usd] = attrs.Factory(dict)
    settings: Mapping[str, Any] = attrs.Factory(dict)
    checks: tuple[Mapping[str, Any], ...] | None = None
    phases: "HashTrieMap[str, PhaseQueued]" = attrs.Factory(HashTrieMap)


def decide(request: RunRequest, state: RunState) -> list[RunEvent]:
    """
    Return the events that *request* causes; none if it was done before.

    Raises:
        RunExistsError: A run of that id exists.
        RunMissingError: No run of that id exists.
        PhaseExistsError: A phase of that id was queued.
        InvalidInputError: A phase comes after one that is not in the run, or waits for itself.
    """
    if isinstance(request, PhasesRequest) and request.created is not None:
        return _created(request.created, request.phases, state)
    if not state.exists and not state.phases:
        raise RunMissingError(request.run_id)
    match request:
        case PhasesRequest(phases=specs):
            reopened = [RunReopened(run_id=state.run_id, why="phases were added")]
            queued = queue(state.run_id, specs, state)
            return [*(reopened if state.is_finished and queued else []), *queued]
        case RunPaused():
            return [] if state.is_paused else [request]
        case RunResumed():
            return [request] if state.is_paused else []
        case RunPrepared() | RunPrepareFailed():
            return [] if state.is_prepared else [request]
        case RunFinished(phases_by_state=counts):
            return [] if state.is_finished or not _is_over(state, counts) else [request]
        case RunReopened():
            return [request] if state.is_finished else []


def evolve(state: RunState, event: RunEvent) -> RunState:
    """Return *state* after *event*. Never refuses: the event happened."""
    match event:
        case RunCreated(run_id=name, caps=caps, settings=settings, checks=checks):
            return attrs.evolve(
                state, run_id=name, exists=True, caps=caps, settings=settings, checks=checks
            )
        case PhaseQueued(phase_id=name, index=index):
            return attrs.evolve(
                state,
                run_id=event.run_id,
                phases=state.phases.insert(name, event),
                next_index=max(state.next_index, index + 1),
            )
        case RunPaused():
            return attrs.evolve(state, is_paused=True)
        case RunResumed():
            return attrs.evolve(state, is_paused=False)
        case RunPrepared():
            return attrs.evolve(state, is_prepared=True)
        case RunFinished():
            return attrs.evolve(state, is_finished=True)
        case RunReopened():
            return attrs.evolve(state, is_finished=False)
        case RunPrepareFailed():
            return state


def fold(events: Iterable[RunEvent], state: RunState | None = None) -> RunState:
    """Return *state*, or that of a run without events, after *events*."""
    state = state or RunState()
    for event in events:
        state = evolve(state, event)
    return state


def check_claimable(state: RunState) -> None:
    """Return if phases of the run may be claimed, else raise why not."""
    if state.is_paused:
        raise RunPausedError(state.run_id)


def outcome_of(counts: Mapping[str, int]) -> Outcome:
    """Return how a run ended whose phases all have; *counts* are those of its phases by state."""
    good = {PhaseStatus.COMPLETE, PhaseStatus.SKIPPED}
    if set(counts) <= good:
        return "succeeded"
    return "cancelled" if set(counts) <= good | {PhaseStatus.CANCELLED} else "failed"


def queue(run: str, specs: Iterable[PhaseSpec], state: RunState) -> list[RunEvent]:
    """Return one ``phase.queued`` a spec, indexed after the phases that are there."""
    events: list[RunEvent] = []
    seen: set[str] = set()
    for index, spec in enumerate(specs, start=state.next_index):
        if spec.id in state.phases or spec.id in seen:
            raise PhaseExistsError(PhaseRef(RunId(run), PhaseId(spec.id)))
        seen.add(spec.id)
        events.append(_queued(run, index, spec))
    _check_order(run, events, state)
    return events


def _check_order(run: str, events: Iterable[RunEvent], state: RunState) -> None:
    """Refuse new phases that come after what is not there, or that would wait for themselves."""
    new = {event.phase_id: event.after for event in events if isinstance(event, PhaseQueued)}
    missing = list(find_missing(new, lambda one: one in new or one in state.phases))
    if missing:
        raise InvalidInputError(
            _not_there(run, missing, [*state.phases, *new]), name="after", value=missing[0][1]
        )

    def after(name: str) -> Iterable[str]:
        old = state.phases.get(name)
        return new.get(name, () if old is None else old.after)

    for cycle in find_cycles([name for name in new if new[name]], after):
        if not any(name in new for name in cycle):
            continue  # of a history that was brought in; one of them may be skipped by now
        raise InvalidInputError(
            f"Phases of run {run!r} would wait for each other: {' -> '.join(cycle)} (each comes "
            "after the next). Nothing was queued; take one of them out of another's `after`.",
            name="after",
            value=tuple(cycle),
        )


def _not_there(run: str, missing: Sequence[tuple[str, str]], known: Sequence[str]) -> str:
    told = [
        f"Phase {name!r} of run {run!r} comes after {one!r}, which is not in the run."
        f"{did_you_mean(one, (other for other in known if other != name))}"
        for name, one in missing[:_TOLD_MOST]
    ]
    if len(missing) > _TOLD_MOST:
        told.append(f"So it is with {len(missing) - _TOLD_MOST} more.")
    return (
        f"{' '.join(told)} Nothing was queued; correct `after`, or queue what is missing too, "
        "earlier or in the same call."
    )


def _created(created: RunCreated, specs: Iterable[PhaseSpec], state: RunState) -> list[RunEvent]:
    name = created.run_id
    if state.exists or state.phases:
        raise RunExistsError(name)
    return [created, *queue(run_id(name), specs, state)]


def _queued(run: str, index: int, spec: PhaseSpec) -> PhaseQueued:
    return PhaseQueued(
        run_id=run,
        phase_id=spec.id,
        index=index,
        category=spec.category,
        complexity=spec.complexity,
        tier=spec.tier,
        deliverables=spec.deliverables,
        goal=spec.goal,
        payload=spec.payload,
        inputs=spec.inputs or {},
        model=spec.model,
        priority=spec.priority,
        after=spec.after,
        touches=spec.touches,
        requires=spec.requires,
        timeout_s=spec.timeout_s,
        max_attempts=spec.max_attempts,
        prompt_tokens=spec.prompt_tokens,
        max_tokens=spec.max_tokens,
        max_usd=spec.max_usd,
        labels=spec.labels or {},
        checks=tables_of(spec.check),
    )


def _is_over(state: RunState, counts: Mapping[str, int]) -> bool:
    # Counts that miss a phase were taken before it was queued: they say nothing about the end.
    return sum(counts.values()) == len(state.phases) and not any(counts.get(s, 0) for s in OPEN)

"""A run: what it may do next, decided from its own stream."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

import attrs
from rpds import HashTrieMap

from autopack.commands import (
    CreateRun,
    FinishRun,
    PauseRun,
    QueuePhases,
    RecordPreparation,
    ReopenRun,
    ResumeRun,
    RunCommand,
    check_why,
)
from autopack.errors import (
    InvalidInputError,
    PhaseExistsError,
    RunExistsError,
    RunMissingError,
    RunPausedError,
)
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
from autopack.ids import PhaseId, PhaseRef, RunId, run_id
from autopack.ports.prediction import PhaseSpec
from autopack.states import OPEN, PhaseStatus

CAPS: Final = ("tokens", "usd", "phases", "minutes")
"""The units in which a run can be capped."""


@attrs.frozen(kw_only=True)
class RunState:
    """What a run's stream says; phases are kept by id, in a map that shares its parts."""

    run_id: str = ""
    exists: bool = False
    is_paused: bool = False
    is_finished: bool = False
    is_prepared: bool = False
    next_index: int = 0
    caps: Mapping[str, float] = attrs.Factory(dict)
    phases: "HashTrieMap[str, PhaseQueued]" = attrs.Factory(HashTrieMap)


def decide(command: RunCommand, state: RunState) -> list[RunEvent]:
    """
    Return the events that *command* causes; none if it was done before.

    Raises:
        RunExistsError: A run of that id exists.
        RunMissingError: No run of that id exists.
        PhaseExistsError: A phase of that id was queued.
        InvalidInputError: Phases wait for each other.
        InvalidInputError: A cap has an unknown unit, or a person gave no reason.
    """
    if isinstance(command, CreateRun):
        return _create(command, state)
    if not state.exists and not state.phases:
        raise RunMissingError(command.run_id)
    match command:
        case QueuePhases(phases=specs):
            reopened = [RunReopened(run_id=state.run_id, why="phases were added")]
            queued = queue(state.run_id, specs, state)
            return [*(reopened if state.is_finished and queued else []), *queued]
        case PauseRun(why=why, actor=actor):
            check_why(f"Run {state.run_id}", why)
            if state.is_paused:
                return []
            return [RunPaused(run_id=state.run_id, why=why, actor=actor)]
        case ResumeRun(why=why, actor=actor):
            check_why(f"Run {state.run_id}", why)
            if not state.is_paused:
                return []
            return [RunResumed(run_id=state.run_id, why=why, actor=actor)]
        case RecordPreparation():
            return [] if state.is_prepared else [_prepared(command)]
        case FinishRun(phases_by_state=counts):
            return [] if state.is_finished else _finish(state, counts)
        case ReopenRun(why=why):
            return [RunReopened(run_id=state.run_id, why=why)] if state.is_finished else []


def evolve(state: RunState, event: RunEvent) -> RunState:
    """Return *state* after *event*. Never refuses: the event happened."""
    match event:
        case RunCreated(run_id=name, caps=caps):
            return attrs.evolve(state, run_id=name, exists=True, caps=caps)
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


def find_cycle(starts: Iterable[str], after: Callable[[str], Iterable[str]]) -> list[str]:
    """
    Return phases that wait for each other, the first repeated at the end; empty if none do.

    Args:
        starts: Where to look from; only what can be reached from there is looked at.
        after: Returns the phases that a phase comes after.
    """
    settled: set[str] = set()
    for start in starts:
        path: dict[str, Iterator[str]] = {} if start in settled else {start: iter(after(start))}
        while path:
            name = next(reversed(path))
            following = next((one for one in path[name] if one not in settled), None)
            if following is None:
                settled.add(name)
                del path[name]
            elif following in path:
                names = list(path)
                return [*names[names.index(following) :], following]
            else:
                path[following] = iter(after(following))
    return []


def _check_order(run: str, events: Iterable[RunEvent], state: RunState) -> None:
    """Refuse new phases that wait for each other, or for old ones that wait for them."""
    new = {event.phase_id: event.after for event in events if isinstance(event, PhaseQueued)}

    def after(name: str) -> Iterable[str]:
        old = state.phases.get(name)
        return new.get(name, () if old is None else old.after)

    if cycle := find_cycle([name for name in new if new[name]], after):
        raise InvalidInputError(
            f"Phases of run {run!r} would wait for each other: {' -> '.join(cycle)} (each comes "
            "after the next). Nothing was queued; take one of them out of another's `after`."
        )


def _create(command: CreateRun, state: RunState) -> list[RunEvent]:
    if state.exists or state.phases:
        raise RunExistsError(command.run_id)
    unknown = sorted(set(command.caps) - set(CAPS))
    if unknown:
        raise InvalidInputError(
            f"Run {command.run_id!r}: no cap is called {', '.join(unknown)}. "
            f"Caps: {', '.join(CAPS)}."
        )
    created = RunCreated(
        run_id=run_id(command.run_id),
        goal=command.goal,
        settings=command.settings,
        caps=command.caps,
        labels=command.labels,
    )
    return [created, *queue(command.run_id, command.phases, state)]


def _queued(run: str, index: int, spec: PhaseSpec) -> PhaseQueued:
    if spec.max_attempts < 1:
        raise InvalidInputError(
            f"Phase {spec.id!r}: max_attempts is {spec.max_attempts}; it must be at least 1."
        )
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
        timeout_s=spec.timeout_s,
        max_attempts=spec.max_attempts,
        prompt_tokens=spec.prompt_tokens,
        labels=spec.labels or {},
    )


def _prepared(command: RecordPreparation) -> RunPrepared | RunPrepareFailed:
    if command.failure is not None:
        return RunPrepareFailed(
            run_id=command.run_id,
            code="prepare_failed",
            message=command.failure,
            duration_s=command.duration_s,
        )
    return RunPrepared(
        run_id=command.run_id,
        commit=command.commit,
        environment=command.environment,
        artifacts=command.artifacts,
        summary=command.summary,
        duration_s=command.duration_s,
    )


def _finish(state: RunState, counts: Mapping[str, int]) -> list[RunEvent]:
    # Counts that miss a phase were taken before it was queued: they say nothing about the end.
    if sum(counts.values()) != len(state.phases) or any(counts.get(s, 0) for s in OPEN):
        return []
    run = state.run_id
    good = {PhaseStatus.COMPLETE, PhaseStatus.SKIPPED}
    if set(counts) <= good:
        return [RunFinished(run_id=run, outcome="succeeded", phases_by_state=counts)]
    called_off = set(counts) <= good | {PhaseStatus.CANCELLED}
    outcome: Outcome = "cancelled" if called_off else "failed"
    return [RunFinished(run_id=run, outcome=outcome, phases_by_state=counts)]

"""Whole histories that the library could have written: every event is one that decide gave."""

from datetime import UTC, datetime
from typing import Any

import attrs
from hypothesis import strategies as st

from autopack.aggregates import phase, run
from autopack.aggregates.commands import (
    CancelPhase,
    ClaimPhase,
    CompletePhase,
    CreateRun,
    DecideGate,
    FailPhase,
    FinishRun,
    GatePhase,
    PauseRun,
    PhaseCommand,
    QueuePhases,
    ReclaimPhase,
    RecordPreparation,
    ReleasePhase,
    RequeuePhase,
    ResumeRun,
    RunCommand,
    SkipPhase,
    StartPhase,
    TimeOutPhase,
)
from autopack.errors import CommandRefusedError
from autopack.events import LlmUsageRecorded
from autopack.ports.prediction import Estimate, Features
from autopack.ports.states import LIVE
from autopack.testing.generators import CATEGORIES, COMPLEXITIES, RUNS, amounts, phase_refs, runs
from autopack.values.ids import PhaseRef

_NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
_PEOPLE: dict[str, Any] = {"by": "ann", "why": "because"}


@attrs.define
class World:
    """Runs and phases as their events left them; commands and calls add events."""

    events: list[Any] = attrs.Factory(list)
    runs: dict[str, run.RunState] = attrs.Factory(dict)
    phases: dict[str, phase.PhaseState] = attrs.Factory(dict)
    calls: int = 0

    def handle(self, command: RunCommand | PhaseCommand) -> None:
        """Decide a command and keep its events; a refusal changes nothing."""
        try:
            if isinstance(command, RunCommand):
                self._of_run(command)
            else:
                self._of_phase(command)
        except CommandRefusedError:
            return

    def call(self, ref: PhaseRef, **figures: Any) -> None:
        """Record a call of the phase's attempt in work, if there is one."""
        state = self.phase(ref)
        if state.status not in LIVE:
            return
        self.calls += 1
        usage = LlmUsageRecorded(
            run_id=ref.run_id,
            phase_id=ref.phase_id,
            attempt=state.attempts,
            lease_token=state.lease_token,
            call_id=f"c{self.calls}",
            **figures,
        )
        self.events.append(usage)

    def finish(self, run_id: str) -> None:
        """Finish a run if none of its phases has work ahead."""
        state = self.runs.get(run_id, run.RunState())
        counts: dict[str, int] = {}
        for phase_id in state.phases:
            status = str(self.phase(PhaseRef(run_id, phase_id)).status)
            counts[status] = counts.get(status, 0) + 1
        self.handle(FinishRun(run_id=run_id, phases_by_state=counts))

    def phase(self, ref: PhaseRef) -> phase.PhaseState:
        """Return a phase as it stands."""
        return self.phases.get(str(ref), phase.PhaseState())

    def _of_run(self, command: RunCommand) -> None:
        state = self.runs.get(command.run_id, run.RunState())
        decided = run.decide(command, state)
        self.runs[command.run_id] = run.fold(decided, state)
        self.events += decided

    def _of_phase(self, command: PhaseCommand) -> None:
        ref = command.ref
        known = self.runs.get(ref.run_id)
        if known is None or ref.phase_id not in known.phases:
            return
        if isinstance(command, ClaimPhase):
            run.check_claimable(known)
        decided = phase.decide(command, self.phase(ref))
        self.phases[str(ref)] = phase.fold(decided, self.phase(ref))
        self.events += decided


@st.composite
def histories(draw: st.DrawFn, max_steps: int = 30) -> list[Any]:
    """
    Return the events of a whole history, in order: any that the library could have written.

    Runs are created and queued to, phases claimed, called for, ended, retried, decided and put
    back by commands in any order; a refused one leaves no event. Each event belongs in the
    stream that :func:`autopack.testing.facts.stream_of` names.
    """
    world = World()
    world.handle(CreateRun(run_id=draw(st.sampled_from(RUNS)), phases=tuple(draw(runs))))
    for _ in range(draw(st.integers(0, max_steps))):
        draw(st.sampled_from(_STEPS))(draw, world)
    return world.events


def _any_of(draw: st.DrawFn, *commands: RunCommand | PhaseCommand) -> RunCommand | PhaseCommand:
    return draw(st.sampled_from(commands))


def _run_step(draw: st.DrawFn, world: World) -> None:
    name = draw(st.sampled_from(RUNS))
    phases = tuple(draw(runs))
    asked = _any_of(
        draw,
        CreateRun(run_id=name, phases=phases, caps={"tokens": 5000}),
        QueuePhases(run_id=name, phases=phases),
        PauseRun(run_id=name, why="lunch", actor="ann"),
        ResumeRun(run_id=name, why="back", actor="ann"),
        RecordPreparation(run_id=name, commit="abc"),
        RecordPreparation(run_id=name, failure="no commit"),
    )
    world.handle(asked)


def _claim_step(draw: st.DrawFn, world: World) -> None:
    ref = _open_phase(draw, world)
    number = world.phase(ref).attempts + 1
    predicted = draw(st.integers(1, 20_000))
    estimate = Estimate(
        estimator="deliverables",
        estimator_version="v1",
        predicted_output_tokens=predicted,
        budget_tokens=2 * predicted,
        confidence=0.5,
        features=Features(
            category=draw(st.sampled_from(CATEGORIES)),
            complexity=draw(st.sampled_from(COMPLEXITIES)),
        ),
    )
    world.handle(
        ClaimPhase(
            ref=ref,
            worker=draw(st.sampled_from(("w1", "w2"))),
            lease_token=f"{ref}#{number}",
            max_attempts=3,
            now=_NOW,
            estimate=draw(st.none() | st.just(estimate)),
        )
    )
    if draw(st.integers(0, 3)):
        token = world.phase(ref).lease_token or "none"
        world.handle(StartPhase(ref=ref, lease_token=token))


def _call_step(draw: st.DrawFn, world: World) -> None:
    tokens = draw(st.none() | st.integers(0, 30_000))
    split = "total_only" if tokens is None else draw(st.sampled_from(("measured", "inferred")))
    world.call(
        _live_phase(draw, world),
        role=draw(st.sampled_from(("builder", "auditor"))),
        input_tokens=draw(st.none() | st.integers(0, 30_000)),
        output_tokens=tokens,
        split=split,
        truncated=draw(st.none() | st.booleans()),
        cost_usd=draw(st.none() | amounts),
    )


def _end_step(draw: st.DrawFn, world: World) -> None:
    ref = _live_phase(draw, world)
    token = world.phase(ref).lease_token or "none"
    held: dict[str, Any] = {"ref": ref, "lease_token": token}
    tried: dict[str, Any] = {**held, "retryable": draw(st.booleans()), "max_attempts": 3}
    asked = _any_of(
        draw,
        CompletePhase(**held, summary="done", duration_s=2.0),
        CompletePhase(**held),
        FailPhase(**tried, code="boom", message="broken", failure_class="execution"),
        TimeOutPhase(**tried, timeout_s=9.0, message="no result"),
        GatePhase(**held, question="fine?"),
        ReleasePhase(**held, why="stopped"),
        ReclaimPhase(**held, why="its lease ended", max_attempts=3),
    )
    world.handle(asked)
    world.finish(ref.run_id)


def _person_step(draw: st.DrawFn, world: World) -> None:
    ref = _open_phase(draw, world)
    decision = draw(st.sampled_from(("approve", "reject", "requeue")))
    asked = _any_of(
        draw,
        RequeuePhase(ref=ref, **_PEOPLE),
        SkipPhase(ref=ref, **_PEOPLE),
        CancelPhase(ref=ref, **_PEOPLE),
        DecideGate(ref=ref, decision=decision, **_PEOPLE),
    )
    world.handle(asked)
    world.finish(ref.run_id)


def _open_phase(draw: st.DrawFn, world: World) -> PhaseRef:
    runs_there = world.runs.items()
    known = [PhaseRef(name, one) for name, state in runs_there for one in sorted(state.phases)]
    return draw(st.sampled_from(known) if known else phase_refs)


def _live_phase(draw: st.DrawFn, world: World) -> PhaseRef:
    live = [ref for ref, state in world.phases.items() if state.status in LIVE]
    return PhaseRef.parse(draw(st.sampled_from(live))) if live else _open_phase(draw, world)


_STEPS = (_run_step, _claim_step, _claim_step, _call_step, _end_step, _end_step, _person_step)

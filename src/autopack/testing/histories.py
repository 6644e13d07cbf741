"""Whole histories that the library could have written: every event is one that decide gave."""

from datetime import UTC, datetime
from typing import Any

import attrs
from hypothesis import strategies as st

from autopack.aggregates import phase, run
from autopack.aggregates.requests import (
    ClaimRequest,
    EndRequest,
    PhaseRequest,
    PhasesRequest,
    RequeueRequest,
    RunRequest,
    event_of,
)
from autopack.errors import CommandRefusedError
from autopack.events import (
    LlmUsageRecorded,
    PhaseCancelled,
    PhaseChecked,
    PhaseClaimed,
    PhaseCompleted,
    PhaseEstimated,
    PhaseFailed,
    PhaseGated,
    PhaseGateDecided,
    PhaseJudged,
    PhaseReclaimed,
    PhaseReleased,
    PhaseRequeued,
    PhaseSkipped,
    PhaseSubmitted,
    PhaseTimedOut,
    RunCreated,
    RunFinished,
    RunPaused,
    RunPrepared,
    RunPrepareFailed,
    RunResumed,
)
from autopack.ports.prediction import PhaseSpec
from autopack.ports.states import BEGUN
from autopack.testing.generators import CATEGORIES, COMPLEXITIES, RUNS, amounts, phase_refs, runs
from autopack.values.ids import PhaseId, PhaseRef, RunId

_NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
_PEOPLE: dict[str, Any] = {"by": "ann", "why": "because"}


@attrs.define
class World:
    """Runs and phases as their events left them; requests and calls add events."""

    events: list[Any] = attrs.Factory(list)
    runs: dict[str, run.RunState] = attrs.Factory(dict)
    phases: dict[str, phase.PhaseState] = attrs.Factory(dict)
    calls: int = 0

    def handle(self, request: RunRequest | PhaseRequest) -> None:
        """Decide a request and keep its events; a refusal changes nothing."""
        try:
            if isinstance(request, RunRequest):
                self._of_run(request)
            else:
                self._of_phase(request)
        except CommandRefusedError:
            return

    def call(self, ref: PhaseRef, **figures: Any) -> None:
        """Record a call of the phase's attempt in work, if there is one."""
        state = self.phase(ref)
        if state.status not in BEGUN:
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
        outcome = run.outcome_of(counts)
        self.handle(RunFinished(run_id=run_id, outcome=outcome, phases_by_state=counts))

    def phase(self, ref: PhaseRef) -> phase.PhaseState:
        """Return a phase as it stands."""
        return self.phases.get(str(ref), phase.PhaseState())

    def _of_run(self, request: RunRequest) -> None:
        state = self.runs.get(request.run_id, run.RunState())
        decided = run.decide(request, state)
        self.runs[request.run_id] = run.fold(decided, state)
        self.events += decided

    def _of_phase(self, request: PhaseRequest) -> None:
        asked = event_of(request)
        ref = PhaseRef(RunId(asked.run_id), PhaseId(asked.phase_id))
        known = self.runs.get(ref.run_id)
        if known is None or ref.phase_id not in known.phases:
            return
        if isinstance(request, ClaimRequest):
            run.check_claimable(known)
        decided = phase.decide(request, self.phase(ref))
        self.phases[str(ref)] = phase.fold(decided, self.phase(ref))
        self.events += decided


@st.composite
def histories(draw: st.DrawFn, max_steps: int = 30) -> list[Any]:
    """
    Return the events of a whole history, in order: any that the library could have written.

    Runs are created and queued to, phases claimed, called for, ended, retried, decided and put
    back by requests in any order; a refused one leaves no event. Each event belongs in the
    stream that :func:`autopack.testing.facts.stream_of` names.
    """
    world = World()
    world.handle(_new_run(draw(st.sampled_from(RUNS)), phases=tuple(draw(runs))))
    for _ in range(draw(st.integers(0, max_steps))):
        draw(st.sampled_from(_STEPS))(draw, world)
    return world.events


def _new_run(name: str, phases: tuple[PhaseSpec, ...], **given: Any) -> PhasesRequest:
    return PhasesRequest(run_id=name, phases=phases, created=RunCreated(run_id=name, **given))


def _any_of(draw: st.DrawFn, *requests: RunRequest | PhaseRequest) -> RunRequest | PhaseRequest:
    return draw(st.sampled_from(requests))


def _run_step(draw: st.DrawFn, world: World) -> None:
    name = draw(st.sampled_from(RUNS))
    phases = tuple(draw(runs))
    asked = _any_of(
        draw,
        _new_run(name, phases, caps={"tokens": 5000}),
        PhasesRequest(run_id=name, phases=phases),
        RunPaused(run_id=name, why="lunch", actor="ann"),
        RunResumed(run_id=name, why="back", actor="ann"),
        RunPrepared(run_id=name, commit="abc"),
        RunPrepareFailed(run_id=name, code="prepare_failed", message="no commit"),
    )
    world.handle(asked)


def _claim_step(draw: st.DrawFn, world: World) -> None:
    ref = _open_phase(draw, world)
    number = world.phase(ref).attempts + 1
    names: dict[str, Any] = {"run_id": ref.run_id, "phase_id": ref.phase_id, "attempt": number}
    predicted = draw(st.integers(1, 20_000))
    features = {
        "category": draw(st.sampled_from(CATEGORIES)),
        "complexity": draw(st.sampled_from(COMPLEXITIES)),
    }
    estimated = PhaseEstimated(
        **names,
        estimator="deliverables",
        estimator_version="v1",
        predicted_output_tokens=predicted,
        budget_tokens=2 * predicted,
        features=features,
    )
    worker = draw(st.sampled_from(("w1", "w2")))
    claimed = PhaseClaimed(**names, worker=worker, lease_token=f"{ref}#{number}")
    estimate = draw(st.none() | st.just(estimated))
    world.handle(ClaimRequest(event=claimed, max_attempts=3, now=_NOW, estimated=estimate))


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
    state, is_retryable = world.phase(ref), draw(st.booleans())
    names: dict[str, Any] = {"run_id": ref.run_id, "phase_id": ref.phase_id}
    held: dict[str, Any] = {
        **names,
        "attempt": max(1, state.attempts),
        "lease_token": state.lease_token or "none",
    }
    failed = PhaseFailed(
        **held, code="boom", message="broken", failure_class="execution", retryable=is_retryable
    )
    late = PhaseTimedOut(**held, timeout_s=9.0, message="no result", retryable=is_retryable)
    lost = PhaseReclaimed(**held, why="its lease ended")
    asked = _any_of(
        draw,
        PhaseSubmitted(**held, executor="e", handle="b1", poll_after_s=60.0, duration_s=1.0),
        PhaseCompleted(**held, summary="done", duration_s=2.0),
        PhaseCompleted(**held),
        EndRequest(event=failed, max_attempts=3, requeued=_again(names, "boom")),
        EndRequest(event=late, max_attempts=3, requeued=_again(names, "timed_out")),
        PhaseGated(**held, question="fine?"),
        PhaseReleased(**held, why="stopped"),
        EndRequest(event=lost, max_attempts=3),
    )
    world.handle(asked)
    world.finish(ref.run_id)


def _again(names: dict[str, Any], code: str) -> PhaseRequeued:
    return PhaseRequeued(**names, by="drain", why=code)


def _person_step(draw: st.DrawFn, world: World) -> None:
    ref = _open_phase(draw, world)
    names: dict[str, Any] = {"run_id": ref.run_id, "phase_id": ref.phase_id, **_PEOPLE}
    decision = draw(st.sampled_from(("approve", "reject", "requeue")))
    asked = _any_of(
        draw,
        RequeueRequest(event=PhaseRequeued(**names, attempts_reset=True)),
        PhaseSkipped(**names),
        PhaseCancelled(**names),
        PhaseGateDecided(**names, decision=decision),
        PhaseJudged(**names, right=draw(st.booleans())),
        _verdict(draw, world, ref),
    )
    world.handle(asked)
    world.finish(ref.run_id)


def _verdict(draw: st.DrawFn, world: World, ref: PhaseRef) -> PhaseChecked:
    """Draw what a check says: of the attempt in work, or, by a recheck, of one that has ended."""
    state = world.phases.get(str(ref))
    return PhaseChecked(
        run_id=ref.run_id,
        phase_id=ref.phase_id,
        check="tests",
        verdict=draw(st.sampled_from(("passed", "failed", "could_not_run"))),
        by="drain",
        lease_token=None if state is None else state.lease_token,
    )


def _open_phase(draw: st.DrawFn, world: World) -> PhaseRef:
    runs_there = world.runs.items()
    known = [PhaseRef(name, one) for name, state in runs_there for one in sorted(state.phases)]
    return draw(st.sampled_from(known) if known else phase_refs)


def _live_phase(draw: st.DrawFn, world: World) -> PhaseRef:
    live = [ref for ref, state in world.phases.items() if state.status in BEGUN]
    return PhaseRef.parse(draw(st.sampled_from(live))) if live else _open_phase(draw, world)


_STEPS = (_run_step, _claim_step, _claim_step, _call_step, _end_step, _end_step, _person_step)

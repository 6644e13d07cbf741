"""Small events with sensible fields, and the streams where they belong."""

from collections.abc import Iterable
from typing import Any

from autopack.events import (
    AccountEvent,
    LlmUsageRecorded,
    PhaseClaimed,
    PhaseCompleted,
    PhaseFailed,
    PhaseQueued,
    PhaseStarted,
    RunCreated,
    RunPaused,
)
from autopack.log.log import Log
from autopack.ports.log import ANY, Recorded
from autopack.values.ids import (
    account_stream,
    drain_stream,
    estimator_stream,
    phase_stream,
    run_stream,
)


def created(run_id: str = "r1", **fields: Any) -> RunCreated:
    """Return a new run."""
    return RunCreated(run_id=run_id, **fields)


def paused(why: str = "lunch", run_id: str = "r1") -> RunPaused:
    """Return a run's pause; the smallest event, where it does not matter which."""
    return RunPaused(run_id=run_id, why=why, actor="ann")


def queued(phase_id: str = "a", run_id: str = "r1", **fields: Any) -> PhaseQueued:
    """Return a phase that waits: a small test to write, the first of its run."""
    given = {"index": 0, "category": "tests", "complexity": "low", **fields}
    return PhaseQueued(run_id=run_id, phase_id=phase_id, **given)


def claimed(phase_id: str = "a", run_id: str = "r1", attempt: int = 1) -> PhaseClaimed:
    """Return a claim of worker ``w1``, with a lease token made of phase and attempt."""
    return PhaseClaimed(
        run_id=run_id,
        phase_id=phase_id,
        attempt=attempt,
        worker="w1",
        lease_token=f"{phase_id}{attempt}",
    )


def started(phase_id: str = "a", run_id: str = "r1", attempt: int = 1) -> PhaseStarted:
    """Return the start of a claimed attempt."""
    token = f"{phase_id}{attempt}"
    return PhaseStarted(run_id=run_id, phase_id=phase_id, attempt=attempt, lease_token=token)


def completed(phase_id: str = "a", run_id: str = "r1", **fields: Any) -> PhaseCompleted:
    """Return a good end of the first attempt."""
    return PhaseCompleted(run_id=run_id, phase_id=phase_id, attempt=1, **fields)


def failed(phase_id: str = "a", run_id: str = "r1", **fields: Any) -> PhaseFailed:
    """Return a bad end of the first attempt, with a reason."""
    given = {"code": "boom", "message": "it broke", **fields}
    return PhaseFailed(run_id=run_id, phase_id=phase_id, attempt=1, **given)


def usage(
    call_id: str = "c1", run_id: str | None = "r1", phase_id: str | None = "a", **fields: Any
) -> LlmUsageRecorded:
    """Return one call's usage; what is not given is unknown."""
    return LlmUsageRecorded(run_id=run_id, phase_id=phase_id, call_id=call_id, **fields)


def stream_of(event: Any) -> str:
    """Return the stream in which an event belongs."""
    if isinstance(event, AccountEvent):
        return account_stream(event.account)
    run_id, phase_id = getattr(event, "run_id", None), getattr(event, "phase_id", None)
    if getattr(event, "drain_id", None):
        return drain_stream(event.drain_id)
    if getattr(event, "proposal_id", None):
        return estimator_stream(event.estimator)
    if run_id and phase_id and not isinstance(event, PhaseQueued):
        return phase_stream(run_id, phase_id)
    return run_stream(run_id or "none")


def append_all(log: Log, events: Iterable[Any]) -> list[Recorded[Any]]:
    """Append events to the streams where they belong, each by itself, without any check."""
    return [
        recorded
        for event in events
        for recorded in log.append(stream_of(event), [event], expected_version=ANY)
    ]

"""Puts an ended phase back in the queue, and opens its run again if that had finished."""

from datetime import datetime
from typing import Any

from autopack.aggregates.requests import RequeueRequest
from autopack.events import PhaseCheckpointsDropped, PhaseRequeued, RunReopened
from autopack.log.command_handler import Handler
from autopack.ports.log import ANY, Entry, Recorded
from autopack.values.ids import PhaseRef, phase_stream, run_stream


def requeue_phase(
    handler: Handler,
    ref: PhaseRef,
    *,
    by: str,
    why: str,
    not_before: datetime | None = None,
    after_loss: bool = False,
    fresh: bool = False,
) -> list[Recorded[Any]]:
    """
    Put an ended phase back in the queue, with all its attempts; reopens its run.

    Args:
        fresh: Whether it begins from the start: what its attempts kept does not count any more.
    """
    event = PhaseRequeued(
        run_id=ref.run_id,
        phase_id=ref.phase_id,
        by=by,
        why=why,
        not_before=not_before,
        attempts_reset=True,
    )
    request = RequeueRequest(event=event, after_loss=after_loss)
    dropped = PhaseCheckpointsDropped(run_id=ref.run_id, phase_id=ref.phase_id, by=by, why=why)
    stream = phase_stream(ref.run_id, ref.phase_id)

    def also() -> list[Entry]:
        return [*reopening(handler, ref, why), *([(stream, [dropped], ANY)] if fresh else [])]

    return handler.handle(request, also=also)


def reopening(handler: Handler, ref: PhaseRef, why: str) -> list[Entry]:
    """Return what opens a finished run again, or asserts that it is open."""
    version, state = handler.known_run(ref.run_id)
    if not state.is_finished:
        return [(run_stream(ref.run_id), [], version)]
    reopened = RunReopened(run_id=ref.run_id, why=f"phase {ref.phase_id} was requeued: {why}")
    return [(run_stream(ref.run_id), [reopened], version)]

"""Runs and phases: created, queued, and what people decide about them."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from autopack.aggregates.commands import (
    CreateRun,
    DecideGate,
    PauseRun,
    QueuePhases,
    ResumeRun,
    SkipPhase,
)
from autopack.api.misspelt_words import doubt_words
from autopack.draining.attempts.requeue import reopening, requeue_phase
from autopack.errors import InvalidInputError
from autopack.log.handler import handler_of
from autopack.log.log import Log
from autopack.ports.log import Recorded
from autopack.ports.prediction import PhaseSpec
from autopack.ports.states import GateDecision
from autopack.values.ids import PhaseName, phase_ref
from autopack.values.money import UsdLike


def create_run(
    log: Log,
    run_id: str,
    phases: Iterable[PhaseSpec] = (),
    *,
    goal: str | None = None,
    caps: Mapping[str, UsdLike] | None = None,
    settings: Mapping[str, Any] | None = None,
    labels: Mapping[str, str] | None = None,
) -> list[Recorded[Any]]:
    """
    Create a run with its phases, all or nothing.

    A category that is nearly a known one, and a complexity that is none, are warned of.

    Args:
        phases: What is to be done; without any, the run waits for ``queue_phases``.
        caps: Limits by unit: ``tokens``, ``usd``, ``phases`` (attempts begun) and ``minutes``
            (that attempts took, summed); see :func:`set_caps`.
        settings: What the phases have in common, for the executor to read; JSON.

    Raises:
        RunExistsError: The run exists; it is left as it is.
        PhaseExistsError: Two phases have one id.
        InvalidInputError: A phase comes ``after`` one that is not among them, or waits for itself.
    """
    command = CreateRun(
        run_id=run_id,
        phases=_specs(phases),
        goal=goal,
        settings=settings or {},
        caps=caps or {},
        labels=labels or {},
    )
    recorded = handler_of(log).handle(command)
    doubt_words(command.phases)
    return recorded


def queue_phases(log: Log, run_id: str, phases: Iterable[PhaseSpec]) -> list[Recorded[Any]]:
    """
    Add phases to a run, all or none; words that may be misspelt are warned of.

    Raises:
        RunMissingError: There is no such run.
        PhaseExistsError: The run has a phase of that id.
        InvalidInputError: A phase comes ``after`` one that is neither in the run nor among these,
            or waits for itself.
    """
    command = QueuePhases(run_id=run_id, phases=_specs(phases))
    recorded = handler_of(log).handle(command)
    doubt_words(command.phases)
    return recorded


def pause_run(log: Log, run_id: str, *, why: str, actor: str = "user") -> list[Recorded[Any]]:
    """Let no phase of the run be claimed; those in work go on."""
    return handler_of(log).handle(PauseRun(run_id=run_id, why=why, actor=actor))


def resume_run(log: Log, run_id: str, *, why: str, actor: str = "user") -> list[Recorded[Any]]:
    """Let phases of a paused run be claimed again."""
    return handler_of(log).handle(ResumeRun(run_id=run_id, why=why, actor=actor))


def requeue(
    log: Log,
    phase: PhaseName,
    *,
    why: str,
    actor: str = "user",
    not_before: datetime | None = None,
) -> list[Recorded[Any]]:
    """
    Put an ended phase back in the queue, with all its attempts; reopens its run.

    One whose worker is gone, with its lease ended, is taken back, as a drain does.

    Raises:
        MoveRefusedError: It is queued already, somebody works on it, or it is done.
    """
    from autopack.draining.attempts.dead_workers import take_back

    ref, handler = phase_ref(phase), handler_of(log)
    lost = take_back(handler, ref)
    return requeue_phase(handler, ref, by=actor, why=why, not_before=not_before, after_loss=lost)


def cancel(log: Log, phase: PhaseName, *, why: str, actor: str = "user") -> list[Recorded[Any]]:
    """
    Call a phase off; a worker that holds it is told within a second, and what it used counts.

    The run is finished if it was the last.
    """
    from autopack.draining.attempts.cancel import cancel

    ref, handler = phase_ref(phase), handler_of(log)
    recorded = cancel(handler, ref, by=actor, why=why)
    handler.finish_run(ref.run_id)
    return recorded


def skip(log: Log, phase: PhaseName, *, why: str, actor: str = "user") -> list[Recorded[Any]]:
    """
    Leave a phase undone, on purpose; finishes the run if it was the last.

    One whose worker is gone, with its lease ended, is taken back first.
    """
    from autopack.draining.attempts.dead_workers import take_back

    ref, handler = phase_ref(phase), handler_of(log)
    take_back(handler, ref)
    recorded = handler.handle(SkipPhase(ref=ref, by=actor, why=why))
    handler.finish_run(ref.run_id)
    return recorded


def decide_gate(
    log: Log, phase: PhaseName, *, decision: GateDecision, why: str, actor: str = "user"
) -> list[Recorded[Any]]:
    """Answer a phase's gate: ``approve``, ``reject`` or ``requeue``; may finish the run."""
    ref = phase_ref(phase)
    command = DecideGate(ref=ref, decision=decision, by=actor, why=why)
    handler = handler_of(log)
    is_back = decision == "requeue"
    recorded = handler.handle(command, also=lambda: reopening(handler, ref, why) if is_back else [])
    handler_of(log).finish_run(ref.run_id)
    return recorded


def _specs(phases: Iterable[PhaseSpec]) -> tuple[PhaseSpec, ...]:
    specs = tuple(phases)
    for spec in specs:
        if not isinstance(spec, PhaseSpec):
            raise InvalidInputError(
                f"{spec!r} is not a phase: give PhaseSpec(ID, category=..., complexity=...).",
                name="phases",
                value=spec,
            )
    return specs

"""Runs and phases: created, queued, and what people decide about them."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import attrs

from autopack.aggregates.cap import checked_caps
from autopack.aggregates.requests import PhasesRequest
from autopack.api.given_reasons import check_why
from autopack.api.misspelt_categories import doubt_words
from autopack.api.placed_checks import placed
from autopack.draining.attempts.requeue import reopening, requeue_phase
from autopack.errors import InvalidInputError
from autopack.events import PhaseGateDecided, PhaseSkipped, RunCreated, RunPaused, RunResumed
from autopack.log.command_handler import Handler
from autopack.log.log import Log, handler_of
from autopack.ports.check_specs import CheckLike, checks_of, tables_of
from autopack.ports.log import Recorded
from autopack.ports.prediction import PhaseSpec
from autopack.ports.states import GateDecision
from autopack.ports.workspaces import checked_workspace
from autopack.values import ids
from autopack.values.ids import PhaseName, PhaseRef, phase_ref
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
    workspace: str | Mapping[str, Any] | None = None,
    check: CheckLike = None,
) -> list[Recorded[Any]]:
    """
    Create a run with its phases, all or nothing.

    A category that is nearly a known one, and a complexity that is none, are warned of.

    Args:
        phases: What is to be done; without any, the run waits for ``queue_phases``.
        caps: Limits by unit: ``tokens``, ``usd``, ``phases`` (attempts begun) and ``minutes``
            (that attempts took, summed); see :func:`set_caps`.
        settings: What the phases have in common, for the executor to read; JSON.
        workspace: Who keeps a folder for each attempt, in drains that name nobody: a registered
            name, or ``{"name": ..., options}``.
        check: What the work of phases is judged by that name no check of their own.

    Raises:
        RunExistsError: The run exists; it is left as it is.
        PhaseExistsError: Two phases have one id.
        InvalidInputError: A phase comes ``after`` one that is not among them, or waits for itself.
        InvalidInputError: A cap has an unknown unit, or is not above 0; a check cannot be so.
    """
    specs = _specs(phases)
    created = RunCreated(
        run_id=ids.run_id(run_id),
        goal=goal,
        settings=settings or {},
        caps=checked_caps(f"Run {run_id!r}", caps or {}),
        labels=labels or {},
        workspace=checked_workspace(workspace),
        checks=tables_of(placed(checks_of(check))),
    )
    request = PhasesRequest(run_id=run_id, phases=specs, created=created)
    recorded = handler_of(log).handle(request)
    doubt_words(specs)
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
    specs = _specs(phases)
    recorded = handler_of(log).handle(PhasesRequest(run_id=run_id, phases=specs))
    doubt_words(specs)
    return recorded


def pause_run(log: Log, run_id: str, *, why: str, actor: str = "user") -> list[Recorded[Any]]:
    """Let no phase of the run be claimed; those in work go on."""
    check_why(f"Run {run_id}", why)
    return handler_of(log).handle(RunPaused(run_id=run_id, why=why, actor=actor))


def resume_run(log: Log, run_id: str, *, why: str, actor: str = "user") -> list[Recorded[Any]]:
    """Let phases of a paused run be claimed again."""
    check_why(f"Run {run_id}", why)
    return handler_of(log).handle(RunResumed(run_id=run_id, why=why, actor=actor))


def requeue(
    log: Log,
    phase: PhaseName,
    *,
    why: str,
    actor: str = "user",
    not_before: datetime | None = None,
    fresh: bool = False,
) -> list[Recorded[Any]]:
    """
    Put an ended phase back in the queue, with all its attempts; reopens its run.

    One whose worker is gone, with its lease ended, is taken back, as a drain does.

    Args:
        fresh: Let the next attempt begin from the start: checkpoints and sessions that earlier
            ones kept do not count any more.

    Raises:
        MoveRefusedError: It is queued already, somebody works on it, or it is done.
    """
    from autopack.draining.attempts.lost_leases import take_back

    ref, handler = _named(log, phase, why)
    lost = take_back(handler, ref)
    return requeue_phase(
        handler, ref, by=actor, why=why, not_before=not_before, after_loss=lost, fresh=fresh
    )


def cancel(log: Log, phase: PhaseName, *, why: str, actor: str = "user") -> list[Recorded[Any]]:
    """
    Call a phase off; a worker that holds it is told within a second, and what it used counts.

    The run is finished if it was the last.
    """
    from autopack.draining.attempts.cancel import cancel

    ref, handler = _named(log, phase, why)
    recorded = cancel(handler, ref, by=actor, why=why)
    handler.finish_run(ref.run_id)
    return recorded


def skip(log: Log, phase: PhaseName, *, why: str, actor: str = "user") -> list[Recorded[Any]]:
    """
    Leave a phase undone, on purpose; finishes the run if it was the last.

    One whose worker is gone, with its lease ended, is taken back first.
    """
    from autopack.draining.attempts.lost_leases import take_back

    ref, handler = _named(log, phase, why)
    take_back(handler, ref)
    skipped = PhaseSkipped(run_id=ref.run_id, phase_id=ref.phase_id, by=actor, why=why)
    recorded = handler.handle(skipped)
    handler.finish_run(ref.run_id)
    return recorded


def decide_gate(
    log: Log, phase: PhaseName, *, decision: GateDecision, why: str, actor: str = "user"
) -> list[Recorded[Any]]:
    """Answer a phase's gate: ``approve``, ``reject`` or ``requeue``; may finish the run."""
    ref, handler = _named(log, phase, why)
    decided = PhaseGateDecided(
        run_id=ref.run_id, phase_id=ref.phase_id, decision=decision, by=actor, why=why
    )
    is_back = decision == "requeue"
    recorded = handler.handle(decided, also=lambda: reopening(handler, ref, why) if is_back else [])
    handler.finish_run(ref.run_id)
    return recorded


def _named(log: Log, phase: PhaseName, why: str) -> tuple[PhaseRef, Handler]:
    """Return what a person decides about, of which it must be said why, and who carries it out."""
    ref = phase_ref(phase)
    check_why(f"Phase {ref}", why)
    return ref, handler_of(log)


def _specs(phases: Iterable[PhaseSpec]) -> tuple[PhaseSpec, ...]:
    specs = tuple(phases)
    for spec in specs:
        if not isinstance(spec, PhaseSpec):
            raise InvalidInputError(
                f"{spec!r} is not a phase: give PhaseSpec(ID, category=..., complexity=...).",
                name="phases",
                value=spec,
            )
    return tuple(
        spec if not spec.check else attrs.evolve(spec, check=placed(spec.check)) for spec in specs
    )

"""Whether a drain may begin; nothing is written by then."""

from typing import Any

from autopack.aggregates.requests import CapsRequest
from autopack.draining.attempts.storable_text import shown, storable, words_of
from autopack.draining.caps.enforcement import Caps
from autopack.draining.queue.admission import Admission
from autopack.draining.settings.settings import Settings
from autopack.errors import (
    DrainRefusedError,
    EmptyLogError,
    MoveRefusedError,
    PhaseMissingError,
    RunMissingError,
)
from autopack.log.command_handler import Handler
from autopack.log.log import Log, registry_of
from autopack.ports.states import LIVE, PhaseStatus


def check(log: Log, settings: Settings, admission: Admission, handler: Handler, caps: Caps) -> None:
    """
    Return if the drain may begin.

    Raises:
        EmptyLogError: The log holds no runs and no phases.
        RunMissingError, PhaseMissingError: The named run or phase is not there.
        MoveRefusedError: The named phase is not queued.
        InvalidInputError: The drain to join has another cap.
        DrainRefusedError: A plugin's guard said no.
    """
    if not admission.runs and not admission.total.by_run and not settings.allow_empty:
        raise EmptyLogError(log.target, events=log.head().position)
    _check_scope(settings, admission, handler)
    handler.decided(set_cap(settings, caps))
    given = {"log": log, "settings": settings.recorded()}
    for plugin, answer in registry_of(log).answers("autopack_guard_drain", **given):
        if (reason := _refusal(answer)) is not None:
            raise DrainRefusedError(plugin, reason)


def _refusal(answer: Any) -> str | None:
    """Return why a guard refuses, or None; one that fails refuses, and one that says no reason."""
    if isinstance(answer, BaseException):
        return storable(f"its guard failed: {type(answer).__name__}: {words_of(answer)}")
    if isinstance(answer, str):
        return storable(answer) or None
    if answer is None or answer is False:
        return None
    return f"its guard answered {shown(answer)}, which is no reason"


def set_cap(settings: Settings, caps: Caps) -> CapsRequest:
    """Return what sets the drain's caps, if it has any."""
    limits = settings.limits
    return caps.of_drain(
        {"tokens": limits.max_tokens, "usd": limits.max_usd},
        may_change=settings.resumes is not None,
    )


def _check_scope(settings: Settings, admission: Admission, handler: Handler) -> None:
    run_id, phase_id = settings.run_id, settings.phase_id
    if run_id is None:
        return
    if run_id not in admission.runs:
        raise RunMissingError(run_id, known=admission.runs)
    if phase_id is None:
        return
    phase = admission.row(f"{run_id}/{phase_id}")
    if phase is None:
        known = handler.run_state(run_id).phases.keys()
        raise PhaseMissingError(f"{run_id}/{phase_id}", known=known)
    is_there = phase.status in LIVE | {PhaseStatus.QUEUED}
    if not is_there and settings.resumes is None:
        raise MoveRefusedError(
            phase.ref,
            state=phase.status,
            to=PhaseStatus.CLAIMED,
            what="a drain takes queued phases",
            do="Put it back with requeue().",
            typed="Put it back with --requeue.",
        )

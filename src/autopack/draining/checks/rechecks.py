"""Attempts judged again, by what is kept of them: nothing is executed but the checks."""

import attrs

from autopack.draining.checks.foreign_checks import why_foreign
from autopack.draining.checks.judged_outputs import judged_texts
from autopack.draining.checks.kept_attempts import (
    KeptAttempt,
    checked_again,
    drain_checks,
    kept_attempts,
)
from autopack.draining.checks.kept_folders import KeptFolders
from autopack.draining.checks.named_checks import check_ready, checks_for
from autopack.errors import InvalidInputError, PhaseMissingError, RunMissingError
from autopack.log.log import Log, handler_of, journal_of, registry_of
from autopack.ports.check_specs import Checks
from autopack.ports.work import PhaseView
from autopack.ports.workspaces import WorkspaceLike
from autopack.projections.phases import standing
from autopack.values.ids import PhaseRef


@attrs.frozen(kw_only=True)
class Rechecked:
    """
    What a check says of an attempt that has ended.

    Args:
        before: ``right`` or ``wrong``, as it was judged last before; None if nobody did.
        says: The last words of the check.
    """

    run_id: str
    phase_id: str
    attempt: int
    check: str
    verdict: str
    says: str | None
    before: str | None

    @property
    def key(self) -> str:
        """``RUN/PHASE``."""
        return f"{self.run_id}/{self.phase_id}"


def recheck_run(
    log: Log,
    run_id: str,
    *,
    phase_id: str | None,
    checks: Checks | None,
    workspace: WorkspaceLike | None,
) -> list[Rechecked]:
    """Judge every attempt of a run of which something is kept; see ``recheck``."""
    registry, handler = registry_of(log), handler_of(log)
    folders = KeptFolders(log, run_id, workspace)
    check_ready(registry, checks or (), folders.folder)
    state = handler.run_state(run_id)
    if not state.phases:
        raise RunMissingError(run_id)
    names = [one.phase_id for one in sorted(state.phases.values(), key=lambda one: one.index)]
    if phase_id is not None and phase_id not in names:
        raise PhaseMissingError(f"{run_id}/{phase_id}", known=names)
    found, n_unnamed = [], 0
    for name in names if phase_id is None else [phase_id]:
        ref = PhaseRef.parse(f"{run_id}/{name}")
        view = standing(state.phases[name], handler.phase_state(ref))
        for kept in kept_attempts(log, ref):
            if not kept.is_ended or not (kept.outputs or folders.has(name, kept.number)):
                continue
            of_drain = drain_checks(log, kept.drain).checks
            of_attempt = checks or checks_for(view, state.checks, of_drain)
            if not checks and why_foreign(handler, ref, of_attempt):
                of_attempt = ()  # it was brought here, and runs nothing
            n_unnamed += not of_attempt
            if of_attempt:
                found += _rechecked(log, view, kept, of_attempt, folders)
    if n_unnamed and not found:
        raise InvalidInputError(
            f"No phase of run {run_id!r} names a check, nor does the run or its drain. Say by what "
            "its work is to be judged:",
            do="check=...",
            typed="--check CHECK",
            name="check",
            value=None,
        )
    return found


def _rechecked(
    log: Log, view: PhaseView, kept: KeptAttempt, checks: Checks, folders: KeptFolders
) -> list[Rechecked]:
    before = handler_of(log).attempt(view.ref, kept.number).verdict
    outputs = judged_texts(journal_of(log), kept.outputs)
    where = folders.of(view.phase_id, kept.number, kept.drain, outputs)
    with where as (folder, has_work):
        told = checked_again(
            log, view, kept, checks, folder=folder, has_work=has_work, by="recheck"
        )
    return [
        Rechecked(
            run_id=event.run_id,
            phase_id=event.phase_id,
            attempt=kept.number,
            check=event.check,
            verdict=event.verdict,
            says=event.excerpt,
            before=before,
        )
        for event in told
    ]

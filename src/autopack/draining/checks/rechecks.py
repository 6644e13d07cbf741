"""Attempts judged again, by what is kept of them: nothing is executed but the checks."""

import secrets
from collections.abc import Mapping
from typing import Any

import attrs

from autopack.draining.checks.foreign_checks import why_foreign
from autopack.draining.checks.judged_outputs import judged_outputs, judged_texts
from autopack.draining.checks.judging import Finding, checked_event, findings, named_texts
from autopack.draining.checks.kept_folders import KeptFolders
from autopack.draining.checks.named_checks import check_ready, checks_for
from autopack.draining.checks.own_checks import waited_for
from autopack.errors import InvalidInputError, PhaseMissingError, RunMissingError
from autopack.events import (
    DrainStarted,
    PhaseChecked,
    PhaseClaimed,
    PhaseCompleted,
    PhaseFailed,
    PhaseGated,
    PhaseTimedOut,
)
from autopack.log.log import Log, handler_of, journal_of, registry_of
from autopack.ports.check_specs import Checks, checks_of
from autopack.ports.checks import CheckedWork
from autopack.ports.work import PhaseView
from autopack.ports.workspaces import WorkspaceLike
from autopack.projections.attempts import attempt_key
from autopack.projections.phases import standing
from autopack.values.ids import PhaseRef, drain_stream, phase_stream

_ENDS = (PhaseCompleted, PhaseGated, PhaseFailed, PhaseTimedOut)


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


@attrs.define
class _Kept:
    """What is kept of an attempt: its outputs by digest, and whether it has ended by itself."""

    number: int
    drain: str | None = None
    outputs: Mapping[str, str] = attrs.Factory(dict)
    summary: str | None = None
    is_ended: bool = False


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
        for kept in _kept(log, ref):
            if not kept.is_ended or not (kept.outputs or folders.has(name, kept.number)):
                continue
            of_attempt = checks or checks_for(view, state.checks, _of_drain(log, kept.drain))
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


def _kept(log: Log, ref: PhaseRef) -> list[_Kept]:
    """Return what a phase's stream says of its attempts, in their order."""
    attempts: dict[int, _Kept] = {}
    for recorded in log.read(phase_stream(ref.run_id, ref.phase_id)):
        event = recorded.event
        if not isinstance(event, (*_ENDS, PhaseClaimed, PhaseChecked)) or event.attempt is None:
            continue
        kept = attempts.setdefault(event.attempt, _Kept(event.attempt))
        if isinstance(event, PhaseClaimed):
            kept.drain = event.drain
            continue
        given = getattr(event, "outputs", {})
        if isinstance(event, PhaseCompleted | PhaseGated):
            given = judged_outputs(given, event.artifacts)
        kept.outputs = given or kept.outputs
        kept.summary = getattr(event, "summary", None) or kept.summary
        kept.is_ended = kept.is_ended or isinstance(event, _ENDS)
    return list(attempts.values())


def _of_drain(log: Log, drain: str | None) -> Checks | None:
    """Return the checks that a drain was started with, as far as a log keeps them."""
    if drain is None:
        return None
    for recorded in log.read(drain_stream(drain), types=[DrainStarted]):
        given: Any = recorded.event.settings.get("check")
        if given and "check" not in recorded.event.settings.get("objects", ()):
            return checks_of(list(given))
    return None


def _rechecked(
    log: Log, view: PhaseView, kept: _Kept, checks: Checks, folders: KeptFolders
) -> list[Rechecked]:
    handler, journal, judging = handler_of(log), journal_of(log), secrets.token_hex(8)
    before = handler.attempt(view.ref, kept.number).verdict
    outputs = judged_texts(journal, kept.outputs)
    told: list[Finding] = []

    async def tell(found: Finding) -> None:
        told.append(found)

    where = folders.of(view.phase_id, kept.number, kept.drain, outputs)
    with where as (folder, has_work):
        work = CheckedWork(
            phase=view,
            attempt=kept.number,
            outputs=outputs,
            summary=kept.summary,
            folder=folder,
            workspace=folder if has_work else None,
            by="recheck",
        )
        settings = handler.known_run(view.run_id)[1].settings
        waited_for(
            lambda: findings(registry_of(log), checks, work, settings, after=tell),
            f"recheck {attempt_key(view.run_id, view.phase_id, kept.number)}",
        )
    return [_recorded(log, one, work, kept, before, judging) for one in told]


def _recorded(
    log: Log, found: Finding, work: CheckedWork, kept: _Kept, before: str | None, judging: str
) -> Rechecked:
    journal = journal_of(log)
    texts = {name: log.artifacts.put(text) for name, text in named_texts(found).items()}
    event = checked_event(
        found,
        work,
        redact=journal.redact,
        outputs=kept.outputs,
        texts=texts,
        judging=judging,
    )
    handler_of(log).handle(event)
    return Rechecked(
        run_id=event.run_id,
        phase_id=event.phase_id,
        attempt=work.attempt,
        check=event.check,
        verdict=event.verdict,
        says=event.excerpt,
        before=before,
    )

"""What is kept of attempts that have ended, and their checks run on that once more."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from autopack.draining.checks.foreign_checks import runs_files, was_brought
from autopack.draining.checks.judged_outputs import judged_outputs, judged_texts
from autopack.draining.checks.judging import Finding, checked_event, findings, named_texts
from autopack.draining.checks.own_checks import waited_for
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
from autopack.ports.log import Entry
from autopack.ports.work import PhaseView
from autopack.projections.attempts import attempt_key
from autopack.values.ids import PhaseRef, drain_stream, phase_stream

_ENDS = (PhaseCompleted, PhaseGated, PhaseFailed, PhaseTimedOut)


@attrs.define
class KeptAttempt:
    """What is kept of an attempt: its outputs by digest, and whether it has ended by itself."""

    number: int
    drain: str | None = None
    outputs: Mapping[str, str] = attrs.Factory(dict)
    summary: str | None = None
    is_ended: bool = False


def kept_attempts(log: Log, ref: PhaseRef) -> list[KeptAttempt]:
    """Return what a phase's stream says of its attempts, in their order."""
    attempts: dict[int, KeptAttempt] = {}
    for recorded in log.read(phase_stream(ref.run_id, ref.phase_id)):
        event = recorded.event
        if not isinstance(event, (*_ENDS, PhaseClaimed, PhaseChecked)) or event.attempt is None:
            continue
        kept = attempts.setdefault(event.attempt, KeptAttempt(event.attempt))
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


@attrs.frozen
class DrainChecks:
    """
    The checks that a drain was started with, as far as a log keeps them.

    Args:
        is_lost: Whether it had some that no log keeps, or that were brought here: they run nothing.
    """

    checks: Checks | None = None
    is_lost: bool = False


def drain_checks(log: Log, drain: str | None) -> DrainChecks:
    """Return the checks that a drain was started with."""
    started = [] if drain is None else log.read(drain_stream(drain), types=[DrainStarted])
    for recorded in started:
        settings = recorded.event.settings
        given: Any = settings.get("check")
        if "check" in settings.get("objects", ()):
            return DrainChecks(is_lost=True)
        checks = checks_of(list(given)) if given else None
        if checks and runs_files(checks) and was_brought(journal_of(log), recorded):
            return DrainChecks(is_lost=True)
        return DrainChecks(checks)
    return DrainChecks()


def checked_again(
    log: Log,
    view: PhaseView,
    kept: KeptAttempt,
    checks: Checks,
    *,
    folder: Path,
    has_work: bool,
    by: str,
    unless: Callable[[], Sequence[Entry]] = tuple,
) -> list[PhaseChecked]:
    """
    Run checks on what is kept of an attempt; record, and return, what each has said.

    Args:
        has_work: Whether its work stands in the *folder*, and not its outputs alone.
        by: For what it is done, as it is recorded.
        unless: Called once more before each is recorded; what it raises is raised, and nothing is.
    """
    work = CheckedWork(
        phase=view,
        attempt=kept.number,
        outputs=judged_texts(journal_of(log), kept.outputs),
        summary=kept.summary,
        folder=folder,
        workspace=folder if has_work else None,
        by=by,
    )
    settings, told = handler_of(log).known_run(view.run_id)[1].settings, list[Finding]()

    async def tell(found: Finding) -> None:
        told.append(found)

    waited_for(
        lambda: findings(registry_of(log), checks, work, settings, after=tell),
        f"{by} {attempt_key(view.run_id, view.phase_id, kept.number)}",
    )
    judging = secrets.token_hex(8)
    return [_recorded(log, one, work, kept, judging, unless) for one in told]


def _recorded(
    log: Log,
    found: Finding,
    work: CheckedWork,
    kept: KeptAttempt,
    judging: str,
    unless: Callable[[], Sequence[Entry]],
) -> PhaseChecked:
    texts = {name: log.artifacts.put(text) for name, text in named_texts(found).items()}
    event = checked_event(
        found,
        work,
        redact=journal_of(log).redact,
        outputs=kept.outputs,
        texts=texts,
        judging=judging,
    )
    handler_of(log).handle(event, also=unless)
    return event

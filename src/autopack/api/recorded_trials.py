"""The attempts of a log as trials of models at tasks."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import attrs

from autopack.api.views import list_phases, view
from autopack.errors import InvalidInputError
from autopack.errors.nearest import did_you_mean
from autopack.events import PhaseChecked, PhaseClaimed, PhaseJudged
from autopack.events.verdicts import VerdictEvent
from autopack.log.log import Log
from autopack.ports.log import EventClass
from autopack.ports.work import PhaseView
from autopack.prediction.cascades.attempt_trials import (
    Place,
    RecordedTrials,
    recorded_trials,
    words_of,
)
from autopack.report.quantities import count

_READ: Final[tuple[EventClass[PhaseClaimed | VerdictEvent], ...]] = (
    PhaseClaimed,
    PhaseChecked,
    PhaseJudged,
)
Phases = Mapping[tuple[str, str], PhaseView]


def trials_of_log(log: Log, runs: Sequence[str], *, check: str | None) -> RecordedTrials:
    """
    Return the attempts of some runs, or of all, as trials.

    Raises:
        RunMissingError: There is no such run.
        InvalidInputError: No check of that name judged anything.
    """
    phases = _phases(log, runs)
    tasks, others = _tasks(sorted(phases.values(), key=lambda phase: phase.order))
    models: dict[Place, str | None] = {}
    verdicts: list[tuple[Place, VerdictEvent]] = []
    for recorded in log.read_all(types=_READ):
        event = recorded.event
        phase = phases.get((event.run_id, event.phase_id))
        if phase is None:
            continue
        place = event.run_id, event.phase_id, event.attempt or phase.attempts
        if isinstance(event, PhaseClaimed):
            models[place] = event.model
        else:
            verdicts.append((place, event))
    _check_name(check, verdicts)
    rows = view(log, "attempts").rows.values()
    found = recorded_trials(rows, words_of(verdicts, check), tasks=tasks, models=models)
    return attrs.evolve(found, notes=tuple(_notes(found, others)))


def _phases(log: Log, runs: Sequence[str]) -> Phases:
    found = (
        [phase for run in runs for phase in list_phases(log, run)]
        if runs
        else view(log, "phases").rows.values()
    )
    return {(phase.run_id, phase.phase_id): phase for phase in found}


def _tasks(phases: Iterable[PhaseView]) -> tuple[dict[tuple[str, str], str], int]:
    """Return the task of each phase, and how many ask for else than the first one of their id."""
    asked: dict[str, list[str]] = {}
    tasks: dict[tuple[str, str], str] = {}
    others = 0
    for phase in phases:
        what = json.dumps([phase.goal, phase.payload, *phase.deliverables], sort_keys=True)
        of_id = asked.setdefault(phase.phase_id, [])
        if what not in of_id:
            of_id.append(what)
        number = of_id.index(what)
        others += number > 0
        name = phase.phase_id if not number else f"{phase.phase_id} ({number + 1})"
        tasks[phase.run_id, phase.phase_id] = name
    return tasks, others


def _check_name(check: str | None, verdicts: Iterable[tuple[Place, VerdictEvent]]) -> None:
    if check is None:
        return
    known = {one.check for _place, one in verdicts if isinstance(one, PhaseChecked)}
    if check not in known:
        hint = did_you_mean(check, known)
        there = f" There are: {', '.join(sorted(known))}." if known else ""
        raise InvalidInputError(
            f"No check {check!r} judged an attempt.{hint}{there}", name="check", value=check
        )


def _notes(found: RecordedTrials, others: int) -> Iterable[str]:
    if others:
        yield (
            f"{count(others, 'phase')} of the same id as one of another run, but with another "
            "goal, payload or deliverables: taken as other tasks"
        )
    unproven = sum(one.right is not None and not one.is_proven for one in found.trials)
    if unproven:
        yield (
            f"of {unproven} of {len(found.trials)} trials the check's own word is all that is "
            "known: what it passed counts as right; judge some of them by other means"
        )

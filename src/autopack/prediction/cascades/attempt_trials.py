"""Recorded attempts as trials: which model, at which task, for what, and who says it was right."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import attrs

from autopack.events.verdicts import PhaseChecked, PhaseJudged, VerdictEvent
from autopack.prediction.cascades.trials import Trial
from autopack.projections.attempt_row import UNANSWERED, AttemptRow

_OWN: Final = frozenset({"drain", "attempt"})
"""Who has a check judge work before it ends; another word comes later."""
_NO_TRY: Final = frozenset({"released", "reclaimed", "cancelled", None})

Place = tuple[str, str, int]
"""A run, a phase, and the number of an attempt."""


@attrs.frozen(kw_only=True)
class AttemptWords:
    """
    What was said of an attempt's work; None is nothing.

    Args:
        checked: Whether the check passed it; of several checks, whether all did.
        truth: Whether it is right by the last word that is not the check's own: a person's, or
            another check's.
    """

    checked: bool | None = None
    truth: bool | None = None


@attrs.frozen(kw_only=True)
class RecordedTrials:
    """
    What was recorded as trials.

    Args:
        left_out: How many attempts are none, by reason.
        notes: What is good to know of them, in sentences.
    """

    trials: Sequence[Trial]
    left_out: Mapping[str, int] = attrs.Factory(dict)
    notes: Sequence[str] = ()


def words_of(
    events: Iterable[tuple[Place, VerdictEvent]], check: str | None
) -> dict[Place, AttemptWords]:
    """
    Return what was said of each attempt.

    Args:
        events: In the order of the log, each with its attempt.
        check: The check whose word is meant; None means all that judged before the attempt ended.
    """
    said: dict[Place, list[VerdictEvent]] = defaultdict(list)
    for place, event in events:
        said[place].append(event)
    return {place: _words(of, check) for place, of in said.items()}


def _words(events: Sequence[VerdictEvent], check: str | None) -> AttemptWords:
    checks = [one for one in events if isinstance(one, PhaseChecked) and _says(one) is not None]
    names = {one.check for one in checks if one.by in _OWN} if check is None else {check}
    own = {
        one.check: _says(one) for one in reversed(checks) if one.check in names
    }  # the first word
    others = [
        word
        for one in events
        if not (isinstance(one, PhaseChecked) and one.check in names)
        and (word := _says(one)) is not None
    ]
    return AttemptWords(
        checked=all(own.values()) if own else None, truth=others[-1] if others else None
    )


def _says(event: VerdictEvent) -> bool | None:
    if isinstance(event, PhaseJudged):
        return event.right
    return None if event.verdict == "could_not_run" else event.verdict == "passed"


def recorded_trials(
    rows: Iterable[AttemptRow],
    words: Mapping[Place, AttemptWords],
    *,
    tasks: Mapping[tuple[str, str], str],
    models: Mapping[Place, str | None],
) -> RecordedTrials:
    """
    Return the first try of each model at each phase of each run.

    Later tries of the same model know what the first one failed with, and are made only where it
    did. An attempt that failed by itself is wrong, and no check was needed to see it; one that was
    taken back, or was never answered, is no try.

    Args:
        rows: Attempts, in any order.
        tasks: By run and phase: the task that the phase is; attempts at others are not meant.
        models: The models that attempts were claimed with.
    """
    left_out: Counter[str] = Counter()
    found: dict[tuple[str, str, str], Trial] = {}
    for row in sorted(rows, key=lambda row: row.attempt or 0):
        run_id, phase_id = row.run_id, row.phase_id
        if run_id is None or phase_id is None or (run_id, phase_id) not in tasks:
            continue
        place = run_id, phase_id, row.attempt or 0
        trial = _trial(
            row,
            words.get(place, AttemptWords()),
            task=tasks[run_id, phase_id],
            model=models.get(place) or row.model,
        )
        if isinstance(trial, str):
            left_out[trial] += 1
        elif found.setdefault((run_id, phase_id, trial.model), trial) is not trial:
            left_out["second_tries"] += 1
    return RecordedTrials(trials=list(found.values()), left_out=dict(left_out))


def _trial(row: AttemptRow, words: AttemptWords, *, task: str, model: str | None) -> Trial | str:
    """Return an attempt as a trial, or in a word why it is none."""
    if model is None:
        return "no_model"
    is_said = words != AttemptWords()
    if not is_said and (row.ending in _NO_TRY or row.failure_class in UNANSWERED):
        return "no_try"
    failed = row.ending in ("failed", "timed_out") and not is_said
    checked = False if failed else words.checked
    return Trial(
        task=task,
        model=model,
        cost_usd=float(row.use.cost_usd) if row.use.calls and not _is_unpriced(row) else None,
        right=checked if words.truth is None else words.truth,
        checked=checked,
        calls=row.use.calls,
        is_proven=words.truth is not None,
    )


def _is_unpriced(row: AttemptRow) -> bool:
    return row.use.calls_without_cost > 0 or row.is_misread

"""Attempts as trials: whose word is the check's, whose is the truth, and what is no try."""

import pytest

from autopack.events import PhaseChecked, PhaseJudged
from autopack.prediction.cascades.attempt_trials import (
    AttemptWords,
    recorded_trials,
    words_of,
)
from autopack.projections.attempt_row import AttemptRow
from autopack.projections.call_use import Call, Use
from autopack.values.money import Usd

PLACE = ("r", "p", 1)
OF = {"run_id": "r", "phase_id": "p", "attempt": 1}


def checked(verdict="passed", *, check="tests", by="drain"):
    """Return what a check said."""
    return PhaseChecked(**OF, check=check, verdict=verdict, by=by)


def judged(right, *, by="me", check=None):
    """Return what somebody said."""
    return PhaseJudged(**OF, right=right, by=by, why="looked", check=check)


@pytest.mark.parametrize(
    ("events", "check", "words"),
    [
        ([checked()], None, (True, None)),
        ([checked("failed")], None, (False, None)),
        ([checked("could_not_run")], None, (None, None)),
        ([checked(), checked("failed", check="lint")], None, (False, None)),
        ([checked(), checked("failed", check="lint")], "tests", (True, False)),
        ([checked(), judged(False)], None, (True, False)),
        ([checked(), judged(False), judged(True)], None, (True, True)),
        ([checked(), checked("failed", check="hidden", by="recheck")], None, (True, False)),
        ([checked(), checked("failed", by="recheck")], None, (True, None)),
        ([checked(check="tests", by="recheck")], None, (None, True)),
        ([checked(by="recheck"), judged(False)], "tests", (True, False)),
        ([checked(), checked("could_not_run", check="hidden", by="recheck")], None, (True, None)),
        ([judged(True)], None, (None, True)),
        ([checked(by="attempt")], None, (True, None)),
    ],
)
def test_words(events, check, words):
    """
    A check judges before the end; what a person or another check says is the truth.

    The same check again tells nothing new, and one that could not run tells nothing.
    """
    found = words_of([(PLACE, event) for event in events], check)

    assert AttemptWords(checked=words[0], truth=words[1]) == found[PLACE]


def use(*usd):
    """Return what calls used that cost so much; None is not known."""
    found = Use()
    for number, one in enumerate(usd):
        cost = None if one is None else Usd.of(one)
        found = found.plus(Call(call_id=str(number), cost_usd=cost))
    return found


def row(number=1, phase="p", **fields):
    """Return an attempt that completed, with one call for half a dollar."""
    usual = {"ending": "completed", "use": use(0.5), "position": number}
    return AttemptRow(run_id="r", phase_id=phase, attempt=number, **{**usual, **fields})


def trials(*rows, words=None, models=None):
    """Return rows as trials of the model ``m`` at the task ``t``."""
    usual = {("r", one.phase_id, one.attempt): "m" for one in rows}
    return recorded_trials(
        rows, words or {}, tasks={("r", "p"): "t"}, models={**usual, **(models or {})}
    )


def test_an_attempt():
    """Its task, its model, its cost, and both words."""
    (found,) = trials(row(), words={PLACE: AttemptWords(checked=True, truth=False)}).trials

    assert ("t", "m", 0.5, False, True, 1, True) == (
        found.task,
        found.model,
        found.cost_usd,
        found.right,
        found.checked,
        found.calls,
        found.is_proven,
    )


def test_a_checks_own_word():
    """It counts as the truth where nothing else is known, and that is told."""
    (found,) = trials(row(), words={PLACE: AttemptWords(checked=True)}).trials

    assert (True, True, False) == (found.right, found.checked, found.is_proven)


def test_an_executors_own_word_is_no_verdict():
    """Completed means that somebody said so."""
    assert "no_verdict" == trials(row()).trials[0].lacks


@pytest.mark.parametrize("ending", ["failed", "timed_out"])
def test_an_attempt_that_failed_by_itself_is_wrong(ending):
    """No check was needed to see it; and it says nothing of a check."""
    (found,) = trials(row(ending=ending, failure_class="execution")).trials

    assert (False, False, False) == (found.right, found.checked, found.is_proven)


@pytest.mark.parametrize(
    "fields",
    [
        {"ending": "released"}, {"ending": "reclaimed"}, {"ending": "cancelled"},
        {"ending": None}, {"ending": "failed", "failure_class": "rate_limited"},
        {"ending": "failed", "failure_class": "usage_limit"},
        {"ending": "failed", "failure_class": "connection"},
    ],
)  # fmt: skip
def test_what_is_no_try(fields):
    """Work that was taken back, or never answered, tells nothing of its model."""
    found = trials(row(**fields))

    assert ([], {"no_try": 1}) == (found.trials, found.left_out)


@pytest.mark.parametrize("calls", [(), (0.1, None)])
def test_a_cost_that_is_not_known(calls):
    """Neither that of no call at all, nor that of a part."""
    words = {PLACE: AttemptWords(truth=True)}

    assert "no_cost" == trials(row(use=use(*calls)), words=words).trials[0].lacks


def test_only_the_first_try_of_a_model():
    """The second was made because the first one failed, and knew with what."""
    words = {("r", "p", n): AttemptWords(truth=n > 1) for n in (1, 2)}
    found = trials(row(2), row(1), words=words)

    assert ([False], {"second_tries": 1}) == ([one.right for one in found.trials], found.left_out)


def test_what_is_no_try_is_not_the_first_one():
    """An attempt that met a rate limit leaves the first try to the next."""
    limited = row(1, ending="failed", failure_class="rate_limited")
    found = trials(limited, row(2), words={("r", "p", 2): AttemptWords(truth=True)})

    assert [True] == [one.right for one in found.trials]


def test_each_model_has_its_first_try():
    """In one phase, one after the other."""
    words = {("r", "p", n): AttemptWords(checked=n > 1) for n in (1, 2)}
    found = trials(row(1), row(2), words=words, models={("r", "p", 2): "large"})

    assert ["m", "large"] == [one.model for one in found.trials]


def test_a_model_that_nobody_names():
    """What answered stands for it; without that it is no trial."""
    found = trials(row(1, model="m-2026"), models={PLACE: None}).trials

    assert ["m-2026"] == [one.model for one in found]
    assert {"no_model": 1} == trials(row(1), models={PLACE: None}).left_out


def test_other_phases_are_not_meant():
    """Only those that are a task."""
    assert [] == trials(row(phase="q")).trials

"""False passes and false failures of a check, as given, measured or assumed."""

import pytest

from autopack.prediction.cascades.check_rates import passing_by, rates_of
from autopack.prediction.cascades.trials import Trial


def trials(*words, repeats=1):
    """Return trials of as many tasks: what is right, and what the check said."""
    return [
        Trial(task=f"t{number}", model=f"m{again}", cost_usd=1, right=right, checked=checked)
        for number, (right, checked) in enumerate(words)
        for again in range(repeats)
    ]


def rates(given, false_passes=None, false_failures=None):
    """Return the rates of some trials."""
    return rates_of(given, false_passes=false_passes, false_failures=false_failures)


FAIR = [(False, True)] * 10 + [(False, False)] * 90 + [(True, True)] * 95 + [(True, False)] * 5


def test_measured():
    """Shares of what was judged and checked, with the intervals of such shares."""
    found = rates(trials(*FAIR))
    passes, failures = found.false_passes, found.false_failures

    assert ("measured", None) == (found.basis, found.fault)
    assert (0.1, 100, 0.05, 100) == (passes.share, passes.rows, failures.share, failures.rows)
    assert (0.046, 0.204) == (round(passes.low, 3), round(passes.high, 3))


def test_trials_of_one_task_are_one_piece_of_evidence():
    """Five models that a check judges alike on each task tell as much as one."""
    once, five = rates(trials(*FAIR)), rates(trials(*FAIR, repeats=5))

    assert 500 == five.false_passes.rows
    assert once.false_passes.high == pytest.approx(five.false_passes.high, abs=1e-3)


@pytest.mark.parametrize("unknown", [{"checked": None}, {"right": None}])
def test_what_was_not_judged_tells_nothing(unknown):
    """Neither a trial that was not checked, nor one whose truth is not known."""
    lacking = Trial(**{"task": "x", "model": "m", "right": False, "checked": True, **unknown})

    assert rates(trials(*FAIR)) == rates([*trials(*FAIR), lacking])


def test_assumed():
    """Where nothing is known of it, a check is taken to be perfect, and that is told."""
    found = rates([Trial(task="t", model="m", right=True)])

    assert ("assumed", 0, 0) == (found.basis, found.false_passes.share, found.false_failures.share)


def test_given():
    """A rate that is given stands for what was measured; the other one stays."""
    found = rates(trials(*FAIR), false_passes=0.3)

    assert ("given", 0.3, 0.3) == (found.basis, found.false_passes.share, found.false_passes.high)
    assert 0.05 == found.false_failures.share
    assert 0.3 == passing_by(found)(Trial(task="t", model="m", right=False, checked=False))


def test_what_a_check_said_is_known():
    """Of a trial that it judged no probability is needed."""
    found = rates(trials(*FAIR))
    right, wrong = (Trial(task="t", model="m", right=one) for one in (True, False))

    assert (0.95, 0.1) == (passing_by(found)(right), passing_by(found)(wrong))
    assert (0, 1) == tuple(
        passing_by(found)(Trial(task="t", model="m", right=not one, checked=one)) for one in (0, 1)
    )


@pytest.mark.parametrize(
    ("wrong_passed", "right_failed", "fault"),
    [
        (50, 0, "passes 50 % (38 to 62 %) of wrong work"),
        (45, 0, "passes 45 % (33 to 58 %) of wrong work"),
        (35, 0, None),
        (20, 80, "fails 80 % (68 to 88 %) of right work, and passes 20 %"),
        (0, 80, None),
        (0, 98, "fails 98 %"),
        (100, 0, "passes 100 %"),
    ],
)
def test_a_check_that_does_not_tell_right_from_wrong(wrong_passed, right_failed, fault):
    """It must be shown to pass less than half of wrong work, and more of right work than that."""
    words = [(False, n < wrong_passed) for n in range(100)]
    words += [(True, n >= right_failed) for n in range(100)]
    found = rates(trials(*words)).fault

    assert (fault is None) == (found is None)
    assert fault is None or fault in found


@pytest.mark.parametrize("only", [True, False])
def test_a_check_that_met_one_kind_only(only):
    """What it does with the other kind is not known, and not taken to be good."""
    found = rates(trials(*[(only, only)] * 50))

    assert "an unknown share" in found.fault


def test_few_words_prove_little():
    """Three of three wrong ones failed may be luck."""
    assert rates(trials(*[(False, False)] * 3, *[(True, True)] * 50)).fault is not None


@pytest.mark.parametrize(("given", "is_fit"), [(0.49, True), (0.5, False), (0.99, False)])
def test_a_given_rate_of_half_says_nothing(given, is_fit):
    """As one that was measured."""
    assert is_fit == (rates([], false_passes=given).fault is None)

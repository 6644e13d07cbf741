"""The old formulae: eligibility, groups, upper median, confidence, gates."""

import math

import pytest

from autopack.errors import InvalidInputError
from autopack.types import Features, Sample
from autopack_legacy import LegacyCalibrator
from autopack_legacy.calibrator import confidence, upper_median


def sample(actual, predicted=1000, **fields):
    """Return an eligible sample, but for the fields given."""
    defaults = {
        "position": 1,
        "run_id": "r",
        "phase_id": "p",
        "attempt": None,
        "category": "tests",
        "complexity": "low",
        "success": True,
    }
    return Sample(
        actual_output_tokens=actual, predicted_output_tokens=predicted, **(defaults | fields)
    )


def proposal(samples, **options):
    """Return what the calibrator proposes after the samples."""
    calibrator = LegacyCalibrator(**options)
    state = calibrator.initial()
    for one in samples:
        state = calibrator.update(state, one)
    return calibrator.propose(state)


def test_the_upper_of_two_medians():
    """Of an even number of ratios the upper middle one is taken."""
    assert 3 == upper_median([4, 1, 3, 2])
    assert 2 == upper_median([3, 1, 2])


def test_confidence():
    """Number and agreement add up to at most 1."""
    assert math.isclose(1.0, confidence([0.5] * 12))
    assert math.isclose(0.45, confidence([0.5]))
    assert math.isclose(0.1 + 0.4 / 1.5, confidence([0.0, 1.0]))


def test_a_group_that_passes():
    """Equal ratios of twelve samples, repeats included, are proposed with high confidence."""
    found = proposal([sample(300)] * 12)

    (group,) = found.groups
    assert (12, 0.3, 0.3, 1.0, True) == (
        group.n,
        group.median_ratio,
        group.proposed_multiplier,
        group.confidence,
        group.is_high_confidence,
    )
    assert {"tests/low": 0.3} == found.new
    assert (12, 1) == (found.samples_used, found.high_confidence)


def test_small_groups_are_not_used():
    """A group below the minimum is counted as set aside, not as used."""
    found = proposal([sample(300)] * 5 + [sample(300, category="docs")] * 4)

    assert (5, {"small_group": 4}) == (found.samples_used, found.samples_set_aside)
    assert {} == found.new


@pytest.mark.parametrize(
    ("one", "why"),
    [
        (sample(300), None),
        (sample(300, is_test=True, split="inferred", estimator_version="x"), None),
        (sample(None), "no_measurement"),
        (sample(300, success=False), "unsuccessful"),
        (sample(300, success=None), "unsuccessful"),
        (sample(300, truncated=True), "truncated"),
    ],
)
def test_eligibility(one, why):
    """Only success, truncation and missing figures count; the state stays as it was."""
    calibrator = LegacyCalibrator()
    state = calibrator.initial()

    assert why == calibrator.set_aside(state, one)
    assert (0 if why else 1) == len(calibrator.update(state, one).groups)
    assert calibrator.initial() == state


def test_groups_by_the_words_of_the_source():
    """Where the source had another word for the category, that word makes the group."""
    found = proposal([sample(300), sample(300, source_category="testing")], min_samples=1)

    assert [("testing", 1), ("tests", 1)] == [(g.category, g.n) for g in found.groups]


def test_a_prediction_of_nothing():
    """An estimate of 0 tokens has the ratio 0."""
    found = proposal([sample(300, predicted=0)], min_samples=1)

    assert 0.0 == found.groups[0].median_ratio


def test_predict():
    """The group's own sizes answer, and the default of the complexity without any."""
    calibrator = LegacyCalibrator()
    empty, features = calibrator.initial(), Features(category="tests", complexity="low")
    state = calibrator.update(calibrator.update(empty, sample(100)), sample(200))

    assert [8192, 100, 200, 200] == [
        calibrator.predict(s, features, tau).tokens
        for s, tau in [(empty, 0.9), (state, 0.0), (state, 0.5), (state, 1.0)]
    ]


@pytest.mark.parametrize("options", [{"min_samples": 0}, {"confidence_threshold": 1.5}])
def test_impossible_options_are_refused(options):
    """An option that no group could meet or miss is refused with its value."""
    with pytest.raises(InvalidInputError, match=str(next(iter(options.values())))):
        LegacyCalibrator(**options)

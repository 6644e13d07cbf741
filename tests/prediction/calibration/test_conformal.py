"""Split conformal bounds: the cap, what is ranked, and the bulk form."""

import pytest

from autopack.errors import InvalidInputError
from autopack.ports.prediction import Features
from autopack.prediction.calibration.calibrator_fold import run_calibrator
from autopack.prediction.calibration.conformal import SplitConformal


def test_too_few_samples(learned, sample):
    """Where no finite bound holds what is promised, the hard cap is given."""
    calibrator = SplitConformal(cap_tokens=9000)
    asked = Features(category="docs", complexity="low", predicted_output_tokens=100)
    eight, nine = (learned(calibrator, [sample(50, 100)] * n) for n in (8, 9))

    assert 9000 == calibrator.predict(eight, asked, 0.9).tokens
    assert 50 == calibrator.predict(nine, asked, 0.9).tokens


def test_no_bound_exceeds_the_cap(learned, sample):
    """A figure times a ratio that is over the cap is the cap."""
    calibrator = SplitConformal(cap_tokens=9000)
    state = learned(calibrator, [sample(500, 100)] * 20)
    asked = Features(category="docs", complexity="low", predicted_output_tokens=8000)

    assert 9000 == calibrator.predict(state, asked, 0.9).tokens


def test_only_whole_successes_are_ranked(sample):
    """Outputs that were cut off and failed attempts are set aside by reason."""
    evidence = [sample(), sample(truncated=True), sample(success=False)]
    found = run_calibrator(SplitConformal(), evidence)

    assert 1 == found.samples_used
    assert {"truncated": 1, "unsuccessful": 1} == found.samples_set_aside


def test_bulk_equals_one_by_one(learned, sample):
    """Many at once give the same scores."""
    calibrator = SplitConformal()
    evidence = [sample(size, phase_id=f"p{size % 5}") for size in range(1, 40)] * 2

    assert learned(calibrator, evidence) == calibrator.update_all(calibrator.initial(), evidence)[0]


def test_impossible_options():
    """A cap that is no size is refused."""
    with pytest.raises(InvalidInputError, match="cap_tokens is 0"):
        SplitConformal(cap_tokens=0)

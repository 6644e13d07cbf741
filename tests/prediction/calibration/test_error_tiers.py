"""The tiers of faults: shares, strata, targets, and what is not judged."""

import pytest

from autopack.prediction.calibration.error_tiers import tiers_of


def tier(found, stratum="all", part="all"):
    """Return one stratum's tier."""
    return next(one for one in found if (one.stratum, one.part) == (stratum, part))


def test_shares(sample):
    """Each share is of the samples that tell; cut off ones count by what was seen."""
    evidence = [
        *[sample(500, 1000)] * 16,
        *[sample(1500, 1000)] * 2,
        sample(1200, 1000, truncated=True, success=False),
        sample(100, 1000, success=None),
    ]
    found = tier(tiers_of(evidence))

    assert (20, 3 / 20, 3 / 20) == (found.n, found.underestimated, found.underestimated_most)
    assert 1 / 20 == found.truncated
    assert (18 / 19, True) == (found.succeeded, found.needs_work)
    assert (2.0, 2.0) == (found.waste_p50, found.waste_p90)
    errors = [500 / 750] * 16 + [500 / 1250] * 2 + [900 / 550]
    assert pytest.approx(100 * sum(errors) / 19) == found.smape


def test_strata(sample):
    """Samples are told apart by category, complexity, and one, a few or many deliverables."""
    evidence = [
        sample(deliverables=1),
        sample(deliverables=2, category="testing"),
        sample(deliverables=5, complexity="HIGH"),
        sample(deliverables=6),
        sample(deliverables=None),
    ]
    found = tiers_of(evidence)
    parts = {(one.stratum, one.part): one.n for one in found}

    assert {
        ("all", "all"): 5,
        ("category", "docs"): 4,
        ("category", "tests"): 1,
        ("complexity", "low"): 4,
        ("complexity", "high"): 1,
        ("deliverables", "1"): 1,
        ("deliverables", "2-5"): 2,
        ("deliverables", "6 or more"): 1,
        ("deliverables", "none named"): 1,
    } == parts


@pytest.mark.parametrize(
    ("under", "cut", "needs_work"),
    [(5, 0, False), (6, 0, True), (0, 2, False), (0, 3, True), (3, 2, False), (4, 2, True)],
)
def test_targets(sample, under, cut, needs_work):
    """Five in a hundred may be underestimated, cut ones with them, two cut off; more need work."""
    evidence = [
        *[sample(2000, 1000)] * under,
        *[sample(10, 1000, truncated=True)] * cut,
        *[sample(900, 1000)] * (100 - under - cut),
    ]

    assert needs_work == tier(tiers_of(evidence)).needs_work


def test_what_is_not_judged(sample):
    """Samples without a prediction or a measured output, and those of tests, are left out."""
    evidence = [
        sample(predicted=0),
        sample(actual=None),
        sample(split="inferred"),
        sample(is_test=True),
    ]

    assert () == tiers_of(evidence)

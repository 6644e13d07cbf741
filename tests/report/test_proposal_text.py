"""A calibration as JSON and as a report for people."""

import json
from datetime import UTC, datetime

import attrs
import pytest

from autopack.ports.prediction import Group, Proposal
from autopack.report.proposal_text import (
    calibration_json,
    calibration_markdown,
    next_step,
    report_name,
)

AT = datetime(2025, 12, 31, 23, 5, 9, tzinfo=UTC)

GROUP = Group(
    category="docs",
    complexity="low",
    n=8,
    mean_actual=1675,
    mean_estimated=5200,
    median_ratio=0.32,
    confidence=0.77,
    proposed_multiplier=0.64,
    is_high_confidence=True,
)

PROPOSAL = Proposal(
    calibrator="median-ratio",
    estimator="deliverables",
    base_version="v1",
    new_version="v1+0a1b2c3d",
    samples_used=8,
    samples_set_aside={"unmeasured_split": 3, "odd": 1},
    groups=(GROUP,),
    old={"docs/low": 2.0},
    new={"docs/low": 0.64},
    settings={"min_samples": 5, "confidence_threshold": 0.7},
    logs=({"log": "L1", "position": 40},),
)

NOTHING = attrs.evolve(PROPOSAL, new=PROPOSAL.old)


def test_report_name():
    """The name carries the moment to the second."""
    assert "token_estimator_calibration_20251231_230509" == report_name(AT)


def test_json():
    """The JSON form has every figure, with groups as objects and high_confidence as a count."""
    found = json.loads(json.dumps(calibration_json(PROPOSAL)))

    assert ("median-ratio", 8, 1) == (
        found["calibrator"],
        found["samples_used"],
        found["high_confidence"],
    )
    assert {"unmeasured_split": 3, "odd": 1} == found["samples_set_aside"]
    assert [attrs.asdict(GROUP)] == found["groups"]


def test_markdown():
    """The report says what was used, what was set aside and why, and what to do."""
    text = calibration_markdown(PROPOSAL, at=AT)

    assert "- Made: 2025-12-31T23:05:09+00:00" in text
    assert "Used: 8 samples in 1 group, 1 of high confidence. Set aside: 4 attempts." in text
    assert "- 3 `unmeasured_split`: their calls' output was guessed from a total" in text
    assert "- 1 `odd`: the calibrator gives no more than this word." in text
    assert "| docs/low | 8 | 1675 | 5200 | 0.320 | 0.77 | 0.640 | yes |" in text
    assert "- Read: log L1, position 40" in text
    assert "Nothing is proposed" not in text


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, "Lower its predictions by 68%: apply, and its multiplier goes from 2.000 to 0.640."),
        (
            {"median_ratio": 0.001, "proposed_multiplier": 0.00068, "complexity": "high"},
            "Lower its predictions by 99.9%: apply, and its multiplier goes from 1.000 to 0.00068.",
        ),
        ({"median_ratio": 1.01}, "Predictions fit; applying changes little (2.000 to 0.640)."),
        ({"n": 4, "is_high_confidence": False}, "Collect 1 more sample; its multiplier is kept."),
        (
            {"confidence": 0.5, "is_high_confidence": False},
            "Keep its multiplier: confidence 0.500. "
            "More samples help, and so does splitting work of unlike sizes.",
        ),
    ],
)
def test_next_steps(changes, sentence):
    """Each group gets one piece of advice, by its gates and its ratio."""
    assert sentence == next_step(attrs.evolve(GROUP, **changes), PROPOSAL)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"note": "For information only: no version."}, "For information only: no version."),
        ({}, "The multipliers in use fit the evidence."),
        (
            {"groups": (attrs.evolve(GROUP, is_high_confidence=False),)},
            "No group passes.",
        ),
        ({"groups": (), "samples_used": 0}, "Every sample was set aside"),
        ({"groups": (), "samples_used": 0, "samples_set_aside": {}}, "There is not one sample."),
    ],
)
def test_nothing_to_propose(changes, why):
    """A report without a proposal says why, and what to do about it."""
    text = calibration_markdown(attrs.evolve(NOTHING, **changes), at=AT)

    assert f"## Nothing is proposed\n\n{why}" in text


def test_names_cannot_break_the_table():
    """A bar or a line break in a category stays within its cell."""
    odd = attrs.evolve(PROPOSAL, groups=(attrs.evolve(GROUP, category="a|b\nc"),))

    assert r"| a\|b c/low |" in calibration_markdown(odd, at=AT)


@pytest.mark.parametrize(("value", "shown"), [(["a", "b"], "a; b"), ([], "none"), (None, "none")])
def test_settings(value, shown):
    """Several values are told apart, and nothing is said to be none."""
    told = attrs.evolve(PROPOSAL, settings={"what_holds": value})

    assert f"\n- what holds: {shown}\n" in calibration_markdown(told, at=AT)

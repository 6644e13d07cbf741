"""The legacy calibrator gives the figures that the old system computed from the same rows."""

import json

import pytest

from autopack.ports.prediction import Sample

autopack_legacy = pytest.importorskip("autopack_legacy")

pytestmark = pytest.mark.real


def samples(real_data, runs):
    """Return the rebuilt database's samples, of the named runs if any are named."""
    source = autopack_legacy.LegacyImporter().read(str(real_data / "autopack_rebuilt.db"))
    events = [new.event for _, new in source.events if new.event.TYPE == "sample.recorded"]
    return [
        Sample(
            position=position,
            run_id=event.run_id,
            phase_id=event.phase_id,
            attempt=None,
            category=event.category,
            complexity=event.complexity,
            predicted_output_tokens=event.predicted_output_tokens,
            actual_output_tokens=event.actual_output_tokens,
            success=event.success,
            truncated=event.truncated,
            is_test=event.is_test,
            source_category=event.source_fields["category"],
        )
        for position, event in enumerate(events, 1)
        if not runs or event.run_id in runs
    ]


@pytest.mark.parametrize(
    ("golden", "runs", "eligible"),
    [
        ("calib_default.patch.json", (), 62),
        ("calib_min5_conf0.7_v5.patch.json", ("telemetry-collection-v5",), 25),
    ],
)
def test_goldens(real_data, golden, runs, eligible):
    """Groups, confidences and multipliers are those of the recorded patches."""
    expected = json.loads((real_data / "goldens" / golden).read_text(encoding="utf-8"))
    calibrator = autopack_legacy.LegacyCalibrator(min_samples=5, confidence_threshold=0.7)
    state = calibrator.initial()
    for sample in samples(real_data, runs):
        state = calibrator.update(state, sample)
    found = calibrator.propose(state)

    assert expected["metadata"] == {
        "confidence_threshold": found.settings["confidence_threshold"],
        "total_samples": found.samples_used,
        "high_confidence_groups": found.high_confidence,
    }
    assert expected["proposed_changes"] == [
        {
            "category": group.category,
            "complexity": group.complexity,
            "sample_count": group.n,
            "confidence": group.confidence,
            "median_ratio": group.median_ratio,
            "proposed_multiplier": group.proposed_multiplier,
        }
        for group in found.groups
        if group.is_high_confidence
    ]
    assert eligible == found.samples_used + found.samples_set_aside["small_group"]

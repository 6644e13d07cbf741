"""Samples for calibrators: usable ones, but for the fields that a test gives."""

from typing import Any

import pytest

from autopack.ports.prediction import Sample


def _sample(actual: int | None = 500, predicted: int = 1000, **fields: Any) -> Sample:
    defaults: dict[str, Any] = {
        "position": 1,
        "run_id": None,
        "phase_id": None,
        "attempt": 1,
        "category": "docs",
        "complexity": "low",
        "estimator": "deliverables",
        "estimator_version": "v1",
        "success": True,
    }
    return Sample(
        actual_output_tokens=actual, predicted_output_tokens=predicted, **(defaults | fields)
    )


@pytest.fixture(scope="session")
def sample() -> Any:
    """Return a function that makes a usable sample."""
    return _sample


@pytest.fixture(scope="session")
def learned() -> Any:
    """Return a function that gives a calibrator's state after samples, one by one."""

    def learn(calibrator: Any, samples: Any) -> Any:
        state = calibrator.initial()
        for one in samples:
            state = calibrator.update(state, one)
        return state

    return learn

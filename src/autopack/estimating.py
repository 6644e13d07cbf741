"""Estimates as a log's history has taught them: coefficients in force, and predictions by them."""

from pathlib import Path
from typing import Any

import attrs

from autopack.calibration.coefficients import fold_coefficients
from autopack.features import features_of
from autopack.ids import estimator_stream
from autopack.journal import Journal
from autopack.plugins import Registry
from autopack.ports.prediction import Coefficients, Estimate, PhaseSpec
from autopack.ports.work import PhaseView


def coefficients(journal: Journal | None, estimator: Any) -> Coefficients:
    """Return what an estimator was taught in a log; its base figures without one."""
    events = (
        [] if journal is None else [r.event for r in journal.read(estimator_stream(estimator.name))]
    )
    return fold_coefficients(estimator.name, estimator.base_version, events)


def estimated(
    journal: Journal | None,
    estimator: Any,
    phase: PhaseSpec | PhaseView,
    *,
    registry: Registry,
    workspace: Path | None = None,
) -> Estimate:
    """
    Predict a phase's output with the coefficients that are in force now.

    A budget that was escalated after a truncated attempt takes the place of the estimator's
    where it is larger; the prediction stays as it is.
    """
    word = registry.first("autopack_category_for", category=phase.category)
    features = features_of(phase, category=word, workspace=workspace)
    found: Estimate = estimator.estimate(features, coefficients(journal, estimator))
    escalated = getattr(phase, "escalated_tokens", None)
    if escalated is not None and escalated > found.budget_tokens:
        return attrs.evolve(found, budget_tokens=escalated)
    return found

"""Estimates as a log's history has taught them: coefficients in force, and predictions by them."""

import math
from datetime import datetime
from pathlib import Path
from typing import Any

import attrs

from autopack import views
from autopack.calibration.coefficients import fold_coefficients
from autopack.features import features_of
from autopack.ids import estimator_stream
from autopack.journal import Journal
from autopack.plugins import Registry
from autopack.ports.prediction import Coefficients, Estimate, Part, PhaseSpec, Prediction
from autopack.ports.work import PhaseView


def coefficients(
    journal: Journal | None, estimator: Any, *, until: int | datetime | None = None
) -> Coefficients:
    """
    Return what an estimator was taught in a log by then; its base figures without one.

    Raises:
        InvalidInputError: *until* is past the log's head, or a moment without a zone.
    """
    events: list[Any] = []
    if journal is not None:
        end = None if until is None else views.position_at(journal, until)
        recorded = journal.read(estimator_stream(estimator.name))
        events = [one.event for one in recorded if end is None or one.position <= end]
    return fold_coefficients(estimator.name, estimator.base_version, events)


def estimated(
    journal: Journal | None,
    estimator: Any,
    phase: PhaseSpec | PhaseView,
    *,
    registry: Registry,
    workspace: Path | None = None,
    until: int | datetime | None = None,
) -> Estimate:
    """
    Predict a phase's output with the coefficients that are in force now, or were then.

    A budget that was escalated after a truncated attempt takes the place of the estimator's
    where it is larger; the prediction stays as it is.
    """
    word = registry.first("autopack_category_for", category=phase.category)
    features = features_of(phase, category=word, workspace=workspace)
    taught = coefficients(journal, estimator, until=until)
    found: Estimate = estimator.estimate(features, taught)
    escalated = getattr(phase, "escalated_tokens", None)
    if escalated is not None and escalated > found.budget_tokens:
        return attrs.evolve(found, budget_tokens=escalated)
    return found


def at_quantile(estimate: Estimate, prediction: Prediction, calibrator: str) -> Estimate:
    """
    Return the estimate as a calibrator gives it at a quantile.

    The budget is the quantile itself: the share of outputs that it holds is its buffer.
    """
    tokens = max(1, math.ceil(prediction.tokens))
    if estimate.ceiling_tokens is not None:
        tokens = min(tokens, estimate.ceiling_tokens)
    why = f"{calibrator} at {prediction.tau:g}: {prediction.basis}"
    change = Part(name="quantile", tokens=tokens - estimate.predicted_output_tokens, why=why)
    return attrs.evolve(
        estimate,
        predicted_output_tokens=tokens,
        budget_tokens=tokens,
        tau=prediction.tau,
        parts=(*estimate.parts, change),
    )

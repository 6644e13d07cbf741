"""Estimates as a log's history has taught them: coefficients in force, and predictions by them."""

import math
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import attrs

from autopack.errors import AutopackError, InvalidInputError, PluginError
from autopack.log import views
from autopack.log.journal import Journal
from autopack.log.like_outputs import LikeOutputs
from autopack.plugins.fault_place import said_with_place
from autopack.plugins.registry import Registry
from autopack.ports.measures import Expected, figure_of_size
from autopack.ports.prediction import Coefficients, Estimate, Features, PhaseSpec
from autopack.ports.work import PhaseView
from autopack.prediction.calibration.estimator_state import fold_coefficients
from autopack.prediction.calibration.forecast_intervals import HIGH, LOW, MIDDLE, range_of
from autopack.prediction.calibrators import Quantiles
from autopack.prediction.estimation.budgets import CAP_TOKENS, budget_like
from autopack.prediction.estimation.deliverables import UNNAMED
from autopack.prediction.features import features_of
from autopack.values.ids import estimator_stream

_ROUNDING: Final = 1e-9


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
    quantiles: Quantiles | None = None,
    tau: float = 0.9,
    taught: Coefficients | None = None,
    outputs: LikeOutputs | None = None,
) -> Estimate:
    """
    Predict a phase's output with the coefficients that are in force now, or were then.

    With *quantiles* the budget is what they say at *tau*. One that was escalated after a
    truncated attempt takes its place where it is larger. The prediction stays the estimator's,
    since that is what calibrators measure outputs against. Without them, a phase that lists
    nothing to be written is budgeted by the *outputs* of like phases of its run.
    """
    word = registry.first("autopack_category_for", of=str, category=phase.category)
    if journal is not None and word is not None:
        word = journal.redact(word)  # before it is folded into lower case, and into reasons
    features = features_of(phase, category=word, workspace=workspace)
    if taught is None:
        taught = coefficients(journal, estimator, until=until)
    found = asked(estimator, features, taught)
    if quantiles is not None:
        found = budgeted(found, quantiles, tau)
    elif outputs is not None and isinstance(phase, PhaseView):
        found = _like_others(found, phase.run_id, outputs)
    escalated = getattr(phase, "escalated_tokens", None)
    if escalated is not None and escalated > found.budget_tokens:
        basis = "escalated: the output of an attempt before was cut"
        return attrs.evolve(found, budget_tokens=escalated, budget_basis=basis, tau=None)
    return found


def asked(estimator: Any, features: Features, taught: Coefficients) -> Estimate:
    """
    Return what an estimator predicts by these coefficients.

    Raises:
        PluginError: It failed, or its answer is no estimate.
    """
    try:
        found: Any = estimator.estimate(features, taught)
    except AutopackError:
        raise
    except Exception as fault:
        what = f"the estimator failed: {said_with_place(fault)}"
        raise PluginError(str(estimator.name), what) from fault
    if isinstance(found, Estimate):
        return found
    what = f"the estimator answered with {type(found).__name__}; it must return an Estimate"
    raise PluginError(str(estimator.name), what)


def _like_others(estimate: Estimate, run_id: str, outputs: LikeOutputs) -> Estimate:
    """Return the estimate with a budget from what like phases wrote, if that is all there is."""
    features = estimate.features
    if features.deliverables or [part.name for part in estimate.parts][:1] != [UNNAMED]:
        return estimate
    known = outputs.of(run_id, features.category, features.complexity)
    budget = budget_like(known, estimate.ceiling_tokens or CAP_TOKENS)
    if budget is None:
        return estimate
    return attrs.evolve(estimate, budget_tokens=budget.tokens, budget_basis=budget.basis)


def budgeted(estimate: Estimate, quantiles: Quantiles, tau: float) -> Estimate:
    """
    Return the estimate with a budget that is to hold the share *tau* of outputs.

    The quantile has no buffer: the share that it holds is one. Until the group has enough samples
    for an order statistic at *tau* (9 at 0.9), the estimator's budget stands where it is larger.
    """
    _check_share(tau)
    question = estimate.asked()
    said, n = quantiles.at(question, tau), quantiles.known(question)
    tokens, enough = max(1, math.ceil(said.tokens)), math.ceil(tau / (1 - tau) - _ROUNDING)
    basis = f"{quantiles.name} at {tau:g}: {said.basis}"
    if n < enough and estimate.budget_tokens > tokens:
        few = f"the group has {n} of the {enough} samples that a budget at {tau:g} rests on"
        basis = f"{estimate.budget_basis}, since {few}"
        return attrs.evolve(estimate, budget_basis=basis)
    if estimate.ceiling_tokens is not None and tokens > estimate.ceiling_tokens:
        tokens, basis = estimate.ceiling_tokens, f"the ceiling; {basis} would be {tokens}"
    return attrs.evolve(estimate, budget_tokens=tokens, budget_basis=basis, tau=tau)


def taken(estimate: Estimate, quantiles: Quantiles, tau: float) -> Expected:
    """
    Return what a phase is expected to take in the measure of *quantiles*, and at most at *tau*.

    Raises:
        InvalidInputError: Nothing is known of what phases took.
    """
    _check_share(tau)
    check_known(quantiles)
    asked, by = estimate.asked(), quantiles.by
    most = quantiles.at(asked, tau)
    size = range_of(*(quantiles.at(asked, one).tokens for one in (LOW, MIDDLE, HIGH))).expected
    return Expected(
        by=by,
        expected=figure_of_size(by, size),
        most=figure_of_size(by, most.tokens),
        tau=tau,
        basis=f"{quantiles.name}: {most.basis}",
    )


def check_known(quantiles: Quantiles) -> None:
    """
    Return if a log tells anything of a measure.

    Raises:
        InvalidInputError: Of no phase that ended well did all calls tell it.
    """
    if not quantiles.samples:
        raise InvalidInputError(
            f"The log tells of no phase that ended well what it took in {quantiles.by}: all calls "
            "of all its attempts have to. Drain some phases that do, or ask for another measure.",
            name="by",
            value=quantiles.by,
        )


def _check_share(tau: float) -> None:
    if not 0 < tau < 1:
        raise InvalidInputError(
            f"tau is {tau:g}; give a number between 0 and 1.", name="tau", value=tau
        )

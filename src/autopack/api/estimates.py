"""Estimates, and what the measurements make of them."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final, Unpack

import attrs

from autopack.api.misspelt_categories import doubt_words
from autopack.errors import InvalidInputError, RunMissingError
from autopack.log import views
from autopack.log.log import Log, journal_of, registry_of
from autopack.plugins.discovery import load_plugins
from autopack.ports.calibrator_protocol import CalibratorLike
from autopack.ports.measures import OUTPUT, Measure, measure_of
from autopack.ports.prediction import Estimate, EstimatorLike, PhaseSpec, Proposal, Sample
from autopack.ports.work import PhaseView
from autopack.prediction.calibrated_estimates import budgeted, coefficients, estimated, taken
from autopack.prediction.calibration.calibrator_fold import run_calibrator
from autopack.prediction.calibration.expected_effect import expected_effect
from autopack.prediction.calibration.options import CalibratorOptions
from autopack.prediction.calibrators import calibrator_of, quantiles_of
from autopack.projections.attempts import ATTEMPTS
from autopack.projections.observations import observations
from autopack.projections.runs import RUNS

DEFAULT_ESTIMATOR: Final = "deliverables"
DEFAULT_CALIBRATOR: Final = "median-ratio"


def estimate(
    spec: PhaseSpec | PhaseView,
    *,
    log: Log | None = None,
    estimator: EstimatorLike = DEFAULT_ESTIMATOR,
    workspace: Path | None = None,
    until: int | datetime | None = None,
    calibrator: CalibratorLike | None = None,
    tau: float = 0.9,
    by: str = OUTPUT,
) -> Estimate:
    """
    Predict a phase's output in tokens, with the budget that follows and every addend.

    By another measure it says in ``takes`` as well what the whole phase will take, from what
    phases of the log took; the budget stays one of output tokens.

    A category that is nearly a known one, and a complexity that is none, are warned of.

    Args:
        until: Use what the log had taught the estimator by that position or moment.
        calibrator: Budget what it says of the log's samples that the share *tau* of outputs will
            not exceed; the prediction stays the estimator's.
        tau: The share of outputs that the budget is to hold, or of phases that take no more.
        by: ``total_tokens``, ``cost_usd`` or ``calls``, for what the phase takes in all its
            attempts; *calibrator* says it then, ``mixture`` unless one is named.

    Raises:
        InvalidInputError: A calibrator, a measure or a moment without a log, a moment that the log
            does not have, a tau that is no share, no such measure, or one of which the log's phases
            tell nothing.
    """
    measure = measure_of(by)
    if until is not None and log is None:
        raise InvalidInputError(
            "What was taught by then is in a log: name a log.", name="log", value=None
        )
    registry = load_plugins() if log is None else registry_of(log)
    chosen = registry.resolve("estimator", estimator)
    journal = None if log is None else journal_of(log)
    found = estimated(journal, chosen, spec, registry=registry, workspace=workspace, until=until)
    doubt_words([spec])
    if calibrator is None and measure == OUTPUT:
        return found
    if journal is None:
        raise InvalidInputError(
            "A calibrator predicts from a log's samples: name a log.", name="log", value=None
        )
    quantiles = quantiles_of(
        journal, registry, calibrator, estimator=chosen.name, tau=tau, by=measure
    )()
    if measure == OUTPUT:
        return budgeted(found, quantiles, tau)
    return attrs.evolve(found, takes=taken(found, quantiles, tau))


def list_samples(log: Log, *, run_ids: Sequence[str] | None = None) -> list[Sample]:
    """Return the log's samples in order: predictions met by measurements."""
    found = observed(log, OUTPUT)
    return found if run_ids is None else [s for s in found if s.run_id in set(run_ids)]


def observed(log: Log, by: Measure) -> list[Sample]:
    """Return what a measure is predicted from, in the order of the log."""
    journal = journal_of(log)
    rows = views.current(journal, ATTEMPTS).rows.values()
    return observations(rows, log_id=journal.log_id, by=by)


def calibrate(
    log: Log | Sequence[Log],
    *,
    calibrator: CalibratorLike = DEFAULT_CALIBRATOR,
    estimator: EstimatorLike = DEFAULT_ESTIMATOR,
    run_ids: Sequence[str] | None = None,
    tau: float | None = None,
    **options: Unpack[CalibratorOptions],
) -> Proposal:
    """
    Fit an estimator to what the logs hold, and return a proposal; nothing is changed.

    Args:
        calibrator: A registered name, one with options (``"median-ratio:damping=0.5"``), a
            class, or a calibrator.
        estimator: Whose coefficients are fitted; those in force in the first log are the base.
        run_ids: Use samples of these runs only.
        tau: The share of outputs that predictions are to hold, for a calibrator that keeps to one.
        options: The calibrator's own, e.g. ``min_samples=5, confidence_threshold=0.7``; those of
            a plugin's calibrator stand in its name, or are given to its class.

    Raises:
        RunMissingError: None of the logs knows a run of *run_ids*.
        InvalidInputError: One log is given twice: its evidence would count twice.
    """
    logs = [log] if isinstance(log, Log) else list(log)
    _check_distinct(logs)
    _check_runs(logs, run_ids or ())
    registry = registry_of(logs[0])
    target = registry.resolve("estimator", estimator)
    base = coefficients(journal_of(logs[0]), target)
    usual = {
        "estimator": base.estimator,
        "estimator_version": base.version,
        "old": base.multipliers,
    }
    given = options if tau is None else {**options, "tau": tau}
    chosen = calibrator_of(registry, calibrator, usual, given)
    evidence = [sample for one in logs for sample in list_samples(one, run_ids=run_ids)]
    proposal = run_calibrator(chosen, evidence)
    expected = expected_effect(chosen, evidence) if proposal.is_change else None
    heads = [one.head() for one in logs]
    read = tuple({"log_id": head.log_id, "position": head.position} for head in heads)
    settings = {**proposal.settings, **({"run_ids": list(run_ids)} if run_ids else {})}
    return attrs.evolve(proposal, logs=read, settings=settings, expected=expected)


def _check_distinct(logs: Sequence[Log]) -> None:
    names = [journal_of(one).log_id for one in logs]
    for place, name in enumerate(names):
        if name in names[:place]:
            raise InvalidInputError(
                f"Log {name} is given twice; give each once.", name="log", value=name
            )


def _check_runs(logs: Sequence[Log], run_ids: Sequence[str]) -> None:
    boards = [views.current(journal_of(one), RUNS).rows for one in logs] if run_ids else []
    known = {run_id for board in boards for run_id in board}
    for run_id in run_ids:
        if run_id not in known:
            raise RunMissingError(run_id, known=known)

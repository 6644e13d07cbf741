"""Estimates, and what the measurements make of them."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import attrs

from autopack import views
from autopack.calibration.effects import expected_effect
from autopack.calibration.fold import folded, run_calibrator
from autopack.errors import InvalidInputError, RunMissingError
from autopack.estimating import at_quantile, coefficients, estimated
from autopack.log import Log
from autopack.plugins import load_plugins
from autopack.ports.prediction import Estimate, PhaseSpec, Proposal, Sample
from autopack.ports.work import PhaseView
from autopack.projections.observations import samples_of
from autopack.projections.runs import RUNS
from autopack.projections.samples import SAMPLES

DEFAULT_ESTIMATOR: Final = "deliverables"
DEFAULT_CALIBRATOR: Final = "median-ratio"


def estimate(
    spec: PhaseSpec | PhaseView,
    *,
    log: Log | None = None,
    estimator: Any = DEFAULT_ESTIMATOR,
    workspace: Path | None = None,
    until: int | datetime | None = None,
    calibrator: Any = None,
    tau: float = 0.9,
) -> Estimate:
    """
    Predict a phase's output in tokens, with the budget that follows and every addend.

    Args:
        until: Use what the log had taught the estimator by that position or moment.
        calibrator: Predict a quantile by it from the log's samples, and budget just that.
        tau: The quantile: the share of outputs that the budget is to hold.

    Raises:
        InvalidInputError: A calibrator without a log, or a tau that is no share.
    """
    registry = log.registry if log is not None else load_plugins()
    chosen = registry.resolve("estimator", estimator)
    found = estimated(log, chosen, spec, registry=registry, workspace=workspace, until=until)
    if calibrator is None:
        return found
    if log is None:
        raise InvalidInputError("A calibrator predicts from a log's samples: name a log.")
    if not 0 < tau < 1:
        raise InvalidInputError(f"tau is {tau:g}; give a number between 0 and 1.")
    name, given = options_of(calibrator) if isinstance(calibrator, str) else (calibrator, {})
    fitting = registry.resolve("calibrator", name)
    if isinstance(fitting, type):
        fitting = made(fitting, given, {"tau": tau, "estimator": chosen.name})
    state, _ = folded(fitting, fitting.initial(), samples(log))
    asked = attrs.evolve(found.features, predicted_output_tokens=found.predicted_output_tokens)
    return at_quantile(found, fitting.predict(state, asked, tau), fitting.name)


def samples(log: Log, *, run_ids: Sequence[str] | None = None) -> list[Sample]:
    """Return the log's samples in order: predictions met by measurements."""
    rows = views.current(log, SAMPLES).rows.values()
    found = samples_of(rows, log_id=log.log_id)
    return found if run_ids is None else [s for s in found if s.run_id in set(run_ids)]


def calibrate(
    log: Log | Sequence[Log],
    *,
    calibrator: Any = DEFAULT_CALIBRATOR,
    estimator: Any = DEFAULT_ESTIMATOR,
    run_ids: Sequence[str] | None = None,
    **options: Any,
) -> Proposal:
    """
    Fit an estimator to what the logs hold, and return a proposal; nothing is changed.

    Args:
        calibrator: A registered name, one with options (``"median-ratio:damping=0.5"``), a
            class, or a calibrator.
        estimator: Whose coefficients are fitted; those in force in the first log are the base.
        run_ids: Use samples of these runs only.
        options: The calibrator's own, e.g. ``min_samples=5, confidence_threshold=0.7``.

    Raises:
        RunMissingError: None of the logs knows a run of *run_ids*.
    """
    logs = [log] if isinstance(log, Log) else list(log)
    _check_runs(logs, run_ids or ())
    registry = logs[0].registry
    target = registry.resolve("estimator", estimator)
    base = coefficients(logs[0], target)
    name, given = options_of(calibrator) if isinstance(calibrator, str) else (calibrator, {})
    chosen = registry.resolve("calibrator", name)
    if isinstance(chosen, type):
        defaults = {
            "estimator": base.estimator,
            "estimator_version": base.version,
            "old": base.multipliers,
        }
        chosen = made(chosen, {**given, **options}, defaults)
    evidence = [sample for one in logs for sample in samples(one, run_ids=run_ids)]
    proposal = run_calibrator(chosen, evidence)
    expected = expected_effect(chosen, evidence) if proposal.is_change else None
    read = tuple({"log_id": one.log_id, "position": one.head().position} for one in logs)
    settings = {**proposal.settings, **({"run_ids": list(run_ids)} if run_ids else {})}
    return attrs.evolve(proposal, logs=read, settings=settings, expected=expected)


def _check_runs(logs: Sequence[Log], run_ids: Sequence[str]) -> None:
    known = {run_id for one in logs for run_id in views.current(one, RUNS).rows} if run_ids else ()
    for run_id in run_ids:
        if run_id not in known:
            raise RunMissingError(run_id, known=known)


def made(calibrator: type, options: Mapping[str, Any], defaults: Mapping[str, Any]) -> Any:
    """Return a calibrator with *options*, and those of *defaults* that it knows."""
    import inspect

    known = inspect.signature(calibrator).parameters
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise InvalidInputError(
            f"Calibrator {getattr(calibrator, 'name', calibrator.__name__)!r} has no option "
            f"{', '.join(unknown)}. It has: {', '.join(known)}."
        )
    usual = {name: value for name, value in defaults.items() if name in known}
    try:
        return calibrator(**{**usual, **options})
    except TypeError as fault:
        given = ", ".join(f"{option} = {value!r}" for option, value in options.items())
        raise InvalidInputError(
            f"Calibrator {getattr(calibrator, 'name', calibrator.__name__)!r} got {given}, of "
            f"which one is of the wrong kind: {fault}."
        ) from fault


def options_of(text: str) -> tuple[str, dict[str, Any]]:
    """Return the name and the options of ``NAME:OPTION=VALUE,...``."""
    name, colon, tail = text.rpartition(":")
    if not colon or "=" not in tail:
        return text, {}
    options = {}
    for part in tail.split(","):
        option, equals, value = part.partition("=")
        if not equals or not option.strip():
            raise InvalidInputError(f"{part!r} in {text!r} is no option: give OPTION=VALUE.")
        options[option.strip().replace("-", "_")] = _value(value.strip())
    return name, options


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text

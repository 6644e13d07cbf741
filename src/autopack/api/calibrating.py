"""Estimates, and what the measurements make of them: proposed, applied, rejected."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import attrs

from autopack import views
from autopack.calibration.fold import run_calibrator
from autopack.errors import InvalidInputError
from autopack.estimating import coefficients, estimated
from autopack.events import CalibrationApplied, CalibrationProposed, CalibrationRejected
from autopack.ids import estimator_stream
from autopack.log import Log
from autopack.plugins import load_plugins
from autopack.ports.log import ANY, NewEvent, Recorded
from autopack.ports.prediction import Coefficients, Estimate, PhaseSpec, Proposal, Sample
from autopack.ports.work import PhaseView
from autopack.projections.observations import samples_of
from autopack.projections.samples import SAMPLES

DEFAULT_ESTIMATOR: Final = "deliverables"
DEFAULT_CALIBRATOR: Final = "median-ratio"


def estimate(
    spec: PhaseSpec | PhaseView,
    *,
    log: Log | None = None,
    estimator: Any = DEFAULT_ESTIMATOR,
    workspace: Path | None = None,
) -> Estimate:
    """Predict a phase's output in tokens, with the budget that follows and every addend."""
    registry = log.registry if log is not None else load_plugins()
    chosen = registry.resolve("estimator", estimator)
    return estimated(log, chosen, spec, registry=registry, workspace=workspace)


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
        calibrator: A registered name, a class, or a calibrator.
        estimator: Whose coefficients are fitted; those in force in the first log are the base.
        run_ids: Use samples of these runs only.
        options: The calibrator's own, e.g. ``min_samples=5, confidence_threshold=0.7``.
    """
    logs = [log] if isinstance(log, Log) else list(log)
    registry = logs[0].registry
    target = registry.resolve("estimator", estimator)
    base = coefficients(logs[0], target)
    chosen = registry.resolve("calibrator", calibrator)
    if isinstance(chosen, type):
        defaults = {
            "estimator": base.estimator,
            "estimator_version": base.version,
            "old": base.multipliers,
        }
        chosen = made(chosen, options, defaults)
    proposal = run_calibrator(
        chosen, [sample for one in logs for sample in samples(one, run_ids=run_ids)]
    )
    read = tuple({"log_id": one.log_id, "position": one.head().position} for one in logs)
    settings = {**proposal.settings, **({"run_ids": list(run_ids)} if run_ids else {})}
    return attrs.evolve(proposal, logs=read, settings=settings)


def propose(log: Log, proposal: Proposal) -> str:
    """Record a proposal on its estimator's stream and return its id; nothing is applied."""
    return _recorded_proposal(log, proposal)


def apply(
    log: Log,
    proposal: Proposal | str | Path,
    *,
    actor: str = "user",
    force_why: str | None = None,
) -> Coefficients:
    """
    Let the estimator use a proposal's coefficients in this log from here on.

    Args:
        proposal: A proposal, or the path of a report's JSON file.
        force_why: Apply although no group passed the gates; the reason is recorded.

    Raises:
        InvalidInputError: No group passed the gates and no reason was given.
    """
    if isinstance(proposal, str | Path):
        proposal = _proposal_of(Path(proposal))
    changed = {key: v for key, v in proposal.new.items() if proposal.old.get(key, 1.0) != v}
    if (not proposal.high_confidence or not changed) and not force_why:
        raise InvalidInputError(
            "The proposal changes no group that passed both gates, so there is nothing to apply. "
            "Collect more samples, or insist with a reason (force_why, --force-why)."
        )
    chosen = log.registry.resolve("estimator", proposal.estimator)
    base = coefficients(log, chosen)
    if base.version != proposal.base_version:
        raise InvalidInputError(
            f"The proposal was made for version {proposal.base_version!r} of the estimator, this "
            f"log uses {base.version!r}: applying it would correct the same error twice. "
            "Calibrate again."
        )
    applied = CalibrationApplied(
        estimator=proposal.estimator,
        proposal_id=_recorded_proposal(log, proposal),
        estimator_version=proposal.new_version,
        old=dict(base.multipliers),
        new={**base.multipliers, **proposal.new},
        by=actor,
        forced_why=force_why,
    )
    log.append(estimator_stream(proposal.estimator), [applied], expected_version=ANY)
    return coefficients(log, chosen)


def reject(log: Log, proposal: Proposal | str | Path, *, why: str, actor: str = "user") -> None:
    """Record that a proposal was turned down, and why."""
    if isinstance(proposal, str | Path):
        proposal = _proposal_of(Path(proposal))
    rejected = CalibrationRejected(
        estimator=proposal.estimator,
        proposal_id=_recorded_proposal(log, proposal),
        by=actor,
        why=why,
    )
    log.append(estimator_stream(proposal.estimator), [rejected], expected_version=ANY)


def calibration_history(log: Log, estimator: Any = DEFAULT_ESTIMATOR) -> list[Recorded[Any]]:
    """Return what was proposed, applied and rejected for an estimator, in order."""
    chosen = log.registry.resolve("estimator", estimator)
    return list(log.read(estimator_stream(chosen.name)))


def _proposal_of(path: Path) -> Proposal:
    from autopack.runfiles import proposal_from_json  # cattrs, which most commands do without

    return proposal_from_json(path)


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
        raise InvalidInputError(f"An option has a value of the wrong kind: {fault}.") from fault


def _recorded_proposal(log: Log, proposal: Proposal) -> str:
    from autopack.codec import plain
    from autopack.ids import derived_id
    from autopack.report.calibration import calibration_json

    evidence = plain(calibration_json(proposal))
    text = json.dumps([plain(proposal.logs), evidence], sort_keys=True)
    event_id = derived_id("proposal", text, "calibration.proposed")
    event = CalibrationProposed(
        estimator=proposal.estimator,
        proposal_id=event_id.hex(),
        calibrator=proposal.calibrator,
        estimator_version=proposal.new_version,
        settings=plain(proposal.settings),
        logs=tuple(plain(one) for one in proposal.logs),
        old=dict(proposal.old),
        new=dict(proposal.new),
        evidence=evidence,
    )
    log.append(
        estimator_stream(proposal.estimator),
        [NewEvent(event=event, event_id=event_id)],
        expected_version=ANY,
    )
    return event_id.hex()

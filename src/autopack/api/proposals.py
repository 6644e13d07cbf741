"""What becomes of proposals: recorded, applied, rejected, rolled back."""

import json
from pathlib import Path
from typing import Any

from autopack.api.estimates import DEFAULT_ESTIMATOR
from autopack.api.given_reasons import check_why
from autopack.errors import InvalidInputError
from autopack.events import CalibrationApplied, CalibrationProposed, CalibrationRejected
from autopack.log.log import Log, journal_of, registry_of
from autopack.ports.log import ANY, NewEvent, Recorded
from autopack.ports.prediction import Coefficients, EstimatorLike, Proposal
from autopack.prediction.calibrated_estimates import coefficients
from autopack.prediction.calibration.estimator_state import Taught, fold_taught
from autopack.prediction.calibration.multipliers import check_multipliers, insisted_on, version_of
from autopack.values.ids import estimator_stream


def propose(log: Log, proposal: Proposal) -> str:
    """
    Record a proposal on its estimator's stream and return its id; nothing is applied.

    Raises:
        InvalidInputError: It names a multiplier that no estimate could need.
    """
    check_multipliers(proposal.new)
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

    The event names the proposal, what was read of which logs, the old and the new multipliers,
    and the effect that the evidence lets expect. The proposal may come from another log.

    Args:
        proposal: A proposal, or the path of a report's JSON file.
        force_why: Apply also the multipliers of groups that did not pass the gates, if none
            did; the reason is recorded.

    Raises:
        InvalidInputError: No group passed the gates and no reason was given, nothing would
            change, a multiplier is one that no estimate could need, or the log's estimator is at
            another version than the evidence.
        VersionConflictError: Somebody else decided in between; nothing was applied.
    """
    if isinstance(proposal, str | Path):
        proposal = _proposal_of(Path(proposal))
    new, version = _multipliers(proposal, force_why)
    check_multipliers(new)
    chosen = registry_of(log).resolve("estimator", proposal.estimator)
    stream = estimator_stream(chosen.name)
    base = coefficients(journal_of(log), chosen)
    if base.version != proposal.base_version:
        raise InvalidInputError(
            f"The proposal was made for version {proposal.base_version!r} of the estimator, this "
            f"log uses {base.version!r}: applying it would correct the same error twice. "
            "Calibrate again.",
            name="proposal.base_version",
            value=proposal.base_version,
        )
    new = {**base.multipliers, **new}
    proposal_id = _recorded_proposal(log, proposal)
    at = _version(log, stream, is_still=base)
    applied = CalibrationApplied(
        estimator=proposal.estimator,
        proposal_id=proposal_id,
        calibrator=proposal.calibrator,
        base_version=base.version,
        estimator_version=version,
        old=dict(base.multipliers),
        new=new,
        logs=tuple(dict(one) for one in proposal.logs),
        expected=None if proposal.expected is None else dict(proposal.expected),
        by=actor,
        forced_why=force_why,
    )
    log.append(stream, [applied], expected_version=at)
    return coefficients(journal_of(log), chosen)


def foreign_evidence(log: Log, proposal: Proposal) -> str | None:
    """Return whose evidence a proposal has, if nothing of it is this log's own; else None."""
    identity = journal_of(log).backend.identity
    own = {identity.log_id, *(identity.parent or ())[:1]}
    read = [(str(one.get("log_id")), one.get("position")) for one in proposal.logs]
    if not read or own & {log_id for log_id, _ in read}:
        return None
    theirs = ", ".join(f"log {log_id} up to position {position}" for log_id, position in read)
    return f"the evidence is not this log's own: it was read in {theirs}; this is {identity.log_id}"


def reject(log: Log, proposal: Proposal | str | Path, *, why: str, actor: str = "user") -> None:
    """Record that a proposal was turned down, and why; a blank reason is refused."""
    check_why("A rejection", why)
    if isinstance(proposal, str | Path):
        proposal = _proposal_of(Path(proposal))
    rejected = CalibrationRejected(
        estimator=proposal.estimator,
        proposal_id=_recorded_proposal(log, proposal),
        by=actor,
        why=why,
    )
    log.append(estimator_stream(proposal.estimator), [rejected], expected_version=ANY)


def rollback(
    log: Log, *, why: str, estimator: EstimatorLike = DEFAULT_ESTIMATOR, actor: str = "user"
) -> Coefficients:
    """
    Go back to the coefficients before those in use, as a new event; once more goes further back.

    Raises:
        InvalidInputError: Nothing is applied that could be taken back, or no reason was given.
        VersionConflictError: Somebody else decided in between; nothing was changed.
    """
    chosen = registry_of(log).resolve("estimator", estimator)
    stream = estimator_stream(chosen.name)
    taught = fold_taught(chosen.name, chosen.base_version, (r.event for r in log.read(stream)))
    if len(taught) < 2:
        raise InvalidInputError(
            f"Nothing is applied to estimator {chosen.name!r}: it is at its own version "
            f"{taught[-1].version!r}, and there is nothing to roll back.",
            name="estimator",
            value=chosen.name,
        )
    check_why("A rollback", why)
    current, before = taught[-1], taught[-2]
    event = CalibrationApplied(
        estimator=chosen.name,
        proposal_id=current.proposal_id,
        base_version=current.version,
        estimator_version=before.version,
        old=dict(current.multipliers),
        new=dict(before.multipliers),
        by=actor,
        forced_why=why,
        is_rollback=True,
    )
    at = _version(log, stream, is_still=_coefficients(chosen.name, current))
    log.append(stream, [event], expected_version=at)
    return coefficients(journal_of(log), chosen)


def calibration_history(
    log: Log, estimator: EstimatorLike = DEFAULT_ESTIMATOR
) -> list[Recorded[Any]]:
    """Return what was proposed, applied, rejected and rolled back for an estimator, in order."""
    chosen = registry_of(log).resolve("estimator", estimator)
    return list(log.read(estimator_stream(chosen.name)))


def _multipliers(proposal: Proposal, force_why: str | None) -> tuple[dict[str, float], str]:
    """Return what is to be applied and its version: what passed the gates, or is insisted on."""
    if proposal.high_confidence and proposal.is_change:
        return dict(proposal.new), proposal.new_version
    if not (force_why and force_why.strip()):
        raise InvalidInputError(
            "The proposal changes no group that passed both gates, so there is nothing to apply. "
            "Collect more samples, or insist with a reason:",
            do="force_why=...",
            typed="--force-why REASON",
            name="force_why",
            value=force_why,
        )
    insisted = insisted_on(proposal)
    if insisted == dict(proposal.old):
        raise InvalidInputError(
            "Even with a reason there is nothing to apply: the proposal names no multiplier "
            "other than those in use.",
            name="proposal",
            value=proposal,
        )
    return insisted, version_of(proposal.base_version, insisted)


def _version(log: Log, stream: str, *, is_still: Coefficients) -> int:
    """Return the stream's version, at which the coefficients still are what was looked at."""
    events = list(log.read(stream))
    base = is_still.version
    now = fold_taught(is_still.estimator, base, (one.event for one in events))[-1]
    if now.version != base:
        raise InvalidInputError(
            f"The estimator went from version {base!r} to {now.version!r} meanwhile. "
            "Look again before you decide.",
            name="proposal.base_version",
            value=base,
        )
    return events[-1].version if events else 0


def _coefficients(estimator: str, taught: Taught) -> Coefficients:
    return Coefficients(estimator=estimator, version=taught.version, multipliers=taught.multipliers)


def _proposal_of(path: Path) -> Proposal:
    from autopack.exchange.run_files import (
        proposal_from_json,  # cattrs, which most commands do without
    )

    return proposal_from_json(path)


def _recorded_proposal(log: Log, proposal: Proposal) -> str:
    from autopack.format.codec import plain
    from autopack.report.proposal_text import calibration_json
    from autopack.values.ids import derived_id

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

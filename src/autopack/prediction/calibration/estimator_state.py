"""What an estimator has been taught, and what was proposed: folds of its stream."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Literal

import attrs

from autopack.events import CalibrationApplied, CalibrationProposed, CalibrationRejected
from autopack.ports.log import Recorded
from autopack.ports.prediction import Coefficients

ProposalStatus = Literal["proposed", "applied", "rejected", "rolled back"]


@attrs.frozen(kw_only=True)
class ProposalRecord:
    """
    One proposal and what became of it.

    Args:
        estimator_version: The version that the latest of its events names.
        decided_at: When it was applied or rejected, or None.
        by: Who applied or rejected it.
        why: Why it was rejected, rolled back, or applied against the gates.
        is_current: Whether its coefficients are the ones in use.
    """

    proposal_id: str
    estimator: str
    status: ProposalStatus = "proposed"
    calibrator: str | None = None
    estimator_version: str
    old: Mapping[str, float] = attrs.Factory(dict)
    new: Mapping[str, float] = attrs.Factory(dict)
    settings: Mapping[str, Any] = attrs.Factory(dict)
    proposed_at: datetime | None = None
    decided_at: datetime | None = None
    by: str | None = None
    why: str | None = None
    is_current: bool = False


@attrs.frozen(kw_only=True)
class Taught:
    """Coefficients that a proposal brought; without one, the estimator's own."""

    proposal_id: str
    version: str
    multipliers: Mapping[str, float] = attrs.Factory(dict)


def fold_coefficients(estimator: str, base_version: str, events: Iterable[object]) -> Coefficients:
    """
    Return the coefficients in use after *events*: those applied last, or none.

    Args:
        estimator: Whose coefficients; events of others change nothing.
        base_version: The version of the estimator before anything is applied.
        events: Of its stream, in order, without envelopes.
    """
    taught = fold_taught(estimator, base_version, events)[-1]
    return Coefficients(
        estimator=estimator, version=taught.version, multipliers=dict(taught.multipliers)
    )


def fold_taught(estimator: str, base_version: str, events: Iterable[object]) -> tuple[Taught, ...]:
    """Return what is applied, one on the other, the base first and what is in use last."""
    taught = [Taught(proposal_id="", version=base_version)]
    for event in events:
        if not isinstance(event, CalibrationApplied) or event.estimator != estimator:
            continue
        if not event.is_rollback:
            taught.append(
                Taught(
                    proposal_id=event.proposal_id,
                    version=event.estimator_version,
                    multipliers=event.new,
                )
            )
        elif len(taught) > 1:
            taught.pop()
    return tuple(taught)


def fold_proposals(recorded: Iterable[Recorded[Any]]) -> tuple[ProposalRecord, ...]:
    """
    Return every proposal in the order in which it was first named.

    One that was applied stays applied: a later rejection does not take its coefficients back.
    """
    records: dict[str, ProposalRecord] = {}
    for one in recorded:
        match one.event:
            case CalibrationProposed() as event:
                records[event.proposal_id] = _proposed(event, one.occurred_at)
            case CalibrationApplied(is_rollback=True) as event:
                _roll_back(records, event, one.occurred_at)
            case CalibrationApplied() as event:
                _end_current(records, event.estimator)
                known = records.get(event.proposal_id)
                records[event.proposal_id] = _applied(known, event, one.occurred_at)
            case CalibrationRejected() as event if event.proposal_id in records:
                known = records[event.proposal_id]
                records[event.proposal_id] = _rejected(known, event, one.occurred_at)
    return tuple(records.values())


def _proposed(event: CalibrationProposed, at: datetime) -> ProposalRecord:
    return ProposalRecord(
        proposal_id=event.proposal_id,
        estimator=event.estimator,
        calibrator=event.calibrator,
        estimator_version=event.estimator_version,
        old=event.old,
        new=event.new,
        settings=event.settings,
        proposed_at=at,
    )


def _applied(
    known: ProposalRecord | None, event: CalibrationApplied, at: datetime
) -> ProposalRecord:
    known = known or ProposalRecord(
        proposal_id=event.proposal_id,
        estimator=event.estimator,
        estimator_version=event.estimator_version,
    )
    return attrs.evolve(
        known,
        status="applied",
        estimator_version=event.estimator_version,
        old=event.old,
        new=event.new,
        decided_at=at,
        by=event.by,
        why=event.forced_why,
        is_current=True,
    )


def _rejected(known: ProposalRecord, event: CalibrationRejected, at: datetime) -> ProposalRecord:
    if known.status == "applied":
        return known
    return attrs.evolve(known, status="rejected", decided_at=at, by=event.by, why=event.why)


def _roll_back(records: dict[str, ProposalRecord], event: CalibrationApplied, at: datetime) -> None:
    """End the proposal that is taken back, and make the one before it current again."""
    for name, record in records.items():
        if record.estimator != event.estimator:
            continue
        if name == event.proposal_id:
            records[name] = attrs.evolve(
                record,
                status="rolled back",
                decided_at=at,
                by=event.by,
                why=event.forced_why,
                is_current=False,
            )
        elif record.status == "applied" and record.estimator_version == event.estimator_version:
            records[name] = attrs.evolve(record, is_current=True)


def _end_current(records: dict[str, ProposalRecord], estimator: str) -> None:
    for name, record in records.items():
        if record.is_current and record.estimator == estimator:
            records[name] = attrs.evolve(record, is_current=False)

"""Why a phase was taken when it was taken last, and what its budget rests on."""

import attrs

from autopack.events import DrainPhaseSelected, DrainStarted, PhaseClaimed, PhaseEstimated
from autopack.log.log import Log, handler_of
from autopack.ports.log import Recorded
from autopack.values.ids import PhaseName, PhaseRef, drain_stream, phase_ref, phase_stream


@attrs.frozen(kw_only=True)
class PhaseChoice:
    """
    The last attempt at a phase, as it was begun.

    Args:
        attempt: Which one, from 1.
        drain: The drain that took it; None where nobody's strategy was asked.
        strategy, reason: Who chose it, and why.
        executor, model: Who was to do it, and with what.
        estimator: Who predicted its output.
        calibrator: Who gave it a budget, with its options; None is the estimator.
        tau: The share of outputs that the budget is to hold, where it was chosen for that.
        budget_tokens, budget_basis: The budget, and what it rests on.
    """

    attempt: int
    drain: str | None = None
    strategy: str | None = None
    reason: str | None = None
    executor: str | None = None
    model: str | None = None
    estimator: str | None = None
    calibrator: str | None = None
    tau: float | None = None
    budget_tokens: int | None = None
    budget_basis: str | None = None


def get_choice(log: Log, phase: PhaseName) -> PhaseChoice | None:
    """
    Return by whom and why a phase was taken last, and what its budget rests on; None if never.

    Raises:
        PhaseMissingError: There is no such phase.
    """
    ref = phase_ref(phase)
    handler_of(log).queued(ref)
    estimated: PhaseEstimated | None = None
    claim: Recorded[PhaseClaimed] | None = None
    stream = phase_stream(ref.run_id, ref.phase_id)
    for recorded in log.read(stream, types=[PhaseEstimated, PhaseClaimed]):
        if isinstance(recorded.event, PhaseClaimed):
            claim = recorded
        else:
            estimated = recorded.event
    if claim is None:
        return None
    taken = claim.event
    found = PhaseChoice(attempt=taken.attempt, executor=taken.executor, model=taken.model)
    if estimated is not None and estimated.attempt == taken.attempt:
        found = attrs.evolve(
            found,
            estimator=estimated.estimator,
            tau=estimated.tau,
            budget_tokens=estimated.budget_tokens,
            budget_basis=estimated.budget_basis,
        )
    return found if taken.drain is None else _by_drain(log, found, claim, ref, taken.drain)


def _by_drain(
    log: Log, found: PhaseChoice, claim: Recorded[PhaseClaimed], ref: PhaseRef, drain: str
) -> PhaseChoice:
    """Return the choice with what its drain says of it; a worker may go by another strategy."""
    starts = [one.event for one in log.read(drain_stream(drain), types=[DrainStarted])]
    own = [one for one in starts if one.worker == claim.event.worker] or starts
    chosen = log.read_all(after=claim.position, types=[DrainPhaseSelected], limit=1)
    reasons = [one.event.reason for one in chosen if _is_of(one.event, ref, drain)]
    return attrs.evolve(
        found,
        drain=drain,
        strategy=own[-1].strategy if own else None,
        calibrator=own[-1].settings.get("calibrator") if own else None,
        reason=reasons[0] if reasons else None,
    )


def _is_of(event: DrainPhaseSelected, ref: PhaseRef, drain: str) -> bool:
    return (event.drain_id, event.run_id, event.phase_id) == (drain, ref.run_id, ref.phase_id)

"""
What is asked of a run, a phase, a cap or an account: the event that is to happen, as far as its
caller knows.

An event that says all is its own request. The classes here hold what a decision needs besides.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import attrs

from autopack.events import (
    BudgetEscalated,
    CapAsked,
    CapDecided,
    CapReserved,
    CapSettled,
    LaneOpened,
    LimitReported,
    PhaseCancelled,
    PhaseChecked,
    PhaseClaimed,
    PhaseCompleted,
    PhaseEstimated,
    PhaseEvent,
    PhaseFailed,
    PhaseGated,
    PhaseGateDecided,
    PhaseJudged,
    PhaseReclaimed,
    PhaseReleased,
    PhaseRequeued,
    PhaseSkipped,
    PhaseSubmitted,
    PhaseTimedOut,
    RunCreated,
    RunFinished,
    RunPaused,
    RunPrepared,
    RunPrepareFailed,
    RunReopened,
    RunResumed,
)
from autopack.values.money import UsdLike

if TYPE_CHECKING:  # whose classes take as long to make as all of these
    from autopack.ports.prediction import PhaseSpec


@attrs.frozen(kw_only=True)
class PhasesRequest:
    """Phases that a run is to have; with *created* the run is made with them."""

    run_id: str
    phases: "tuple[PhaseSpec, ...]" = ()
    created: RunCreated | None = None


@attrs.frozen(kw_only=True)
class ClaimRequest:
    """
    A claim of a queued phase that is begun at once, with its estimate.

    Args:
        event: The claim; its attempt is counted by the decision.
        max_attempts: How many attempts the phase has.
        now: When it is claimed.
        waited_until: The ``not_before`` that is over for the claimer, whatever *now* says: clocks
            are set back.
    """

    event: PhaseClaimed
    max_attempts: int
    now: datetime
    estimated: PhaseEstimated | None = None
    waited_until: datetime | None = None


@attrs.frozen(kw_only=True)
class EndRequest:
    """
    A bad end of an attempt; what follows is left out if it is of no use, or no attempt is left.

    Args:
        max_attempts: How many attempts the phase has.
        escalated: The larger budget of the next attempt; there is at most one a phase.
        requeued: The next attempt, if the end is retryable or the budget larger; how many were
            spent is added to its reason. Where this one is not spent, it waits however many were.
        refused: What the end says of its account's lanes, if it was refused.
        asked: What a person is asked of the phase, instead of a next attempt.
    """

    event: PhaseFailed | PhaseTimedOut | PhaseReclaimed
    max_attempts: int
    escalated: BudgetEscalated | None = None
    requeued: PhaseRequeued | None = None
    refused: "Refused | None" = None
    asked: str | None = None


@attrs.frozen(kw_only=True)
class RequeueRequest:
    """
    A person's requeue.

    Args:
        after_loss: Whether the phase's worker was found gone just now, which has put it back
            with its attempts spent.
    """

    event: PhaseRequeued
    after_loss: bool = False


@attrs.frozen(kw_only=True)
class CapsRequest:
    """
    Caps that a scope is to have, by unit; those in other units stay, and None lifts one.

    Args:
        may_change: Whether others than those that the scope has are taken.
        may_raise: Whether higher ones are taken, and lower ones left out.
        otherwise: The caps that hold where none was set, by unit: those of the run's creation.
    """

    scope: str
    caps: Mapping[str, UsdLike | None]
    by: str
    why: str
    may_change: bool = False
    may_raise: bool = False
    otherwise: Mapping[str, Any] = attrs.Factory(dict)


@attrs.frozen(kw_only=True)
class Entering:
    """
    An attempt that wants into an account, through the lanes of its model.

    Args:
        waited: The rests, as lane and end, that are over for who asks, whatever *now* says.
        probing: The lease tokens of probes that are at work still.
    """

    account: str
    model: str
    run_id: str
    phase_id: str
    lease_token: str
    now: datetime
    waited: frozenset[tuple[str, datetime]] = frozenset()
    probing: frozenset[str] = frozenset()


@attrs.frozen(kw_only=True)
class Refused:
    """
    A refusal that is nobody's fault: its lane is to rest.

    Args:
        lane: The model, or an empty text for the whole account.
        cause: The class of the failure.
        wait_s: Returns for how many seconds, after so many refusals in a row.
        is_told: Whether the provider named the wait.
        limit: The window that is used up, if it was named.
    """

    account: str
    lane: str
    cause: str
    run_id: str
    phase_id: str
    lease_token: str
    now: datetime
    wait_s: Callable[[int], float]
    is_told: bool = False
    limit: LimitReported | None = None


RunRequest = (
    PhasesRequest
    | RunPaused
    | RunResumed
    | RunPrepared
    | RunPrepareFailed
    | RunFinished
    | RunReopened
)
PhaseRequest = (
    ClaimRequest
    | EndRequest
    | RequeueRequest
    | PhaseChecked
    | PhaseJudged
    | PhaseSubmitted
    | PhaseCompleted
    | PhaseGated
    | PhaseReleased
    | PhaseSkipped
    | PhaseCancelled
    | PhaseGateDecided
)
CapRequest = CapsRequest | CapReserved | CapSettled | CapAsked | CapDecided
AccountRequest = Entering | Refused | LimitReported | LaneOpened


def event_of(request: PhaseRequest) -> PhaseEvent:
    """Return the event that a phase is asked for."""
    if isinstance(request, ClaimRequest | EndRequest | RequeueRequest):
        return request.event
    return request

"""Requests that ``decide`` answers with events or refuses; one frozen class each."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import attrs

from autopack.errors import InvalidInputError
from autopack.ports.prediction import PhaseSpec
from autopack.values.ids import PhaseRef
from autopack.values.money import Usd, UsdLike


def check_why(about: str, why: str) -> None:
    """
    Return if a person gave a reason.

    Raises:
        InvalidInputError: It is blank.
    """
    if not why.strip():
        raise InvalidInputError(
            f"{about}: say why; the reason is kept in the log:",
            do="why=...",
            typed="--why REASON",
            name="why",
            value=why,
        )


@attrs.frozen(kw_only=True)
class CreateRun:
    """Make a run with its first phases."""

    run_id: str
    phases: tuple[PhaseSpec, ...] = ()
    goal: str | None = None
    settings: Mapping[str, Any] = attrs.Factory(dict)
    caps: Mapping[str, UsdLike] = attrs.Factory(dict)
    labels: Mapping[str, str] = attrs.Factory(dict)


@attrs.frozen(kw_only=True)
class QueuePhases:
    """Add phases to a run."""

    run_id: str
    phases: tuple[PhaseSpec, ...]


@attrs.frozen(kw_only=True)
class PauseRun:
    """Let no phase of the run be claimed."""

    run_id: str
    why: str
    actor: str


@attrs.frozen(kw_only=True)
class ResumeRun:
    """Let phases of the run be claimed again."""

    run_id: str
    why: str
    actor: str


@attrs.frozen(kw_only=True)
class RecordPreparation:
    """Record what the run starts from, or why that could not be captured."""

    run_id: str
    commit: str | None = None
    environment: Mapping[str, str] = attrs.Factory(dict)
    artifacts: Mapping[str, str] = attrs.Factory(dict)
    summary: str | None = None
    duration_s: float | None = None
    failure: str | None = None


@attrs.frozen(kw_only=True)
class FinishRun:
    """Close a run whose phases all ended; *phases_by_state* counts them."""

    run_id: str
    phases_by_state: Mapping[str, int]


@attrs.frozen(kw_only=True)
class ReopenRun:
    """Open a finished run again because a phase has work ahead."""

    run_id: str
    why: str


RunCommand = (
    CreateRun | QueuePhases | PauseRun | ResumeRun | RecordPreparation | FinishRun | ReopenRun
)


@attrs.frozen(kw_only=True)
class ClaimPhase:
    """
    Take a queued phase; *estimate* is recorded with the claim.

    With *starts* the executor is called at once, and that is recorded in the same batch.
    """

    ref: PhaseRef
    worker: str
    lease_token: str
    max_attempts: int
    now: datetime
    drain: str | None = None
    reserved_tokens: int | None = None
    reserved_usd: Usd | None = None
    basis: str | None = None
    account: str | None = None
    model: str | None = None
    executor: str | None = None
    capped: tuple[str, ...] = ()
    estimate: Any = None
    starts: bool = False
    waited_until: datetime | None = None
    """The ``not_before`` that is over for the claimer, whatever *now* says: clocks are set back."""


@attrs.frozen(kw_only=True)
class StartPhase:
    """Say that the executor is about to be called."""

    ref: PhaseRef
    lease_token: str


@attrs.frozen(kw_only=True)
class CompletePhase:
    """End the attempt well."""

    ref: PhaseRef
    lease_token: str
    outputs: Mapping[str, str] = attrs.Factory(dict)
    artifacts: Mapping[str, str] = attrs.Factory(dict)
    summary: str | None = None
    duration_s: float | None = None
    zero_yield_reason: str | None = None


@attrs.frozen(kw_only=True)
class FailPhase:
    """
    End the attempt badly, with a reason; retry it if it may help and attempts are left.

    Without *attempt_spent* it waits for another attempt however many there were. With
    *escalated_tokens* it is tried once more with that budget, in place of *budget_tokens*, and
    *escalated_why* is kept with it.
    """

    ref: PhaseRef
    lease_token: str
    code: str
    message: str
    failure_class: str
    retryable: bool
    max_attempts: int
    fingerprint: str | None = None
    artifacts: Mapping[str, str] = attrs.Factory(dict)
    duration_s: float | None = None
    not_before: datetime | None = None
    wait_s: float | None = None
    zero_yield_reason: str | None = None
    exit_code: int | None = None
    excerpt: str | None = None
    attempt_spent: bool = True
    budget_tokens: int | None = None
    retry_after_s: float | None = None
    escalated_tokens: int | None = None
    escalated_why: str | None = None
    class_basis: str | None = None
    source_fields: Mapping[str, Any] = attrs.Factory(dict)


@attrs.frozen(kw_only=True)
class TimeOutPhase:
    """End the attempt at its deadline."""

    ref: PhaseRef
    lease_token: str
    timeout_s: float
    message: str
    retryable: bool
    max_attempts: int
    artifacts: Mapping[str, str] = attrs.Factory(dict)
    not_before: datetime | None = None
    wait_s: float | None = None
    zero_yield_reason: str | None = None


@attrs.frozen(kw_only=True)
class GatePhase:
    """Let a person decide."""

    ref: PhaseRef
    lease_token: str
    question: str
    outputs: Mapping[str, str] = attrs.Factory(dict)
    artifacts: Mapping[str, str] = attrs.Factory(dict)
    summary: str | None = None
    duration_s: float | None = None
    zero_yield_reason: str | None = None


@attrs.frozen(kw_only=True)
class ReleasePhase:
    """Give the phase back without spending the attempt."""

    ref: PhaseRef
    lease_token: str
    why: str
    duration_s: float | None = None


@attrs.frozen(kw_only=True)
class ReclaimPhase:
    """Take the phase back from a worker whose lease ended."""

    ref: PhaseRef
    lease_token: str
    max_attempts: int
    why: str
    duration_s: float | None = None


@attrs.frozen(kw_only=True)
class RequeuePhase:
    """Let a person put the phase back in the queue, with all its attempts."""

    ref: PhaseRef
    by: str
    why: str
    not_before: datetime | None = None
    after_loss: bool = False
    """Whether its worker was found gone just now, which has put it back with its attempts spent."""


@attrs.frozen(kw_only=True)
class SkipPhase:
    """Leave the phase undone."""

    ref: PhaseRef
    by: str
    why: str


@attrs.frozen(kw_only=True)
class CancelPhase:
    """Call the phase off; *duration_s* is how long the attempt in work was, if one is."""

    ref: PhaseRef
    by: str
    why: str
    duration_s: float | None = None


@attrs.frozen(kw_only=True)
class DecideGate:
    """Answer a gate: ``approve``, ``reject`` or ``requeue``."""

    ref: PhaseRef
    decision: str
    by: str
    why: str


PhaseCommand = (
    ClaimPhase
    | StartPhase
    | CompletePhase
    | FailPhase
    | TimeOutPhase
    | GatePhase
    | ReleasePhase
    | ReclaimPhase
    | RequeuePhase
    | SkipPhase
    | CancelPhase
    | DecideGate
)


@attrs.frozen(kw_only=True)
class SetCaps:
    """
    Give a scope caps, by unit; those in other units stay, and None lifts one.

    Where the scope has caps, others than those are refused unless they *may_change*.

    Args:
        otherwise: The caps that hold where none was set, by unit: those of the run's creation.
    """

    scope: str
    caps: Mapping[str, UsdLike | None]
    by: str
    why: str
    may_change: bool = False
    otherwise: Mapping[str, Any] = attrs.Factory(dict)


@attrs.frozen(kw_only=True)
class ReserveCap:
    """Set aside what an attempt may use; *usd* is None where no price is known."""

    scope: str
    lease_token: str
    tokens: int
    usd: Usd | None
    allow_unknown_price: bool = False


@attrs.frozen(kw_only=True)
class SettleCap:
    """Put what an attempt has used in place of what it set aside."""

    scope: str
    lease_token: str
    tokens: int
    usd: Usd | None
    worked_us: int = 0


CapCommand = SetCaps | ReserveCap | SettleCap

Command = RunCommand | PhaseCommand | CapCommand

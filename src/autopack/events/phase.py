"""Facts of a phase's stream, ``phase-<run>/<phase>``, from estimate to end."""

from collections.abc import Mapping
from typing import Final, Literal

import attrs

from autopack.events.alarm import PhaseAlarmed
from autopack.events.schema import (
    Attempt,
    Digests,
    Instant,
    Json,
    Key,
    Reason,
    ReasonText,
    Seconds,
    Text,
    Tokens,
    event,
)
from autopack.events.verdicts import PhaseChecked, PhaseJudged
from autopack.values.money import Usd, UsdSum

LEASE_LOST: Final = "lease_lost"
"""The code of a phase that failed since its last worker was gone."""


@event("phase.estimated")
class PhaseEstimated:
    """
    How large the attempt's output was predicted to be, and the budget that follows.

    *budget_basis* says where the budget comes from; *tau* is the share of outputs that it is to
    hold, where it was chosen for that.
    """

    run_id: Key
    phase_id: Key
    attempt: Attempt
    estimator: Key
    estimator_version: Key
    predicted_output_tokens: Tokens
    budget_tokens: Tokens
    ceiling_tokens: Tokens | None = None
    tau: float | None = None
    features: Mapping[str, Json] = attrs.Factory(dict)
    budget_basis: str | None = None


@event("phase.claimed")
class PhaseClaimed:
    """
    A worker took the phase; the lease token fences off all earlier holders.

    ``account`` is whose limits a provider counts. ``capped`` names the units of the caps under
    which it was claimed, and ``reserved_tokens`` and ``reserved_usd`` what was set aside there.
    These also stand for each call that does not tell its tokens, or its price; for the price
    ``assumed_usd`` does where it is given. ``scopes`` names the caps of its phase and its day.
    """

    run_id: Key
    phase_id: Key
    attempt: Attempt
    worker: str
    lease_token: Key
    drain: Key | None = None
    account: Key | None = None
    model: str | None = None
    executor: str | None = None
    capped: tuple[str, ...] = ()
    reserved_tokens: Tokens | None = None
    reserved_usd: UsdSum | None = None
    basis: str | None = None
    assumed_usd: Usd | None = None
    scopes: tuple[Key, ...] = ()


@event("phase.started")
class PhaseStarted:
    """The executor was called."""

    run_id: Key
    phase_id: Key
    attempt: Attempt
    lease_token: Key


@event("phase.submitted")
class PhaseSubmitted:
    """
    The work is with a provider that answers later: nobody holds the phase until it is asked for.

    *handle* is what the executor asks for it by, *poll_after_s* how long not to ask.
    ``executor_settings`` is what the executor is made of again, by its name; only in the log of
    *log_id*, since what came from elsewhere may name any endpoint. ``duration_s`` is the time at
    work so far.
    """

    run_id: Key
    phase_id: Key
    attempt: Attempt
    lease_token: Key
    executor: Key
    handle: Key
    poll_after_s: Seconds
    executor_settings: Mapping[str, Json] = attrs.Factory(dict)
    drain: Key | None = None
    log_id: Key | None = None
    artifacts: Digests = attrs.Factory(dict)
    duration_s: Seconds | None = None


@event("budget.escalated")
class BudgetEscalated:
    """The next attempt gets a larger output budget."""

    run_id: Key
    phase_id: Key
    attempt: Attempt
    from_tokens: Tokens
    to_tokens: Tokens
    why: ReasonText


@event("phase.completed")
class PhaseCompleted:
    """The phase is done; its texts by digest, its wall time in seconds."""

    run_id: Key
    phase_id: Key
    attempt: Attempt | None = None
    lease_token: Key | None = None
    outputs: Digests = attrs.Factory(dict)
    artifacts: Digests = attrs.Factory(dict)
    summary: Text | None = None
    duration_s: Seconds | None = None
    zero_yield_reason: str | None = None
    source_fields: Mapping[str, Json] = attrs.Factory(dict)


@event("phase.failed", schema=2)
class PhaseFailed:
    """
    The attempt failed, and why: the code and the message are never empty.

    ``exit_code`` is that of a process, negative for a signal; ``excerpt`` is the telling part of
    what it printed; whole texts are among the artifacts; ``retry_after_s`` is what the provider
    asked to be left alone for; ``class_basis`` is what the class was taken from, and
    ``source_fields`` what the provider or its client told as facts. ``given_up`` says why a
    refusal, which is free, spends this attempt all the same, or why a strategy makes no further
    one. ``followed`` is what the drain's strategy said of it beforehand, if it was asked: ``act``,
    with the ``worker`` that asked it, and the positions ``phase_at`` and ``attempts_at`` up to
    which it was shown the phase and its attempts; ``followed_why`` is its reason or question.
    """

    run_id: Key
    phase_id: Key
    code: Reason
    message: ReasonText
    attempt: Attempt | None = None
    lease_token: Key | None = None
    failure_class: str = "unknown"
    fingerprint: str | None = None
    retryable: bool = False
    artifacts: Digests = attrs.Factory(dict)
    duration_s: Seconds | None = None
    zero_yield_reason: str | None = None
    source_fields: Mapping[str, Json] = attrs.Factory(dict)
    exit_code: int | None = None
    excerpt: Text | None = None
    retry_after_s: Seconds | None = None
    class_basis: Text | None = None
    given_up: Text | None = None
    followed: Mapping[Key, Json] = attrs.Factory(dict)
    followed_why: Text | None = None


@event("phase.timed_out", schema=2)
class PhaseTimedOut:
    """The attempt did not end by its deadline; ``followed`` is as in ``phase.failed``."""

    run_id: Key
    phase_id: Key
    attempt: Attempt
    lease_token: Key
    timeout_s: Seconds
    message: ReasonText
    retryable: bool = False
    artifacts: Digests = attrs.Factory(dict)
    zero_yield_reason: str | None = None
    followed: Mapping[Key, Json] = attrs.Factory(dict)
    followed_why: Text | None = None


@event("phase.result_late")
class PhaseResultLate:
    """A worker that had lost its lease came back with a result; it changes no state."""

    run_id: Key
    phase_id: Key
    attempt: Attempt
    lease_token: Key
    outcome: str
    message: Text | None = None
    outputs: Digests = attrs.Factory(dict)


@event("phase.released")
class PhaseReleased:
    """The worker gave the phase back by itself; the attempt is not spent."""

    run_id: Key
    phase_id: Key
    attempt: Attempt
    lease_token: Key
    why: ReasonText
    duration_s: Seconds | None = None


@event("phase.reclaimed")
class PhaseReclaimed:
    """
    The phase was taken back from a worker whose lease had ended; the attempt is spent.

    ``duration_s`` goes to the end of that lease at most: what a dead worker idles is no work.
    """

    run_id: Key
    phase_id: Key
    why: ReasonText
    attempt: Attempt | None = None
    lease_token: Key | None = None
    worker: str | None = None
    duration_s: Seconds | None = None
    source_fields: Mapping[str, Json] = attrs.Factory(dict)


@event("phase.requeued")
class PhaseRequeued:
    """
    The phase waits again; a person's requeue gives it all its attempts back.

    A back-off has its length as *wait_s*, since the clock that *not_before* came from may be wrong.
    """

    run_id: Key
    phase_id: Key
    by: str
    why: ReasonText
    not_before: Instant | None = None
    wait_s: Seconds | None = None
    attempt_spent: bool = True
    attempts_reset: bool = False


@event("phase.gated")
class PhaseGated:
    """The phase waits for a person's decision, with what was done by then."""

    run_id: Key
    phase_id: Key
    attempt: Attempt | None = None
    lease_token: Key | None = None
    question: ReasonText
    outputs: Digests = attrs.Factory(dict)
    duration_s: Seconds | None = None
    zero_yield_reason: str | None = None
    source_fields: Mapping[str, Json] = attrs.Factory(dict)
    artifacts: Digests = attrs.Factory(dict)
    summary: Text | None = None


@event("phase.gate_decided")
class PhaseGateDecided:
    """A person approved (the phase is complete), rejected (failed) or sent it back (queued)."""

    run_id: Key
    phase_id: Key
    decision: str
    by: str
    why: ReasonText
    attempt: Attempt | None = None


@event("phase.skipped")
class PhaseSkipped:
    """The phase will not be done."""

    run_id: Key
    phase_id: Key
    by: str
    why: ReasonText


@event("phase.cancelled")
class PhaseCancelled:
    """The phase was called off; with the attempt that was in work then, if one was."""

    run_id: Key
    phase_id: Key
    by: str
    why: ReasonText
    attempt: Attempt | None = None
    lease_token: Key | None = None
    duration_s: Seconds | None = None


@event("phase.inherited")
class PhaseInherited:
    """
    A phase of a fork stands as its parent's did when they parted; no attempt at it was made here.

    ``state`` is one in which it is not in work, such as ``COMPLETE``; what the work gave is named.
    """

    run_id: Key
    phase_id: Key
    from_run: Key
    state: Literal["COMPLETE", "FAILED", "TIMED_OUT", "GATED", "SKIPPED", "CANCELLED"]
    reason_code: str | None = None
    reason: Text | None = None
    outputs: Digests = attrs.Factory(dict)
    artifacts: Digests = attrs.Factory(dict)
    summary: Text | None = None


PhaseEvent = (
    PhaseAlarmed
    | PhaseChecked
    | PhaseJudged
    | PhaseEstimated
    | PhaseClaimed
    | PhaseStarted
    | PhaseSubmitted
    | BudgetEscalated
    | PhaseCompleted
    | PhaseFailed
    | PhaseTimedOut
    | PhaseResultLate
    | PhaseReleased
    | PhaseReclaimed
    | PhaseRequeued
    | PhaseGated
    | PhaseGateDecided
    | PhaseSkipped
    | PhaseCancelled
    | PhaseInherited
)

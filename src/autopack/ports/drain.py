"""What a drain strategy sees, and what it may answer."""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol, TypeAlias

import attrs

from autopack.ports.work import PhaseView, RunView
from autopack.values.ids import PhaseRef, phase_ref
from autopack.values.money import Usd

_QUARTER: Final = timedelta(minutes=15)


@attrs.frozen(kw_only=True)
class RunHistory:
    """
    What a drain has seen of one run so far.

    Args:
        attempts, completed, failed, timed_out: Attempts that ended, and how.
        with_usage: Attempts of which at least one call was recorded.
        first_ending: How the first one ended: ``completed``, ``failed``, ``timed_out`` or
            ``gated``; None before it did.
        first_had_usage: Whether it made a call.
        first_is_repeat: Whether it failed as another attempt of this drain had failed before.
        repeats: Of the run's failures, how often the most frequent kind was seen in this drain.
    """

    attempts: int = 0
    completed: int = 0
    failed: int = 0
    timed_out: int = 0
    with_usage: int = 0
    first_ending: str | None = None
    first_had_usage: bool = False
    first_is_repeat: bool = False
    repeats: int = 0


@attrs.frozen(kw_only=True)
class GroupEvidence:
    """
    What is known of a group's predictions: sums over the logarithms of actual over predicted.

    Args:
        n: Samples: successful, measured, whole.
        log_sum, log_squares: The sum of the logarithms, and of their squares.
    """

    n: int = 0
    log_sum: float = 0.0
    log_squares: float = 0.0

    def plus(self, other: "GroupEvidence") -> "GroupEvidence":
        """Return both together."""
        return GroupEvidence(
            n=self.n + other.n,
            log_sum=self.log_sum + other.log_sum,
            log_squares=self.log_squares + other.log_squares,
        )

    @property
    def ratio(self) -> float:
        """The geometric mean of actual over predicted; 1 without a sample."""
        return math.exp(self.log_sum / self.n) if self.n else 1.0

    @property
    def squared_error(self) -> float:
        """The sum of squared distances from the mean, of the logarithms."""
        return max(0.0, self.log_squares - self.log_sum**2 / self.n) if self.n else 0.0


def evidence_of(predicted: float, actual: float, sign: int = 1) -> GroupEvidence:
    """Return what one sample adds to its group, or with *sign* -1 takes away."""
    log = math.log(actual / predicted)
    return GroupEvidence(n=sign, log_sum=sign * log, log_squares=sign * log * log)


def _as_predicted(phase: PhaseView) -> int:
    return phase.predicted_output_tokens or 0


@attrs.frozen(kw_only=True)
class PastAttempt:
    """
    An attempt at a phase as strategies see it, whoever made it.

    Args:
        number: Which attempt of its phase it was; they count from 1.
        model, executor: What it was claimed with, by name.
        ending: How it ended, in one word: ``completed``, ``failed``, ``timed_out``, ``gated``,
            ``released``, ``reclaimed`` or ``cancelled``; None while it is in work.
        failure_class, reason_code, message: Of its failure.
        verdict: What judged its work last, ``right`` or ``wrong``; None if nothing did.
        cost_usd: What its calls cost, as far as their prices are known; None if none is.
        calls, output_tokens: What was recorded of it.
    """

    number: int
    model: str | None = None
    executor: str | None = None
    ending: str | None = None
    failure_class: str | None = None
    reason_code: str | None = None
    message: str | None = None
    verdict: str | None = None
    cost_usd: Usd | None = None
    calls: int = 0
    output_tokens: int = 0


def _none_known(_ref: PhaseRef) -> Sequence[PastAttempt]:
    return ()


@attrs.frozen(kw_only=True)
class DrainView:
    """
    What is known at the moment of a choice. A strategy is a pure function of it.

    Sequences and mappings are views of what the drain keeps: cheap to have, costly to copy.

    Args:
        now: The moment of the choice, aware, UTC.
        ready: Phases that may be claimed now, by run and index; nothing else may be chosen.
        waiting: How many queued phases may not be claimed yet, for whatever reason.
        next_ready_at: When the first of the waiting phases becomes ready by time alone.
        running: How many phases this drain holds.
        elsewhere: How many phases other workers hold; they may come back to the queue.
        submitted: How many phases providers have that answer later; nobody holds them.
        spent_tokens: Total tokens recorded by this drain.
        reserved_tokens: Output tokens budgeted for the phases in flight.
        runs: The runs by id.
        failures: How often each failure fingerprint was seen by this drain.
        samples: Predictions met by a measurement in this drain.
        tokens_by_quarter: Total tokens of all calls in the log, by whichever drain, by the
            beginning (UTC) of the quarter of an hour in which they happened.
        failed: Phases that FAILED or TIMED_OUT and were not tried by this drain; ``Retry`` may
            name one of them.
        in_work: Phases that a worker holds, here or elsewhere.
        history: What this drain has seen of each run, by run id.
        zero_streak: How many attempts in a row have ended without any recorded call.
        groups: What is known of each group's predictions, by ``category/complexity``; read from
            the log when it is first asked for.
        predict: Returns the predicted output tokens of a phase; of the same phase always the same.
        attempts: Returns the attempts at a phase that were made so far, in order, by whomever;
            read from the log when it is called.
        resting: The models that nobody is sent to for now, by when to look again: their lanes of
            the drain's account rest, or their rates are used up. ``""`` is the whole account.
    """

    now: datetime
    ready: Sequence[PhaseView]
    waiting: int = 0
    next_ready_at: datetime | None = None
    running: int = 0
    elsewhere: int = 0
    submitted: int = 0
    spent_tokens: int = 0
    reserved_tokens: int = 0
    runs: Mapping[str, RunView] = attrs.Factory(dict)
    failures: Mapping[str, int] = attrs.Factory(dict)
    samples: int = 0
    tokens_by_quarter: Mapping[datetime, int] = attrs.Factory(dict)
    failed: Sequence[PhaseView] = ()
    in_work: Sequence[PhaseView] = ()
    history: Mapping[str, RunHistory] = attrs.Factory(dict)
    zero_streak: int = 0
    groups: Mapping[str, GroupEvidence] = attrs.Factory(dict)
    predict: Callable[[PhaseView], int] = _as_predicted
    attempts: Callable[[PhaseRef], Sequence[PastAttempt]] = _none_known
    resting: Mapping[str, datetime] = attrs.Factory(dict)

    def tokens_since(self, moment: datetime) -> int:
        """Return the total tokens of all calls since *moment*, in whole quarters of an hour."""
        return sum(
            tokens
            for quarter, tokens in self.tokens_by_quarter.items()
            if quarter + _QUARTER > moment
        )


@attrs.frozen
class Choose:
    """
    Take this phase; the reason is recorded.

    Args:
        model: The model to do it with, instead of the phase's own.
        executor: The name of who does it, instead of the drain's own: one of the drain's
            ``executors``, a registered name, or ``file.py:name``.
    """

    ref: PhaseRef = attrs.field(converter=phase_ref)
    reason: str
    model: str | None = None
    executor: str | None = None


@attrs.frozen
class Retry:
    """
    Put this failed phase back in the queue and take it; the reason is recorded with both.

    *model* and *executor* are those of :class:`Choose`.
    """

    ref: PhaseRef = attrs.field(converter=phase_ref)
    reason: str
    model: str | None = None
    executor: str | None = None


@attrs.frozen
class Wait:
    """Take nothing now; ask again when something changed, or at *until*."""

    reason: str
    until: datetime | None = None


@attrs.frozen
class Stop:
    """End the drain; the reason is recorded."""

    reason: str


Choice: TypeAlias = Choose | Retry | Wait | Stop


@attrs.frozen
class Ask:
    """Leave a phase that has just failed to a person, who is asked this."""

    ref: PhaseRef = attrs.field(converter=phase_ref)
    question: str


@attrs.frozen
class GiveUp:
    """Make no further attempt at a phase that has just failed; the reason is recorded."""

    ref: PhaseRef = attrs.field(converter=phase_ref)
    reason: str


Afterwards: TypeAlias = Retry | Ask | GiveUp | None
"""What a strategy says of a phase that has just failed; None leaves it to the failure's class."""


class Strategy(Protocol):
    """
    Chooses, retries, waits or stops: a pure function of the view.

    A strategy with a true ``takes_failed`` is asked also when nothing is queued but failed phases
    are left.

    A strategy that names models or executors may have ``choice_for(phase, view) -> Choose``: what
    it would answer if it were this phase's turn. Where a model rests, it is asked for each ready
    phase, so that those which would go elsewhere are not held back; *view* has all of them.
    Without it a phase waits for its own model.

    It may also have ``after_failure(phase, attempts) -> Retry | Ask | GiveUp | None``, asked once
    an attempt has failed or run out of time, before that is recorded, with the attempts so far and
    this one as the last. ``Retry`` puts the phase back whatever its failure's class says, as long
    as it has attempts; its model is chosen when its turn comes. What waits for free is not asked
    about.
    """

    def __call__(self, view: DrainView, /) -> Choice:
        """Return what to do next."""


StrategyLike: TypeAlias = str | Strategy | type[Strategy]
"""A registered name, ``file.py:name``, a strategy, or a class of one that takes no options."""

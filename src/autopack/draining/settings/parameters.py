"""What a drain can be asked for, by name and type."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, TypedDict

from autopack.draining.attempts.escalation import EscalationLike
from autopack.draining.queue.rate_limits import Rate
from autopack.ports.calibrator_protocol import CalibratorLike
from autopack.ports.check_specs import CheckLike
from autopack.ports.prediction import EstimatorLike
from autopack.ports.requirements import Resources
from autopack.ports.work import ExecutorLike
from autopack.ports.workspaces import WorkspaceLike
from autopack.prediction.calibration.price_table import Plain, PriceTable
from autopack.values.money import UsdLike


class DrainLimits(TypedDict, total=False):
    """
    When a drain takes no further phase; None is no limit. A phase in work is always let finish.

    Args:
        max_phases: Phases taken, retries among them.
        max_minutes: Minutes at work.
        max_samples: Samples won.
        max_tokens, max_usd: Caps, in total tokens and USD: claims set aside under them what they
            may use, and every process that joins the drain is bound by them.
        max_tokens_per_phase, max_usd_per_phase: Caps of each phase that has none of its own.
        max_tokens_per_day, max_usd_per_day: Caps of each day of ``day_zone``.
        max_zero_yield: Phases in a row without any recorded call.
        give_up_after_s: Seconds for which it waits, with nothing in work, for an account that lets
            nobody in: an outage, or a window that is used up.
        idle_s: Seconds for which nothing is in work, nor with a provider.
        max_fingerprint_repeats: The breaker's, 10 if it is left out: a run that fails the same
            way so often, with no success in between, is left.
        max_timeouts_per_run: The breaker's as well: a run is left after so many time-outs.
    """

    max_phases: int | None
    max_minutes: float | None
    max_samples: int | None
    max_tokens: int | None
    max_usd: UsdLike | None
    max_tokens_per_phase: int | None
    max_usd_per_phase: UsdLike | None
    max_tokens_per_day: int | None
    max_usd_per_day: UsdLike | None
    max_zero_yield: int | None
    give_up_after_s: float | None
    idle_s: float | None
    max_fingerprint_repeats: int | None
    max_timeouts_per_run: int | None


class DrainChanges(TypedDict, total=False):
    """
    What can be changed of a drain while it runs; None lifts a limit. What is not named stays.

    Each means what it does in :class:`autopack.types.DrainSettings`: fewer ``workers`` let those
    in work end, and ``timeout_s`` is that of attempts which begin from now on.
    """

    workers: int
    timeout_s: float | None
    requests_per_minute: Rate
    tokens_per_minute: Rate
    max_phases: int | None
    max_minutes: float | None
    max_samples: int | None
    max_tokens: int | None
    max_usd: UsdLike | None
    max_zero_yield: int | None
    give_up_after_s: float | None


class DrainSettings(DrainLimits, total=False):
    """
    What a drain can be asked for beside its executor and its strategy; each may be left out.

    Args:
        run_id, phase_id: Take phases of this run only, or only this one.
        workers: How many phases are in work at once; 1.
        offers: What there is for phases that require something, as ``{"gpu": 2, "label": "eu"}``:
            phases in work at once share amounts. Those that require more are passed over.
        when_empty: ``stop``, or ``wait`` for new phases.
        collect: What becomes of phases that providers have: ``wait`` until they are answered, or
            ask ``once`` for those that are due, and leave the rest to a later drain.
        timeout_s: The deadline of phases that name none.
        lease_s: How long a dead worker's phases stay with it; 30.
        allow_empty: Drain a log that holds no runs.
        workspace: The folder that attempts work in, ``attempt.workspace``; or who keeps one for
            each attempt: a registered name, or ``{"name": ..., options}``. Deliverables are
            looked up there for the estimate.
        executors: Further executors by the names that its strategy may give of who does a phase.
        check: What the work of phases is judged by that name no check, nor their run does: a
            program's arguments, a registered name, ``file.py:name``, a callable, a table, or a
            list of several.
        resumes: The id of a drain to go on with, or ``last``: its settings and limits, and what
            it used of them, come from the log; what is given here wins.
        drain: The name of a drain to join; its cap binds all that do.
        prices: Dated prices of models, as :func:`autopack.read_prices` gives them, by a registered
            name, or as plain values, as the log keeps them. What they do not tell is asked of
            plugins, and else taken from what calls of the log cost.
        allow_unknown_price: Claim under a cap in USD although nobody knows the price.
        at_cap: What becomes of work for which a cap has no room: ``stop``, or ``ask``, and wait for
            an answer by :func:`autopack.decide_cap`.
        alarm: What becomes of an attempt that used more than almost all like it that ended well,
            as ``[MEASURE:]TAU:POLICY``, say ``0.99:ask``. The measure is ``total_tokens``,
            ``calls`` or ``seconds``, tau their share, and the policy ``note``, ``ask`` a person, or
            ``stop``.
        day_zone: Whose midnight begins a day; UTC.
        assume_usd_per_call: What a call counts as under caps whose price nobody tells.
        backoff_base_s, backoff_cap_s: How long retries wait, at first and at most; 1 and 300.
        estimator: Predicts outputs; budgets follow from it.
        calibrator: Budget what it says that the share *tau* of outputs will not exceed.
        tau: That share; 0.9.
        escalation: How a truncated attempt gets a larger budget: ``quantile``, what the
            calibrator says of larger outputs; or ``factor``, ``none``, or a policy.
        requests_per_minute, tokens_per_minute: For every model, or by model.
        account: Whose limits the calls count under; the executor's own ``account``, else its
            provider's name, else ``default``. All who work on the log leave it alone together.
        leave: The share of each of its windows that is left to others, as 0.1.
    """

    run_id: str | None
    phase_id: str | None
    workers: int
    offers: Resources | None
    when_empty: Literal["stop", "wait"]
    collect: Literal["wait", "once"]
    timeout_s: float | None
    lease_s: float
    allow_empty: bool
    workspace: WorkspaceLike | None
    executors: Mapping[str, ExecutorLike] | None
    check: CheckLike
    resumes: str | None
    drain: str | None
    prices: PriceTable | Plain | str | None
    allow_unknown_price: bool
    assume_usd_per_call: UsdLike | None
    at_cap: Literal["stop", "ask"]
    alarm: str | None
    day_zone: str
    backoff_base_s: float
    backoff_cap_s: float
    estimator: EstimatorLike
    calibrator: CalibratorLike | None
    tau: float
    escalation: EscalationLike
    requests_per_minute: Rate
    tokens_per_minute: Rate
    account: str | None
    leave: float | None


class AttemptSettings(TypedDict, total=False):
    """What :func:`autopack.attempt` takes besides a log and a phase; each may be left out."""

    worker: str | None
    estimator: EstimatorLike
    workspace: Path | None
    check: CheckLike
    calibrator: CalibratorLike | None
    tau: float
    escalation: EscalationLike
    prices: PriceTable | str | None
    allow_unknown_price: bool
    assume_usd_per_call: UsdLike | None

"""Phases done: drained, or attempted in a loop of one's own."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from autopack.api.estimates import DEFAULT_ESTIMATOR
from autopack.log.log import Log, handler_of, journal_of, registry_of
from autopack.log.thread_pool import Block
from autopack.ports.attempt import OwnAttempt
from autopack.ports.calibrator_protocol import CalibratorLike
from autopack.ports.check_specs import CheckLike, checks_of
from autopack.ports.drain import StrategyLike
from autopack.ports.log import Recorded
from autopack.ports.prediction import EstimatorLike
from autopack.ports.work import ExecutorLike
from autopack.prediction.calibrated_estimates import estimated
from autopack.prediction.calibrators import quantiles_of
from autopack.projections.phases import standing
from autopack.values.ids import PhaseName, phase_ref
from autopack.values.money import UsdLike

if TYPE_CHECKING:
    from autopack.draining.attempts.escalation import EscalationLike
    from autopack.draining.engine.drain_report import DrainReport
    from autopack.draining.engine.probes import ProbeReport
    from autopack.draining.settings.parameters import DrainSettings
    from autopack.prediction.calibration.price_table import PriceTable


def drain(
    log: Log,
    *,
    executor: ExecutorLike | None = None,
    strategy: StrategyLike | None = None,
    on_event: Callable[[Recorded[Any]], None] | None = None,
    **settings: "Unpack[DrainSettings]",
) -> "DrainReport":
    """Work the queue off and return what happened; see :class:`autopack.Drain`."""
    from autopack.draining.engine.engine import Drain

    return Drain(log, executor=executor, strategy=strategy, on_event=on_event, **settings).run()


def probe(
    log: Log,
    *,
    executor: ExecutorLike | None = None,
    strategy: StrategyLike | None = None,
    on_event: Callable[[Recorded[Any]], None] | None = None,
    **settings: "Unpack[DrainSettings]",
) -> "ProbeReport":
    """
    Drain one phase, once, and say whether draining the rest is worth it, check by check.

    Args:
        settings: As :class:`autopack.Drain` takes them; name a run, or a run and a phase, to
            choose what is tried. One worker takes one phase, whatever is said of either.

    Raises:
        NothingReadyError: No phase can be taken; nothing was written.
    """
    from autopack.draining.engine.probes import probe, probe_drain

    return probe(
        probe_drain(log, executor=executor, strategy=strategy, on_event=on_event, **settings)
    )


def attempt(
    log: Log,
    phase: PhaseName,
    *,
    worker: str | None = None,
    estimator: EstimatorLike = DEFAULT_ESTIMATOR,
    workspace: Path | None = None,
    check: CheckLike = None,
    calibrator: CalibratorLike | None = None,
    tau: float = 0.9,
    escalation: "EscalationLike" = "quantile",
    prices: "PriceTable | str | None" = None,
    allow_unknown_price: bool = True,
    assume_usd_per_call: UsdLike | None = None,
) -> Block[OwnAttempt]:
    """
    Claim a queued phase, and record what the block does, for people with their own loop.

    Enter it by ``with``, or by ``async with``: then the log is waited for in threads, and
    ``await attempt.arecord_usage(...)`` records a call while the event loop goes on.

    The phase is completed at the block's end, or failed with the exception that left it, which
    goes on; it is given back if that is the machine's fault. Its checks run at the block's end,
    which waits for them; what does not pass is failed, and raises nothing. Its lease is renewed
    from a thread of its own. The run is finished with its last phase. Phases whose workers are
    gone, this one among them, are taken back first, as a drain does.

    Args:
        phase: Its ref, ``(run, phase)`` or ``"run/phase"``.
        worker: Who works on it; a name no other process has, if not given.
        estimator: Predicts the output; ``attempt.budget_tokens`` comes from it.
        workspace: The folder that the attempt works in; ``attempt.workspace`` is its whole path.
        check: What the work is judged by if the phase names no check, nor its run does.
        calibrator: Budget what it says that the share *tau* of outputs will not exceed.
        escalation: How a truncated attempt gets a larger budget, as in a drain.
        prices: Dated prices of models, as :func:`read_prices` gives them, or by a registered name,
            before plugins are asked.
        allow_unknown_price: Claim under a cap in USD although nobody can price the phase ahead;
            the cap is tested at each recorded call all the same.
        assume_usd_per_call: What a call counts as under caps whose price nobody tells.

    Raises:
        RunMissingError, PhaseMissingError: It is not there.
        MoveRefusedError: It is not queued, and no worker left it whose lease has ended.
        CapFullError, PriceUnknownError: What it may use does not fit under the run's cap.
        LeaseLostError: Somebody else took it while it was in work.
    """
    inner = _attempted(
        log,
        phase,
        worker=worker,
        estimator=estimator,
        workspace=workspace,
        check=check,
        calibrator=calibrator,
        tau=tau,
        escalation=escalation,
        prices=prices,
        allow_unknown_price=allow_unknown_price,
        assume_usd_per_call=assume_usd_per_call,
    )
    return Block(journal_of(log).pool, inner)


@contextlib.contextmanager
def _attempted(
    log: Log,
    phase: PhaseName,
    *,
    worker: str | None,
    estimator: EstimatorLike,
    workspace: Path | None,
    check: CheckLike,
    calibrator: CalibratorLike | None,
    tau: float,
    escalation: "EscalationLike",
    prices: "PriceTable | str | None",
    allow_unknown_price: bool,
    assume_usd_per_call: UsdLike | None,
) -> Iterator[OwnAttempt]:
    """Claim the phase, yield its attempt, and record how the block ended; see ``attempt``."""
    from autopack.draining.attempts.claims import Claims, new_worker
    from autopack.draining.attempts.escalation import escalation_of
    from autopack.draining.attempts.failures import Failing, classifier_of
    from autopack.draining.attempts.lost_leases import take_back, take_back_all
    from autopack.draining.attempts.recorded_ends import working
    from autopack.draining.caps.enforcement import Caps
    from autopack.draining.caps.price_book import PriceBook
    from autopack.draining.checks.named_checks import check_ready
    from autopack.draining.checks.own_checks import own_checks
    from autopack.draining.settings.settings import usd_of
    from autopack.prediction.named_prices import prices_in

    handler, registry = handler_of(log), registry_of(log)
    checks = checks_of(check, may_be_object=True)
    check_ready(registry, checks or ())
    ref = phase_ref(phase)
    caps = Caps(
        handler,
        prices=PriceBook(handler.journal, registry, prices_in(registry, prices)),
        allow_unknown_price=allow_unknown_price,
        assume_usd_per_call=usd_of("assume_usd_per_call", assume_usd_per_call),
    )
    claims = Claims(handler, worker=worker or new_worker(), caps=caps)
    take_back_all(claims)
    take_back(handler, ref, claims=claims)  # it may have left no lease
    view = standing(handler.queued(ref), handler.phase_state(ref))
    chosen = registry.resolve("estimator", estimator)
    quantiles = quantiles_of(handler.journal, registry, calibrator, estimator=chosen.name, tau=tau)
    found = estimated(
        handler.journal,
        chosen,
        view,
        registry=registry,
        workspace=workspace,
        quantiles=None if calibrator is None else quantiles(),
        tau=tau,
        outputs=handler.outputs,
    )
    failing = Failing(
        quantiles=quantiles,
        redact=handler.journal.redact,
        classify=classifier_of(registry),
        escalation=escalation_of(escalation),
    )
    with claims:
        claim = claims.take(view, found, timeout_s=view.timeout_s, reason=None)
        try:
            with working(
                handler,
                claims,
                claim,
                registry,
                failing,
                workspace=workspace,
                checked=own_checks(handler, registry, claim, checks),
            ) as live:
                yield live
        finally:
            handler.finish_run(ref.run_id)

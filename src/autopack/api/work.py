"""Phases done: drained, or attempted in a loop of one's own."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autopack import views
from autopack.api.calibrating import DEFAULT_ESTIMATOR
from autopack.api.runs import finish_if_ended
from autopack.estimating import estimated
from autopack.fitting import quantiles_of
from autopack.handler import handler_of
from autopack.ids import PhaseName, phase_ref
from autopack.log import Log
from autopack.ports.work import PhaseView
from autopack.projections.phases import PHASES

if TYPE_CHECKING:
    from autopack.draining.probing import ProbeReport
    from autopack.draining.recording import LiveAttempt
    from autopack.draining.report import DrainReport


def drain(
    log: Log, *, executor: Any = None, strategy: Any = None, **settings: Any
) -> "DrainReport":
    """Work the queue off and return what happened; see :class:`autopack.Drain`."""
    from autopack.draining.engine import Drain

    return Drain(log, executor=executor, strategy=strategy, **settings).run()


def probe(log: Log, *, executor: Any, **settings: Any) -> "ProbeReport":
    """Drain one phase, once, and say whether draining the rest is worth it, check by check."""
    from autopack.draining.probing import probe

    return probe(log, executor=executor, **settings)


@contextlib.contextmanager
def attempt(
    log: Log,
    phase: PhaseName,
    *,
    worker: str | None = None,
    estimator: Any = DEFAULT_ESTIMATOR,
    workspace: Path | None = None,
    calibrator: Any = None,
    tau: float = 0.9,
    escalation: Any = "quantile",
    allow_unknown_price: bool = True,
) -> Iterator["LiveAttempt"]:
    """
    Claim a queued phase, and record what the ``with`` block does, for people with their own loop.

    The phase is completed at the block's end, or failed with the exception that left it, which
    goes on. Its lease is renewed from a thread of its own. The run is finished with its last phase.

    Args:
        phase: Its ref, ``(run, phase)`` or ``"run/phase"``.
        worker: Who works on it; a name no other process has, if not given.
        estimator: Predicts the output; ``attempt.budget_tokens`` comes from it.
        calibrator: Budget what it says that the share *tau* of outputs will not exceed.
        escalation: How a truncated attempt gets a larger budget, as in a drain.
        allow_unknown_price: Claim under a cap in USD although nobody can price the phase ahead;
            the cap is tested at each recorded call all the same.

    Raises:
        RunMissingError, PhaseMissingError: It is not there.
        MoveRefusedError: It is not queued.
        CapFullError, PriceUnknownError: What it may use does not fit under the run's cap.
        LeaseLostError: Somebody else took it while it was in work.
    """
    from autopack.draining.caps import Caps
    from autopack.draining.claims import Claims, new_worker
    from autopack.draining.closing import working
    from autopack.draining.escalation import escalation_of
    from autopack.draining.failing import Failing, classifier_of

    handler = handler_of(log)
    ref = phase_ref(phase)
    handler.queued(ref)
    view: PhaseView = views.current_row(log, PHASES, str(ref))
    chosen = log.registry.resolve("estimator", estimator)
    quantiles = quantiles_of(log, calibrator, estimator=chosen.name, tau=tau)
    found = estimated(
        log,
        chosen,
        view,
        registry=log.registry,
        workspace=workspace,
        quantiles=None if calibrator is None else quantiles(),
        tau=tau,
    )
    failing = Failing(
        quantiles=quantiles,
        redact=log.redact,
        classify=classifier_of(log.registry),
        escalation=escalation_of(escalation),
    )
    caps = Caps(handler, allow_unknown_price=allow_unknown_price)
    with Claims(handler, worker=worker or new_worker(), caps=caps) as claims:
        claim = claims.take(view, found, timeout_s=view.timeout_s, reason=None)
        try:
            with working(handler, claims, claim, log.registry, failing) as live:
                yield live
        finally:
            finish_if_ended(log, ref.run_id)

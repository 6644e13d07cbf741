"""A drain asked again: by its own strategy, by another one, or by other budgets."""

from typing import TYPE_CHECKING

from autopack.log.log import Log
from autopack.ports.calibrator_protocol import CalibratorLike
from autopack.ports.drain import StrategyLike
from autopack.ports.prediction import EstimatorLike

if TYPE_CHECKING:
    from autopack.draining.simulation.replayed_choices import DrainReplay


def replay_drain(
    log: Log,
    drain_id: str = "last",
    *,
    strategy: StrategyLike | None = None,
    calibrator: CalibratorLike | None = None,
    estimator: EstimatorLike | None = None,
    tau: float | None = None,
) -> "DrainReplay":
    """
    Ask a strategy again at each choice that a drain has recorded; nothing is executed or written.

    Each is asked on what the drain's own strategy was shown then, twice. The drain's own is to
    choose as it did: one that does not is no function of its view. Another one is followed from
    where it parts, as far as the log knows what its attempts would have come to.

    Args:
        drain_id: The drain; ``last`` is the one that was started last.
        strategy: What is asked; the drain's own, if it is left out.
        calibrator, estimator: By which its attempts would have had what budgets, against what they
            wrote. Where only these are given, no strategy is asked.
        tau: The share of outputs that the calibrator is to hold; the drain's own by default.

    Raises:
        InvalidInputError: There is no such drain, or its own strategy was an object, or a file that
            another log named.
    """
    import attrs

    from autopack.draining.engine.drain_replay import budgets_replayed, replayed, unasked
    from autopack.draining.engine.resume import drain_named

    name = drain_named(log, drain_id, setting="drain_id")
    is_of_budgets = not (calibrator is None and estimator is None and tau is None)
    is_asked = strategy is not None or not is_of_budgets
    found = replayed(log, name, strategy) if is_asked else unasked(log, name)
    if not is_of_budgets:
        return found
    budgets = budgets_replayed(log, name, estimator=estimator, calibrator=calibrator, tau=tau)
    return attrs.evolve(found, budgets=budgets)

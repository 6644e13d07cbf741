"""Models that a simulation is asked for, and of which its work does not know what they would do."""

from collections.abc import Mapping
from typing import Any

from autopack.draining.simulation.backlogs import Backlog
from autopack.draining.strategies.cascade import Cascade
from autopack.errors import InvalidInputError
from autopack.ports.work import PhaseView


def check_models(backlog: Backlog, strategy: Any) -> None:
    """
    Return if a backlog knows the models that a strategy is made with.

    Raises:
        InvalidInputError: It knows no models, or not all of these.
    """
    if not isinstance(strategy, Cascade):
        return
    if not backlog.goes_by_model:
        raise _unknown(backlog, strategy.models)
    backlog.check_models(strategy.models)


def check_attempt(backlog: Backlog, asked_for: Mapping[str, str | None], phase: PhaseView) -> None:
    """
    Return if a phase was taken with the model that was asked for, or a backlog knows others.

    Args:
        asked_for: The models of the backlog's phases, by key.

    Raises:
        InvalidInputError: A strategy chose another one.
    """
    if not backlog.goes_by_model and phase.model != asked_for.get(phase.key):
        raise _unknown(backlog, (phase.model or "none",))


def _unknown(backlog: Backlog, models: tuple[str, ...]) -> InvalidInputError:
    return InvalidInputError(
        f"The strategy names models ({', '.join(models)}), and nobody knows what other models "
        f"would have done with {backlog.source}.",
        name="models",
        value=models,
        do="Simulate on a matrix of trials, or ask advise_models(log).",
        typed="Give a matrix of models tried on tasks with --trace, or ask: autopack advise models",
    )

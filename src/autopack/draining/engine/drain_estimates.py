"""What a drain predicts of phases: by the coefficients that are in force now."""

from collections.abc import Sequence
from typing import Any

from autopack.draining.settings.settings import Settings
from autopack.log.command_handler import Handler
from autopack.plugins.registry import Registry
from autopack.ports.log import Recorded
from autopack.ports.prediction import Coefficients, Estimate
from autopack.ports.work import PhaseView
from autopack.prediction.calibrated_estimates import coefficients, estimated
from autopack.prediction.calibrators import quantiles_of
from autopack.values.ids import estimator_stream


class DrainEstimates:
    """
    Predicts the outputs of phases, and reads what its estimator was taught once it changed.

    Args:
        began: The position of the log as the drain began.
    """

    def __init__(
        self, handler: Handler, registry: Registry, settings: Settings, *, began: int
    ) -> None:
        self._handler, self._registry, self._settings = handler, registry, settings
        self._began = began
        self._taught: Coefficients | None = None
        self._taught_first: Coefficients | None = None
        self.quantiles = quantiles_of(
            handler.journal,
            registry,
            settings.calibrator,
            estimator=settings.estimator.name,
            tau=settings.tau,
        )

    def hear(self, events: Sequence[Recorded[Any]]) -> None:
        """Take note of what the estimator was taught."""
        stream = estimator_stream(self._settings.estimator.name)
        if any(recorded.stream == stream for recorded in events):
            self._taught = None

    def predict(self, phase: PhaseView) -> int:
        """Predict a phase's output tokens by what was known as the drain began, for its choices."""
        settings, journal = self._settings, self._handler.journal
        if self._taught_first is None:
            self._taught_first = coefficients(journal, settings.estimator, until=self._began)
        return estimated(
            journal,
            settings.estimator,
            phase,
            registry=self._registry,
            workspace=settings.folder,
            taught=self._taught_first,
        ).predicted_output_tokens

    def estimate(self, phase: PhaseView) -> Estimate:
        """Predict a phase's output with the coefficients in force now."""
        settings, journal = self._settings, self._handler.journal
        if self._taught is None:
            self._taught = coefficients(journal, settings.estimator)
        return estimated(
            journal,
            settings.estimator,
            phase,
            registry=self._registry,
            workspace=settings.folder,
            quantiles=None if settings.calibrator is None else self.quantiles(),
            tau=settings.tau,
            taught=self._taught,
            outputs=self._handler.outputs,
        )

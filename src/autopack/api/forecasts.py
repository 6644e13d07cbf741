"""What the queued work will take: tokens and dollars, with intervals."""

from pathlib import Path

from autopack.api.estimates import DEFAULT_ESTIMATOR, list_samples
from autopack.api.prices import read_prices
from autopack.api.views import list_phases, view
from autopack.draining.caps.price_book import PriceBook
from autopack.log.log import Log, journal_of, registry_of
from autopack.ports.prediction import CalibratorLike, EstimatorLike, Sample
from autopack.ports.states import PhaseStatus
from autopack.ports.work import PhaseView
from autopack.prediction.calibrated_estimates import estimated
from autopack.prediction.calibration.block_errors import block_errors
from autopack.prediction.calibration.forecast_intervals import (
    HIGH,
    LOW,
    MIDDLE,
    NO_ERRORS,
    Forecast,
    PhaseForecast,
    Price,
    expected_by,
    forecast_of,
    priced,
    range_of,
)
from autopack.prediction.calibration.price_table import PriceTable
from autopack.prediction.calibration.usable_samples import unfit_as_size
from autopack.prediction.calibrators import DEFAULT_QUANTILES, calibrator_of, quantiles_of
from autopack.projections.phases import PHASES


def forecast(
    log: Log,
    *,
    run_id: str | None = None,
    calibrator: CalibratorLike = DEFAULT_QUANTILES,
    estimator: EstimatorLike = DEFAULT_ESTIMATOR,
    prices: PriceTable | Path | str | None = None,
    workspace: Path | None = None,
) -> Forecast:
    """
    Predict what the queued phases will take: one attempt each, by phase, run and in all.

    Args:
        run_id: Only this run's phases; else all that are queued, as a drain would find them.
        calibrator: Which one gives the quantiles, from the log's own samples.
        prices: Dated prices, a file of them, or a registered name. What they do not tell plugins
            are asked for, and else what calls of the log cost.

    Raises:
        RunMissingError: There is no such run.
        InvalidInputError: The price file is wrong.
    """
    journal, plugins = journal_of(log), registry_of(log)
    target = plugins.resolve("estimator", estimator)
    quantiles = quantiles_of(journal, plugins, calibrator, estimator=target.name, tau=HIGH)()
    price = _price(log, prices)

    def one(phase: PhaseView) -> PhaseForecast:
        found = estimated(journal, target, phase, registry=plugins, workspace=workspace)
        low, middle, high = (quantiles.at(found.asked(), tau) for tau in (LOW, MIDDLE, HIGH))
        tokens = range_of(low.tokens, middle.tokens, high.tokens)
        return PhaseForecast(
            run_id=phase.run_id,
            phase_id=phase.phase_id,
            model=phase.model,
            prompt_tokens=phase.prompt_tokens,
            output_tokens=tokens,
            usd=priced(tokens, phase.prompt_tokens, phase.model, price),
            basis=high.basis,
        )

    phases = [one(phase) for phase in _queued(log, run_id)]
    errors = NO_ERRORS
    if len(phases) > 1:
        chosen = calibrator_of(plugins, calibrator, {"tau": HIGH, "estimator": target.name})
        errors = block_errors(chosen, _sized(log), len(phases), expected_by(chosen))
    return forecast_of(quantiles.name, phases, errors)


def _sized(log: Log) -> list[Sample]:
    """Return the log's samples that say how large an output is, as they became known."""
    found = (one for one in list_samples(log) if unfit_as_size(one) is None)
    return sorted(found, key=lambda one: one.ended_position or one.position)


def _queued(log: Log, run_id: str | None) -> list[PhaseView]:
    if run_id is not None:
        phases = list_phases(log, run_id)
    else:
        phases = sorted(view(log, PHASES).rows.values(), key=lambda phase: phase.order)
    return [phase for phase in phases if phase.status is PhaseStatus.QUEUED]


def _price(log: Log, prices: PriceTable | Path | str | None) -> Price:
    table = (
        read_prices(prices, plugins=registry_of(log)) if isinstance(prices, str | Path) else prices
    )
    book = PriceBook(journal_of(log), registry_of(log), table)
    return lambda model, given, written: book.ahead(
        model, input_tokens=given, output_tokens=written
    )

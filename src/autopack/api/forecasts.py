"""What the queued work will take: tokens, dollars or calls, with intervals."""

from pathlib import Path

from autopack.api.estimates import DEFAULT_ESTIMATOR, observed
from autopack.api.prices import read_prices
from autopack.api.views import list_phases, view
from autopack.draining.caps.price_book import PriceBook
from autopack.errors import InvalidInputError
from autopack.log.log import Log, journal_of, registry_of
from autopack.ports.calibrator_protocol import CalibratorLike
from autopack.ports.measures import OUTPUT, Measure, figure_of_size, measure_of
from autopack.ports.prediction import EstimatorLike, Sample
from autopack.ports.states import PhaseStatus
from autopack.ports.work import PhaseView
from autopack.prediction.calibrated_estimates import check_known, estimated
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
    in_usd,
    priced,
    range_of,
)
from autopack.prediction.calibration.measure_calibrator import in_measure, usual_in
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
    by: str = OUTPUT,
) -> Forecast:
    """
    Predict what the queued phases will take, by phase, run and in all.

    That is what an attempt at each writes, priced; or by another measure what the phases take in
    all their attempts, from what phases of the log took; one that was tried before is counted
    whole, with what it took already.

    Args:
        run_id: Only this run's phases; else all that are queued, as a drain would find them.
        calibrator: Which one gives the quantiles, from the log's own samples.
        prices: Dated prices, a file of them, or a registered name. What they do not tell plugins
            are asked for, and else what calls of the log cost. For a forecast of output tokens:
            costs that the log tells have their prices.
        by: ``output_tokens``, ``total_tokens``, ``cost_usd`` or ``calls``.

    Raises:
        RunMissingError: There is no such run.
        InvalidInputError: The price file is wrong, or belongs to no other measure; there is no such
            measure, or the log's phases tell nothing of it.
    """
    measure = measure_of(by)
    if prices is not None and measure != OUTPUT:
        raise InvalidInputError(
            f"Prices belong to a forecast by output_tokens: one by {measure} is drawn from what "
            "phases took, as the log tells it.",
            name="prices",
            value=prices,
        )
    journal, plugins = journal_of(log), registry_of(log)
    target = plugins.resolve("estimator", estimator)
    quantiles = quantiles_of(
        journal, plugins, calibrator, estimator=target.name, tau=HIGH, by=measure
    )()
    price = _price(log, prices)

    def one(phase: PhaseView) -> PhaseForecast:
        found = estimated(journal, target, phase, registry=plugins, workspace=workspace)
        said = [quantiles.at(found.asked(), tau) for tau in (LOW, MIDDLE, HIGH)]
        figure = range_of(*(float(figure_of_size(measure, one.tokens)) for one in said))
        usd = in_usd(figure) if measure == "cost_usd" else None
        if measure == OUTPUT:
            usd = priced(figure, phase.prompt_tokens, phase.model, price)
        return PhaseForecast(
            run_id=phase.run_id,
            phase_id=phase.phase_id,
            model=phase.model,
            prompt_tokens=phase.prompt_tokens,
            figure=figure,
            usd=usd,
            basis=said[-1].basis,
            by=measure,
        )

    queued = _queued(log, run_id)
    if queued and measure != OUTPUT:
        check_known(quantiles)
    phases = [one(phase) for phase in queued]
    errors = NO_ERRORS
    if len(phases) > 1:
        usual = {"tau": HIGH, "estimator": target.name, **usual_in(measure)}
        chosen = in_measure(calibrator_of(plugins, calibrator, usual), measure)
        errors = block_errors(chosen, _sized(log, measure), len(phases), expected_by(chosen))
    return forecast_of(quantiles.name, phases, errors, measure)


def _sized(log: Log, by: Measure) -> list[Sample]:
    """Return the log's samples that say how large a figure is, as they became known."""
    found = (one for one in observed(log, by) if unfit_as_size(one) is None)
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

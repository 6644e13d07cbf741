"""What work will take that nobody has done yet, with intervals: tokens, dollars, calls."""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import attrs

from autopack.errors import InvalidInputError
from autopack.ports.measures import OUTPUT, Measure
from autopack.ports.prediction import Features
from autopack.prediction.calibration.block_errors import BlockErrors
from autopack.values.money import Usd, total

NO_ERRORS: Final = BlockErrors()

LOW, MIDDLE, HIGH = 0.1, 0.5, 0.9
"""The quantiles that a forecast asks for; eight of ten outputs lie between the outer ones."""

_WEIGHTS: Final = (0.3, 0.4, 0.3)

Price = Callable[[str | None, int | None, int], Usd | None]
"""What a call of a model costs in USD, by its input and output tokens; None if not known."""


@attrs.frozen(kw_only=True)
class Range:
    """A figure with the interval that holds it eight times of ten."""

    low: float
    expected: float
    high: float


@attrs.frozen(kw_only=True)
class UsdRange:
    """A cost in USD with the interval that holds it eight times of ten."""

    low: Usd
    expected: Usd
    high: Usd


@attrs.frozen(kw_only=True)
class PhaseForecast:
    """
    One phase's attempt, as it is expected; by another measure than output, all its attempts.

    Args:
        figure: In the measure *by*.
        usd: None if the model's price or the prompt's size is not known; of a forecast by cost
            the same as *figure*, exactly; of one by another measure None.
    """

    run_id: str
    phase_id: str
    model: str | None
    prompt_tokens: int | None
    figure: Range
    usd: UsdRange | None
    basis: str
    by: Measure = OUTPUT

    @property
    def output_tokens(self) -> Range:
        """What an attempt is expected to write; a forecast by another measure does not say."""
        return _of_output(self.by, self.figure)


@attrs.frozen(kw_only=True)
class Total:
    """
    The sum over phases, one attempt each; by another measure than output, all their attempts.

    Args:
        figure: In the measure *by*. Its interval is by what sums over so many were off in the
            past; without enough of them, and of one phase alone, its ends are the phases' own.
        most: If every phase is at the upper end of its own interval.
        usd: Of the phases that can be priced; None if none can.
        most_usd: Likewise.
        unpriced: How many phases have no price.
        blocks: From how many past sums the interval is drawn; 0 if there were too few.
    """

    phases: int
    figure: Range
    most: float
    usd: UsdRange | None
    most_usd: Usd | None
    unpriced: int
    blocks: int = 0
    by: Measure = OUTPUT

    @property
    def output_tokens(self) -> Range:
        """What is written in all; a forecast by another measure does not say."""
        return _of_output(self.by, self.figure)

    @property
    def most_output_tokens(self) -> float:
        """The most of it, likewise."""
        _of_output(self.by, self.figure)
        return self.most


def _of_output(by: Measure, figure: Range) -> Range:
    if by != OUTPUT:
        raise InvalidInputError(
            f"This forecast is by {by}, and says nothing of output tokens. Read `figure`.",
            name="by",
            value=by,
        )
    return figure


@attrs.frozen(kw_only=True)
class Forecast:
    """What is queued: by phase, by run, and as a whole."""

    calibrator: str
    phases: tuple[PhaseForecast, ...]
    runs: dict[str, Total]
    whole: Total
    by: Measure = OUTPUT


def forecast_of(
    calibrator: str,
    phases: Iterable[PhaseForecast],
    errors: BlockErrors = NO_ERRORS,
    by: Measure = OUTPUT,
) -> Forecast:
    """
    Return the phases with their sums, in the order that they are given in.

    Args:
        errors: How far sums over past outputs were off what was expected of them.
        by: The measure of the phases' figures.
    """
    found = tuple(phases)
    by_run: dict[str, list[PhaseForecast]] = {}
    for phase in found:
        by_run.setdefault(phase.run_id, []).append(phase)
    return Forecast(
        calibrator=calibrator,
        phases=found,
        runs={run_id: _total(some, errors, by) for run_id, some in by_run.items()},
        whole=_total(found, errors, by),
        by=by,
    )


def range_of(low: float, middle: float, high: float) -> Range:
    """
    Return the range of a size by its quantiles at 0.1, 0.5 and 0.9, which are put in order.

    Source: Swanson's mean, 0.3, 0.4 and 0.3 of the three, which holds for skewed sizes.
    """
    ordered = sorted((low, middle, high))
    expected = math.fsum(w * size for w, size in zip(_WEIGHTS, ordered, strict=True))
    return Range(low=ordered[0], expected=expected, high=ordered[2])


def expected_by(calibrator: Any) -> Callable[[Any, Features], float]:
    """Return the size that a calibrator lets expect of a phase, by its state."""

    def expected(state: Any, features: Features) -> float:
        sizes = (calibrator.predict(state, features, tau).tokens for tau in (LOW, MIDDLE, HIGH))
        return range_of(*sizes).expected

    return expected


def priced(
    tokens: Range, prompt_tokens: int | None, model: str | None, price: Price
) -> UsdRange | None:
    """Return a range of tokens in USD, or None where the price is not known."""
    sizes = (tokens.low, tokens.expected, tokens.high)
    usd = [price(model, prompt_tokens, math.ceil(size)) for size in sizes]
    known = [one for one in usd if one is not None]
    if len(known) < len(usd):
        return None
    return UsdRange(low=known[0], expected=known[1], high=known[2])


def in_usd(figure: Range) -> UsdRange:
    """Return a range of US dollars that was reckoned in floats, as amounts."""
    return UsdRange(
        low=Usd.computed(figure.low),
        expected=Usd.computed(figure.expected),
        high=Usd.computed(figure.high),
    )


def _total(phases: Sequence[PhaseForecast], errors: BlockErrors, by: Measure) -> Total:
    figure, blocks = _sum([phase.figure for phase in phases], errors)
    some = [(phase.figure, phase.usd) for phase in phases if phase.usd is not None]
    usd = _sum_usd(some, errors) if some else None
    return Total(
        phases=len(phases),
        figure=figure,
        most=math.fsum(phase.figure.high for phase in phases),
        usd=in_usd(figure) if by == "cost_usd" else usd,
        most_usd=total(usd.high for _, usd in some) if some else None,
        unpriced=len(phases) - len(some) if by == OUTPUT else 0,
        blocks=blocks,
        by=by,
    )


def _sum(ranges: Sequence[Range], errors: BlockErrors) -> tuple[Range, int]:
    """Return the sum by what such sums were off, and how many said so; else that of the ends."""
    ends = Range(
        low=math.fsum(one.low for one in ranges),
        expected=math.fsum(one.expected for one in ranges),
        high=math.fsum(one.high for one in ranges),
    )
    factors = errors.factors(len(ranges), HIGH - LOW) if len(ranges) > 1 else None
    if factors is None:
        return ends, 0
    low, middle, high = (ends.expected * one for one in attrs.astuple(factors)[:3])
    return Range(low=low, expected=middle, high=high), factors.blocks


def _sum_usd(some: Sequence[tuple[Range, UsdRange]], errors: BlockErrors) -> UsdRange:
    """Return the sum of costs: what output costs moves with the sum of sizes, the rest does not."""
    tokens = [size for size, _ in some]
    usual, _ = _sum(tokens, BlockErrors())
    found, _ = _sum(tokens, errors)
    expected, low, high = (
        total(getattr(usd, name) for _, usd in some) for name in ("expected", "low", "high")
    )
    width = usual.high - usual.low
    if found == usual or not width:
        return UsdRange(low=low, expected=expected, high=high)
    per_token = float(high - low) / width

    def at(size: float) -> Usd:
        return Usd.computed(max(0.0, float(expected) + per_token * (size - usual.expected)))

    return UsdRange(low=at(found.low), expected=at(found.expected), high=at(found.high))

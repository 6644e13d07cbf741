"""How many tokens and dollars work will take that nobody has done yet, with intervals."""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import attrs

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
    One phase's attempt, as it is expected.

    Args:
        usd: None if the model's price or the prompt's size is not known.
    """

    run_id: str
    phase_id: str
    model: str | None
    prompt_tokens: int | None
    output_tokens: Range
    usd: UsdRange | None
    basis: str


@attrs.frozen(kw_only=True)
class Total:
    """
    The sum over phases, one attempt each.

    Args:
        output_tokens: Its interval is by what sums over so many outputs were off in the past;
            without enough of them, and of one phase alone, its ends are the phases' own.
        most_output_tokens: If every phase is at the upper end of its own interval.
        usd: Of the phases that can be priced; None if none can.
        most_usd: Likewise.
        unpriced: How many phases have no price.
        blocks: From how many past sums the interval is drawn; 0 if there were too few.
    """

    phases: int
    output_tokens: Range
    most_output_tokens: float
    usd: UsdRange | None
    most_usd: Usd | None
    unpriced: int
    blocks: int = 0


@attrs.frozen(kw_only=True)
class Forecast:
    """What is queued: by phase, by run, and as a whole."""

    calibrator: str
    phases: tuple[PhaseForecast, ...]
    runs: dict[str, Total]
    whole: Total


def forecast_of(
    calibrator: str, phases: Iterable[PhaseForecast], errors: BlockErrors = NO_ERRORS
) -> Forecast:
    """
    Return the phases with their sums, in the order that they are given in.

    Args:
        errors: How far sums over past outputs were off what was expected of them.
    """
    found = tuple(phases)
    by_run: dict[str, list[PhaseForecast]] = {}
    for phase in found:
        by_run.setdefault(phase.run_id, []).append(phase)
    return Forecast(
        calibrator=calibrator,
        phases=found,
        runs={run_id: _total(some, errors) for run_id, some in by_run.items()},
        whole=_total(found, errors),
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


def _total(phases: Sequence[PhaseForecast], errors: BlockErrors) -> Total:
    tokens, blocks = _sum([phase.output_tokens for phase in phases], errors)
    some = [(phase.output_tokens, phase.usd) for phase in phases if phase.usd is not None]
    return Total(
        phases=len(phases),
        output_tokens=tokens,
        most_output_tokens=math.fsum(phase.output_tokens.high for phase in phases),
        usd=_sum_usd(some, errors) if some else None,
        most_usd=total(usd.high for _, usd in some) if some else None,
        unpriced=len(phases) - len(some),
        blocks=blocks,
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

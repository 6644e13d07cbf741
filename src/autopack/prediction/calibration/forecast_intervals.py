"""How many tokens and dollars work will take that nobody has done yet, with intervals."""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import attrs

from autopack.values.money import Usd, root_of_squares, total

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
        output_tokens: Its interval takes the phases to be independent of each other.
        most_output_tokens: If every phase is at the upper end of its own interval.
        usd: Of the phases that can be priced; None if none can.
        most_usd: Likewise.
        unpriced: How many phases have no price.
    """

    phases: int
    output_tokens: Range
    most_output_tokens: float
    usd: UsdRange | None
    most_usd: Usd | None
    unpriced: int


@attrs.frozen(kw_only=True)
class Forecast:
    """What is queued: by phase, by run, and as a whole."""

    calibrator: str
    phases: tuple[PhaseForecast, ...]
    runs: dict[str, Total]
    whole: Total


def forecast_of(calibrator: str, phases: Iterable[PhaseForecast]) -> Forecast:
    """Return the phases with their sums, in the order that they are given in."""
    found = tuple(phases)
    by_run: dict[str, list[PhaseForecast]] = {}
    for phase in found:
        by_run.setdefault(phase.run_id, []).append(phase)
    return Forecast(
        calibrator=calibrator,
        phases=found,
        runs={run_id: _total(some) for run_id, some in by_run.items()},
        whole=_total(found),
    )


def range_of(low: float, middle: float, high: float) -> Range:
    """
    Return the range of a size by its quantiles at 0.1, 0.5 and 0.9, which are put in order.

    Source: Swanson's mean, 0.3, 0.4 and 0.3 of the three, which holds for skewed sizes.
    """
    ordered = sorted((low, middle, high))
    expected = math.fsum(w * size for w, size in zip(_WEIGHTS, ordered, strict=True))
    return Range(low=ordered[0], expected=expected, high=ordered[2])


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


def _total(phases: Sequence[PhaseForecast]) -> Total:
    tokens = [phase.output_tokens for phase in phases]
    usd = [phase.usd for phase in phases if phase.usd is not None]
    return Total(
        phases=len(phases),
        output_tokens=_sum(tokens),
        most_output_tokens=math.fsum(one.high for one in tokens),
        usd=_sum_usd(usd) if usd else None,
        most_usd=total(one.high for one in usd) if usd else None,
        unpriced=len(phases) - len(usd),
    )


def _sum(ranges: Sequence[Range]) -> Range:
    """Return the sum: half widths add up as the roots of squares do, each side by itself."""
    expected = math.fsum(one.expected for one in ranges)
    below = math.sqrt(math.fsum((one.expected - one.low) ** 2 for one in ranges))
    above = math.sqrt(math.fsum((one.high - one.expected) ** 2 for one in ranges))
    return Range(low=max(0.0, expected - below), expected=expected, high=expected + above)


def _sum_usd(ranges: Sequence[UsdRange]) -> UsdRange:
    """Return the sum of costs, as that of sizes."""
    expected = total(one.expected for one in ranges)
    below = root_of_squares(one.expected - one.low for one in ranges)
    above = root_of_squares(one.high - one.expected for one in ranges)
    return UsdRange(low=max(Usd(), expected - below), expected=expected, high=expected + above)

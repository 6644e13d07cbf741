"""What a phase uses: its measures by name, and their figures as the sizes that are predicted."""

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final, Literal, TypeAlias, get_args

import attrs

from autopack.errors import InvalidInputError
from autopack.errors.base import told
from autopack.errors.nearest import did_you_mean
from autopack.values.money import ZERO, Usd

Measure: TypeAlias = Literal["output_tokens", "total_tokens", "cost_usd", "calls"]
"""What is predicted: tokens written, tokens in and out, US dollars, or calls of a model."""

MEASURES: Final[tuple[Measure, ...]] = get_args(Measure)
OUTPUT: Final = "output_tokens"
"""What budgets are in, and estimators predict: the output of an attempt."""

Figure: TypeAlias = float | Usd
"""An amount in a measure: tokens, calls, or US dollars."""

_SHORT: Final[dict[str, Measure]] = {"cost": "cost_usd"}
_MICRO: Final = 1_000_000
_LEAST: Final = 1


@attrs.frozen(kw_only=True)
class Expected:
    """
    What a phase is expected to take in a measure, in all its attempts.

    Args:
        expected: The mean that its quantiles speak for.
        most: What the share *tau* of such phases does not exceed.
        basis: What that rests on, in words.
    """

    by: Measure
    expected: Figure
    most: Figure
    tau: float
    basis: str


def measure_of(name: str) -> Measure:
    """
    Return the measure of a name; ``cost`` is ``cost_usd``, and hyphens are as good.

    Raises:
        InvalidInputError: There is none; lists those that there are.
    """
    text = name.replace("-", "_") if isinstance(name, str) else ""
    for measure in MEASURES:
        if measure == _SHORT.get(text, text):
            return measure
    raise InvalidInputError(
        f"{told(name)} is no measure.{did_you_mean(text, MEASURES)} "
        f"There are: {', '.join(MEASURES)}.",
        name="by",
        value=name,
    )


def size_of_figure(measure: Measure, figure: Any) -> int | None:
    """
    Return a figure as a whole number: of tokens, calls, or millionths of a US dollar.

    What is known to have cost nothing, or less than that, is one millionth: sizes have logarithms.
    None is unknown, and stays so.
    """
    if figure is None or measure != "cost_usd":
        return None if figure is None else int(figure)
    micro = Decimal(figure) * _MICRO
    return max(_LEAST, int(micro.to_integral_value(ROUND_HALF_EVEN)))


def figure_of_size(measure: Measure, size: float) -> Figure:
    """Return what a size stands for: US dollars where it counts their millionths."""
    if measure != "cost_usd":
        return size
    return ZERO if size <= _LEAST else Usd.computed(size / _MICRO)

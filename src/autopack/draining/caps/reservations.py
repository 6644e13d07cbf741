"""What a claim sets aside under caps: what attempts of its group used, or what was predicted."""

import math
from bisect import insort
from typing import Final, TypeVar

import attrs

from autopack.draining.caps.price_book import PriceBook
from autopack.ports.prediction import Estimate
from autopack.ports.work import PhaseView
from autopack.projections.attempt_row import AttemptRow
from autopack.values.money import Usd

V = TypeVar("V", int, Usd)

_UPPER: Final = 0.9
_MARGIN: Final = 1.25


@attrs.frozen(kw_only=True)
class Wanted:
    """
    What a claim sets aside, and by what reckoning; *usd* is None where nobody knows a price.

    *assumed_usd* is what a call counts as whose price nobody tells, where somebody said it.
    """

    tokens: int
    usd: Usd | None
    basis: str
    assumed_usd: Usd | None = None


class Reservations:
    """
    What attempts of each group have used, for an upper quantile of the next one's use.

    Args:
        prices: Says what a group of which nothing is known may cost.
        assumed_usd: What a call costs whose price nobody knows, if somebody said it.
    """

    def __init__(self, prices: PriceBook, assumed_usd: Usd | None = None) -> None:
        self._prices, self._assumed_usd = prices, assumed_usd
        self._tokens: dict[str, list[int]] = {}
        self._usd: dict[str, list[Usd]] = {}

    def learn(self, row: AttemptRow) -> None:
        """Take note of what an attempt that ended used."""
        self._prices.learn(row)
        use, group = row.use, f"{row.category}/{row.complexity}"
        if row.is_misread or not use.calls:
            return
        if use.total_tokens and not use.calls_without_total:
            insort(self._tokens.setdefault(group, []), use.total_tokens)
        if not use.calls_without_cost:
            insort(self._usd.setdefault(group, []), row.use.cost_usd)

    def wanted(self, phase: PhaseView, estimate: Estimate, *, is_in_usd: bool = False) -> Wanted:
        """
        Return what an attempt is likely to use at most: tokens in and out, and USD.

        Args:
            is_in_usd: Whether a cap in USD binds it, for which a price is looked for in the log.
        """
        features = estimate.features
        group, prompt = f"{features.category}/{features.complexity}", features.prompt_tokens or 0
        tokens = _quantile(self._tokens.get(group, []))
        usd = _quantile(self._usd.get(group, []))
        basis = f"{_UPPER:.0%} quantile of {len(self._tokens.get(group, []))} attempts at {group}"
        if tokens is None:
            output, basis = _likely_output(estimate)
            tokens = prompt + output
        if usd is None:
            output = max(0, tokens - prompt)
            usd = self._prices.ahead(
                phase.model, input_tokens=prompt, output_tokens=output, by_log=is_in_usd
            )
        assumed = self._assumed_usd
        usd = assumed if usd is None else usd
        return Wanted(tokens=tokens, usd=usd, basis=basis, assumed_usd=assumed)


def _likely_output(estimate: Estimate) -> tuple[int, str]:
    """Return what an attempt may well write, in tokens: the quantile, if its budget is one."""
    if estimate.tau is not None:
        return estimate.budget_tokens, estimate.budget_basis
    output = math.ceil(estimate.predicted_output_tokens * _MARGIN)
    return output, f"{estimate.estimator} {estimate.estimator_version}, {_MARGIN:g} times"


def _quantile(values: list[V]) -> V | None:
    """Return the value that the next one stays below with the chance ``_UPPER``."""
    place = math.ceil((len(values) + 1) * _UPPER)
    return values[place - 1] if place <= len(values) else None

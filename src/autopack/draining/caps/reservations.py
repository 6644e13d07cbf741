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
_TIMES: Final = 2


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

    What they cost is kept by model as well: a cheap one says little of what a strong one costs.

    Args:
        prices: Says what a group of which nothing is known may cost.
        assumed_usd: What a call costs whose price nobody knows, if somebody said it.
    """

    def __init__(self, prices: PriceBook, assumed_usd: Usd | None = None) -> None:
        self._prices, self._assumed_usd = prices, assumed_usd
        self._tokens: dict[str, list[int]] = {}
        self._usd: dict[tuple[str, str | None], list[Usd]] = {}

    def learn(self, row: AttemptRow) -> None:
        """Take note of what an attempt that ended used."""
        self._prices.learn(row)
        use, group = row.use, f"{row.category}/{row.complexity}"
        if row.is_misread or not use.calls:
            return
        if use.total_tokens and not use.calls_without_total:
            insort(self._tokens.setdefault(group, []), use.total_tokens)
        if not use.calls_without_cost:
            insort(self._usd.setdefault((group, row.claimed_model), []), row.use.cost_usd)

    def wanted(self, phase: PhaseView, estimate: Estimate, *, is_in_usd: bool = False) -> Wanted:
        """
        Return what an attempt is likely to use at most: tokens in and out, and USD.

        Args:
            is_in_usd: Whether a cap in USD binds it, for which a price is looked for in the log.
        """
        features = estimate.features
        group, prompt = f"{features.category}/{features.complexity}", features.prompt_tokens or 0
        tokens, basis = self._tokens_of(group, prompt, estimate)
        usd = self._usd_of(group, phase.model, prompt, tokens, by_log=is_in_usd)
        return Wanted(tokens=tokens, usd=usd, basis=basis, assumed_usd=self._assumed_usd)

    def _tokens_of(self, group: str, prompt: int, estimate: Estimate) -> tuple[int, str]:
        known = self._tokens.get(group, [])
        if _is_enough(known):
            return _quantile(known), f"{_UPPER:.0%} quantile of {len(known)} attempts at {group}"
        output, basis = _likely_output(estimate)
        if known and (twice := known[-1] * _TIMES) < prompt + output:
            return twice, f"twice the largest of {len(known)} attempts at {group}"
        return prompt + output, basis

    def _usd_of(
        self, group: str, model: str | None, prompt: int, tokens: int, *, by_log: bool
    ) -> Usd | None:
        known, said = self._usd.get((group, model), []), self._assumed_usd
        if _is_enough(known):
            return _quantile(known)
        reckoned = said  # somebody's word, and what was used, come before a reckoning
        if said is None:
            reckoned = self._prices.ahead(
                model, input_tokens=prompt, output_tokens=max(0, tokens - prompt), by_log=by_log
            )
        if not known:
            return reckoned
        twice = known[-1] + known[-1]
        return twice if said is not None or reckoned is None else min(reckoned, twice)


def _likely_output(estimate: Estimate) -> tuple[int, str]:
    """Return what an attempt may well write, in tokens: the quantile, if its budget is one."""
    if estimate.tau is not None:
        return estimate.budget_tokens, estimate.budget_basis
    output = math.ceil(estimate.predicted_output_tokens * _MARGIN)
    return output, f"{estimate.estimator} {estimate.estimator_version}, {_MARGIN:g} times"


def _quantile(values: list[V]) -> V:
    """Return the value that the next one stays below with the chance ``_UPPER``."""
    return values[math.ceil((len(values) + 1) * _UPPER) - 1]


def _is_enough(values: list[V]) -> bool:
    return math.ceil((len(values) + 1) * _UPPER) <= len(values)

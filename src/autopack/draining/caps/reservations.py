"""What a claim sets aside under caps: what attempts of its group used, or what was predicted."""

import math
from bisect import insort
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Final, TypeVar

import attrs

from autopack.draining.caps.predicted_use import UPPER, PredictedUse
from autopack.draining.caps.price_book import PriceBook
from autopack.ports.measures import Measure, figure_of_size
from autopack.ports.prediction import Estimate
from autopack.ports.work import PhaseView
from autopack.projections.attempt_row import AttemptRow
from autopack.values.money import Usd

V = TypeVar("V", int, Usd)

_MEASURES: Final[Mapping[str, Measure]] = {"tokens": "total_tokens", "usd": "cost_usd"}
_NEWEST: Final = 500
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
    Under a cap, what an attempt will use is predicted from what attempts used that were like it;
    elsewhere nothing hangs on it, and the group's own quantile does.

    Args:
        prices: Says what a group of which nothing is known may cost.
        assumed_usd: What a call costs whose price nobody knows, if somebody said it.
        before: Gives the attempts before those that are learned, once a cap binds a claim.
    """

    def __init__(
        self,
        prices: PriceBook,
        assumed_usd: Usd | None = None,
        before: Callable[[], Iterable[AttemptRow]] = tuple,
    ) -> None:
        self._prices, self._assumed_usd, self._before = prices, assumed_usd, before
        self._tokens: dict[str, list[int]] = {}
        self._usd: dict[tuple[str, str | None], list[Usd]] = {}
        self._newest: deque[AttemptRow] = deque(maxlen=_NEWEST)
        self._predicted: dict[tuple[str, str | None], PredictedUse] = {}

    def learn(self, row: AttemptRow) -> None:
        """Take note of what an attempt that ended used."""
        self._prices.learn(row)
        if not self._noted(row):
            return
        self._newest.append(row)
        for (unit, model), predicted in self._predicted.items():
            if unit != "usd" or model == row.claimed_model:
                predicted.learn(row)

    def wanted(
        self, phase: PhaseView, estimate: Estimate, *, units: Collection[str] = ()
    ) -> Wanted:
        """
        Return what an attempt is likely to use at most: tokens in and out, and USD.

        Args:
            units: Those of the caps that bind it; for one in USD a price is looked for in the log.
        """
        features = estimate.features
        group, prompt = f"{features.category}/{features.complexity}", features.prompt_tokens or 0
        of_tokens = self._prediction("tokens") if "tokens" in units else None
        of_usd = self._prediction("usd", phase.model) if "usd" in units else None
        tokens, basis = self._tokens_of(group, prompt, estimate, of_tokens)
        usd = self._usd_of(group, phase.model, prompt, tokens, by_log="usd" in units)
        if of_usd is not None and _is_enough(self._usd.get((group, phase.model), [])):
            usd = Usd.of(figure_of_size("cost_usd", of_usd.at_most(estimate.asked())))
        return Wanted(tokens=tokens, usd=usd, basis=basis, assumed_usd=self._assumed_usd)

    def expected(
        self, phase: PhaseView, estimate: Estimate, *, units: Collection[str]
    ) -> tuple[int | None, Usd | None]:
        """Return the tokens and USD that an attempt is expected to use, where enough told them."""
        features, tokens, usd = estimate.features, None, None
        group = f"{features.category}/{features.complexity}"
        if "tokens" in units and _is_enough(self._tokens.get(group, [])):
            tokens = self._prediction("tokens").expected(estimate.asked())
        if "usd" in units and _is_enough(self._usd.get((group, phase.model), [])):
            size = self._prediction("usd", phase.model).expected(estimate.asked())
            usd = Usd.of(figure_of_size("cost_usd", size))
        return tokens, usd

    def _prediction(self, unit: str, model: str | None = None) -> PredictedUse:
        """Return what is predicted in a unit: all that is known is learned when first asked."""
        if not self._predicted:
            known, self._newest = [*self._newest], deque(maxlen=_NEWEST)
            earlier = [row for row in self._before() if self._noted(row)]
            self._newest.extend((*earlier, *known))
        if (unit, model) not in self._predicted:
            predicted = self._predicted[unit, model] = PredictedUse(_MEASURES[unit])
            for row in self._newest:
                if unit != "usd" or model == row.claimed_model:
                    predicted.learn(row)
        return self._predicted[unit, model]

    def _noted(self, row: AttemptRow) -> bool:
        """Count what an attempt used with its group, if it told it; say whether it did."""
        use, group = row.use, f"{row.category}/{row.complexity}"
        if row.is_misread or not use.calls:
            return False
        if use.total_tokens and not use.calls_without_total:
            insort(self._tokens.setdefault(group, []), use.total_tokens)
        if not use.calls_without_cost:
            insort(self._usd.setdefault((group, row.claimed_model), []), row.use.cost_usd)
        return True

    def _tokens_of(
        self, group: str, prompt: int, estimate: Estimate, predicted: PredictedUse | None
    ) -> tuple[int, str]:
        known = self._tokens.get(group, [])
        if _is_enough(known):
            of = f"{len(known)} attempts at {group}"
            if predicted is not None:
                tokens = predicted.at_most(estimate.asked())
                return tokens, f"mixture at {UPPER:g}, from {of} and others"
            return _quantile(known), f"{UPPER:.0%} quantile of {of}"
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
    """Return the value that the next one stays below with the chance ``UPPER``."""
    return values[math.ceil((len(values) + 1) * UPPER) - 1]


def _is_enough(values: list[V]) -> bool:
    return math.ceil((len(values) + 1) * UPPER) <= len(values)

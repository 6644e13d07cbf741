"""What trials of models at tasks speak for: a chain of models, or no chain, and why."""

from collections.abc import Mapping

import attrs

from autopack.prediction.cascades.chain_judging import ChainComparison
from autopack.prediction.cascades.check_rates import CheckRates


@attrs.frozen(kw_only=True)
class ChainValue:
    """A chain by its cost of a task, in USD, and the share of tasks whose work is right."""

    models: tuple[str, ...]
    usd: float
    right: float


@attrs.frozen(kw_only=True)
class AdviceFigures:
    """
    What was found, beside the best single model.

    Args:
        single: The best single model: the cheapest of those that are as often right as any.
        chain: The models of the chain that looks best, in the order in which they are tried.
        chains: How many chains were looked at.
        unpassed: In which share of the tasks the check passes none of the chain's models.
        borne: How much of wrong work the check may pass before the chain is right less often than
            it may be, on the tasks that chose it.
        chose: On the tasks that chose it.
        held_out: On each twentieth of them, chosen by the others.
        one_after_the_other: On each twentieth of them, chosen by those before it, in many orders.
        frontier: Chains from the cheapest up, each right more often than all before it.
    """

    single: str
    chain: tuple[str, ...]
    chains: int
    unpassed: float
    borne: float
    chose: ChainComparison
    held_out: ChainComparison
    one_after_the_other: ChainComparison
    frontier: tuple[ChainValue, ...]


@attrs.frozen(kw_only=True)
class ModelAdvice:
    """
    Which models to try one after the other, or why nothing can be said.

    Args:
        source: Where the trials come from.
        tasks, models: Those that were compared.
        max_length: How many models a chain may have.
        margin: By how much less often than the best model a chain may be right.
        check: How well the check tells right from wrong.
        figures: None where there was too little to compare.
        refusal: Why no chain is advised; None if one is.
        left_out: How many trials were not used, by reason.
        notes: What is good to know of the figures, in sentences.
    """

    source: str
    tasks: int
    models: tuple[str, ...]
    max_length: int
    margin: float
    check: CheckRates
    figures: AdviceFigures | None = None
    refusal: str | None = None
    left_out: Mapping[str, int] = attrs.Factory(dict)
    notes: tuple[str, ...] = ()

    @property
    def chain(self) -> tuple[str, ...] | None:
        """The chain that is advised, or None."""
        return None if self.figures is None or self.refusal else self.figures.chain

"""What the budgets of attempts would have been by another calibrator or estimator, and held."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import attrs
import msgspec

from autopack.log.journal import Journal
from autopack.ports.prediction import Features
from autopack.prediction.calibrated_estimates import asked, budgeted, coefficients
from autopack.prediction.calibrators import Quantiles
from autopack.projections.attempt_row import AttemptRow


@attrs.frozen(kw_only=True)
class ReplayedBudget:
    """
    One attempt: the budget that it had, the one that it would have had, and what it wrote.

    Args:
        position: Where its estimate stands.
        recorded_tokens, tokens: The two budgets, in output tokens.
        basis: What the other one rests on.
        actual_tokens: What its calls wrote; at least that, where the output was cut.
        is_cut: Whether it was.
    """

    phase: str
    attempt: int
    position: int
    recorded_tokens: int
    tokens: int
    basis: str
    actual_tokens: int
    is_cut: bool = False


@attrs.frozen(kw_only=True)
class BudgetSums:
    """
    What budgets came to on the same outputs.

    Args:
        cuts: Outputs that were larger than their budgets.
        maybe_cuts: Outputs that were cut as they were, and at that size within the budget: nobody
            knows whether the whole would have been.
        waste_tokens: What was budgeted and not written, of those that were whole.
        budget_tokens: All budgets together.
    """

    cuts: int
    maybe_cuts: int
    waste_tokens: int
    budget_tokens: int


@attrs.frozen(kw_only=True)
class ReplayedBudgets:
    """
    The budgets of a drain's attempts, as they were and as they would have been.

    Args:
        estimator, calibrator: By which they are made anew; *calibrator* is None where none is.
        tau: The share of outputs that the calibrator is asked to hold.
        left_out: Attempts that tell nothing, by why.
    """

    estimator: str
    calibrator: str | None
    tau: float
    budgets: tuple[ReplayedBudget, ...]
    left_out: dict[str, int]

    @property
    def recorded(self) -> BudgetSums:
        """What the budgets came to that the attempts had."""
        return summed((one, one.recorded_tokens) for one in self.budgets)

    @property
    def replayed(self) -> BudgetSums:
        """What they would have come to."""
        return summed((one, one.tokens) for one in self.budgets)


def summed(budgets: Iterable[tuple[ReplayedBudget, int]]) -> BudgetSums:
    """Return what budgets came to, each with the attempt that it was for."""
    pairs = list(budgets)
    return BudgetSums(
        cuts=sum(
            tokens <= one.actual_tokens if one.is_cut else tokens < one.actual_tokens
            for one, tokens in pairs
        ),
        maybe_cuts=sum(one.is_cut and tokens > one.actual_tokens for one, tokens in pairs),
        waste_tokens=sum(
            tokens - one.actual_tokens
            for one, tokens in pairs
            if not one.is_cut and tokens >= one.actual_tokens
        ),
        budget_tokens=sum(tokens for _one, tokens in pairs),
    )


def replayed_budgets(
    rows: Sequence[AttemptRow],
    *,
    past_at: Callable[[int], Journal],
    estimator: Any,
    calibrator: Any,
    tau: float,
) -> ReplayedBudgets:
    """
    Return what attempts would have been given, by what the log had taught before each.

    Args:
        rows: The attempts.
        past_at: Returns the log as it stood at a position, one and the same that is moved on.
        calibrator: None where the estimator's own budgets are asked for.
    """
    found: list[ReplayedBudget] = []
    left_out: dict[str, int] = {}
    quantiles: Quantiles | None = None
    cut: set[tuple[str | None, str | None]] = set()
    for row in sorted(rows, key=lambda row: row.position):
        phase = row.run_id, row.phase_id
        why = "it followed a cut one, which escalates" if phase in cut else _why_out(row)
        if row.truncated:
            cut.add(phase)
        if why is not None:
            left_out[why] = left_out.get(why, 0) + 1
            continue
        journal = past_at(row.position - 1)
        if quantiles is None and calibrator is not None:
            quantiles = Quantiles(journal, calibrator)
        features = msgspec.convert(row.features, Features)
        estimate = asked(estimator, features, coefficients(journal, estimator))
        if quantiles is not None:
            estimate = budgeted(estimate, quantiles, tau)
        found.append(
            ReplayedBudget(
                phase="/".join(map(str, phase)),
                attempt=row.attempt or 0,
                position=row.position,
                recorded_tokens=row.budget_tokens or 0,
                tokens=estimate.budget_tokens,
                basis=estimate.budget_basis,
                actual_tokens=row.actual_output_tokens or 0,
                is_cut=row.truncated,
            )
        )
    return ReplayedBudgets(
        estimator=str(estimator.name),
        calibrator=None if calibrator is None else str(calibrator.name),
        tau=tau,
        budgets=tuple(found),
        left_out=left_out,
    )


def _why_out(row: AttemptRow) -> str | None:
    if not row.features or row.budget_tokens is None:
        return "no estimate is on record"
    if row.ending is None:
        return "it has not ended"
    if not row.use.calls:
        return "it made no call"
    if row.actual_output_tokens is None:
        return "its output was not measured"
    return None

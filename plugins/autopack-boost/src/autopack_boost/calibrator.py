"""The calibrator ``boost``: a pure fold that fits its trees anew as samples come in."""

import math
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, Final

import attrs
from rpds import List

from autopack.errors import InvalidInputError
from autopack.prediction.calibration.shrinkage import ShrinkageQuantile, Tree
from autopack.types import Features, Prediction, Proposal, Sample
from autopack_boost.forest import Forest
from autopack_boost.rows import Row, outcome_of, row_of

_WINDOW: Final = 300
"""How many of the newest outputs say what is to be added to the trees' answer."""


@attrs.define(eq=False)
class Missed:
    """An output, and by how much the trees that were in use missed it, in log tokens."""

    forest: Forest
    row: Row
    size: float
    _by: dict[float, float] = attrs.field(factory=dict, init=False)

    def by(self, tau: float) -> float:
        """Return the logarithm of the output over what the trees said at *tau*, found once."""
        found = self._by.get(tau)
        if found is None:
            found = self._by[tau] = self.size - self.forest.quantile(self.row, tau)
        return found


@attrs.frozen(kw_only=True)
class State:
    """
    What was learned, and the trees that were fitted last.

    Args:
        rows: What trees are fitted to, the newest first.
        early: What answers until there are rows enough for trees.
        missed: The newest that trees had not seen.
    """

    rows: "List[tuple[Row, float]]" = attrs.field(factory=List)
    n: int = 0
    early: Tree = attrs.field(factory=Tree)
    forest: Forest | None = None
    fitted_at: int = 0
    missed: tuple[Missed, ...] = ()


@attrs.frozen(kw_only=True)
class BoostCalibrator:
    """
    Predicts a quantile of the output from model, category, complexity, prompt and estimate.

    Until there are ``least`` samples it answers as ``shrinkage-quantile`` does. Then trees are
    fitted, and again each time there are a tenth more, at the latest after a fifth of ``newest``.
    To what they say the quantile of what they missed by is added, over the newest outputs, none
    of which the trees had seen that were held against it. Outputs that were cut off and failed
    attempts are set aside: a regression has no way to learn from a size that is not known.

    Args:
        least: Samples before the first trees.
        growth: How many times more samples make the trees be fitted anew, above 1.
        newest: How many samples trees are fitted to at most.
        trees: How many trees; more fit more closely, and take longer.
        seed: What scikit-learn draws from.
        estimator, estimator_version, old, min_samples: As in ``ShrinkageQuantile``.

    Source: Romano, Patterson and Candes (2019), conformalized quantile regression, one-sided,
    over a window that slides.
    """

    name = "boost"
    least: int = 100
    growth: float = 1.1
    newest: int = 5000
    trees: int = 100
    seed: int = 0
    min_samples: int = 5
    estimator: str = "deliverables"
    estimator_version: str | None = None
    old: Mapping[str, float] = attrs.Factory(dict)

    def __attrs_post_init__(self) -> None:
        """Refuse options that no trees could be fitted with."""
        if self.least < 10 or self.newest < self.least or self.trees < 1:
            raise InvalidInputError(
                f"least is {self.least}, newest {self.newest}, trees {self.trees}; give 10 or "
                "more, as many as least or more, and 1 or more."
            )
        if not 1 < self.growth < math.inf:
            raise InvalidInputError(f"growth is {self.growth:g}; give a number above 1.")

    def initial(self) -> State:
        """Return nothing learned."""
        return State()

    def set_aside(self, state: State, sample: Sample) -> str | None:
        """Return why the sample is not used, or None."""
        reason = self._early().set_aside(state.early, sample)
        if reason is None and sample.truncated:
            return "truncated"
        return "unsuccessful" if reason is None and not sample.success else reason

    def update(self, state: State, sample: Sample) -> State:
        """Return the state with the sample; *state* itself if it is set aside."""
        if self.set_aside(state, sample) is not None:
            return state
        row, size = row_of(sample.question()), outcome_of(sample)
        rows = state.rows.push_front((row, size))
        if len(rows) >= 2 * self.newest:
            rows = List(list(islice(rows, self.newest)))
        missed = state.missed
        if state.forest is not None:
            missed = (*missed[1 - _WINDOW :], Missed(state.forest, row, size))
        grown = State(
            rows=rows,
            n=state.n + 1,
            early=self._early().update(state.early, sample),
            forest=state.forest,
            fitted_at=state.fitted_at,
            missed=missed,
        )
        fitted_at = state.fitted_at
        due = min(math.ceil(self.growth * fitted_at), fitted_at + math.ceil(self.newest / 5))
        return self._fitted(grown) if grown.n >= max(self.least, due) else grown

    def predict(self, state: State, features: Features, tau: float) -> Prediction:
        """Return the size at *tau*."""
        if state.forest is None:
            return self._early().predict(state.early, features, tau)
        size = state.forest.quantile(row_of(features), tau) + _added(state.missed, tau)
        basis = f"trees fitted to {len(state.forest.rows)} samples"
        return Prediction(tokens=round(math.exp(size), 6), tau=tau, basis=basis)

    def propose(self, state: State) -> Proposal:
        """Return what the groups hold; the estimator's multipliers stay as they are."""
        settings: dict[str, Any] = {
            "least": self.least,
            "growth": self.growth,
            "newest": self.newest,
            "trees": self.trees,
            "min_samples": self.min_samples,
        }
        found = self._early().propose(state.early)
        return attrs.evolve(found, calibrator=self.name, settings=settings)

    def _fitted(self, state: State) -> State:
        newest = list(islice(state.rows, self.newest))
        rows, sizes = zip(*reversed(newest), strict=True)
        forest = Forest(rows, sizes, trees=self.trees, seed=self.seed)
        return attrs.evolve(state, forest=forest, fitted_at=state.n)

    def _early(self) -> ShrinkageQuantile:
        return ShrinkageQuantile(
            min_samples=self.min_samples,
            estimator=self.estimator,
            estimator_version=self.estimator_version,
            old=self.old,
        )


def _added(missed: Sequence[Missed], tau: float) -> float:
    """Return the quantile of what was missed; where there are too few for it, the most, if any."""
    found = sorted(one.by(tau) for one in missed)
    place = math.ceil(tau * (len(found) + 1) - 1e-9)
    return found[place - 1] if place <= len(found) else max([0.0, *found])

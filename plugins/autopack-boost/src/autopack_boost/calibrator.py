"""The calibrator ``boost``: a pure fold that fits its trees anew as samples come in."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs
from rpds import List

from autopack.errors import InvalidInputError
from autopack.prediction.calibration.shrinkage import ShrinkageQuantile, Tree
from autopack.types import Features, Prediction, Proposal, Sample
from autopack_boost.rows import Row, outcome_of, row_of

if TYPE_CHECKING:
    from autopack_boost.forest import Forest


@attrs.frozen(kw_only=True)
class State:
    """
    What was learned, the newest first, and the trees that were fitted last.

    Args:
        early: What answers until there are rows enough for trees.
    """

    rows: "List[tuple[Row, float]]" = attrs.field(factory=List)
    n: int = 0
    early: Tree = attrs.field(factory=Tree)
    forest: "Forest | None" = None
    fitted_at: int = 0


@attrs.frozen(kw_only=True)
class BoostCalibrator:
    """
    Predicts a quantile of the output from model, category, complexity, prompt and estimate.

    Until there are ``least`` samples it answers as ``shrinkage-quantile`` does. Then trees are
    fitted, and again each time there are a quarter more. Outputs that were cut off and failed
    attempts are set aside: a regression has no way to learn from a size that is not known.

    Args:
        least: Samples before the first trees; a fifth of them must suffice for the quantile.
        growth: How many times more samples make the trees be fitted anew, above 1.
        newest: How many samples trees are fitted to at most.
        trees: How many trees; more fit more closely, and take longer.
        cap_tokens: What no output exceeds, in tokens.
        seed: What scikit-learn draws from.
        estimator, estimator_version, old, min_samples: As in ``ShrinkageQuantile``.
    """

    name = "boost"
    least: int = 100
    growth: float = 1.25
    newest: int = 5000
    trees: int = 100
    cap_tokens: int = 64_000
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
        rows = state.rows.push_front((row_of(sample.question()), outcome_of(sample)))
        grown = State(
            rows=rows,
            n=state.n + 1,
            early=self._early().update(state.early, sample),
            forest=state.forest,
            fitted_at=state.fitted_at,
        )
        is_due = grown.n >= max(self.least, math.ceil(self.growth * state.fitted_at))
        return self._fitted(grown) if is_due else grown

    def predict(self, state: State, features: Features, tau: float) -> Prediction:
        """Return the size at *tau*, at most the cap."""
        if state.forest is None:
            return self._early().predict(state.early, features, tau)
        size = state.forest.quantile(row_of(features), tau)
        tokens = self.cap_tokens if size > math.log(self.cap_tokens) else math.exp(size)
        basis = f"trees fitted to {len(state.forest.rows)} samples"
        return Prediction(tokens=round(float(tokens), 6), tau=tau, basis=basis)

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
        from autopack_boost.forest import Forest  # scikit-learn, which only fitting needs

        newest = []
        for pair in state.rows:
            newest.append(pair)
            if len(newest) == self.newest:
                break
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

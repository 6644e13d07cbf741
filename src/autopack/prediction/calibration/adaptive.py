"""Adaptive conformal inference: a quantile that is moved by its own errors."""

from collections.abc import Mapping
from typing import Any

import attrs
from rpds import HashTrieMap

from autopack.errors import InvalidInputError
from autopack.ports.prediction import Features, Prediction, Proposal, Sample
from autopack.prediction.calibration import usable_samples
from autopack.prediction.calibration.guarantees import Guarantee, above_ceiling, undecided
from autopack.prediction.calibration.quantile_groups import group_of
from autopack.prediction.calibration.shrinkage import ShrinkageQuantile, Tree
from autopack.prediction.estimation.budgets import CAP_TOKENS

Where = tuple[str, ...]
"""The group that a tracker is for: category and complexity; nothing for the pool."""

POOL: Where = ()


@attrs.frozen(kw_only=True)
class Tracker:
    """
    The error rate that one group's predictions now aim at, and what it was moved by.

    Args:
        alpha: The rate aimed at; predictions are quantiles at 1 - alpha.
        first_alpha: What it started from.
        rows: How many outcomes it predicted and then learned.
        errors: How many of them exceeded their prediction.
        beyond: How many of them exceeded the hard cap.
        undecided: Further ones that were cut off before that could be told; they move nothing.
    """

    alpha: float
    first_alpha: float
    rows: int = 0
    errors: int = 0
    beyond: int = 0
    undecided: int = 0


@attrs.frozen(kw_only=True)
class Adapted:
    """The tree underneath, the trackers, and how many rows each group has had."""

    tree: Tree = attrs.field(factory=Tree)
    trackers: "HashTrieMap[Where, Tracker]" = attrs.field(factory=HashTrieMap)
    rows: "HashTrieMap[Where, int]" = attrs.field(factory=HashTrieMap)


@attrs.frozen(kw_only=True)
class AdaptiveConformal:
    """
    Keeps the share of outputs under its predictions at tau, whatever the outputs do.

    After each outcome alpha moves by gamma (1 - tau - error), and the next prediction is the
    quantile of ``ShrinkageQuantile`` at 1 - alpha: the hard cap, which nothing exceeds, once
    alpha reaches 0, and nothing at all once it reaches 1. Groups share one alpha until they have
    had ``pool_rows`` rows, and then go on with one of their own. Only tau is tracked; another
    quantile is the one underneath.

    For the T rows of a tracker that started at alpha1,
    ``|coverage - tau| <= (max(alpha1, 1 - alpha1) + gamma) / (T gamma)``, without any
    assumption, where each outcome is learned before the next prediction. An outcome that is
    learned later is held against what would be predicted then.

    Args:
        tau: The share of outputs that predictions are to hold.
        gamma: How far one error moves alpha; 0.005 is the authors' choice, and lets alpha follow
            over some 1/gamma = 200 rows.
        pool_rows: Rows after which a group has its own alpha: 1/gamma, one such stretch.
        cap_tokens: What no output exceeds, in tokens.
        shrinkage, window, use_prompt, min_samples, estimator, estimator_version, old: As in
            ``ShrinkageQuantile``.

    Source: Gibbs and Candes (2021), Adaptive conformal inference under distribution shift,
    proposition 4.1.
    """

    name = "aci"
    tau: float = 0.9
    gamma: float = 0.005
    pool_rows: int = 200
    cap_tokens: int = CAP_TOKENS
    shrinkage: float = 10.0
    window: int = 500
    use_prompt: bool = True
    min_samples: int = 5
    estimator: str = "deliverables"
    estimator_version: str | None = None
    old: Mapping[str, float] = attrs.Factory(dict)
    _under: ShrinkageQuantile = attrs.field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        """Refuse options that alpha could not follow, and make what is underneath."""
        if not 0 < self.tau < 1:
            raise InvalidInputError(
                f"tau is {self.tau:g}; give between 0 and 1.", name="tau", value=self.tau
            )
        if not 0 < self.gamma <= 1:
            raise InvalidInputError(
                f"gamma is {self.gamma:g}; give above 0, up to 1.", name="gamma", value=self.gamma
            )
        if self.pool_rows < 0 or self.cap_tokens < 1:
            wrong = "pool_rows" if self.pool_rows < 0 else "cap_tokens"
            raise InvalidInputError(
                f"pool_rows is {self.pool_rows}, cap_tokens {self.cap_tokens}; "
                "give 0 or more, and 1 or more.",
                name=wrong,
                value=getattr(self, wrong),
            )
        under = ShrinkageQuantile(
            shrinkage=self.shrinkage,
            window=self.window,
            use_prompt=self.use_prompt,
            min_samples=self.min_samples,
            estimator=self.estimator,
            estimator_version=self.estimator_version,
            old=self.old,
        )
        object.__setattr__(self, "_under", under)

    def initial(self) -> Adapted:
        """Return an empty tree and one tracker, which aims at 1 - tau."""
        return Adapted()

    def set_aside(self, state: Adapted, sample: Sample) -> str | None:
        """Return why the sample is not used, or None; a repeat comes last."""
        return self._under.set_aside(state.tree, sample)

    def update(self, state: Adapted, sample: Sample) -> Adapted:
        """Return the state with the sample; *state* itself if it is set aside."""
        tree = self._under.update(state.tree, sample)
        if tree is state.tree:
            return state
        if usable_samples.stratum(sample) == "failed":
            return attrs.evolve(state, tree=tree)
        group = group_of(sample.category, sample.complexity)
        where, tracker = self._tracker(state, group)
        rows = state.rows.insert(group, state.rows.get(group, 0) + 1)
        moved = self._moved(tracker, sample, self._exceeded(state, tracker, sample))
        return Adapted(tree=tree, trackers=state.trackers.insert(where, moved), rows=rows)

    def predict(self, state: Adapted, features: Features, tau: float) -> Prediction:
        """Return the size at *tau*, as the errors so far have moved it if *tau* is tracked."""
        if tau != self.tau:
            return self._under.predict(state.tree, features, tau)
        where, tracker = self._tracker(state, group_of(features.category, features.complexity))
        basis = f"alpha {tracker.alpha:.4f} of {'/'.join(where) or 'all groups'}"
        if tracker.alpha <= 0:
            return Prediction(
                tokens=float(self.cap_tokens), tau=tau, basis=f"the hard cap: {basis}"
            )
        if tracker.alpha >= 1:
            return Prediction(tokens=0.0, tau=tau, basis=basis)
        under = self._under.predict(state.tree, features, 1 - tracker.alpha)
        tokens = min(under.tokens, float(self.cap_tokens))
        return Prediction(tokens=tokens, tau=tau, basis=f"{basis}, {under.basis}")

    def guarantees(self, state: Adapted) -> tuple[Guarantee, ...]:
        """Return what holds for each tracker that has had rows, the pool first."""
        found = ((where, one) for where, one in state.trackers.items() if one.rows)
        return tuple(
            Guarantee(
                group="/".join(where) or "all groups",
                rows=one.rows,
                coverage=1 - one.errors / one.rows,
                bound=bound(one.first_alpha, self.gamma, one.rows),
                tau=self.tau,
                missing=self._missing(one),
            )
            for where, one in sorted(found)
        )

    def propose(self, state: Adapted) -> Proposal:
        """Return what the groups hold and the guarantees in force; no multiplier changes."""
        proposal = self._under.propose(state.tree)
        lines = [
            f"{one.group}: no guarantee over {one.rows} rows: {'; '.join(one.missing)}"
            if one.missing
            else f"{one.group}: {one.rows} rows, coverage {one.coverage:.4f}, "
            f"|coverage - {self.tau:g}| <= {one.bound:.4f}"
            for one in self.guarantees(state)
        ]
        settings: dict[str, Any] = {
            **proposal.settings,
            "tau": self.tau,
            "gamma": self.gamma,
            "pool_rows": self.pool_rows,
            "cap_tokens": self.cap_tokens,
            "guarantees": lines,
        }
        return attrs.evolve(proposal, calibrator=self.name, settings=settings)

    def _tracker(self, state: Adapted, group: Where) -> tuple[Where, Tracker]:
        """Return the tracker of a group's next row: its own, or the pool's."""
        own = state.trackers.get(group)
        if own is not None:
            return group, own
        first = 1 - self.tau
        pool = state.trackers.get(POOL, Tracker(alpha=first, first_alpha=first))
        if state.rows.get(group, 0) < self.pool_rows:
            return POOL, pool
        start = min(max(pool.alpha, 0.0), 1.0)
        return group, Tracker(alpha=start, first_alpha=start)

    def _moved(self, tracker: Tracker, sample: Sample, exceeded: bool | None) -> Tracker:
        """Return the tracker after an outcome that exceeded its prediction, did not, or may."""
        if exceeded is None:
            return attrs.evolve(tracker, undecided=tracker.undecided + 1)
        is_beyond = abs(usable_samples.size_of(sample)) > self.cap_tokens
        return Tracker(
            alpha=tracker.alpha + self.gamma * (1 - self.tau - exceeded),
            first_alpha=tracker.first_alpha,
            rows=tracker.rows + 1,
            errors=tracker.errors + exceeded,
            beyond=tracker.beyond + is_beyond,
            undecided=tracker.undecided,
        )

    def _missing(self, tracker: Tracker) -> tuple[str, ...]:
        """Return what of all that the bound rests on was not so, in words."""
        beyond = (above_ceiling(tracker.beyond, self.cap_tokens),) if tracker.beyond else ()
        return (*beyond, undecided(tracker.undecided)) if tracker.undecided else beyond

    def _exceeded(self, state: Adapted, tracker: Tracker, sample: Sample) -> bool | None:
        """Return whether the output exceeded its prediction; None if that cannot be known."""
        predicted = float(self.cap_tokens)
        if tracker.alpha >= 1:
            return True
        if tracker.alpha > 0:
            under = self._under.predict(state.tree, sample.question(), 1 - tracker.alpha)
            predicted = min(under.tokens, predicted)
        if abs(usable_samples.size_of(sample)) > predicted:
            return True
        return None if sample.truncated else False


def bound(first_alpha: float, gamma: float, rows: int) -> float:
    """
    Return how far the coverage of *rows* rows can be from what is aimed at.

    Source: Gibbs and Candes (2021), proposition 4.1.
    """
    return (max(first_alpha, 1 - first_alpha) + gamma) / (rows * gamma)

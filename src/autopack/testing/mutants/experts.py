"""Experts of the mixture that break one promise each; they say the largest of the newest."""

import math
from collections.abc import Callable
from typing import Any

import attrs

from autopack.ports.prediction import Features, Prediction, Sample
from autopack.testing.mutants.calibrators import Mean


class Newest(Mean):
    """The largest of the newest ten outputs: an expert that breaks no promise."""

    name = "newest"

    def predict(self, state: Any, features: Features, tau: float) -> Prediction:
        """Return the largest, or what the estimator says."""
        tokens = max(state[-10:], default=features.predicted_output_tokens or 2000)
        return Prediction(tokens=tokens, tau=tau, basis="the newest ten")


class KnowsItsCategories(Newest):
    """It looks a category up in a table that holds a few."""

    def predict(self, state: Any, features: Features, tau: float) -> Prediction:
        """Return more for what is heavier."""
        weight = {"docs": 1.0, "tests": 1.5, "implementation": 2.0}[features.category]
        found = super().predict(state, features, tau)
        return attrs.evolve(found, tokens=weight * found.tokens)


class SaysNothingAtFirst(Newest):
    """Before the first output its answer is no number."""

    def predict(self, state: Any, features: Features, tau: float) -> Prediction:
        """Return the largest, or nothing."""
        tokens = max(state) if state else math.nan
        return Prediction(tokens=tokens, tau=tau, basis="all")


class AnswersForAnotherTau(Newest):
    """Whatever share is asked for, it says that of nine in ten."""

    def predict(self, state: Any, features: Features, tau: float) -> Prediction:
        """Return what it would say at 0.9."""
        return super().predict(state, features, 0.9)


class SmoothMaximum(Newest):
    """It adds up exponentials, which no float holds for outputs of some million tokens."""

    def predict(self, state: Any, features: Features, tau: float) -> Prediction:
        """Return a maximum without edges."""
        tokens = 1000 * math.log1p(sum(math.exp(size / 1000) for size in state))
        return Prediction(tokens=tokens, tau=tau, basis="smooth")


class AnswersByTheNewest(Newest):
    """It keeps the state that was made last, and answers by that one."""

    def __init__(self) -> None:
        self._newest: Any = ()

    def update(self, state: Any, sample: Sample) -> Any:
        """Return the state with one figure more, and keep it."""
        self._newest = super().update(state, sample)
        return self._newest

    def predict(self, state: Any, features: Features, tau: float) -> Prediction:
        """Return the largest of what was learned last."""
        return super().predict(self._newest, features, tau)


class CountsQuestions(Newest):
    """The more often it is asked, the more it says."""

    def __init__(self) -> None:
        self._asked = 0

    def update(self, state: Any, sample: Sample) -> Any:
        """Return the state with the figure, and what was asked meanwhile."""
        grown = super().update(state, sample)
        return grown if grown is state else (*grown[:-1], grown[-1] + self._asked)

    def predict(self, state: Any, features: Features, tau: float) -> Prediction:
        """Return the largest, and count."""
        self._asked += 1
        return super().predict(state, features, tau)


class KeepsAFunction(Mean):
    """Its state is a function, which lives where it was made."""

    name = "keeps-a-function"

    def initial(self) -> Callable[[], tuple[int, ...]]:
        """Return a function that returns nothing."""
        return lambda: ()

    def update(self, state: Any, sample: Sample) -> Any:
        """Return a function that returns one figure more."""
        return (
            state if self.set_aside(state, sample) else _returning(super().update(state(), sample))
        )

    def predict(self, state: Any, features: Features, tau: float) -> Prediction:
        """Return the mean."""
        return super().predict(state(), features, tau)

    def propose(self, state: Any) -> Any:
        """Return what the figures speak for."""
        return super().propose(state())


class WantsThemInOrder(Newest):
    """It refuses an output that was asked for before one that it has learned."""

    def initial(self) -> Any:
        """Return that nothing was learned up to the start."""
        return (0,)

    def update(self, state: Any, sample: Sample) -> Any:
        """Return the sample's position with the figures."""
        if self.set_aside(state, sample):
            return state
        if sample.position < state[0]:
            raise ValueError("out of order")
        return (sample.position, *state[1:], sample.actual_output_tokens)

    def predict(self, state: Any, features: Features, tau: float) -> Prediction:
        """Return the largest of the newest."""
        return super().predict(state[1:], features, tau)


def _returning(found: tuple[int, ...]) -> Callable[[], tuple[int, ...]]:
    return lambda: found

"""Estimators that break one promise each; all of them count what is to be written."""

import time
from typing import Any

import attrs

from autopack.ports.prediction import Coefficients, Estimate, Features, Part


class Counts:
    """A thousand tokens for each deliverable: an estimator that breaks no promise."""

    name, base_version = "counts", "counts-1"

    def estimate(self, features: Features, coefficients: Coefficients) -> Estimate:
        """Return the estimate, of one part."""
        group = f"{features.category}/{features.complexity}"
        multiplier = self.multiplier(coefficients, group)
        tokens = round(1000 * max(1, self.count(features)) * multiplier)
        return Estimate(
            estimator=self.name,
            estimator_version=coefficients.version,
            predicted_output_tokens=tokens,
            budget_tokens=2 * tokens,
            confidence=0.5,
            features=features,
            parts=(Part(name="deliverables", tokens=tokens, why="1000 for each"),),
        )

    def multiplier(self, coefficients: Coefficients, group: str) -> float:
        """Return what the group's figure is multiplied by."""
        return coefficients.multipliers.get(group, 1.0)

    def count(self, features: Features) -> int:
        """Return how many there are."""
        return len(features.deliverables)


class LearnsNothing(Counts):
    """No calibration changes what it says."""

    def multiplier(self, coefficients: Coefficients, group: str) -> float:
        """Return 1."""
        return 1.0


class LearnsFromOthers(Counts):
    """It takes the multiplier of any group."""

    def multiplier(self, coefficients: Coefficients, group: str) -> float:
        """Return the last one of all."""
        return [1.0, *coefficients.multipliers.values()][-1]


class NamesItsBase(Counts):
    """It hides by which coefficients it predicts, so an error would be corrected twice."""

    def estimate(self, features: Features, coefficients: Coefficients) -> Estimate:
        """Return the estimate under the version before any calibration."""
        found = super().estimate(features, coefficients)
        return attrs.evolve(found, estimator_version=self.base_version)


class GivesTooLittle(Counts):
    """Its budget cuts off what it predicts itself."""

    def estimate(self, features: Features, coefficients: Coefficients) -> Estimate:
        """Return the estimate with half of it as budget."""
        found = super().estimate(features, coefficients)
        return attrs.evolve(found, budget_tokens=found.predicted_output_tokens // 2)


class HalfAToken(Counts):
    """It predicts parts of a token."""

    def estimate(self, features: Features, coefficients: Coefficients) -> Estimate:
        """Return the estimate and a half."""
        found = super().estimate(features, coefficients)
        tokens: Any = found.predicted_output_tokens + 0.5
        return attrs.evolve(found, predicted_output_tokens=tokens)


class ExplainsHalf(Counts):
    """Its parts leave out what it was taught."""

    def estimate(self, features: Features, coefficients: Coefficients) -> Estimate:
        """Return the estimate with a part that is too small."""
        found = super().estimate(features, coefficients)
        return attrs.evolve(found, parts=(Part(name="half", tokens=1.0, why="a guess"),))


class LooksAtTheTime(Counts):
    """It says the same at all times, and looks at the clock to do so."""

    def count(self, features: Features) -> int:
        """Return how many there are, whatever the time."""
        return len(features.deliverables) + (time.time() < 0)


class BelievesItself(Counts):
    """It goes by a prediction that stands in its features."""

    def count(self, features: Features) -> int:
        """Return how many there would have been."""
        return len(features.deliverables) + (features.predicted_output_tokens or 0) // 1000

"""The old estimator under the name ``legacy``, fed with the features that a log records."""

import math
from collections.abc import Callable
from typing import Final

from autopack.types import Coefficients, Estimate, Features, Part
from autopack_legacy import oldfigures as figures
from autopack_legacy.calibrator import ESTIMATOR_VERSION
from autopack_legacy.estimates import asked_for, predicted

_GOAL_WORDS: Final = {
    "api_reference": "api_reference_required",
    "examples": "examples_required",
    "research": "research_required",
    "usage_guide": "usage_guide_required",
}


class LegacyEstimator:
    """
    Predicts as the old system did, from recorded features instead of the workspace itself.

    Features carry today's words for categories and the goal's asks, and what was found of the
    files; :func:`autopack_legacy.estimate` takes the old system's own arguments.
    """

    name = "legacy"
    base_version = ESTIMATOR_VERSION

    def estimate(self, features: Features, coefficients: Coefficients) -> Estimate:
        """Return the prediction, its budget and its parts; a multiplier scales the whole."""
        texts = features.deliverables
        asks = asked_for(texts, "")
        asks |= {_GOAL_WORDS[word]: True for word in features.goal_words if word in _GOAL_WORDS}
        category, tokens, breakdown, sure = predicted(
            texts,
            features.category,
            features.complexity,
            contexts=features.context_texts,
            asks=asks,
            place=_recorded(features),
        )
        key = f"{features.category}/{features.complexity}"
        multiplier = coefficients.multipliers.get(key, 1.0)
        total = max(1, int(tokens * multiplier))
        budget = figures.budget(total, category, features.complexity, n=len(texts), confidence=sure)
        return Estimate(
            estimator=self.name,
            estimator_version=coefficients.version,
            predicted_output_tokens=total,
            budget_tokens=budget,
            ceiling_tokens=figures.MOST_TOKENS,
            confidence=sure,
            features=features,
            parts=_parts(breakdown, tokens, total),
        )


def _recorded(features: Features) -> Callable[[str], tuple[bool, float]]:
    """Answer for one deliverable after the other: what was found of it, else that it is new."""
    found = iter(features.files)

    def look(path: str) -> tuple[bool, float]:
        _, is_new, factor = next(found, ("", True, 1.0))
        return not is_new, factor

    return look


def _parts(breakdown: dict[str, int], tokens: int, total: int) -> tuple[Part, ...]:
    named = [Part(name=name, tokens=cost, why="the old figure") for name, cost in breakdown.items()]
    rest = tokens - math.fsum(part.tokens for part in named)
    named.append(Part(name="rest", tokens=rest, why="overhead and margin, or a fixed size"))
    if total != tokens:
        why = f"measured at {total / tokens:.3g} times the figure"
        named.append(Part(name="calibration", tokens=total - tokens, why=why))
    return tuple(named)

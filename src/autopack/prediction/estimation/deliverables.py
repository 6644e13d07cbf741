"""The default estimator: an overhead for the phase, and a marginal cost for each deliverable."""

import math
from typing import Final

import attrs

from autopack.errors import InvalidInputError
from autopack.ports.prediction import Coefficients, Estimate, Features, Part
from autopack.prediction.estimation import (
    budgets,
    document_costs,
    phrases,
    token_weights,
    vocabulary,
)
from autopack.prediction.estimation.deliverable_kinds import (
    extension,
    is_ledger,
    path_of,
    recognise,
)

UNNAMED: Final = "unnamed"
"""The part of a prediction that rests on a phase's complexity alone."""

_MOST_TOKENS: Final = 2**53
_SURE_BASE: Final = 0.5
_SURE_BY_EXTENSION: Final = 0.3
_SURE_BY_VERB: Final = 0.2
_SURE_OF_SYNTHESIS: Final = 0.75
_SURE_OF_LEDGER: Final = 0.7
_DIGITS: Final = 4

File = tuple[str, bool, float]
"""Kind, whether it is new, and the factor of an existing file."""


@attrs.frozen(kw_only=True)
class _Sketch:
    """A prediction before what was taught: parts, how sure they are, and by which model."""

    parts: tuple[Part, ...]
    confidence: float
    model: budgets.Model = "deliverables"


class Deliverables:
    """
    Predicts from what is to be written; the category decides how, and no wording changes it.

    ``(overhead + marginal costs) * 1.3 * multiplier``, where the multiplier is what calibration
    taught for the category and complexity. It scales the whole prediction, since it was fitted
    to whole predictions. Phases that name no deliverables get a fixed size, documents that need
    research or extend a running record have models of their own.
    """

    name = "deliverables"
    base_version = "deliverables-1"

    def estimate(self, features: Features, coefficients: Coefficients) -> Estimate:
        """
        Return the prediction, its budget, and the parts that add up to it.

        Raises:
            InvalidInputError: The multiplier is not a finite number above 0.
        """
        files = files_of(features)
        sketch = _sketch(features, files)
        parts = (*sketch.parts, *_taught(features, coefficients, sketch.parts))
        predicted = _whole(math.fsum(part.tokens for part in parts))
        budget = budgets.budget_for(
            predicted,
            features.category,
            features.complexity,
            confidence=sketch.confidence,
            n=len(files),
            model=sketch.model,
        )
        return Estimate(
            estimator=self.name,
            estimator_version=coefficients.version,
            predicted_output_tokens=predicted,
            budget_tokens=budget.tokens,
            budget_basis=budget.basis,
            ceiling_tokens=budgets.CAP_TOKENS,
            confidence=sketch.confidence,
            features=features,
            parts=parts,
        )


def files_of(features: Features) -> tuple[File, ...]:
    """Return the files that were looked at, else those that the deliverables name, as new ones."""
    if features.files:
        return features.files
    named = (recognise(text, features.category) for text in features.deliverables)
    return tuple((found.kind, found.is_new is not False, 1.0) for found in named)


def _sketch(features: Features, files: tuple[File, ...]) -> _Sketch:
    if not files:
        return _unnamed(features)
    if not document_costs.is_document_work(features.category, [kind for kind, _, _ in files]):
        return _by_files(features, files)
    if document_costs.is_ledger_work(features.category, ledger=_has_ledger(features)):
        parts = document_costs.ledger_parts(len(files), context_texts=features.context_texts)
        return _Sketch(parts=_with_margin(parts), confidence=_SURE_OF_LEDGER, model="ledger")
    asks = frozenset((*features.goal_words, *phrases.asks_of_names(features.deliverables)))
    if document_costs.is_synthesis(features.category, asks):
        parts = document_costs.synthesis_parts(
            len(files), asks, context_texts=features.context_texts
        )
        return _Sketch(
            parts=_with_margin(parts), confidence=_SURE_OF_SYNTHESIS, model="doc_synthesis"
        )
    return _by_files(features, files)


def _unnamed(features: Features) -> _Sketch:
    size = vocabulary.size(features.complexity)
    tokens = token_weights.UNNAMED_TOKENS[size]
    part = Part(name=UNNAMED, tokens=tokens, why=f"no deliverables are named, {size} complexity")
    return _Sketch(parts=(part,), confidence=_SURE_BASE, model="unnamed")


def _by_files(features: Features, files: tuple[File, ...]) -> _Sketch:
    group = vocabulary.group(features.category, features.complexity)
    tokens = token_weights.overhead_tokens(features.category, features.complexity)
    overhead = Part(name="overhead", tokens=tokens, why=f"any {group} phase")
    parts = (overhead, *_marginal_parts(files))
    return _Sketch(parts=_with_margin(parts), confidence=_confidence(features))


def _marginal_parts(files: tuple[File, ...]) -> list[Part]:
    costs: dict[tuple[str, bool], list[float]] = {}
    for kind, is_new, factor in files:
        cost = token_weights.marginal_tokens(kind, is_new=is_new) * factor
        costs.setdefault((kind, is_new), []).append(cost)
    return [
        Part(
            name=f"{kind}_{'new' if is_new else 'modified'}",
            tokens=math.fsum(found),
            why=f"{len(found)} {'new' if is_new else 'existing'} {kind} deliverables",
        )
        for (kind, is_new), found in costs.items()
    ]


def _with_margin(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    tokens = (token_weights.MARGIN - 1) * math.fsum(part.tokens for part in parts)
    why = f"all of it times {token_weights.MARGIN:g}"
    return (*parts, Part(name="margin", tokens=round(tokens, _DIGITS), why=why))


def _taught(
    features: Features, coefficients: Coefficients, parts: tuple[Part, ...]
) -> tuple[Part, ...]:
    group = vocabulary.group(features.category, features.complexity)
    multiplier = coefficients.multipliers.get(group, 1.0)
    if not 0 < multiplier < math.inf:
        raise InvalidInputError(
            f"Coefficients {coefficients.version!r} multiply {group} by {multiplier!r}: "
            "give a finite number above 0.",
            name=f"multipliers.{group}",
            value=multiplier,
        )
    if multiplier == 1.0:
        return ()
    tokens = (multiplier - 1) * math.fsum(part.tokens for part in parts)
    why = f"{group} phases were measured at {multiplier:g} times the figure"
    return (Part(name="calibration", tokens=round(tokens, _DIGITS), why=why),)


def _confidence(features: Features) -> float:
    """Return 0.5 to 1: how many deliverables have an extension, and how many a verb."""
    texts = features.deliverables
    if not texts:
        return _SURE_BASE
    extensions = sum(1 for text in texts if extension(path_of(text)))
    verbs = sum(1 for text in texts if phrases.is_new(text) is not None)
    share = (_SURE_BY_EXTENSION * extensions + _SURE_BY_VERB * verbs) / len(texts)
    return round(_SURE_BASE + share, _DIGITS)


def _has_ledger(features: Features) -> bool:
    return features.ledger or any(is_ledger(path_of(text)) for text in features.deliverables)


def _whole(tokens: float) -> int:
    return int(min(max(tokens, 1.0), _MOST_TOKENS))

"""Split conformal bounds by category: for offline reports, with what they promise."""

from array import array
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any, Final

import attrs
from rpds import HashTrieMap

from autopack.errors import InvalidInputError
from autopack.ports.prediction import Features, Prediction, Proposal, Sample
from autopack.prediction.calibration.packed_samples import Seen
from autopack.prediction.calibration.quantile_groups import (
    Noted,
    Recent,
    noted_at,
    pair_of,
    quantile_proposal,
)
from autopack.prediction.calibration.sorted_multiset import Ordered
from autopack.prediction.calibration.survival import place_of
from autopack.prediction.calibration.usable_samples import identity_of, unfit_as_size
from autopack.prediction.estimation import vocabulary
from autopack.prediction.estimation.budgets import CAP_TOKENS

_LONGEST: Final = 500
_NONE: Final = Ordered()


@attrs.frozen(kw_only=True)
class Scores:
    """Actual over predicted by category, sorted; the groups' newest pairs; the samples seen."""

    ratios: "HashTrieMap[str, Ordered]" = attrs.field(factory=HashTrieMap)
    recent: Recent = attrs.field(factory=Recent)
    seen: Seen = attrs.field(factory=Seen)


@attrs.frozen(kw_only=True)
class SplitConformal:
    """
    Bounds an output by the estimator's figure times a quantile of its category's ratios.

    If the samples and the next attempt are exchangeable within their category, the bound holds
    with probability tau or more, and with less than tau + 1/(n + 1) if no two ratios are equal.
    Where a category has too few samples for tau, no finite bound promises that, and the hard cap
    is given. Outputs that were cut off are set aside, since a rank needs the whole size.

    Args:
        cap_tokens: What no output exceeds, in tokens.
        default_tokens: Stands for the estimator's figure where none is known.
        min_samples, estimator, estimator_version, old: As in ``ShrinkageQuantile``.

    Source: Vovk, Gammerman and Shafer (2005), Mondrian inductive conformal predictors.
    """

    name = "split-conformal"
    cap_tokens: int = CAP_TOKENS
    default_tokens: int = 4096
    min_samples: int = 5
    estimator: str = "deliverables"
    estimator_version: str | None = None
    old: Mapping[str, float] = attrs.Factory(dict)

    def __attrs_post_init__(self) -> None:
        """Refuse a cap or a default that is no size."""
        if self.cap_tokens < 1 or self.default_tokens < 1:
            wrong = "cap_tokens" if self.cap_tokens < 1 else "default_tokens"
            raise InvalidInputError(
                f"cap_tokens is {self.cap_tokens}, default_tokens {self.default_tokens}; "
                "give 1 or more.",
                name=wrong,
                value=getattr(self, wrong),
            )

    def initial(self) -> Scores:
        """Return no scores."""
        return Scores()

    def set_aside(self, state: Scores, sample: Sample) -> str | None:
        """Return why the sample is not used, or None; a repeat comes last."""
        reason = _unfit(sample)
        return "repeat" if reason is None and identity_of(sample) in state.seen else reason

    def update(self, state: Scores, sample: Sample) -> Scores:
        """Return the scores with the sample; *state* itself if it is set aside."""
        return self.update_all(state, (sample,))[0]

    def update_all(
        self, state: Scores, samples: Iterable[Sample]
    ) -> tuple[Scores, Mapping[str, int]]:
        """Return the scores after all *samples*, and how many were set aside by reason."""
        used, fresh = 0, set[str]()
        aside: dict[str, int] = {}
        added: dict[str, array[float]] = {}
        noted: Noted = {}
        kept: dict[tuple[str, str], tuple[array[float], deque[tuple[int, int]]]] = {}
        known = state.seen if state.seen.layers else frozenset[str]()
        for sample in samples:
            reason = _unfit(sample)
            identity = "" if reason else identity_of(sample)
            if identity in fresh or identity in known:
                reason = "repeat"
            if reason is not None:
                aside[reason] = aside.get(reason, 0) + 1
                continue
            if identity:
                fresh.add(identity)
            used += 1
            places = kept.get((sample.category, sample.complexity))
            if places is None:
                places = kept[sample.category, sample.complexity] = (
                    added.setdefault(vocabulary.category(sample.category), array("d")),
                    noted_at(noted, sample, _LONGEST),
                )
            pair = pair_of(sample)
            places[0].append(pair[1] / (pair[0] or self.default_tokens))
            places[1].append(pair)
        if not used:
            return state, aside
        ratios = state.ratios
        for category, more in added.items():
            before = ratios.get(category, _NONE)
            many = before.with_number(more[0]) if len(more) == 1 else before.with_numbers(more)
            ratios = ratios.insert(category, many)
        recent = state.recent.with_noted(noted, _LONGEST, used=used)
        return Scores(ratios=ratios, recent=recent, seen=state.seen.with_texts(fresh)), aside

    def predict(self, state: Scores, features: Features, tau: float) -> Prediction:
        """Return the bound at *tau*, or the hard cap if there are too few samples for it."""
        category = vocabulary.category(features.category)
        ratios = state.ratios.get(category, _NONE)
        place, n = place_of(tau, len(ratios)), len(ratios)
        if place > n:
            basis = f"the hard cap: {n} samples of {category} are too few for {tau:g}"
            return Prediction(tokens=float(self.cap_tokens), tau=tau, basis=basis)
        scale = features.predicted_output_tokens or self.default_tokens
        tokens = min(scale * ratios[place - 1], float(self.cap_tokens))
        return Prediction(tokens=tokens, tau=tau, basis=f"{n} samples of {category}")

    def propose(self, state: Scores) -> Proposal:
        """Return what the groups hold; the estimator's multipliers stay as they are."""
        return quantile_proposal(self, state.recent, self._settings())

    def _settings(self) -> dict[str, Any]:
        return {
            "cap_tokens": self.cap_tokens,
            "default_tokens": self.default_tokens,
            "min_samples": self.min_samples,
            "estimator_version": self.estimator_version,
        }


def _unfit(sample: Sample) -> str | None:
    reason = unfit_as_size(sample)
    if reason is not None:
        return reason
    if sample.truncated:
        return "truncated"
    return None if sample.success else "unsuccessful"

"""The calibrator that is used unless another is named: a true median of actual over predicted."""

import math
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import attrs

from autopack.errors import InvalidInputError
from autopack.ports.prediction import Features, Group, Prediction, Proposal, Sample
from autopack.prediction.calibration.confidence import Ascending, quantile
from autopack.prediction.calibration.intervals import LEVEL
from autopack.prediction.calibration.multipliers import Terms, actual_of, ratios_of, version_of
from autopack.prediction.calibration.packed_samples import Evidence, GroupName, Pairs
from autopack.prediction.calibration.quantile_groups import group_of
from autopack.prediction.calibration.sorted_multiset import Ordered
from autopack.prediction.calibration.usable_samples import identity_of

_DEFAULT_TOKENS: Final = 4096.0
_UNKNOWN_VERSION: Final = "unknown"


@attrs.frozen(kw_only=True)
class MedianRatio:
    """
    Multiplies an estimator's multipliers by the median of actual over predicted, group by group.

    A ratio only says how wrong the multipliers were that made the prediction. So samples of
    another version are set aside, the proposal is *old times ratio*, and once it is applied the
    same evidence no longer counts: no error is corrected twice.

    Args:
        min_samples: The first gate: groups with fewer samples keep their multiplier.
        confidence_threshold: The second gate, from 0 to 1; see ``calibration.medians.confidence``.
        estimator: Whose predictions are judged.
        estimator_version: The version in use; others' samples are set aside. None takes all
            versions, and proposes only if every used sample carries one and the same.
        old: The multipliers in use, by ``category/complexity``; 1.0 for a group that has none.
        include_imported: Also use imported samples that name no version. They inform: as soon
            as one is used, the groups show what it says and nothing new is proposed, because
            nobody knows which multipliers made those predictions.
        damping: The power of the ratio by which a multiplier moves: 1 corrects the whole error
            at once, 0.5 its square root, as some do who distrust their evidence.
        max_change: The most that one proposal multiplies or divides by; None sets no limit.
        interval: The share of intervals of the median that hold the truth.
        buffer: For ``predict``: give the median times this, whatever tau is asked for, as one
            does who budgets by a rule of thumb; None gives the quantile at tau.
        base: The estimator's own prediction in tokens, for ``predict``, where the features do
            not name it; None predicts from the groups' actual sizes.
    """

    name = "median-ratio"
    min_samples: int = 5
    confidence_threshold: float = 0.7
    estimator: str = "deliverables"
    estimator_version: str | None = None
    old: Mapping[str, float] = attrs.Factory(dict)
    include_imported: bool = False
    damping: float = 1.0
    max_change: float | None = None
    interval: float = LEVEL
    buffer: float | None = None
    base: Callable[[Features], float] | None = None

    def __attrs_post_init__(self) -> None:
        """Refuse options that no group could meet or miss."""
        if self.min_samples < 1:
            raise InvalidInputError(
                f"min_samples is {self.min_samples}; give 1 or more.",
                name="min_samples",
                value=self.min_samples,
            )
        if not 0 <= self.confidence_threshold <= 1:
            raise InvalidInputError(
                f"confidence_threshold is {self.confidence_threshold:g}; give 0 to 1.",
                name="confidence_threshold",
                value=self.confidence_threshold,
            )
        if not 0 < self.damping <= 1:
            raise InvalidInputError(
                f"damping is {self.damping:g}; give above 0, up to 1.",
                name="damping",
                value=self.damping,
            )
        if self.max_change is not None and not 1 < self.max_change < math.inf:
            raise InvalidInputError(
                f"max_change is {self.max_change:g}; give a number above 1.",
                name="max_change",
                value=self.max_change,
            )
        if not 0 < self.interval < 1:
            raise InvalidInputError(
                f"interval is {self.interval:g}; give between 0 and 1.",
                name="interval",
                value=self.interval,
            )
        if self.buffer is not None and not 0 < self.buffer < math.inf:
            raise InvalidInputError(
                f"buffer is {self.buffer:g}; give a number above 0.",
                name="buffer",
                value=self.buffer,
            )

    def initial(self) -> Evidence:
        """Return no evidence."""
        return Evidence()

    def set_aside(self, state: Evidence, sample: Sample) -> str | None:
        """
        Return why the sample is not used, or None.

        What is wrong with the sample itself comes first, then whose prediction it was, and a
        repeat last: the counts of the later reasons are what other options would add.
        """
        reason = self._unfit(sample)
        return "repeat" if reason is None and identity_of(sample) in state.seen else reason

    def update(self, state: Evidence, sample: Sample) -> Evidence:
        """Return the evidence with the sample; *state* itself if it is set aside."""
        return self.update_all(state, (sample,))[0]

    def update_all(
        self, state: Evidence, samples: Iterable[Sample]
    ) -> tuple[Evidence, Mapping[str, int]]:
        """Return the evidence after all *samples*, and how many were set aside by reason."""
        fresh: set[str] = set()
        figures: dict[GroupName, array[int]] = {}
        aside: dict[str, int] = {}
        versions = set(state.versions)
        for sample in samples:
            reason = self._unfit(sample)
            identity = "" if reason else identity_of(sample)
            if identity in fresh or identity in state.seen:
                reason = "repeat"
            if reason is not None:
                aside[reason] = aside.get(reason, 0) + 1
                continue
            if identity:
                fresh.add(identity)
            versions.add(sample.estimator_version)
            name = group_of(sample.category, sample.complexity)
            found = figures.get(name)
            if found is None:
                found = figures[name] = array("q")
            found.append(sample.predicted_output_tokens)
            found.append(sample.actual_output_tokens or 0)
        if not figures:
            return state, aside
        groups, ratios = state.groups, state.ratios
        for name, added in figures.items():
            groups = groups.insert(name, groups.get(name, Pairs()).with_figures(added))
            ratios = ratios.insert(name, _joined(ratios.get(name, Ordered()), ratios_of(added)))
        return Evidence(
            groups=groups,
            ratios=ratios,
            seen=state.seen.with_texts(fresh),
            versions=frozenset(versions),
        ), aside

    def predict(self, state: Evidence, features: Features, tau: float) -> Prediction:
        """
        Return the output size at quantile *tau*, from the group or, if it is empty, from all.

        With the estimator's figure: that times the ratio at *tau*; else the actual size at *tau*.
        """
        scale = features.predicted_output_tokens or (self.base(features) if self.base else None)
        name = group_of(features.category, features.complexity)
        where = "/".join(name) if name in state.groups else "all groups"
        values = self._values(state, name, by_ratio=scale is not None)
        if not len(values):
            tokens = scale or _DEFAULT_TOKENS
            return Prediction(tokens=tokens * (self.buffer or 1.0), tau=tau, basis="no samples")
        basis = f"{len(values)} samples of {where}"
        size = quantile(values, 0.5 if self.buffer else tau) * (self.buffer or 1.0)
        return Prediction(tokens=(scale or 1.0) * size, tau=tau, basis=basis)

    def propose(self, state: Evidence) -> Proposal:
        """Return every group, the largest first, and the multipliers that pass both gates."""
        note = self._obstacle(state)
        groups = sorted(
            (self._group(name, pairs.figures(), note) for name, pairs in state.groups.items()),
            key=lambda group: (-group.n, group.category, group.complexity),
        )
        new = dict(self.old) if note else self._new(groups)
        base_version = self._base_version(state)
        return Proposal(
            calibrator=self.name,
            estimator=self.estimator,
            base_version=base_version,
            new_version=base_version if new == dict(self.old) else version_of(base_version, new),
            samples_used=sum(group.n for group in groups),
            groups=tuple(groups),
            old=dict(self.old),
            new=new,
            settings=self._settings(),
            note=note,
        )

    def _values(self, state: Evidence, name: GroupName, *, by_ratio: bool) -> Ascending:
        """Return a group's ratios or sizes in ascending order, or those of all if it is empty."""
        if by_ratio and name in state.ratios:
            return state.ratios[name]
        if by_ratio:
            return sorted(ratio for known in state.ratios.values() for ratio in known)
        own = state.groups.get(name)
        pairs = [own] if own else list(state.groups.values())
        return sorted(float(actual) for one in pairs for actual in actual_of(one.figures()))

    def _unfit(self, sample: Sample) -> str | None:
        if sample.is_test:
            return "test_data"
        if sample.predicted_output_tokens <= 0:
            return "no_prediction"
        if sample.split != "measured":
            return "unmeasured_split"
        if sample.actual_output_tokens is None:
            return "no_measurement"
        if sample.actual_output_tokens == 0:
            return "no_output"
        if sample.success is None:
            return "no_outcome"
        if not sample.success:
            return "unsuccessful"
        return "truncated" if sample.truncated else self._foreign(sample)

    def _foreign(self, sample: Sample) -> str | None:
        if sample.is_imported and sample.estimator_version is None:
            if not self.include_imported:
                return "imported_without_version"
            return None if sample.estimator in (None, self.estimator) else "other_estimator"
        if sample.estimator != self.estimator:
            return "other_estimator"
        wanted = self.estimator_version
        is_other = wanted is not None and sample.estimator_version != wanted
        return "other_estimator_version" if is_other else None

    def _obstacle(self, state: Evidence) -> str:
        if None in state.versions:
            return (
                "For information only: some samples do not say which version of the estimator "
                "predicted them, so no multiplier can be drawn from them. Record runs with this "
                "estimator, then calibrate again."
            )
        if len(state.versions) > 1:
            return (
                f"For information only: the samples are of {len(state.versions)} versions of "
                "the estimator, and a ratio corrects just one. Name the version in use."
            )
        return ""

    def _group(self, name: GroupName, figures: Sequence[int], obstacle: str) -> Group:
        terms = Terms(
            min_samples=self.min_samples,
            confidence_threshold=self.confidence_threshold,
            damping=self.damping,
            max_change=self.max_change,
            interval=self.interval,
        )
        old = self.old.get("/".join(name), 1.0)
        return terms.group(name, figures, old=old, obstacle=obstacle)

    def _new(self, groups: Iterable[Group]) -> dict[str, float]:
        new = dict(self.old)
        for group in groups:
            key = f"{group.category}/{group.complexity}"
            if group.is_high_confidence and group.proposed_multiplier != new.get(key, 1.0):
                new[key] = group.proposed_multiplier
        return new

    def _base_version(self, state: Evidence) -> str:
        if self.estimator_version is not None:
            return self.estimator_version
        named = sorted(version for version in state.versions if version is not None)
        return named[0] if len(named) == 1 else _UNKNOWN_VERSION

    def _settings(self) -> dict[str, Any]:
        return {
            "min_samples": self.min_samples,
            "confidence_threshold": self.confidence_threshold,
            "estimator_version": self.estimator_version,
            "include_imported": self.include_imported,
            "damping": self.damping,
            "max_change": self.max_change,
            "interval": self.interval,
        }


def _joined(known: Ordered, added: Sequence[float]) -> Ordered:
    return known.with_number(added[0]) if len(added) == 1 else known.with_numbers(added)

"""Takes the phase that teaches most about the budgets for what it costs."""

import math
from collections import Counter
from typing import Final

import attrs

from autopack.draining.shelf import Bucket, buckets, group_of
from autopack.ports.drain import (
    Choice,
    Choose,
    DrainView,
    GroupEvidence,
    RunHistory,
    Stop,
    Wait,
)
from autopack.ports.work import PhaseView

_Z: Final = 1.645
"""Half the width of a 90 % interval, in standard errors."""
_USUAL_SPREAD: Final = 0.7
"""The standard deviation of log ratios that a group is taken to have before it has samples."""


@attrs.frozen(kw_only=True)
class Explore:
    """
    Chooses where one more sample narrows a group's interval most per predicted token.

    A group's interval is the 90 % interval of its mean log ratio of actual to predicted output;
    see ``width_of``. A sample is counted on as often as phases of the run have completed in this
    drain. Groups that are known, and phases in work, are left out; among phases of a group and
    run the smallest is the cheapest teacher.

    Args:
        width: The drain stops once the interval of every group that is ready is as narrow.
    """

    name = "explore"
    width: float = attrs.field(default=0.5, validator=attrs.validators.gt(0))

    def __call__(self, view: DrainView) -> Choice:
        """Choose the best teacher; stop when there is nothing more to learn."""
        pending = Counter(group_of(phase) for phase in view.in_work)
        known: dict[str, tuple[GroupEvidence, bool]] = {}
        best: tuple[float, PhaseView, str] | None = None
        for (group, run_id), bucket in buckets(view.ready, _names_of, _size_of).items():
            if group not in known:
                evidence = view.groups.get(group, GroupEvidence())
                known[group] = (evidence, width_of(evidence) <= self.width)
            evidence = known[group][0]
            if width_of(evidence, pending[group]) <= self.width:
                continue
            value, phase = self._value(view, evidence, pending[group], run_id, bucket)
            if best is None or value > best[0]:
                best = (value, phase, group)
        if best is not None:
            return self._chosen(best[1], best[2], known[best[2]][0], view)
        if not view.ready or not all(is_known for _evidence, is_known in known.values()):
            return Wait("the samples in work may be enough", until=view.next_ready_at)
        return Stop(f"{len(known)} groups are ready, each known to a width of {self.width:g}")

    def _value(
        self, view: DrainView, evidence: GroupEvidence, pending: int, run_id: str, bucket: Bucket
    ) -> tuple[float, PhaseView]:
        """Return what is learned per predicted token, and the phase to learn it from."""
        phase: PhaseView = bucket[0]
        gain = width_of(evidence, pending) - width_of(evidence, pending + 1)
        odds = _odds(view.history.get(run_id, RunHistory()))
        return gain * odds / max(1, view.predict(phase)), phase

    def _chosen(
        self, phase: PhaseView, group: str, evidence: GroupEvidence, view: DrainView
    ) -> Choose:
        told = f"{evidence.n} samples, width {width_of(evidence):.2f} of {self.width:g}"
        cost = view.predict(phase)
        return Choose(phase.ref, f"{group} is least known for its cost ({told}; {cost} tokens)")


def width_of(evidence: GroupEvidence, more: int = 0) -> float:
    """
    Return the width of a group's 90 % interval, in log ratio, after *more* samples like these.

    0.5 means that the typical size is known to about a quarter up and down. The spread is
    estimated together with one pseudo-sample of the usual spread, and a group without samples
    counts as one with half a sample, so that the width is finite and falls with each.
    """
    freedom = max(0, evidence.n - 1)
    variance = (_USUAL_SPREAD**2 + evidence.squared_error) / (1 + freedom)
    return 2 * _Z * math.sqrt(variance / max(0.5, evidence.n + more))


def _names_of(phase: PhaseView) -> tuple[str, str]:
    return group_of(phase), phase.run_id


def _size_of(phase: PhaseView) -> int:
    return len(phase.deliverables)


def _odds(run: RunHistory) -> float:
    return (run.completed + 1) / (run.attempts + 2)

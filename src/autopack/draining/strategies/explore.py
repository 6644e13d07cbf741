"""Takes the phase that teaches most about the budgets for what it costs."""

import math
from collections import Counter
from typing import Final

import attrs

from autopack.draining.strategies.ordered_phases import group_of
from autopack.draining.strategies.teaching_phases import teachers_of
from autopack.ports.drain import (
    Choice,
    Choose,
    DrainView,
    GroupEvidence,
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
        gains, teachers = _Gains(view, self.width), teachers_of(view)
        found = [
            (gain * odds / ranked[0].cost, -ranked[0].number, group, ranked[0])
            for group, by_odds in teachers.groups.items()
            if (gain := gains.of(group))
            for odds, ranked in by_odds.items()
        ]
        if found:
            _value, _number, group, teacher = max(found)
            return self._chosen(teachers.phase(group, teacher), view)
        if not view.ready or gains.n_unknown:
            return Wait("the samples in work may be enough", until=view.next_ready_at)
        known = f"each group that is ready ({gains.n_groups}) is known to a width of {self.width:g}"
        return Stop(known)

    def _chosen(self, phase: PhaseView, view: DrainView) -> Choose:
        group, cost = group_of(phase), view.predict(phase)
        evidence = view.groups.get(group, GroupEvidence())
        told = f"{evidence.n} samples, width {width_of(evidence):.2f} of {self.width:g}"
        return Choose(phase.ref, f"{group} is least known for its cost ({told}; {cost} tokens)")


class _Gains:
    """By how much one more sample narrows each group's interval; 0 for groups that are known."""

    def __init__(self, view: DrainView, width: float) -> None:
        self.n_unknown = 0
        self._view, self._width = view, width
        self._pending = Counter(group_of(phase) for phase in view.in_work)
        self._gains: dict[str, float] = {}

    @property
    def n_groups(self) -> int:
        """How many groups were asked for."""
        return len(self._gains)

    def of(self, group: str) -> float:
        """Return what a further sample gains; those in work are counted as won."""
        found = self._gains.get(group)
        if found is None:
            evidence, pending = self._view.groups.get(group, GroupEvidence()), self._pending[group]
            self.n_unknown += width_of(evidence) > self._width
            now = width_of(evidence, pending)
            found = 0.0 if now <= self._width else now - width_of(evidence, pending + 1)
            self._gains[group] = found
        return found


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

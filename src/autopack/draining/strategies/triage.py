"""Samples each run once, and spends the rest where something came of it."""

import re
from collections.abc import Sequence
from typing import Final

import attrs

from autopack.draining.strategies.ordered_phases import Bucket, buckets
from autopack.ports.drain import Choice, Choose, DrainView, Stop, Wait
from autopack.ports.work import PhaseView

_UNSAMPLED: Final = 0
_PROMISING: Final = 1
_STANDINGS: Final = ("its run is not sampled yet", "its run is promising")

_REASONS: Final = (
    "no failure on record",
    "it failed while files were collected or imported",
    "a deliverable was missing",
    "its patch failed",
    "it failed for another reason",
    "it ran out of time",
)
"""What a phase failed of before, the most hopeful first."""

_WORDS: Final = tuple(
    (place, re.compile(pattern))
    for place, pattern in (
        (5, r"timed?[ _]?out"),
        (1, r"collect|import"),
        (2, r"deliverable|missing"),
        (3, r"patch|no-op|manifest"),
    )
)

Names = tuple[str, str, int, bool]
"""A phase's run, the fingerprint of its last failure, its attempts, and if any were made."""


@attrs.frozen(kw_only=True)
class Triage:
    """
    Takes one phase of each run first, then goes on with the runs of which something came.

    A run is promising if its first phase completed, made a call, ran out of time, or failed as
    none had failed before. It is given up if its first phase failed as another one had, after
    *max_timeouts_per_run* time-outs, and when a failure of its phases has been seen
    *max_fingerprint_repeats* times in this drain and more of them failed than completed. Phases
    of the same standing are ranked by what they failed of before, then by run and index.

    Args:
        max_attempts_per_phase: A phase that spent so many attempts is left alone.
        max_zero_yield: So many attempts in a row without any call end the drain; None goes on.
    """

    name = "triage"
    max_timeouts_per_run: int = attrs.field(default=2, validator=attrs.validators.ge(1))
    max_attempts_per_phase: int = attrs.field(default=2, validator=attrs.validators.ge(1))
    max_fingerprint_repeats: int = attrs.field(default=3, validator=attrs.validators.ge(1))
    max_zero_yield: int | None = 10

    def __call__(self, view: DrainView) -> Choice:
        """Choose the most hopeful phase; stop when only hopeless ones are left."""
        if why := self.why_stop(view):
            return Stop(why)
        if found := self.best(view, view.ready):
            return Choose(found[0].ref, found[1])
        if view.running or view.elsewhere or view.next_ready_at or not view.ready:
            return Wait("what is ready waits for the first result of its run",
                        until=view.next_ready_at)  # fmt: skip
        return Stop(
            f"{len(view.ready)} phases are left and none is hopeful: {self._given_up(view)}"
        )

    def why_stop(self, view: DrainView) -> str | None:
        """Return why nothing at all should be tried any more, or None."""
        if self.max_zero_yield is None or view.zero_streak < self.max_zero_yield:
            return None
        return f"{view.zero_streak} attempts in a row made no call: look at their reasons first"

    def best(
        self,
        view: DrainView,
        phases: Sequence[PhaseView],
        *,
        tried_before: bool = False,
        anew: bool = False,
    ) -> tuple[PhaseView, str] | None:
        """
        Return the most hopeful of *phases* and why it is; None if there is none.

        Args:
            tried_before: Look only at phases that were taken before, by whichever drain.
            anew: The phase would get its attempts back, so those it had do not count.
        """
        in_work = {phase.run_id for phase in view.in_work}
        best: tuple[tuple[int, object], Bucket] | None = None
        for names, bucket in buckets(phases, names_of, rank_of).items():
            if tried_before and not names[3]:
                continue
            standing = self._standing(view, (*names[:2], 0, True) if anew else names, in_work)
            if isinstance(standing, str):
                continue
            key = (standing, bucket.best)
            if best is None or key < best[0]:
                best = (key, bucket)
        if best is None:
            return None
        (standing, _place), bucket = best
        phase: PhaseView = bucket[0]
        rank = _REASONS[rank_of(phase)]
        return phase, f"{_STANDINGS[int(standing)]}; {rank}; the first of {len(bucket)} like it"

    def _standing(self, view: DrainView, names: Names, in_work: set[str]) -> int | str:
        """Return how a run stands, or why its phases are left alone."""
        run_id, print_of, attempts, _tried = names
        if attempts >= self.max_attempts_per_phase:
            return f"{attempts} attempts were made"
        if view.failures.get(print_of, 0) >= self.max_fingerprint_repeats:
            return "it failed before as too many others did"
        run = view.history.get(run_id)
        if run is None or run.first_ending is None:
            return "its run is being sampled" if run_id in in_work else _UNSAMPLED
        if run.timed_out >= self.max_timeouts_per_run:
            return "its run timed out too often"
        if run.repeats >= self.max_fingerprint_repeats and run.failed > run.completed:
            return "its run fails as too many others do"
        is_hopeful = run.first_ending != "failed" or run.first_had_usage
        return (
            _PROMISING if is_hopeful or not run.first_is_repeat else "its run began with a repeat"
        )

    def _given_up(self, view: DrainView) -> str:
        counts: dict[str, int] = {}
        for names, bucket in buckets(view.ready, names_of, rank_of).items():
            why = self._standing(view, names, set())
            counts[str(why)] = counts.get(str(why), 0) + len(bucket)
        return ", ".join(f"{n} because {why}" for why, n in sorted(counts.items()))


def names_of(phase: PhaseView) -> Names:
    """Return what phases of the same prospects have in common."""
    return (phase.run_id, phase.fingerprint or "", phase.attempts_spent, phase.attempts > 0)


def rank_of(phase: PhaseView) -> int:
    """Return how hopeful a phase is by what it failed of before; 0 is the most."""
    if phase.fingerprint is None and phase.status != "FAILED" and phase.status != "TIMED_OUT":
        return 0
    text = f"{phase.reason_code or ''} {phase.fingerprint or phase.reason or ''}".lower()
    if phase.reason_code == "unrecorded":
        return 0
    return next((place for place, words in _WORDS if words.search(text)), 4)

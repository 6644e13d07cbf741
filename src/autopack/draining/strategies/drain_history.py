"""What a drain remembers of its own attempts, for the strategies that choose the next one."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

import attrs

from autopack.draining.attempts.failure_classes import WAITING
from autopack.ports.drain import GroupEvidence, RunHistory
from autopack.projections.attempt_row import AttemptRow

TIMED_OUT: Final = "timed_out"
"""What time-outs are counted under among the failures."""
NOTED: Final = frozenset({"completed", "failed", TIMED_OUT, "gated"})
"""The endings that say something of the work; an attempt that was given up says nothing."""


class DrainHistory:
    """
    Attempts by run and phase, and how often each kind of failure was seen.

    Attributes:
        runs: What was seen of each run.
        tried: How often each phase was taken, by key.
        taken_back: The phases that it took from workers that were gone, by key.
        failures: How often each fingerprint was seen.
        zero_streak: How many attempts in a row have ended without any call.
    """

    def __init__(self) -> None:
        self.runs: dict[str, RunHistory] = {}
        self.tried: Counter[str] = Counter()
        self.taken_back: set[str] = set()
        self.failures: Counter[str] = Counter()
        self.zero_streak = 0

    def learn(self, row: AttemptRow) -> None:
        """Take note of how an attempt ended, if that says something of the work."""
        if row.ending in NOTED and row.failure_class not in WAITING:  # which is nobody's fault
            self.ended(row.run_id or "", row.ending, calls=row.use.calls, fingerprint=row.alike)

    def ended(self, run_id: str, ending: str, *, calls: int, fingerprint: str | None) -> None:
        """
        Take note of how an attempt ended.

        Args:
            ending: ``completed``, ``failed``, ``timed_out`` or ``gated``.
            calls: How many calls it recorded.
            fingerprint: Of its failure.
        """
        before = self.runs.get(run_id, RunHistory())
        print_of = TIMED_OUT if ending == TIMED_OUT else fingerprint
        seen = 0
        if print_of is not None:
            seen = self.failures[print_of]
            self.failures[print_of] += 1
        changes: dict[str, Any] = {
            "attempts": before.attempts + 1,
            "with_usage": before.with_usage + bool(calls),
        }
        if ending in ("completed", "failed", TIMED_OUT):
            changes[ending] = getattr(before, ending) + 1
        if ending == "failed":
            changes["repeats"] = max(before.repeats, seen + 1)
        if before.first_ending is None:
            changes |= {
                "first_ending": ending,
                "first_had_usage": bool(calls),
                "first_is_repeat": ending == "failed" and seen > 0,
            }
        self.runs[run_id] = attrs.evolve(before, **changes)
        self.zero_streak = 0 if calls else self.zero_streak + 1


class Added(Mapping[str, GroupEvidence]):
    """Groups' evidence with what came to it since; what lies below is read when asked for."""

    def __init__(self, below: Mapping[str, GroupEvidence]) -> None:
        self._below = below
        self._new: dict[str, GroupEvidence] = {}

    def add(self, group: str, evidence: GroupEvidence) -> None:
        """Add to a group."""
        self._new[group] = self._new.get(group, GroupEvidence()).plus(evidence)

    def __getitem__(self, group: str) -> GroupEvidence:
        new, old = self._new.get(group), self._below.get(group)
        if new is None or old is None:
            found = new or old
            if found is None:
                raise KeyError(group)
            return found
        return old.plus(new)

    def __iter__(self) -> Iterator[str]:
        return iter({**self._below, **self._new})

    def __len__(self) -> int:
        return len({**self._below, **self._new})

"""What a drain has done so far, counted as it goes."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import attrs

from autopack.commands import CompletePhase, FailPhase, GatePhase, TimeOutPhase
from autopack.draining.recording import LiveAttempt
from autopack.ports.work import USAGE_PROBLEMS


@attrs.define
class Totals:
    """What a drain has done so far."""

    attempts: int = 0
    completed: int = 0
    failed: int = 0
    timed_out: int = 0
    gated: int = 0
    released: int = 0
    lost: int = 0
    calls: int = 0
    total_tokens: int = 0
    cost_usd: float = 0.0
    unpriced_calls: int = 0
    unmetered: int = 0
    unreadable: int = 0
    unreadable_in: str | None = None
    samples: int = 0
    samples_won: int = 0
    zero_streak: int = 0
    zero_yield: Counter[str] = attrs.Factory(Counter)
    failures: Counter[str] = attrs.Factory(Counter)
    passed_over: Counter[str] = attrs.Factory(Counter)

    def as_dict(self) -> dict[str, Any]:
        """Return the totals as plain values."""
        values = attrs.asdict(self, recurse=False)
        return {
            name: dict(sorted(value.items())) if isinstance(value, Counter) else value
            for name, value in values.items()
            if name != "zero_streak"
        }

    def add_unreadable(self, phase: str, artifacts: Mapping[str, str]) -> None:
        """Count an attempt if some of its usage could not be read, and remember one such phase."""
        if USAGE_PROBLEMS in artifacts:
            self.unreadable += 1
            self.unreadable_in = phase

    def add_use(self, live: LiveAttempt) -> None:
        """Count what an attempt's calls used, however it ended: it was paid for."""
        self.calls += live.calls
        self.total_tokens += live.total_tokens
        self.cost_usd += live.cost_usd
        self.unpriced_calls += live.unpriced_calls
        self.add_unreadable(str(live.ref), live.artifacts)

    def add(self, live: LiveAttempt, ending: Any) -> None:
        """Count an attempt that ended."""
        match ending:
            case FailPhase():
                self.failed += 1
                self.failures[ending.fingerprint or ending.code] += 1
            case TimeOutPhase():
                self.timed_out += 1
                self.failures["timed_out"] += 1
            case GatePhase():
                self.gated += 1
            case _:
                self.completed += 1
        self.add_use(live)
        self.samples += live.is_measured
        self.samples_won += live.is_measured and isinstance(ending, CompletePhase)
        self.zero_streak = 0 if live.calls else self.zero_streak + 1
        if ending.zero_yield_reason:
            self.zero_yield[ending.zero_yield_reason] += 1

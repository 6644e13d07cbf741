"""What a drain has done so far, counted as it goes."""

from collections import Counter
from typing import Any

import attrs

from autopack.commands import FailPhase, GatePhase, TimeOutPhase
from autopack.draining.recording import LiveAttempt
from autopack.ports.work import Completed


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

    def add(self, live: LiveAttempt, ending: Any, outcome: Any) -> None:
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
        self.calls += live.calls
        self.total_tokens += live.total_tokens
        self.cost_usd += live.cost_usd
        self.unpriced_calls += live.unpriced_calls
        self.samples += live.is_measured
        self.samples_won += live.is_measured and isinstance(outcome, Completed)
        self.zero_streak = 0 if live.calls else self.zero_streak + 1
        if ending.zero_yield_reason:
            self.zero_yield[ending.zero_yield_reason] += 1

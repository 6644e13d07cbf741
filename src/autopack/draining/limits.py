"""The limits of a drain, and its running totals."""

from collections import Counter
from typing import Any

import attrs

from autopack.errors import InvalidInputError


@attrs.frozen(kw_only=True)
class Limits:
    """When to stop taking phases; None is no limit. A phase in work is always let finish."""

    max_phases: int | None = None
    max_minutes: float | None = None
    max_samples: int | None = None
    max_tokens: int | None = None
    max_zero_yield: int | None = None

    def __attrs_post_init__(self) -> None:
        """Refuse limits that stop a drain before it begins."""
        for name, value in attrs.asdict(self).items():
            if value is not None and value <= 0:
                raise InvalidInputError(f"{name} is {value}; a limit must be above 0.")


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
    samples: int = 0
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


def limit_reached(limits: Limits, totals: Totals, elapsed_s: float) -> str | None:
    """Return which limit is reached, in words, or None."""
    for name, limit, used, unit in (
        ("max_phases", limits.max_phases, totals.attempts, "phases taken"),
        ("max_samples", limits.max_samples, totals.samples, "samples won"),
        ("max_tokens", limits.max_tokens, totals.total_tokens, "tokens used"),
        ("max_zero_yield", limits.max_zero_yield, totals.zero_streak, "phases without usage"),
    ):  # fmt: skip
        if limit is not None and used >= limit:
            return f"{name}: {used} of {limit} {unit}"
    if limits.max_minutes is not None and elapsed_s >= limits.max_minutes * 60:
        return f"max_minutes: {elapsed_s / 60:.1f} of {limits.max_minutes:g} minutes"
    return None

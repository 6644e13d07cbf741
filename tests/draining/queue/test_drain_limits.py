"""Limits: what ends a drain, and in which words."""

import pytest

from autopack.draining.engine.drain_report import sums_of
from autopack.draining.queue.drain_limits import Limits, limit_reached
from autopack.errors import InvalidInputError
from autopack.projections.call_use import Use
from autopack.projections.sums_by_drain_and_run import Work


@pytest.mark.parametrize(
    ("limits", "work", "elapsed_s", "reached"),
    [
        ({"max_phases": 3}, Work(attempts=3), 0, "max_phases: 3 of 3 phases taken"),
        ({"max_phases": 3}, Work(attempts=2), 0, None),
        ({"max_samples": 2}, Work(samples_won=2), 0, "max_samples: 2 of 2 samples won"),
        ({"max_samples": 2}, Work(samples_won=1, samples=9), 0, None),
        ({"max_tokens": 9}, Work(use=Use(total_tokens=12)), 0, "max_tokens: 12 of 9 tokens used"),
        ({"max_usd": 0.5}, Work(use=Use(cost_pico_usd=75 * 10**10)), 0,
         "max_usd: 0.75 of 0.5 USD used"),
        ({"max_zero_yield": 1}, Work(), 0,
         "max_zero_yield: 1 of 1 phases without usage"),
        ({"max_minutes": 1.5}, Work(), 90, "max_minutes: 1.5 of 1.5 minutes"),
        ({"max_minutes": 1.5}, Work(), 89, None),
        ({}, Work(attempts=10_000), 1e9, None),
    ],
)  # fmt: skip
def test_a_limit_says_what_was_used_of_it(limits, work, elapsed_s, reached):
    """The text names the limit, what was used and of how much; below it there is none."""
    assert reached == limit_reached(Limits(**limits), work, zero_streak=1, elapsed_s=elapsed_s)


@pytest.mark.parametrize("value", [0, -1])
def test_a_limit_is_above_zero(value):
    """A limit that would end a drain before it begins is refused by name."""
    with pytest.raises(InvalidInputError, match=f"max_phases is {value}"):
        Limits(max_phases=value)


def test_the_sums_of_a_report_are_plain_values():
    """Counts come sorted, and each way to end has a figure of its own."""
    work = Work(attempts=3, endings={"failed": 2, "reclaimed": 1}, failures={"b": 1, "a": 2})

    assert ["a", "b"] == list(sums_of(work)["failures"])
    assert (3, 2, 0, 1) == tuple(
        sums_of(work)[name] for name in ("attempts", "failed", "completed", "lost")
    )

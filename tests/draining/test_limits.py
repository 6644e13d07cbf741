"""Limits: what ends a drain, and in which words."""

import pytest

from autopack.draining.limits import Limits, limit_reached
from autopack.draining.totals import Totals
from autopack.errors import InvalidInputError


@pytest.mark.parametrize(
    ("limits", "totals", "elapsed_s", "reached"),
    [
        ({"max_phases": 3}, {"attempts": 3}, 0, "max_phases: 3 of 3 phases taken"),
        ({"max_phases": 3}, {"attempts": 2}, 0, None),
        ({"max_samples": 2}, {"samples_won": 2}, 0, "max_samples: 2 of 2 samples won"),
        ({"max_samples": 2}, {"samples_won": 1, "samples": 9}, 0, None),
        ({"max_tokens": 9}, {"total_tokens": 12}, 0, "max_tokens: 12 of 9 tokens used"),
        ({"max_usd": 0.5}, {"cost_usd": 0.75}, 0, "max_usd: 0.75 of 0.5 USD used"),
        ({"max_zero_yield": 1}, {"zero_streak": 1}, 0,
         "max_zero_yield: 1 of 1 phases without usage"),
        ({"max_minutes": 1.5}, {}, 90, "max_minutes: 1.5 of 1.5 minutes"),
        ({"max_minutes": 1.5}, {}, 89, None),
        ({}, {"attempts": 10_000}, 1e9, None),
    ],
)  # fmt: skip
def test_a_limit_says_what_was_used_of_it(limits, totals, elapsed_s, reached):
    """The text names the limit, what was used and of how much; below it there is none."""
    assert reached == limit_reached(Limits(**limits), Totals(**totals), elapsed_s)


@pytest.mark.parametrize("value", [0, -1])
def test_a_limit_is_above_zero(value):
    """A limit that would end a drain before it begins is refused by name."""
    with pytest.raises(InvalidInputError, match=f"max_phases is {value}"):
        Limits(max_phases=value)


def test_totals_are_plain_values():
    """Counts come sorted; the running streak is not a total."""
    totals = Totals(attempts=2)
    totals.failures.update(["b", "a", "a"])

    assert {"a": 2, "b": 1} == totals.as_dict()["failures"]
    assert "zero_streak" not in totals.as_dict()

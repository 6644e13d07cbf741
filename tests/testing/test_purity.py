"""What a pure function may call, and what it may not."""

import os
import random
import secrets
import time
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from autopack.testing.purity import only_reading_arguments


@pytest.mark.parametrize(
    ("read", "named"),
    [
        (time.time, "time.time"),
        (time.monotonic, "time.monotonic"),
        (time.perf_counter_ns, "time.perf_counter_ns"),
        (lambda: datetime.now(UTC), "datetime.now"),  # noqa: TID251
        (date.today, "date.today"),
        (random.random, "random.random"),
        (lambda: random.choice("ab"), "random.getrandbits"),
        (lambda: secrets.token_bytes(4), "urandom"),
        (lambda: os.urandom(4), "urandom"),
        (lambda: Path(__file__).read_text(encoding="utf-8"), "open"),
    ],
)
def test_what_comes_from_outside_is_named(read, named):
    """However deep it is called."""

    def deep():
        return [read() for _ in range(2)]

    with pytest.raises(AssertionError, match=f"it calls .*{named}"), only_reading_arguments():
        deep()


def test_what_follows_from_the_arguments_is_allowed():
    """Sums, sorting, given moments, and a generator that is seeded from an argument."""
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    with only_reading_arguments():
        drawn = random.Random(5).random()
        told = sorted([drawn, 2.0]), moment.isoformat(), moment.timestamp(), str(moment.date())

    assert 4 == len(told)


def test_an_error_of_the_block_goes_on():
    """It is not hidden by what was called before it."""
    with pytest.raises(KeyError), only_reading_arguments():
        raise KeyError("mine")

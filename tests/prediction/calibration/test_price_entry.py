"""What an entry of a table of prices says of itself."""

from datetime import UTC, datetime

import pytest

from autopack.errors import InvalidInputError
from autopack.prediction.calibration.price_entry import PriceEntry, moment_of, names_of


def test_a_day_begins_in_utc():
    """A moment may name its own zone; what is no day is refused, with its text."""
    expected = datetime(2026, 1, 31, tzinfo=UTC)

    assert [expected] * 2 == [moment_of("2026-01-31"), moment_of("2026-01-31T02:00:00+02:00")]
    with pytest.raises(InvalidInputError, match="'31/1' is no day"):
        moment_of("31/1")


def test_a_batch_is_said_by_the_name_or_by_the_terms():
    """Both mean the same calls of the same model."""
    price = {"since": "2026-01-01", "input": 1, "output": 1}
    named = PriceEntry(model="M@batch", **price)
    told = PriceEntry(model="m", when={"processing": "batch"}, **price)

    assert [(("m",), {"processing": "batch"})] * 2 == [
        (one.names, one.terms) for one in (named, told)
    ]


def test_a_name_is_asked_for_without_what_vendors_put_around_it():
    """First as it is, so that a vendor may have a price of its own."""
    assert "us.anthropic.m-v1:0" == next(iter(names_of("us.anthropic.m-v1:0")))
    assert "m" in set(names_of("bedrock/us.anthropic.m-v1:0"))

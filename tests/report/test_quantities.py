"""Counts, money, spans and moments as people say them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from autopack.report.quantities import count, moment, seconds, usd


def test_counts_have_thousands_and_their_noun():
    """One is one; an odd plural is given."""
    assert "1 phase" == count(1, "phase")
    assert "0 phases" == count(0, "phase")
    assert "33,657,853 tokens" == count(33_657_853, "token")
    assert "2 tries" == count(2, "try", "tries")


@pytest.mark.parametrize(
    ("amount", "told"),
    [
        (Decimal(0), "0.00"),
        (Decimal("0.42"), "0.42"),
        (Decimal("0.0132"), "0.0132"),
        (Decimal("0.00001"), "under 0.0001"),
        (Decimal("1.8528"), "1.85"),
        (Decimal("1204.1"), "1,204.10"),
        (0.99999, "1.00"),
    ],
)
def test_dollars_have_cents_at_least(amount, told):
    """Below one dollar parts of a cent count; what is there is never shown as nothing."""
    assert told == usd(amount)


def test_a_short_time_has_tenths():
    """And a long one its two largest units."""
    assert "0.4 s" == seconds(0.42)
    assert "1 min" == seconds(59.96)
    assert "2 min 5 s" == seconds(125.2)
    assert "3 h 12 min" == seconds(3 * 3600 + 12 * 60 + 31)


def test_moments_are_those_of_the_clock_on_the_wall():
    """Today has no date, the days beside it their names, all else its day."""
    now = datetime(2026, 11, 28, 14, 3, tzinfo=UTC).astimezone()
    noon = now.replace(hour=12, minute=5)

    assert "12:05" == moment(noon, now)
    assert "yesterday 12:05" == moment(noon - timedelta(days=1), now)
    assert "2026-11-26 12:05" == moment(noon - timedelta(days=2), now)
    assert "tomorrow 12:05" == moment(noon + timedelta(days=1), now)
    assert "2026-11-30 12:05" == moment(noon + timedelta(days=2), now)

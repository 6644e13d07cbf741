"""Moments as people say them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from autopack.cli.spoken_times import moment_of

ZONE = timezone(timedelta(hours=2))
NOW = datetime(2026, 11, 28, 14, 30, tzinfo=ZONE)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("2026-11-27", datetime(2026, 11, 27, tzinfo=ZONE)),
        ("2026-11-27 09:15", datetime(2026, 11, 27, 9, 15, tzinfo=ZONE)),
        ("2026-11-27T09:15:00Z", datetime(2026, 11, 27, 9, 15, tzinfo=UTC)),
        ("09:15", datetime(2026, 11, 28, 9, 15, tzinfo=ZONE)),
        ("18:00", datetime(2026, 11, 27, 18, 0, tzinfo=ZONE)),
        ("today", datetime(2026, 11, 28, tzinfo=ZONE)),
        ("yesterday", datetime(2026, 11, 27, tzinfo=ZONE)),
        ("Yesterday  14:00", datetime(2026, 11, 27, 14, 0, tzinfo=ZONE)),
        ("now", NOW),
        ("-90m", NOW - timedelta(minutes=90)),
        ("-1h", NOW - timedelta(hours=1)),
        ("-2 d", NOW - timedelta(days=2)),
        ("-1w", NOW - timedelta(weeks=1)),
        ("-30s", NOW - timedelta(seconds=30)),
    ],
)
def test_a_moment_is_meant_in_the_zone_of_who_says_it(said, meant):
    """Unless it has one of its own; a time of day is the last there was."""
    assert meant == moment_of(said, NOW)


@pytest.mark.parametrize("said", ["", "soon", "-1y", "1h", "25:00", "14", "yesterday soon", "-h"])
def test_what_says_no_moment_is_none(said):
    """Nothing is guessed."""
    assert moment_of(said, NOW) is None


def test_the_machines_own_zone_is_that_of_the_day_that_is_meant():
    """In summer its clocks stand otherwise than now."""
    now = datetime(2026, 11, 28, 12, tzinfo=UTC).astimezone()
    summer, winter = (moment_of(f"2026-{month}-01 12:00", now) for month in ("07", "12"))

    assert [12, 12] == [moment.astimezone().hour for moment in (summer, winter)]

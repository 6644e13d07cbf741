"""Quiet hours by the clock on a wall, whatever the time zone does to it."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autopack.errors import InvalidInputError
from autopack_allowance import QuietHours

ZONES = [
    "UTC", "Europe/Berlin", "America/New_York", "America/St_Johns", "America/Havana",
    "Asia/Kathmandu", "Asia/Beirut", "Australia/Lord_Howe", "Pacific/Apia",
]  # fmt: skip
NIGHT = QuietHours.parse("22:00-06:00")

moments = st.datetimes(
    min_value=datetime(2009, 1, 1), max_value=datetime(2035, 1, 1), timezones=st.just(UTC)
)
hours = st.tuples(st.times(), st.times()).filter(lambda pair: pair[0] != pair[1])


@pytest.mark.parametrize(
    ("clock", "end"),
    [
        ("21:59", None),
        ("22:00", "06:00 tomorrow"),
        ("00:00", "06:00 today"),
        ("05:59", "06:00 today"),
        ("06:00", None),
    ],
)
def test_hours_go_over_midnight(clock, end):
    """The first minute is quiet, the last one named is not."""
    hour, minute = map(int, clock.split(":"))
    found = NIGHT.end_after(datetime(2026, 1, 30, hour, minute, tzinfo=UTC))
    days = {"06:00 today": 30, "06:00 tomorrow": 31}

    assert (None if end is None else datetime(2026, 1, days[end], 6, tzinfo=UTC)) == found


def test_hours_of_one_day():
    """Hours that do not go over midnight end on their day."""
    office = QuietHours.parse("8:00 - 18:00")

    assert datetime(2026, 1, 30, 18, tzinfo=UTC) == office.end_after(
        datetime(2026, 1, 30, 8, tzinfo=UTC)
    )
    assert None is office.end_after(datetime(2026, 1, 30, 18, tzinfo=UTC))
    assert "08:00-18:00" == str(office)


def test_the_second_half_past_two_of_a_night():
    """When clocks are put back, the hours that come twice are quiet twice."""
    zone = ZoneInfo("Europe/Berlin")
    hours = QuietHours.parse("01:00-02:30")
    second = datetime(2026, 10, 25, 1, 10, tzinfo=UTC).astimezone(zone)
    end = hours.end_after(second)

    assert (2, 10, 1) == (second.hour, second.minute, second.fold)
    assert datetime(2026, 10, 25, 1, 30, tzinfo=UTC) == end.astimezone(UTC)


@pytest.mark.parametrize("text", ["", "22-6", "25:00-06:00", "22:60-06:00", "22:00", "a:b-c:d"])
def test_what_is_no_time_is_refused(text):
    """The message shows what was given, and a text that would do."""
    with pytest.raises(InvalidInputError, match="22:00-06:00"):
        QuietHours.parse(text)


def test_hours_without_length_are_refused():
    """From noon to noon may mean never, or always."""
    with pytest.raises(InvalidInputError, match="no length"):
        QuietHours.parse("12:00-12:00")


@settings(max_examples=200)
@given(moment=moments, pair=hours, zone=st.sampled_from(ZONES))
def test_waiting_until_the_end_is_enough(moment, pair, zone):
    """The end is ahead, within two days, and at the end it is not quiet any more."""
    quiet = QuietHours(*pair)
    end = quiet.end_after(moment.astimezone(ZoneInfo(zone)))
    if end is None:
        return
    later = end.astimezone(UTC)

    assert moment < later < moment + timedelta(days=2)
    assert None is quiet.end_after(later.astimezone(ZoneInfo(zone)))

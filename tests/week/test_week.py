"""The small form of the week: a day and a night of two drains on two plans."""

from tests.week.course import Course, run


def test_a_day_and_a_night_fail_nothing(tmp_path):
    """Windows, storms, an outage, a kill, a wrong clock, an empty account: nobody is to blame."""
    seen = run(tmp_path, Course(days=1.2, kills=2, jumps=1, five_hours=16))

    assert [] == seen.faults
    assert seen.refused_by_windows
    assert seen.refused_in_outages
    assert seen.windows_untroubled
    assert (2, 1.0) == (seen.kills, round(seen.least_used, 1))

"""Versions that are too old, missing or outside their bounds, and impossible clocks."""

from datetime import UTC, datetime, timedelta

import pytest

from autopack.api.doctor.installation_checks import clock_check, dependency_check, sqlite_check
from autopack.api.doctor.log_checks import past_clocks_checks
from autopack.ports.backend import ClockHold


@pytest.mark.parametrize(
    ("version", "verdict"), [((3, 36, 1), "fault"), ((3, 37, 0), "ok"), ((4, 0, 0), "ok")]
)
def test_sqlite_must_know_strict_tables(version, verdict):
    """An SQLite older than the tables of a log is a fault."""
    found = sqlite_check(version)

    assert verdict == found.verdict
    assert (found.to_do is not None) == (verdict == "fault")


@pytest.mark.parametrize(
    ("requirements", "verdict", "told"),
    [
        (["attrs>=1", "click<99,>=8"], "ok", "2 packages"),
        (["attrs<2"], "warning", "attrs is "),
        (["attrs>=9999.1"], "warning", "not >=9999.1"),
        (["no-such-package>=1"], "fault", "no-such-package>=1"),
        (['no-such-package>=1; extra == "testing"'], "ok", "0 packages"),
    ],
)
def test_dependencies_are_held_to_their_bounds(requirements, verdict, told):
    """A missing package is a fault, one outside its bounds a warning; extras are no matter."""
    found = dependency_check(requirements)

    assert verdict == found.verdict
    assert told in found.found


def test_this_environment_has_what_it_needs():
    """The bounds of this distribution are read from its metadata."""
    assert "ok" == dependency_check().verdict


@pytest.mark.parametrize(
    ("ahead", "verdict"),
    [(timedelta(hours=-1), "ok"), (timedelta(hours=1), "warning"), (timedelta(days=2), "fault")],
)
def test_a_clock_behind_the_last_event_is_told(ahead, verdict):
    """A clock that went back is a warning, by a day a fault; it says what comes of it."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    found = clock_check(now, now + ahead)

    assert verdict == found.verdict
    assert (found.to_do is None) is (verdict == "ok")


def test_clocks_that_were_far_ahead_are_told():
    """How many events they recorded, and where the last one stands; those behind are no matter."""
    ahead = [ClockHold(first=n, last=n + 2, as_of=1, is_left_out=True) for n in (5, 20)]
    behind = ClockHold(first=30, last=40, as_of=1, is_left_out=False)
    (found,) = past_clocks_checks([*ahead, behind])

    assert "6 events, the last at position 22" in found.found
    assert [] == list(past_clocks_checks([behind]))


@pytest.mark.parametrize(
    ("now", "verdict"),
    [
        (datetime(1970, 1, 1, tzinfo=UTC), "fault"),
        (datetime(2026, 1, 1, tzinfo=UTC), "ok"),
        (datetime(2217, 1, 1, tzinfo=UTC), "fault"),
    ],
)
def test_an_impossible_clock_is_a_fault(now, verdict):
    """A clock before the first log, or a century ahead, cannot be right."""
    assert verdict == clock_check(now).verdict

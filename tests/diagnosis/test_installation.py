"""Versions that are too old, missing or outside their bounds, and impossible clocks."""

from datetime import UTC, datetime

import pytest

from autopack.diagnosis.installation import clock_check, dependency_check, sqlite_check


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

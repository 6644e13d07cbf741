"""Damage behind the log's back is found where it stands, and no command fails over it."""

import pytest
from tests.crash.looking import check


@pytest.mark.slow
def test_random_edits_are_found_and_no_command_fails(tmp_path):
    """Each of some random edits is named with its position, and every command ends clearly."""
    counts = check(tmp_path, edits=8, seed=1)

    assert 8 == counts.total()

"""Some kills of drains that start programs; ``python -m tests.long programs`` makes more."""

import os

import pytest
from tests.crash.programs import kill_many


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="process groups as POSIX has them")
def test_a_drain_that_is_killed_while_it_starts_programs_leaves_none(tmp_path):
    """At random moments of its first second and a half."""
    tally = kill_many(tmp_path, times=8, seed=7)

    assert (8, []) == (tally.kills, tally.left)
    assert tally.begun > 8

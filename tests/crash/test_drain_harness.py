"""The crash harness in short: the same properties, fewer phases and kills."""

import os

import pytest

from crash.drain_harness import Plan, run


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="kills as POSIX has them")
def test_killed_drains_lose_and_double_nothing(tmp_path):
    """Every phase ends, no phase has two live leases, no usage is lost or counted twice."""
    seen = run(Plan(phases=80, processes=2, workers=3, kills=2, seed=7), tmp_path)

    assert [] == seen.faults
    assert 80 == sum(seen.states.values())
    assert 2 == seen.kills

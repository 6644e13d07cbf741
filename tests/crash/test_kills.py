"""A writer that is killed loses nothing that was acknowledged."""

import pytest
from tests.crash.kills import Tally, kill_many


@pytest.mark.slow
def test_killing_a_writer_loses_nothing(tmp_path):
    """After each kill all acknowledged events are there once, the chain and the views hold."""
    tally = kill_many(tmp_path, times=4, seed=1)

    assert Tally(kills=4, events=tally.events, acknowledged=tally.acknowledged) == tally
    assert tally.acknowledged > 0

"""Followers in other processes see every event once and in order while many append."""

import pytest
from tests.crash.followers import watch


@pytest.mark.slow
def test_followers_see_no_gap_no_repeat_and_no_reordering(tmp_path):
    """Three appenders and two followers, each a process, agree on what was recorded."""
    told = watch(tmp_path, appenders=3, followers=2, seconds=1)

    assert told["events"] > 0

"""Phases on an endpoint's bad day: all are done, and the log counts as the endpoint does."""

import pytest
from tests.long import provider_batches
from tests.long.providers import bad_day, check


@pytest.mark.slow
def test_all_is_done_and_counted_to_the_token(tmp_path):
    """One call in ten is refused, one in twenty fails, one in fifty is cut; none is forgotten."""
    told = bad_day(tmp_path, phases=60, workers=6, seed=3)

    check(told)
    assert {"429", "500", "cut", "answered"} == set(told.kinds)


@pytest.mark.slow
def test_batches_of_drains_that_are_killed_are_paid_once(tmp_path):
    """Submissions whose answer was lost are found again, refused looks are made again."""
    told = provider_batches.bad_day(tmp_path, phases=6, kills=1, seed=1)

    provider_batches.check(told)
    assert 1 == told.kills

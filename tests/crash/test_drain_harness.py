"""The crash harness in short: the same properties, fewer phases and kills."""

import os

import pytest
from tests.postgres_server import PostgresServer, need_postgres

from crash.drain_harness import Plan, run

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt", reason="kills as POSIX has them"),
]


def test_killed_drains_lose_and_double_nothing(tmp_path):
    """Every phase ends, no phase has two live leases, no usage is lost or counted twice."""
    seen = run(Plan(phases=80, processes=2, workers=3, kills=2, seed=7), tmp_path)

    assert [] == seen.faults
    assert 80 == sum(seen.states.values())
    assert 2 == len(seen.killed)


def test_nor_do_they_on_a_server_that_crashes(tmp_path):
    """Whoever is at work waits for it and goes on; its leases are judged as before."""
    need_postgres()
    plan = Plan(phases=40, processes=2, workers=4, kills=1, restarts=1, seed=3)
    with PostgresServer() as server:
        seen = run(plan, tmp_path, server)

    assert [] == seen.faults
    assert 40 == sum(seen.states.values())
    assert (1, 1) == (len(seen.killed), seen.restarts)

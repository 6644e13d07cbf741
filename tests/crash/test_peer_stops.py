"""The test that sets ours beside others hands each what it was told, and counts right."""

import pytest
from tests.crash.peer_stops import watch
from tests.postgres_server import PostgresServer, need_postgres


@pytest.mark.slow
def test_a_store_that_holds_a_lock_hands_out_all(tmp_path):
    """Over a crash of the server nothing is lost, left out or handed out of order."""
    need_postgres()
    server = PostgresServer()
    sizes = {"appenders": 2, "followers": 1, "seconds": 1.0, "stops": 1, "seed": 1}
    try:
        found = watch(server, tmp_path, kind="eventsourcing, table lock", **sizes)
    finally:
        server.remove()

    assert found.is_sound, found
    assert found.acknowledged > 10

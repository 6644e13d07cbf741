"""A server that crashes takes nothing back that anybody was told; built-in faults are found."""

import pytest
from tests.crash.postgres_stops import NO_LOCK, SEQUENCE, no_barrier, stopped_again_and_again
from tests.postgres_server import PostgresServer, need_postgres

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server():
    """A server of its own, which is stopped again and again."""
    need_postgres()
    made = PostgresServer()
    yield made
    made.remove()


def _faults(server, schema, **options):
    sizes = {"appenders": 8, "followers": 2, "stops": 2, "each_s": 1.0}
    seen, faults = stopped_again_and_again(server, schema=schema, **sizes, **options)
    assert len(seen.acknowledged) > 50
    assert len(seen.followed[0]) > 50
    return faults


def test_nothing_that_was_told_is_taken_back(server):
    """Every append is there, refused is none, and each follower was given all of it in order."""
    assert [] == _faults(server, "sound")


def test_a_store_without_the_barrier_is_found(server):
    """Where nobody waits for the disk, what was acknowledged is gone with the server."""
    with no_barrier():
        for n in range(5):
            if faults := _faults(server, f"no_barrier_{n}", seed=n):
                break

    assert "gone" in " ".join(faults)


def test_a_store_without_the_lock_is_found(server):
    """Where the head is not held, appends collide."""
    assert "refused" in " ".join(_faults(server, "no_lock", change=NO_LOCK))


def test_a_store_with_a_sequence_is_found(server):
    """Where positions are given before the commit, a follower goes past one that is to come."""
    assert "a follower was given" in " ".join(_faults(server, "sequence", change=SEQUENCE))

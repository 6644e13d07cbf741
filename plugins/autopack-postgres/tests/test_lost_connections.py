"""A connection that is lost: what was asked is asked again, or it is known what became of it."""

import threading
import time

import psycopg
import pytest
from tests.postgres_server import PostgresServer, need_postgres, new_log

from autopack.errors import LogHinderedError
from autopack.log.log import Log, journal_of
from autopack.ports.backend import Lease
from autopack.ports.log import ANY
from autopack.testing.facts import paused
from autopack_postgres.connections import PostgresConnection
from autopack_postgres.database_address import parsed
from autopack_postgres.log_schemas import create_schema
from autopack_postgres.store import PostgresBackend

LEASE = Lease(key="r1/a", token="t1", worker="w1", expires_at=5)


@pytest.fixture
def backend():
    """An empty log on the server."""
    store = new_log()
    yield store
    store.close()


def _cut(backend, connection):
    """End a connection's session, as a server does that goes away."""
    with psycopg.connect(backend.address.conninfo, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", (connection.pid,))


@pytest.fixture(params=["before", "after"])
def cut_once(request, backend, monkeypatch):
    """Cut the connection of the next commit: before the server has it, or before its answer."""
    both, is_cut = PostgresConnection.rows_and_flush, threading.Event()

    def rows_and_flush(self, sql, parameters=()):
        if is_cut.is_set():
            return both(self, sql, parameters)
        is_cut.set()
        if request.param == "after":
            both(self, sql, parameters)
        _cut(backend, self)
        return both(self, sql, parameters)

    return lambda: (
        monkeypatch.setattr(PostgresConnection, "rows_and_flush", rows_and_flush)
        or (request.param == "after")
    )


def test_an_append_is_there_once_whenever_the_connection_was_lost(backend, cut_once):
    """One that the server has is found by its ids, one that it has not is made again."""
    log = Log(backend)
    log.append("s", [paused("first")], expected_version=0)
    cut_once()
    stored = log.append("s", [paused("a"), paused("b")], expected_version=1)

    assert [2, 3] == [recorded.position for recorded in stored]
    assert stored == list(log.read_all(after=1))
    assert log.verify().is_clean


@pytest.mark.parametrize("with_events", [True, False])
def test_what_became_of_a_transaction_is_known(backend, cut_once, with_events):
    """It is kept as a whole, or refused and nothing of it is there; with events or without."""
    journal = journal_of(Log(backend))
    is_kept = cut_once()

    def write():
        with journal.transaction() as transaction:
            transaction.store.put_lease(LEASE)
            if with_events:
                transaction.append_batch([("s", [paused()], 0)])

    if is_kept:
        write()
    else:
        with pytest.raises(LogHinderedError, match="nothing of it is kept"):
            write()

    assert (LEASE if is_kept else None) == backend.lease("r1/a")
    assert int(is_kept and with_events) == backend.head().position


def test_a_connection_that_is_lost_before_the_commit_leaves_nothing(backend):
    """What a transaction wrote until then is given up, and the next one begins anew."""
    with pytest.raises(LogHinderedError), backend.transaction() as store:  # noqa: PT012
        store.put_lease(LEASE)
        _cut(backend, store._connection)
        store.leases()
    with backend.transaction() as store:
        store.put_lease(Lease(key="r1/b", token="t", worker="w", expires_at=5))

    assert ["r1/b"] == [lease.key for lease in backend.leases()]


@pytest.mark.slow
def test_readers_and_writers_wait_for_a_server_that_restarts():
    """Idle connections that it closed are replaced; nothing is refused meanwhile."""
    need_postgres()
    server = PostgresServer()
    try:
        address = parsed(server.url())
        create_schema(address)
        log = Log(PostgresBackend(address))
        log.append("s", [paused()], expected_version=0)
        server.stop()
        coming = threading.Thread(target=lambda: (time.sleep(1), server.start()))
        coming.start()
        stored = log.append("s", [paused()], expected_version=1)
        coming.join()
        server.stop()
        server.start()

        assert [2] == [recorded.position for recorded in stored]
        assert [1, 2] == [recorded.position for recorded in log.read_all()]
        log.close()
    finally:
        server.remove()


@pytest.mark.slow
@pytest.mark.parametrize("question", ["head", "page", "snapshot"])
def test_what_a_crash_takes_back_while_it_is_waited_for_is_looked_at_again(monkeypatch, question):
    """A reader that saw an event, and then lost the server, is not told of it."""
    need_postgres()
    server = PostgresServer(settings="wal_writer_delay = 10s")
    try:
        address = parsed(server.url())
        create_schema(address)
        hasty, reader = PostgresBackend(address, durability="relaxed"), PostgresBackend(address)
        Log(hasty).append("s", [paused()], expected_version=0)
        flush, crashed = PostgresConnection.flush, []

        def crash_before(self):
            if not crashed:
                crashed.append(reader.last_given())
                server.stop("immediate")
                server.start()
            flush(self)

        monkeypatch.setattr(PostgresConnection, "flush", crash_before)
        if question == "head":
            seen = reader.head().position
        elif question == "page":
            seen = len(reader.page(after=0, until=9, limit=9))
        else:
            with reader.snapshot() as moment:
                seen = moment.head().position

        assert ([1], 0) == (crashed, seen)
        hasty.close()
        reader.close()
    finally:
        server.remove()


def test_who_follows_looks_when_the_server_told_and_seldom_else(backend, monkeypatch):
    """It is asked whether to stop more often than the server is asked for the head."""
    log, other = Log(backend), Log(PostgresBackend(backend.address))
    looks, asked, head = [], [], backend.head
    monkeypatch.setattr(backend, "head", lambda: looks.append(1) or head())
    timer = threading.Timer(3, other.append, ["s", [paused()]], {"expected_version": 0})
    timer.start()
    news = log.follow(until=lambda: asked.append(1))  # None: it goes on
    given = [next(news).position]
    timer.join()
    other.close()

    assert [1] == given
    assert 3 * len(looks) < len(asked)


def test_who_waits_is_told_of_others_events(backend):
    """A follower that would look again in a minute is woken, also after its connection was lost."""
    journal, other = journal_of(Log(backend)), Log(PostgresBackend(backend.address))
    other.append("s", [paused()], expected_version=0)

    def waited_s(after_s):
        timer = threading.Timer(after_s, other.append, ["s", [paused()]], {"expected_version": ANY})
        timer.start()
        began = time.monotonic()
        journal.wait_for_news(60)
        timer.join()
        return time.monotonic() - began

    waits = [waited_s(0.1)]  # the first is woken when it begins to listen
    waits.append(waited_s(3))
    with psycopg.connect(backend.address.conninfo, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%%'"
        )
    time.sleep(3)
    waits.append(waited_s(3))
    other.close()

    assert max(waits) < 40


def test_time_is_the_servers(backend):
    """Events are recorded by one clock, whatever the machines say that share the log."""
    log = Log(backend)
    log.append("s", [paused()], expected_version=0)
    (stored,) = log.append("s", [paused()], expected_version=1)
    ((now,),) = backend._all("SELECT extract(epoch FROM clock_timestamp())::float8")

    assert 0 <= now - stored.recorded_at.timestamp() < 60
    assert abs(now - backend.clock()) < 5
    assert backend.clock_holds() == []

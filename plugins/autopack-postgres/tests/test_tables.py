"""What is stored is what every log stores, and nobody changes it."""

import contextlib

import psycopg
import pytest
from tests.postgres_server import new_log

import autopack
from autopack.errors import LogError, ReadOnlyLogError, VersionConflictError
from autopack.log import views
from autopack.log.log import Log, journal_of
from autopack.log.past_views import PastViews
from autopack.log.views.kept_views import CORE_VIEWS
from autopack.ports.backend import Checkpoint, Lease
from autopack.ports.log import ANY, UnrecognisedEvent
from autopack.testing.facts import created, paused, queued
from autopack_postgres.database_address import parsed

LETTERS = "å\U0001f600\u0000\x1f é"


@pytest.fixture
def backend():
    """An empty log on the server."""
    store = new_log()
    yield store
    store.close()


@pytest.fixture
def by_hand(backend):
    """A session of its owner, who may do whatever the server lets him."""
    with psycopg.connect(backend.address.conninfo, autocommit=True) as connection:
        connection.execute(f"SET search_path = {backend.address.schema}")
        yield connection


def test_rows_and_hashes_are_those_of_a_log_file(backend, tmp_path):
    """A chain that a log file made is taken as it is, and made again byte by byte."""
    with autopack.create_log(tmp_path / "log.db") as log:
        log.append("run-r1", [created(goal=LETTERS), queued("ä"), paused()], expected_version=0)
        other = UnrecognisedEvent("weather.changed", 2**31 - 1, f'{{"sky": "{"grey" * 9000}é" }}')
        log.append("w", [other, paused(), other], expected_version=ANY)
        log.append("run-r1", [paused("again")], expected_version=3)
        rows = [recorded.row for recorded in log.read_all()]
        origin = journal_of(log).backend.identity.origin_id
    with backend.transaction() as store:
        store.adopt_origin(origin)
        store.insert(rows[:4])
        store.insert(rows[4:])

    assert rows == backend.page(after=0, until=99, limit=99)
    assert Log(backend).verify().is_clean


def test_one_event_is_the_same_whether_the_head_is_marked_with_it_or_not(backend, by_hand):
    """Appended by one statement, or by those that mark the head; also next to a lost race."""
    log = Log(backend)
    for version in range(4):
        by_hand.execute("UPDATE head SET marked_at = 0" if version == 3 else "SELECT")
        log.append("s", [paused(f"{LETTERS[:2]}{version}")], expected_version=version)
        with pytest.raises(VersionConflictError):
            log.append("s", [paused()], expected_version=version)
        with pytest.raises(VersionConflictError):
            log.append("s", [paused()], expected_version=version + 2)
    marked = by_hand.execute("SELECT position FROM head").fetchone()

    assert (4, [1, 2, 3, 4]) == (*marked, [recorded.version for recorded in log.read("s")])
    assert log.verify().is_clean


def test_who_appends_waits_for_who_appends_alone(backend, by_hand):
    """Not for readers, nor for a dump that holds all tables."""
    by_hand.execute("BEGIN; LOCK TABLE append_lock, events, head IN ACCESS SHARE MODE")
    Log(backend).append("s", [paused()], expected_version=0)
    Log(backend).append("s", [paused()], expected_version=1)
    by_hand.execute("ROLLBACK")

    assert 2 == backend.head().position


@pytest.mark.parametrize("mode", ["ROW EXCLUSIVE", "SHARE UPDATE EXCLUSIVE"])
def test_who_may_append_may_not_hold_the_lock(backend, by_hand, mode):
    """A role that holds it as long as it likes would stop all others."""
    by_hand.execute("DROP ROLE IF EXISTS holder")
    by_hand.execute("CREATE ROLE holder LOGIN")
    by_hand.execute("SELECT grant_writer('holder')")
    url = parsed(backend.target.replace("user=autopack", "user=holder"))
    with psycopg.connect(url.conninfo, autocommit=True) as session:
        session.execute("BEGIN")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            session.execute(f"LOCK TABLE {url.schema}.append_lock IN {mode} MODE")
    by_hand.execute("DROP OWNED BY holder; DROP ROLE holder")


def test_its_past_is_kept_beside_it(backend, tmp_path):
    """On this machine, for a server that is only read; the answers are those of a whole replay."""
    log = Log(backend)
    log.append(
        "run-r1", [created(), *(queued(f"p{n}", index=n) for n in range(9))], expected_version=0
    )
    versions = {one.name: one.version for one in CORE_VIEWS}
    kept = PastViews(tmp_path / "past", versions=versions, every=3, least=0)
    journal_of(log).past_views = kept
    log.keep_past()
    for position in range(11):
        for view in CORE_VIEWS:
            whole = views.replay(journal_of(log), view, until=position)
            found = autopack.replay(log, view, until=position)

            assert (whole.rows, whole.position) == (found.rows, found.position)
            assert views.to_json(whole.total) == views.to_json(found.total)
    with kept.opened() as states:
        assert 9 == states.last_position("phases")
    assert [] == backend.saved_views()


def test_a_transaction_of_which_a_statement_failed_says_that_nothing_is_kept(backend):
    """Also where whoever made it went on: the server's own COMMIT says nothing."""

    def work():
        with backend.transaction() as store:
            store.put_artifact("digest", b"text")
            with contextlib.suppress(LogError):
                store.put_lease(Lease(key="k", token="t", worker="w", expires_at=2**80))

    with pytest.raises(LogError, match="a statement failed"):
        work()

    assert {} == backend.artifact_sizes()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET data = '{}'",
        "DELETE FROM events",
        "DELETE FROM events WHERE position = 99",
        "TRUNCATE events",
        "INSERT INTO events SELECT 4, '\\x00', 's', 9, type, 1, 0, 0, '', '', '' FROM events",
        "UPDATE head SET position = 1",
        "DELETE FROM head",
        "TRUNCATE head",
        "UPDATE log_identity SET log_id = 'x'",
        "UPDATE log_identity SET origin_id = 'x'",
        "DELETE FROM log_identity",
        "TRUNCATE log_identity",
    ],
)
def test_history_is_never_changed(backend, by_hand, statement):
    """Whoever writes past the functions is refused, the owner of the tables too."""
    Log(backend).append("s", [paused(), paused()], expected_version=0)
    with pytest.raises(psycopg.errors.RaiseException):
        by_hand.execute(statement)

    assert Log(backend).verify().is_clean


def test_a_writer_writes_events_through_the_function_alone(backend, by_hand):
    """A role that may append has no right to the tables of events and of the head."""
    schema = backend.address.schema
    by_hand.execute("DROP ROLE IF EXISTS app")
    by_hand.execute("CREATE ROLE app LOGIN")
    by_hand.execute("SELECT grant_writer('app')")
    url = backend.target.replace("user=autopack", "user=app")
    with autopack.open_log(url) as log:
        log.append("s", [paused("x" * 900)], expected_version=0)
        log.verify()
    refused = []
    with psycopg.connect(parsed(url).conninfo, autocommit=True) as session:
        for statement in (
            f"INSERT INTO {schema}.events SELECT * FROM {schema}.events",
            f"UPDATE {schema}.head SET position = 9",
            f"DELETE FROM {schema}.clock_holds",
            f"UPDATE {schema}.log_identity SET format = 9",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                session.execute(statement)
            refused.append(statement)
    by_hand.execute("DROP OWNED BY app; DROP ROLE app")

    assert 4 == len(refused)
    assert 1 == backend.head().position


def test_a_reader_reads_and_is_told_that_it_may_not_write(backend, by_hand):
    """A role that may read follows the log; what it writes is refused by name."""
    Log(backend).append("s", [paused()], expected_version=0)
    by_hand.execute("DROP ROLE IF EXISTS bi")
    by_hand.execute("CREATE ROLE bi LOGIN")
    by_hand.execute("SELECT grant_reader('bi')")
    with autopack.open_log(backend.target.replace("user=autopack", "user=bi")) as log:
        found = list(log.read_all())
        with pytest.raises(ReadOnlyLogError):
            log.append("s", [paused()], expected_version=1)
    by_hand.execute("DROP OWNED BY bi; DROP ROLE bi")

    assert [1] == [recorded.position for recorded in found]


def test_what_a_view_calls_its_rows_may_hold_any_character(backend):
    """Keys and the steps of workers are texts of others, in which a 0 is a character."""
    rows = {"call r/a#1 \0c": "1", "call é\U0001f600": "2", "x": "3"}
    place = Checkpoint(view="v", version=1, position=0)
    with backend.transaction() as store:
        store.save_view(place, rows, replace=False)
        store.put_lease(Lease(key="k", token="t", worker="w", expires_at=5, step="a\0b"))

    assert rows == backend.view_rows("v")
    assert ["call r/a#1 \0c", "call é\U0001f600"] == list(backend.view_rows("v", prefix="call"))
    assert {"x": "3"} == backend.view_rows("v", ["x", "y"])
    assert "a b" == backend.lease("k").step

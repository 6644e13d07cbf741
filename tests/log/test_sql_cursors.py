"""A place that stands in its reader's own database: each event counts once there."""

import contextlib
import os
import sqlite3
import threading

import pytest
from eventsourcing.persistence import IntegrityError, ProcessRecorder, TrackingRecorder
from eventsourcing.tests.persistence import ProcessRecorderTestCase, TrackingRecorderTestCase
from tests.crash.read_models import kill_many
from tests.postgres_server import BINARIES, PostgresServer

import autopack
from autopack import ANY
from autopack.errors import ForeignPlaceError, InvalidInputError
from autopack.events import PhaseFailed, RunPaused
from autopack.ports.read_models import ReadUpTo
from autopack.types import SqlCursors
from autopack_postgres.database_address import parsed

COUNT = "INSERT INTO counted VALUES ({})"


def paused(n):
    """An event that can be told from others."""
    return RunPaused(run_id="r", actor="a", why=f"reason {n}")


def failed(n):
    """One of another type."""
    return PhaseFailed(
        run_id="r", phase_id=f"p{n}", code="x", message="m", lease_token="t", attempt=1
    )


@pytest.fixture(scope="module")
def server():
    """A PostgreSQL server."""
    if BINARIES is None:
        pytest.skip("there is no PostgreSQL here")
    made = PostgresServer()
    yield made
    made.remove()


class Model:
    """A read model of one table: the positions that were handled."""

    def __init__(self, connection, mark):
        self.connection, self.mark = connection, mark
        self.cursors = SqlCursors(connection)
        with self.cursors.transaction():
            self.run("CREATE TABLE IF NOT EXISTS counted (position BIGINT)")

    def run(self, statement, **values):
        """Run a statement of the model's own."""
        if type(self.connection).__module__.startswith("sqlalchemy"):
            from sqlalchemy import text

            return self.connection.execute(text(statement), values)
        return self.connection.execute(statement, values)

    def handle(self, recorded):
        """Count an event."""
        self.run(COUNT.format(self.mark.format("n")), n=recorded.position)

    def counted(self):
        """The positions that are counted, as they were."""
        with self.cursors.transaction():
            return [row[0] for row in self.run("SELECT position FROM counted").fetchall()]


@contextlib.contextmanager
def opened(kind, folder, server):
    """Open a read model in one of the libraries."""
    if kind == "psycopg":
        import psycopg

        with psycopg.connect(parsed(server.url()).conninfo, autocommit=True) as connection:
            connection.execute("DROP TABLE IF EXISTS counted, autopack_cursors")
            yield Model(connection, "%({})s")
    elif kind == "sqlalchemy":
        from sqlalchemy import create_engine

        engine = create_engine(f"sqlite:///{folder / 'alchemy.db'}")
        with engine.connect() as connection:
            yield Model(connection, ":{}")
        engine.dispose()
    else:
        level = None if kind == "sqlite3 without transactions" else "DEFERRED"
        with contextlib.closing(sqlite3.connect(folder / "m.db", isolation_level=level)) as found:
            yield Model(found, ":{}")


KINDS = ["sqlite3", "sqlite3 without transactions", "sqlalchemy", "psycopg"]


@pytest.fixture(params=KINDS)
def model(request, tmp_path):
    """A read model in each library."""
    served = request.getfixturevalue("server") if request.param == "psycopg" else None
    with opened(request.param, tmp_path, served) as made:
        yield made


@pytest.fixture
def log(log_path):
    """A log with five events."""
    with autopack.open_log(log_path) as found:
        found.append("s", [paused(n) for n in range(5)], expected_version=0)
        yield found


class TestReading:
    """The place and what was read are one transaction."""

    def test_each_event_counts_once(self, model, log):
        """In any batches, over any number of calls; what comes later is read later."""
        first = log.subscribe("m", model.handle, batch=2, cursors=model.cursors)
        again = log.subscribe("m", model.handle, cursors=model.cursors)
        log.append("s", [paused(5)], expected_version=ANY)
        later = log.subscribe("m", model.handle, cursors=model.cursors)

        assert (5, 0, 1) == (first, again, later)
        assert [1, 2, 3, 4, 5, 6] == model.counted()

    def test_an_error_keeps_nothing_of_its_batch(self, model, log):
        """It is named with its position; the next call begins with that batch."""
        log.append("s", [paused(5)], expected_version=ANY)

        def handle(recorded):
            model.handle(recorded)
            if recorded.position == 4:
                raise ValueError("not this one")

        with pytest.raises(ValueError, match="not this one") as fault:
            log.subscribe("m", handle, batch=2, cursors=model.cursors)

        assert [1, 2] == model.counted()
        assert "stopped at position 4" in fault.value.__notes__[0]
        log.skip_event("m", 4, why="it is odd")
        log.subscribe("m", handle, batch=2, cursors=model.cursors)
        assert [1, 2, 3, 5, 6, 7] == model.counted()

    def test_what_is_not_asked_for_is_passed_over(self, model, log):
        """The place moves on over other types."""
        log.append("t", [failed(1)], expected_version=0)
        n = log.subscribe("m", model.handle, types=[PhaseFailed], cursors=model.cursors)
        with model.cursors.transaction():
            place = model.cursors.take("m")

        assert (1, [6], 6) == (n, model.counted(), place.position)

    def test_subscriptions_have_places_of_their_own(self, model, log):
        """By name."""
        log.subscribe("m", model.handle, cursors=model.cursors)
        log.subscribe("other", model.handle, cursors=model.cursors)

        assert [1, 2, 3, 4, 5] * 2 == model.counted()

    def test_a_transaction_of_others_is_not_committed(self, model, log):
        """Whoever has begun one is told to end it."""
        with model.cursors.transaction(), pytest.raises(InvalidInputError, match="within a trans"):
            log.subscribe("m", model.handle, cursors=model.cursors)

    def test_a_model_that_follows_sees_what_comes(self, model, log):
        """Until it is told to stop."""
        appender = threading.Timer(0.1, lambda: log.append("s", [paused(5)], expected_version=ANY))
        appender.start()
        seen = []

        def handle(recorded):
            model.handle(recorded)
            seen.append(recorded.position)

        log.subscribe("m", handle, until=lambda: 6 in seen, cursors=model.cursors)
        appender.join()

        assert [1, 2, 3, 4, 5, 6] == model.counted()


class TestOtherLogs:
    """What was read is what the log holds, or nothing is read."""

    def test_a_restored_log_is_gone_on_with(self, tmp_path, log, model):
        """It holds all that was read."""
        log.subscribe("m", model.handle, cursors=model.cursors)
        with autopack.restore_log(log.target, tmp_path / "restored.db") as restored:
            restored.append("s", [paused(9)], expected_version=ANY)

            assert 1 == restored.subscribe("m", model.handle, cursors=model.cursors)
        assert [1, 2, 3, 4, 5, 6] == model.counted()

    @pytest.mark.parametrize("n", [2, 5, 9])
    def test_another_log_is_refused(self, log, model, n):
        """Shorter, as long or longer: its events are not those that were read."""
        log.subscribe("m", model.handle, cursors=model.cursors)
        with autopack.create_log("memory:") as other:
            other.append("s", [paused(k) for k in range(n)], expected_version=0)
            with pytest.raises(ForeignPlaceError, match="up to position 5"):
                other.subscribe("m", model.handle, cursors=model.cursors)

        assert [1, 2, 3, 4, 5] == model.counted()


def test_a_connection_of_another_library_is_refused():
    """With what can be given."""
    with pytest.raises(InvalidInputError, match=r"autopack\.types\.CursorStore"):
        SqlCursors(object())


class Derived(sqlite3.Connection):
    """A connection of somebody's own class."""


def as_dicts(cursor, row):
    """Make a row a dict by its columns' names, as many a guide shows."""
    return {column[0]: value for column, value in zip(cursor.description, row, strict=True)}


@pytest.mark.parametrize("text_factory", [str, bytes])
@pytest.mark.parametrize("rows", [None, sqlite3.Row, as_dicts])
@pytest.mark.parametrize("factory", [sqlite3.Connection, Derived])
def test_what_the_connection_makes_of_rows_is_its_own(tmp_path, log, factory, rows, text_factory):
    """Places are read as they were written, and the handler gets rows as it likes them."""
    with contextlib.closing(sqlite3.connect(tmp_path / "m.db", factory=factory)) as connection:
        connection.row_factory, connection.text_factory = rows, text_factory
        model, seen = Model(connection, ":{}"), []

        def handle(recorded):
            model.handle(recorded)
            found = connection.execute("SELECT count(*) AS n FROM counted").fetchone()
            seen.append(found["n"] if rows else found[0])

        counts = [log.subscribe("m", handle, cursors=SqlCursors(connection)) for _ in range(2)]

        assert ([5, 0], [1, 2, 3, 4, 5]) == (counts, seen)
        assert connection.row_factory is rows


def commit(connection):
    connection.commit()


def commit_by_with(connection):
    with connection:
        pass


def run_script(connection):
    connection.executescript("SELECT 1;")


def roll_back(connection):
    connection.rollback()


@pytest.mark.parametrize("end", [commit, commit_by_with, run_script, roll_back])
@pytest.mark.parametrize("goes_on", [True, False])
def test_a_handler_that_ends_the_transaction_is_told(tmp_path, log, end, goes_on):
    """What it wrote and its place could not be there together any more, or both not."""
    with contextlib.closing(sqlite3.connect(tmp_path / "m.db")) as connection:
        model = Model(connection, ":{}")

        def handle(recorded):
            model.handle(recorded)
            end(connection)
            if goes_on:  # a transaction begins by itself
                model.handle(recorded)

        for _ in range(2):
            with pytest.raises(
                InvalidInputError, match="subscription 'm' has ended the transaction"
            ):
                log.subscribe("m", handle, cursors=model.cursors)
        log.subscribe("m", model.handle, cursors=model.cursors)

        assert [1, 2, 3, 4, 5] == model.counted()[-5:]
        assert not connection.in_transaction


def test_a_connection_that_is_awaited_is_refused():
    """By name, and not by what Python says of it later."""

    class Awaited(sqlite3.Connection):
        async def execute(self, *_given):
            raise AssertionError

    with (
        contextlib.closing(sqlite3.connect(":memory:", factory=Awaited)) as connection,
        pytest.raises(InvalidInputError, match="that is not awaited"),
    ):
        SqlCursors(connection)


def test_two_threads_of_one_name_count_each_event_once(tmp_path, log):
    """They wait for one another."""
    log.append("s", [paused(n) for n in range(200)], expected_version=ANY)

    def read():
        connection = sqlite3.connect(tmp_path / "m.db", timeout=60)
        with contextlib.closing(connection):
            made = Model(connection, ":{}")
            log.subscribe("m", made.handle, batch=7, cursors=made.cursors)

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with contextlib.closing(sqlite3.connect(tmp_path / "m.db")) as connection:
        assert list(range(1, 206)) == Model(connection, ":{}").counted()


class Tracks(TrackingRecorder):
    """The tracking recorder of ``eventsourcing``, on our cursors."""

    def __init__(self, connection):
        self.connection, self.cursors = connection, SqlCursors(connection)

    def track(self, tracking):
        """Move on within a transaction, and never back."""
        place = self.cursors.take(tracking.application_name)
        if place is not None and place.position >= tracking.notification_id:
            raise IntegrityError
        self.cursors.save(tracking.application_name, ReadUpTo(tracking.notification_id, "-"))

    def insert_tracking(self, tracking):
        with self.cursors.transaction():
            self.track(tracking)

    def max_tracking_id(self, application_name):
        with self.cursors.transaction():
            place = self.cursors.take(application_name)
        return None if place is None else place.position


class Processes(Tracks, ProcessRecorder):
    """The process recorder: what is stored and the place of what it came from, at once."""

    def __init__(self, connection):
        super().__init__(connection)
        with self.cursors.transaction():
            self.connection.execute(
                "CREATE TABLE stored (id, version, topic, state, PRIMARY KEY (id, version))"
            )

    def insert_events(self, stored_events, tracking=None, **_others):
        rows = [
            (str(e.originator_id), e.originator_version, e.topic, e.state) for e in stored_events
        ]
        try:
            with self.cursors.transaction():
                self.connection.executemany("INSERT INTO stored VALUES (?, ?, ?, ?)", rows)
                if tracking is not None:
                    self.track(tracking)
        except sqlite3.IntegrityError as fault:
            raise IntegrityError from fault

    def select_events(self, originator_id, **_how):
        raise NotImplementedError

    def select_notifications(self, *_which, **_how):
        raise NotImplementedError

    def max_notification_id(self):
        raise NotImplementedError

    def subscribe(self, *_which):
        raise NotImplementedError


class TestTracking(TrackingRecorderTestCase):
    """The cases of ``eventsourcing`` for what keeps places."""

    def create_recorder(self):
        return Tracks(sqlite3.connect(":memory:"))


class TestProcesses(ProcessRecorderTestCase):
    """The cases of ``eventsourcing`` for what keeps places with what it stores."""

    def create_recorder(self):
        return Processes(sqlite3.connect(":memory:"))


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="a kill is sent as POSIX has it")
@pytest.mark.parametrize("is_own", [True, False])
def test_a_killed_reader_has_counted_each_event_once(tmp_path, is_own):
    """Killed at each of four places; a place that is kept in the log is no such promise."""
    tally = kill_many(tmp_path, kills=8, is_own=is_own)

    assert 8 == tally.kills
    assert 0 == tally.lost
    assert is_own == (tally.twice == 0)

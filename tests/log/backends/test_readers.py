"""Reading a log file from many threads, and processes, while somebody writes to it."""

import contextlib
import sqlite3
import subprocess
import sys
import threading
from functools import partial

import pytest

from autopack import create_log, create_run, load_plugins, replay
from autopack.errors import LogClosedError, LogDamagedError, LogError
from autopack.log.backends.sqlite.readers import ReadConnection, Readers
from autopack.log.backends.sqlite.store import SqliteBackend
from autopack.log.log import Log, journal_of
from autopack.ports.log import ANY
from autopack.ports.prediction import PhaseSpec
from autopack.testing.backends.sharing import together
from autopack.testing.facts import paused

_WRITER = """
import sys
from autopack import open_log
from autopack.ports.log import ANY
from autopack.testing.facts import paused
with open_log(sys.argv[1]) as log:
    for number in range(50):
        log.append("theirs", [paused(str(number))], expected_version=number)
"""


@pytest.fixture
def log(log_path):
    """An open log file."""
    with Log(SqliteBackend(log_path)) as log:
        yield log


class _Slow:
    """A projection that is in the middle of its fold until it is let go."""

    name, version, types, initial = "slow", 1, None, 0

    def __init__(self):
        self.is_folding, self.may_end = threading.Event(), threading.Event()

    def project(self, view, recorded):
        self.is_folding.set()
        assert self.may_end.wait(60)
        return view + 1


def test_a_long_replay_holds_up_neither_threads_nor_processes(log):
    """While one is in its middle, this process appends, reads and replays, and another appends."""
    log.append("ours", [paused()], expected_version=0)
    slow, counts = _Slow(), []

    def work():
        assert slow.is_folding.wait(60)
        try:
            for number in range(1, 201):
                log.append("ours", [paused(str(number))], expected_version=number)
                with journal_of(log).transaction() as transaction:  # as a decision would read
                    transaction.store.stream_versions(["ours"])
                    counts.append(len(list(log.read("ours"))))
            call = [sys.executable, "-c", _WRITER, log.target]
            subprocess.run(call, check=True, timeout=60)
            counts.append(replay(log, "runs").position)
        finally:
            slow.may_end.set()

    together(lambda: counts.append(replay(log, slow).value), work)

    assert [*range(2, 202), 251, 1] == counts


def test_idle_connections_are_few_however_many_threads_have_read(log):
    """What many threads opened at once is closed again, but for a few."""
    log.append("ours", [paused()], expected_version=0)
    everybody = threading.Barrier(40)

    def read():
        with journal_of(log).backend.snapshot():
            everybody.wait(60)

    together(*[read] * 40)
    together(*[lambda: list(log.read_all())] * 40)

    assert len(journal_of(log).backend._readers._all) <= 8


def test_a_read_alone_needs_one_connection(log):
    """Who reads on one thread opens no second one."""
    log.append("ours", [paused()], expected_version=0)
    for _ in range(20):
        list(log.read_all())
        replay(log, "runs")

    assert 1 == len(journal_of(log).backend._readers._all)


def test_closing_waits_for_a_statement_in_flight(log):
    """A statement that runs while the log is closed answers; the connection is closed after it."""
    log.append("ours", [paused(str(n)) for n in range(3000)], expected_version=0)
    runs, answers = threading.Event(), []
    reader = journal_of(log).backend._readers.take()
    reader._connection.create_function("runs", 0, lambda: runs.set() or 1)

    def read():
        sql = "SELECT count(*) FROM events a, events b WHERE runs() AND a.position <= b.position"
        answers.append(reader.rows(sql))

    def close():
        assert runs.wait(60)
        log.close()
        answers.append("closed")

    together(read, close)

    assert [[(3000 * 3001 // 2,)], "closed"] == answers
    with pytest.raises(LogClosedError):
        reader.rows("SELECT 1")


def test_a_connection_whose_moment_broke_is_not_used_again(log):
    """Where the end of a snapshot fails, the next read goes over another connection."""
    log.append("ours", [paused()], expected_version=0)
    with journal_of(log).backend.snapshot() as snapshot:
        broken = snapshot._reader
        broken._connection.execute("ROLLBACK")
    log.append("ours", [paused()], expected_version=1)

    assert 2 == len(list(log.read_all()))
    assert broken not in journal_of(log).backend._readers._all


def test_what_is_opened_while_the_log_is_closed_is_closed_too(tmp_path):
    """A connection that comes too late is not handed out."""
    made = []

    def connect():
        readers.close()
        made.append(sqlite3.connect(tmp_path / "x.db"))
        return ReadConnection(made[0], "x")

    readers = Readers(connect, "x")
    with pytest.raises(LogClosedError):
        readers.take()

    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        made[0].execute("SELECT 1")


class TestFaultsOfOthers:
    """Only what the log's own statements raise says something about its file."""

    class Own:
        """A projection that fails as if its own database did."""

        name, version, types, initial = "own", 1, None, 0

        def __init__(self, fault):
            self.fault = fault

        def project(self, _view, _recorded):
            raise self.fault

    @pytest.mark.parametrize(
        "fault",
        [
            sqlite3.IntegrityError("UNIQUE constraint failed: mine.id"),
            sqlite3.OperationalError("no such table: mine"),
            sqlite3.DatabaseError("mine is malformed"),
            UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
            OverflowError("mine is too large"),
        ],
    )
    def test_what_a_projection_raises_comes_out_as_it_is(self, log, fault):
        """An error of a plugin's projection is its own, in a replay and in a persisted view."""
        create_run(log, "r", [PhaseSpec("a", category="docs", complexity="low")])
        with pytest.raises(type(fault)) as raised:
            replay(log, self.Own(fault))

        assert fault is raised.value
        assert log.verify().is_clean

    def test_what_is_raised_within_a_transaction_comes_out_as_it_is(self, log):
        """An error of the caller's own database rolls back, and is not called damage."""
        with (
            pytest.raises(sqlite3.OperationalError, match="nothere"),
            journal_of(log).transaction() as own,
        ):
            own.append_batch([("s", [paused()], ANY)])
            with contextlib.closing(sqlite3.connect(":memory:")) as mine:
                mine.execute("SELECT * FROM nothere")

        assert 0 == log.head().position

    def test_a_number_that_no_position_can_have_is_refused_by_name(self, log):
        """What SQLite cannot take is an error of ours, and no damage."""
        with pytest.raises(LogError, match="too large") as refused:
            list(log.read_all(after=2**70))

        assert not isinstance(refused.value, LogDamagedError)


@pytest.mark.parametrize("target", ["file", "memory"])
def test_threads_may_be_the_first_to_use_a_log(target, tmp_path):
    """Twenty threads replay, append and read a log that nobody has used yet, in any order."""
    plugins = load_plugins()
    place = tmp_path / "log.db" if target == "file" else "memory:"
    with create_log(place, plugins=plugins) as log:
        everybody = threading.Barrier(20)

        def use(number):
            everybody.wait(60)
            works = [append, read, fold]
            for turn in range(3):
                works[(turn + number) % 3](number)

        def append(number):
            log.append(f"s{number}", [paused(str(number))], expected_version=0)

        def read(_number):
            positions = [recorded.position for recorded in log.read_all()]
            assert list(range(1, len(positions) + 1)) == positions

        def fold(_number):
            assert replay(log, "runs").position >= 0
            log.info()

        together(*(partial(use, number) for number in range(20)))

        assert 20 == log.head().position
        assert log.verify(views=True).is_clean

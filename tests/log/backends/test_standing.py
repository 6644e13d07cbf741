"""What is told to a log whose files are removed, replaced or cut under it is not acknowledged."""

import os
import shutil
import sqlite3
from contextlib import closing

import pytest

from autopack import create_log, create_run, drain, open_log
from autopack.api.logs import read_tail
from autopack.errors import LogDamagedError, LogError, LogGoneError
from autopack.log.log import journal_of
from autopack.ports.log import ANY
from autopack.ports.prediction import PhaseSpec
from autopack.testing.facts import paused

_TEXT = "x" * 400


@pytest.fixture
def told():
    """What observers were told: each event that was acknowledged."""
    return []


@pytest.fixture
def log(log_path, told):
    """An open log that has been read and written, some of it in its WAL alone."""
    log = open_log(log_path)
    journal_of(log).observers.append(told.append)
    for _ in range(5):
        log.append("s", [paused(_TEXT)] * 10, expected_version=ANY)
    list(log.read_all())
    told.clear()
    yield log
    log.close()


def other_log(path):
    """Return the path of another log, closed, with events of its own."""
    with create_log(path.with_name("other.db")) as other:
        other.append("theirs", [paused(_TEXT)] * 70, expected_version=0)
    return path.with_name("other.db")


def removed(path, ending):
    """Remove a file of the log."""
    path.with_name(path.name + ending).unlink()


def replaced(path, ending):
    """Put another file in the place of one, with the same content."""
    place = path.with_name(path.name + ending)
    shutil.copyfile(place, place.with_name("copy"))
    os.replace(place.with_name("copy"), place)


@pytest.mark.parametrize("ending", ["", "-wal", "-shm"])
@pytest.mark.parametrize("change", [removed, replaced])
class TestRemovedOrReplaced:
    """It is noticed before the next acknowledgement, whenever it was done."""

    def test_before_an_append(self, log, log_path, told, change, ending):
        """The append is refused by name, and so is the next one."""
        change(log_path, ending)
        for _again in range(2):
            with pytest.raises(LogGoneError, match=r"no longer there|was put in") as refused:
                log.append("s", [paused()], expected_version=ANY)

        assert [] == told
        assert str(log_path) == refused.value.target
        assert (ending or "file") in refused.value.what

    def test_within_a_transaction(self, log, log_path, told, change, ending):
        """What was written before is not acknowledged either."""
        event = journal_of(log).redacted(paused())
        with pytest.raises(LogGoneError), journal_of(log).transaction() as transaction:
            transaction.append_batch([("s", [event], ANY)])
            change(log_path, ending)

        assert [] == told

    def test_before_the_first_append(self, log_path, told, change, ending):
        """A log that was only read notices too."""
        keeper = sqlite3.connect(log_path)
        keeper.execute("SELECT * FROM events").fetchall()
        with open_log(log_path) as log:
            journal_of(log).observers.append(told.append)
            list(log.read_all())
            if ending:
                log.append("s", [paused()], expected_version=ANY)
                told.clear()
            change(log_path, ending)
            with pytest.raises(LogError):
                log.append("s", [paused()], expected_version=ANY)

        assert [] == told
        keeper.close()


class TestTheFileItself:
    """What stands at the path now is another thing, or nothing."""

    def test_another_log_at_the_path_is_not_touched(self, log, log_path, told):
        """Neither a write, a read nor the close changes it; it is opened as what it is."""
        other = other_log(log_path)
        before = other.read_bytes()
        os.replace(other, log_path)
        for ending in ("-wal", "-shm"):
            removed(log_path, ending)
        for ask in (
            lambda: log.append("s", [paused()], expected_version=ANY),
            lambda: list(log.read_all()),
            lambda: log.verify(),
            lambda: next(log.follow()),
            lambda: log.refresh_views(),
        ):
            with pytest.raises(LogGoneError, match="another file was put in its place"):
                ask()
        log.close()

        assert before == log_path.read_bytes()
        assert [] == told
        with open_log(log_path) as found:
            assert 70 == found.verify().events

    def test_a_file_that_is_put_back_goes_on(self, log, log_path):
        """Moved away and back, with what lies beside it, it is the same log."""
        away = log_path.with_name("away.db")
        os.rename(log_path, away)
        with pytest.raises(LogGoneError, match="no longer there"):
            log.append("s", [paused()], expected_version=ANY)
        os.rename(away, log_path)
        (recorded,) = log.append("s", [paused()], expected_version=ANY)

        assert 51 == recorded.position
        assert log.verify().is_clean

    def test_a_drain_does_not_go_on_without_its_log(self, log, log_path):
        """No phase is reported as done that nobody could find again."""
        create_run(
            log, "r", [PhaseSpec(str(n), category="docs", complexity="low") for n in range(5)]
        )
        done = []

        def execute(phase, _attempt):
            done.append(phase)
            log_path.unlink(missing_ok=True)

        with pytest.raises(LogGoneError):
            drain(log, executor=execute)

        assert 1 == len(done)

    @pytest.mark.parametrize("size", [0, 50, 4096, 8192])
    def test_a_file_that_was_cut_takes_nothing(self, log, log_path, told, size):
        """A file that is shorter than its own header says is damaged."""
        with closing(sqlite3.connect(log_path)) as other:
            other.execute("PRAGMA wal_checkpoint").fetchall()
        log.append("s", [paused()], expected_version=ANY)
        told.clear()
        os.truncate(log_path, size)
        with pytest.raises(LogDamagedError, match=f"cut to {size:,} bytes"):
            log.append("s", [paused()], expected_version=ANY)

        assert [] == told

    def test_a_wal_that_was_cut_takes_nothing(self, log, log_path, told):
        """What the WAL alone held is gone with it."""
        os.truncate(log_path.with_name(log_path.name + "-wal"), 0)
        with pytest.raises(LogError):
            log.append("s", [paused()], expected_version=ANY)

        assert [] == told


class TestWhatIsAllowed:
    """What SQLite itself does to its files is no fault."""

    @pytest.mark.parametrize("statement", ["VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"])
    def test_files_that_sqlite_shortens(self, log, log_path, statement):
        """Compacting and emptying the WAL, by another process, is noticed as harmless."""
        with journal_of(log).transaction() as transaction:
            for number in range(40):
                transaction.store.put_artifact(f"{number:064}", os.urandom(20_000))
        with journal_of(log).transaction() as transaction:
            for number in range(40):
                transaction.store.drop_artifact(f"{number:064}")
        with closing(sqlite3.connect(log_path, isolation_level=None)) as other:
            other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            log.append("s", [paused()], expected_version=ANY)
            before = log_path.stat().st_size
            other.execute(statement).fetchall()
            other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        for _again in range(3):
            log.append("s", [paused()], expected_version=ANY)

        assert (log_path.stat().st_size < before) is (statement == "VACUUM")
        assert 54 == log.verify().events
        assert log.verify().is_clean

    def test_a_file_out_of_wal_mode(self, log_path):
        """A log that somebody took out of WAL mode has nothing beside it, and goes on."""
        with closing(sqlite3.connect(log_path)) as other:
            other.execute("PRAGMA journal_mode = DELETE").fetchall()
        with open_log(log_path) as log:
            log.append("s", [paused()], expected_version=ANY)
            log.append("s", [paused()], expected_version=ANY)

            assert 2 == len(read_tail(log))


class TestADamagedHead:
    """Nothing is appended after a last event that is not what was stored."""

    @pytest.mark.parametrize(
        "edit",
        [
            "UPDATE events SET data = '{}' WHERE position = 50",
            "UPDATE events SET stream = 't', version = 1 WHERE position = 50",
            "UPDATE events SET hash = zeroblob(32) WHERE position = 50",
            "UPDATE events SET hash = zeroblob(32) WHERE position = 49",
            "UPDATE events SET schema = -7 WHERE position = 50",
            "DELETE FROM events WHERE position = 49",
            "UPDATE log_identity SET origin_id = log_id;"
            "DELETE FROM events WHERE position > 1;"
            "UPDATE sqlite_sequence SET seq = 1",
        ],
    )
    def test_it_is_seen_at_the_first_append(self, log, log_path, edit):
        """The head's hash is computed anew from the one before it; reading goes on."""
        log.close()
        with closing(sqlite3.connect(log_path, isolation_level=None)) as connection:
            names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            for (name,) in names.fetchall():
                connection.execute(f"DROP TRIGGER {name}")
            connection.executescript(edit)
            head = connection.execute("SELECT max(position) FROM events").fetchone()
        with open_log(log_path) as again:
            for _again in range(2):
                with pytest.raises(LogDamagedError, match="last event"):
                    again.append("s", [paused()], expected_version=ANY)

            assert head == (again.head().position,)
            assert not again.verify().is_clean

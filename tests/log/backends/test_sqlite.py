"""Log files: what is taken for one, what guards it, and what survives."""

import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from contextlib import closing

import pytest

from autopack.errors import (
    InvalidInputError,
    LogBusyError,
    LogDamagedError,
    LogExistsError,
    LogMissingError,
    NewerLogError,
    NotALogError,
    ReadOnlyLogError,
)
from autopack.log.backends.sqlite import faults, log_files
from autopack.log.backends.sqlite.log_files import create_file
from autopack.log.backends.sqlite.store import SqliteBackend
from autopack.log.log import Log, journal_of
from autopack.ports.log import ANY
from autopack.testing.facts import created, paused, queued

_PRELUDE = """
import sys
from pathlib import Path
from autopack.log.backends.sqlite import log_files as files
from autopack.log.backends.sqlite.store import SqliteBackend
from autopack.errors import *
from autopack.events import RunPaused
from autopack.log.log import Log, journal_of
from autopack.plugins.discovery import load_plugins
from autopack.ports.log import ANY, NewEvent
path = Path(sys.argv[1])
registry = load_plugins()
def paused(why):
    return RunPaused(run_id="r1", why=why, actor="child")
"""


def child(code, path):
    """Start a process that runs *code* on a log."""
    text = _PRELUDE + textwrap.dedent(code)
    return subprocess.Popen(
        [sys.executable, "-c", text, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def unguarded(path):
    """Return a connection to a log whose triggers are gone."""
    connection = sqlite3.connect(path, isolation_level=None)
    names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for (name,) in names:
        connection.execute(f"DROP TRIGGER {name}")
    return connection


def filled(path, n=5):
    """Append *n* events to a log file."""
    with Log(SqliteBackend(path)) as log:
        for number in range(n):
            log.append("run-r1", [paused(str(number))], expected_version=number)


class TestCreating:
    """Creating makes a new file, whole, and never touches another."""

    def test_creating_never_opens(self, log_path):
        """A path that is taken is refused, and what is there stays as it is."""
        filled(log_path)
        before = log_path.read_bytes()

        with pytest.raises(LogExistsError, match=r"log\.db already exists"):
            create_file(log_path)

        assert before == log_path.read_bytes()

    def test_a_dangling_link_counts_as_taken(self, tmp_path):
        """A link that points nowhere is not written through."""
        link = tmp_path / "link.db"
        link.symlink_to(tmp_path / "nowhere.db")

        with pytest.raises(LogExistsError):
            create_file(link)

        assert [link] == list(tmp_path.iterdir())

    def test_the_folder_must_exist(self, tmp_path):
        """No folder is made on the way."""
        with pytest.raises(InvalidInputError, match="does not exist"):
            create_file(tmp_path / "no" / "log.db")

        assert [] == list(tmp_path.iterdir())

    def test_only_the_log_is_left(self, tmp_path):
        """No scratch file stays behind."""
        create_file(tmp_path / "log.db")

        assert [tmp_path / "log.db"] == list(tmp_path.iterdir())

    def test_an_empty_log_is_asked_for_its_origin_each_time(self, log_path):
        """Another process may give it that of what it imports, as long as it has no event."""
        origin = "00000000-0000-4000-8000-000000000001"
        with closing(SqliteBackend(log_path)) as reader, closing(SqliteBackend(log_path)) as other:
            before = [reader.identity.origin_id for _ in range(2)]
            with other.transaction() as store:
                store.adopt_origin(origin)
            after = [reader.identity.origin_id for _ in range(2)]

        assert origin not in before
        assert [origin, origin] == after

    def test_each_log_has_its_own_identity(self, tmp_path):
        """Two logs differ by name and by the seed of their chain; the file keeps them."""
        first, second = (create_file(tmp_path / name) for name in ("a.db", "b.db"))
        with Log(SqliteBackend(tmp_path / "a.db")) as log:
            identity = journal_of(log).backend.identity

        assert first == identity
        assert first.log_id != second.log_id
        assert first.origin_id != second.origin_id


class TestOpening:
    """Opening never creates, and says what is there instead of a log."""

    def test_a_missing_path_creates_nothing_and_lists_logs_nearby(self, tmp_path):
        """The error names logs around the path with their run and phase counts."""
        (tmp_path / "sub").mkdir()
        create_file(tmp_path / "sub" / "work.db")
        create_file(tmp_path / "other.db")
        with Log(SqliteBackend(tmp_path / "other.db")) as log:
            log.append("run-r1", [created(), queued("a"), queued("b")], expected_version=0)
        before = sorted(tmp_path.rglob("*"))

        with pytest.raises(LogMissingError) as refused:
            SqliteBackend(tmp_path / "lost.db")

        assert (
            f"{tmp_path / 'other.db'} (1 run, 2 phases)",
            f"{tmp_path / 'sub' / 'work.db'} (0 runs, 0 phases)",
        ) == refused.value.nearby
        assert before == sorted(tmp_path.rglob("*"))

    def test_a_missing_folder_is_looked_around_too(self, tmp_path):
        """The nearest folder that exists is searched."""
        create_file(tmp_path / "work.db")

        with pytest.raises(LogMissingError) as refused:
            SqliteBackend(tmp_path / "gone" / "deep" / "log.db")

        assert [str(tmp_path / "work.db")] == [
            line.partition(" (")[0] for line in refused.value.nearby if str(tmp_path) in line
        ]

    @pytest.mark.parametrize(
        ("content", "found"),
        [
            (b"", "an empty file"),
            (b"hello, this is text\n" * 20, "not a SQLite database"),
            (b"SQLite format 3\x00", "not a SQLite database"),
        ],
    )
    def test_other_files_are_named_for_what_they_are(self, tmp_path, content, found):
        """A file that is no log is left as it is."""
        path = tmp_path / "thing"
        path.write_bytes(content)

        with pytest.raises(NotALogError) as refused:
            SqliteBackend(path)

        assert found in refused.value.found
        assert content == path.read_bytes()
        assert [path] == list(tmp_path.iterdir())

    def test_a_directory_is_named(self, tmp_path):
        """A folder is no log."""
        with pytest.raises(NotALogError, match="a directory"):
            SqliteBackend(tmp_path)

    def test_another_database_is_named_with_its_tables(self, tmp_path):
        """A database of something else is left unchanged, its tables listed."""
        path = tmp_path / "shop.db"
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE orders (id)")
        before = path.read_bytes()

        with pytest.raises(NotALogError, match="its tables: orders"):
            SqliteBackend(path)

        assert before == path.read_bytes()
        assert [path] == list(tmp_path.iterdir())

    def test_a_newer_format_asks_for_an_upgrade(self, log_path):
        """A file of a later version names both formats."""
        with closing(sqlite3.connect(log_path)) as connection:
            connection.execute("PRAGMA user_version = 7")

        with pytest.raises(NewerLogError) as refused:
            SqliteBackend(log_path)

        assert (7, 2) == (refused.value.found, refused.value.known)

    def test_a_format_that_was_never_released_is_named(self, log_path):
        """What wrote such a file can read it still; it is left as it was."""
        with closing(sqlite3.connect(log_path)) as connection:
            connection.execute("PRAGMA user_version = 1")
        before = log_path.read_bytes()

        with pytest.raises(NotALogError, match="format 1, from before the first release"):
            SqliteBackend(log_path)

        assert before == log_path.read_bytes()

    def test_an_unknown_durability_is_refused(self, log_path):
        """The known ones are listed with what they promise."""
        with pytest.raises(InvalidInputError, match="full, relaxed"):
            SqliteBackend(log_path, durability="none")

    def test_a_relaxed_log_works_alike(self, log_path):
        """Relaxed durability changes what survives power loss, nothing else."""
        with Log(SqliteBackend(log_path, durability="relaxed")) as log:
            log.append("run-r1", [created()], expected_version=0)
            (level,) = journal_of(log).backend._writer.execute("PRAGMA synchronous").fetchone()
        with Log(SqliteBackend(log_path)) as log:
            log.append("run-r1", [paused()], expected_version=1)
            (full,) = journal_of(log).backend._writer.execute("PRAGMA synchronous").fetchone()
            events = [r.event for r in log.read_all()]

        assert [created(), paused()] == events
        assert (1, 2) == (level, full)


class TestTriggers:
    """The file itself refuses to have its history changed."""

    @pytest.mark.parametrize(
        ("sql", "why"),
        [
            ("UPDATE events SET data = '{}' WHERE position = 2", "never updated"),
            ("UPDATE OR REPLACE events SET position = 1 WHERE position = 2", "never updated"),
            ("DELETE FROM events WHERE position = 5", "never deleted"),
            ("DELETE FROM events", "never deleted"),
            ("UPDATE log_identity SET log_id = 'x'", "never changes"),
            ("DELETE FROM log_identity", "never changes"),
        ],
    )
    def test_changes_are_refused(self, log_path, sql, why):
        """UPDATE and DELETE stop with a reason, and nothing is lost."""
        filled(log_path)
        with (
            closing(sqlite3.connect(log_path)) as connection,
            pytest.raises(sqlite3.IntegrityError, match=why),
        ):
            connection.execute(sql)

        with Log(SqliteBackend(log_path)) as log:
            assert 5 == log.verify().events
            assert log.verify().is_clean

    @pytest.mark.parametrize("verb", ["INSERT", "INSERT OR REPLACE"])
    @pytest.mark.parametrize(
        "changed",
        [
            {"position": 8},
            {"position": 5},
            {"position": 0},
            {"position": -1},
            {"event_id": "known"},
            {"version": 3},
        ],
    )
    def test_rows_take_the_next_place_and_replace_none(self, log_path, verb, changed):
        """An insert out of order, or onto an id, a version or a position, is refused."""
        filled(log_path)
        with closing(sqlite3.connect(log_path, isolation_level=None)) as connection:
            (known,) = connection.execute(
                "SELECT event_id FROM events WHERE position = 2"
            ).fetchone()
            row = {"position": 6, "event_id": bytes(16), "version": 6, **changed}
            if row["event_id"] == "known":
                row["event_id"] = known
            with pytest.raises(sqlite3.IntegrityError):
                connection.execute(
                    f"{verb} INTO events VALUES "
                    "(:position, :event_id, 'run-r1', :version, 't', 1, 0, 0, '', '{}', x'00')",
                    row,
                )

        with Log(SqliteBackend(log_path)) as log:
            assert 5 == log.verify().events
            assert log.verify().is_clean

    def test_a_row_of_ones_own_at_the_next_place_is_found_by_verify(self, log_path):
        """What the triggers let pass, the hash chain shows."""
        filled(log_path)
        with closing(sqlite3.connect(log_path, isolation_level=None)) as connection:
            connection.execute(
                "INSERT INTO events VALUES "
                "(6, ?, 'run-r1', 6, 't', 1, 0, 9e15, '', '{}', x'00')".replace("9e15", "9" * 16),
                (bytes(16),),
            )

        with Log(SqliteBackend(log_path)) as log:
            assert [6] == [fault.position for fault in log.verify().faults]


class TestPositions:
    """A position is given once."""

    def test_a_cut_tail_is_damage_and_no_position_is_given_again(self, log_path):
        """After deleting the last events behind our back, appending stops, also after VACUUM."""
        filled(log_path)
        with closing(unguarded(log_path)) as connection:
            connection.execute("DELETE FROM events WHERE position > 3")
            connection.execute("VACUUM")

        with Log(SqliteBackend(log_path)) as log:
            with pytest.raises(LogDamagedError, match="position 5 was given"):
                log.append("run-r1", [paused()], expected_version=ANY)

            assert 3 == journal_of(log).backend.head().position
            assert not log.verify().is_clean

    def test_an_emptied_log_is_damage_too(self, log_path):
        """Deleting every event does not start the positions over."""
        filled(log_path)
        with closing(unguarded(log_path)) as connection:
            connection.execute("DELETE FROM events")

        with (
            Log(SqliteBackend(log_path)) as log,
            pytest.raises(LogDamagedError, match="position 5"),
        ):
            log.append("run-r1", [paused()], expected_version=0)

    def test_vacuum_keeps_positions(self, log_path):
        """Compacting the file changes no row, and the next position follows."""
        filled(log_path)
        with Log(SqliteBackend(log_path)) as log:
            before = list(log.read_all())
        with closing(sqlite3.connect(log_path, isolation_level=None)) as connection:
            connection.execute("VACUUM")
        with Log(SqliteBackend(log_path)) as log:
            after = list(log.read_all())
            (recorded,) = log.append("run-r1", [paused()], expected_version=5)

        assert before == after
        assert 6 == recorded.position

    def test_a_copy_is_the_same_log(self, log_path, tmp_path):
        """A backup holds every event with its hash, and never overwrites."""
        filled(log_path)
        with Log(SqliteBackend(log_path)) as log:
            log.backup(str(tmp_path / "copy.db"))
            with pytest.raises(LogExistsError):
                log.backup(str(tmp_path / "copy.db"))
            original = list(log.read_all())
        with Log(SqliteBackend(tmp_path / "copy.db")) as copy:
            assert original == list(copy.read_all())
            assert copy.verify().is_clean


class TestProcesses:
    """Several processes share one file."""

    def test_two_processes_append_without_gaps(self, log_path):
        """Positions are 1..n, each process's events in its order, the chain clean."""
        code = """
            log = Log(SqliteBackend(path))
            name = sys.stdin.readline().strip()
            for n in range(40):
                log.append("shared", [paused(f"{name} {n}")], expected_version=ANY)
        """
        workers = [child(code, log_path) for _ in range(2)]
        for name, worker in zip("ab", workers, strict=True):
            worker.stdin.write(name + "\n")
            worker.stdin.flush()
        ends = [(worker.communicate(timeout=60)[1], worker.returncode) for worker in workers]
        with Log(SqliteBackend(log_path)) as log:
            read = list(log.read_all())
            is_clean = log.verify().is_clean

        assert [("", 0)] * 2 == ends
        assert list(range(1, 81)) == [r.position for r in read]
        for name in "ab":
            assert [f"{name} {n}" for n in range(40)] == [
                r.event.why for r in read if r.event.why.startswith(name)
            ]
        assert is_clean

    def test_a_lock_held_elsewhere_is_named_after_the_timeout(self, log_path, monkeypatch):
        """A write waits for the busy timeout, then says so; reads are not held up."""
        monkeypatch.setattr(log_files, "BUSY_TIMEOUT_S", 0.2)
        monkeypatch.setattr(faults, "BUSY_TIMEOUT_S", 0.2)
        filled(log_path, 2)
        holder = child(
            """
            log = Log(SqliteBackend(path))
            with journal_of(log).transaction():
                print("held", flush=True)
                sys.stdin.readline()
            """,
            log_path,
        )
        assert "held\n" == holder.stdout.readline()
        with Log(SqliteBackend(log_path)) as log:
            began = time.monotonic()
            with pytest.raises(LogBusyError, match=r"0\.2 s"):
                log.append("run-r1", [paused()], expected_version=ANY)
            waited = time.monotonic() - began
            read = len(list(log.read_all()))
            holder.communicate("\n", timeout=20)
            (recorded,) = log.append("run-r1", [paused()], expected_version=ANY)

        assert 0.15 < waited < 5
        assert 2 == read
        assert 3 == recorded.position

    @pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs kill -9")
    def test_what_was_acknowledged_survives_kill_9(self, log_path):
        """Every event that a killed process had an answer for is there once; the chain is clean."""
        code = """
            log = Log(SqliteBackend(path))
            name = sys.stdin.readline().strip()
            for n in range(1_000_000):
                log.append("shared", [paused(f"{name} {n}"), paused("pair")], expected_version=ANY)
                print(n, flush=True)
        """
        for round_number in range(5):
            worker = child(code, log_path)
            worker.stdin.write(f"k{round_number}\n")
            worker.stdin.flush()
            seen = [worker.stdout.readline() for _ in range(3 + 7 * round_number)]
            worker.send_signal(signal.SIGKILL)
            seen += worker.stdout.read().split()  # communicate() would pass over what is buffered
            worker.communicate(timeout=20)
            acknowledged = [f"k{round_number} {int(n)}" for n in seen if n.strip()]
            with Log(SqliteBackend(log_path)) as log:
                read = [r.event.why for r in log.read_all()]
                verification = log.verify()

            assert verification.is_clean
            assert len(read) % 2 == 0
            mine = [why for why in read if why.startswith(f"k{round_number} ")]
            assert acknowledged == mine[: len(acknowledged)]
            assert len(mine) == len(set(mine)) <= len(acknowledged) + 1


class TestDamage:
    """A damaged file is named as such."""

    def test_a_file_with_broken_pages_is_damage_not_a_traceback(self, log_path):
        """Reading stops with a log error, and verifying reports instead of raising."""
        filled(log_path, 200)
        content = bytearray(log_path.read_bytes())
        for start in range(4096 * 3, len(content), 4096):
            content[start : start + 200] = b"\xff" * 200
        log_path.write_bytes(content)

        def look():
            with Log(SqliteBackend(log_path)) as log:
                if not log.verify().is_clean:
                    raise LogDamagedError(str(log_path), "found by verify")

        with pytest.raises(LogDamagedError) as refused:
            look()

        assert str(log_path) in str(refused.value)


def test_read_only_errors_are_ours():
    """SQLite's own read-only code becomes our error."""
    fault = sqlite3.OperationalError("attempt to write a readonly database")
    fault.sqlite_errorcode = sqlite3.SQLITE_READONLY

    assert isinstance(faults.translated(fault, "x"), ReadOnlyLogError)

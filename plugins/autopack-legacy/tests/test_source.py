"""Databases are opened for reading only, and files of other kinds are refused by name."""

import os
import sqlite3
from contextlib import closing

import pytest

from autopack.errors import ImportRefusedError
from autopack_legacy import LegacyImporter


def refusal(path):
    """Return why *path* is refused."""
    with pytest.raises(ImportRefusedError) as caught:
        LegacyImporter().read(str(path))
    return caught.value.why


def test_missing_file_stays_missing(tmp_path):
    """A path without a file is refused, and no file is made."""
    why = refusal(tmp_path / "none.db")

    assert "no such file" in why
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"", "it is empty"), (b"run,phase\n1,2\n", "not a SQLite database"), (b"SQLite", "not a")],
)
def test_other_files_are_refused(tmp_path, content, why):
    """An empty file, a text file and a cut header are named for what they are."""
    path = tmp_path / "other.db"
    path.write_bytes(content)

    assert why in refusal(path)
    assert content == path.read_bytes()
    assert not LegacyImporter().recognises(str(path))


def test_folder_is_refused(tmp_path):
    """A folder is no database."""
    assert "a folder" in refusal(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_pipe_is_refused(tmp_path):
    """What is no regular file is refused without waiting for it."""
    os.mkfifo(tmp_path / "pipe")

    assert "no regular file" in refusal(tmp_path / "pipe")


def test_missing_tables_are_named(first):
    """A database without some of the needed tables is refused with their names."""
    first.execute("DROP TABLE phases")
    first.execute("DROP TABLE tiers")
    why = refusal(first.path)

    assert "lacks the tables tiers, phases" in why
    assert not LegacyImporter().recognises(first.path)


def test_missing_columns_are_named(first):
    """A table without a needed column is refused with its name."""
    first.execute("ALTER TABLE llm_usage_events DROP COLUMN completion_tokens")

    assert "table llm_usage_events lacks completion_tokens" == refusal(first.path)


def test_event_log_is_named_for_what_it_is(tmp_path):
    """An event log in place of an old database is refused as such."""
    path = tmp_path / "log.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE events (position)")
        connection.execute("CREATE TABLE log_identity (log_id)")

    assert "an event log" in refusal(path)


def test_damaged_database_is_refused(first):
    """What SQLite cannot read is refused with its message."""
    with open(first.path, "r+b") as file:
        file.seek(200)
        file.write(b"\xff" * 3000)

    assert "SQLite cannot read it" in refusal(first.path)


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_nothing_is_left_beside_it(first, mode):
    """Reading a database that nobody holds leaves it and its folder as they were."""
    first.add("runs")
    first.execute(f"PRAGMA journal_mode={mode}")
    folder = os.path.dirname(first.path)
    with open(first.path, "rb") as file:
        before = file.read()
    events = list(LegacyImporter().read(first.path).events)

    assert 1 == len(events)
    assert ["first.db"] == os.listdir(folder)
    with open(first.path, "rb") as file:
        assert before == file.read()


def test_a_writer_is_not_missed(first):
    """Rows that a writer in WAL mode has not folded in yet are read too."""
    first.execute("PRAGMA journal_mode=wal")
    with closing(sqlite3.connect(first.path)) as writer:
        writer.execute("INSERT INTO runs (id, state, created_at) VALUES ('r', 'X', '2025-12-01')")
        writer.commit()
        events = list(LegacyImporter().read(first.path).events)

    assert ["run-r"] == [stream for stream, _ in events]


def test_odd_names_of_files(make_database):
    """A question mark or a percent sign in the file's name is no part of an address."""
    database = make_database("what? 100%#.db")

    assert LegacyImporter().recognises(database.path)

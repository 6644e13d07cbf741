"""What ``verify`` finds besides a broken chain: lost ends, places that do not exist, old views."""

import sqlite3
from contextlib import closing

import pytest

from autopack import view
from autopack.errors import LogDamagedError
from autopack.format.chain import link_row
from autopack.log.backends.sqlite.log_files import create_file
from autopack.log.backends.sqlite.store import SqliteBackend
from autopack.log.log import Log
from autopack.log.verification import verify
from autopack.testing.facts import completed, created, paused, queued, usage


@pytest.fixture
def path(tmp_path):
    """A log of a run with one phase done, its views persisted."""
    path = tmp_path / "log.db"
    create_file(path)
    with Log(SqliteBackend(path)) as log:
        log.append("run-r1", [created(), queued(), paused()], expected_version=0)
        log.append("phase-r1/a", [usage(), completed()], expected_version=0)
        log.refresh_views()
    return path


def edit(path, *statements):
    """Change a file without its triggers."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        for (name,) in names.fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.execute(statement)


def faults(path, **options):
    """Return what is found, as (position, text)."""
    with Log(SqliteBackend(path)) as log:
        return [(fault.position, fault.what) for fault in log.verify(**options).faults]


def test_a_lost_end_is_named_by_its_first_position(path):
    """The file remembers how many positions it gave, so a dropped tail has a place."""
    edit(path, "DELETE FROM events WHERE position > 3")

    assert [(4, "it was given, as were all up to 5, but the log ends before it")] == faults(path)


def test_an_end_that_was_cut_with_its_memory_needs_an_anchor(path):
    """Only a head that was noted elsewhere tells that the log was longer."""
    with Log(SqliteBackend(path)) as log:
        anchor = f"5:{log.verify().head_hash}"
    edit(
        path,
        "DELETE FROM events WHERE position > 3",
        "UPDATE sqlite_sequence SET seq = 3 WHERE name = 'events'",
    )

    assert [] == faults(path)
    assert [(5, "it is missing: the log ends at 3")] == faults(path, expect=anchor)


def test_an_anchor_may_be_in_capitals(path):
    """As some tools write hexadecimal digits; another hash is another."""
    with Log(SqliteBackend(path)) as log:
        head_hash = log.verify().head_hash
    differs = f"its hash is {head_hash}, not {'0' * 64}"

    assert [] == faults(path, expect=f"5:{head_hash.upper()}")
    assert [(5, differs)] == faults(path, expect=f"5:{'0' * 64}")


def test_an_event_before_the_first_position_is_found(path):
    """A row at a position that no append gives is named by it."""
    edit(path, "UPDATE events SET position = -2 WHERE position = 2")
    found = faults(path)

    assert (-2, "no event stands before position 1") in found
    assert (2, "positions 2 to 2 are missing") in found


def test_a_version_that_does_not_follow_is_found(path):
    """Also where whoever wrote it made a chain that fits."""
    with closing(sqlite3.connect(path)) as connection:
        *_, before, last = connection.execute("SELECT * FROM events ORDER BY position").fetchall()
    digest = link_row(before[10], *last[:3], 5, *last[4:10])
    edit(path, f"UPDATE events SET version = 5, hash = x'{digest.hex()}' WHERE position = 5")

    assert [(5, "it has version 5 of its stream, not 2")] == faults(path)


def test_what_sqlite_finds_wrong_is_told(path):
    """Also where every event is as it was written; a look at the last ones leaves it out."""
    sql = "SELECT rootpage FROM sqlite_master WHERE name = 'view_checkpoints'"
    with closing(sqlite3.connect(path)) as connection:
        ((page,),) = connection.execute(sql).fetchall()
        ((size,),) = connection.execute("PRAGMA page_size").fetchall()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with open(path, "r+b") as file:
        file.seek((page - 1) * size + 5)
        file.write(b"\0\x20")  # where its cells begin
    with closing(SqliteBackend(path)) as backend:
        found, lately = verify(backend).faults, verify(backend, after=3).faults

    assert {None} == {fault.position for fault in found}
    assert () == lately


def test_views_that_say_something_else_are_found(path):
    """Persisted rows and totals are compared with a rebuild, and named by view and key."""
    edit(
        path,
        "UPDATE view_rows SET data = replace(data, 'COMPLETE', 'FAILED') WHERE view = 'phases'",
        "UPDATE view_checkpoints SET total = '{\"created\":9}' WHERE view = 'runs'",
    )

    assert [] == faults(path)
    assert {
        (None, "view 'phases' is not what the log says: r1/a"),
        (None, "view 'runs' is not what the log says: (total)"),
    } == set(faults(path, views=True))


def test_fresh_views_are_what_the_log_says(path):
    """Nothing is found in views as they were persisted, nor in ones that lag behind."""
    with Log(SqliteBackend(path)) as log:
        log.append("run-r1", [paused("again")], expected_version=3)

    assert [] == faults(path, views=True)


def test_a_view_that_cannot_be_read_says_how_to_make_it_anew(path):
    """A damaged row of a view is an error with the way out, which works."""
    edit(path, "UPDATE view_rows SET data = '{' WHERE view = 'runs'")
    with Log(SqliteBackend(path)) as log:
        with pytest.raises(LogDamagedError, match="autopack views refresh --rebuild"):
            view(log, "runs")
        log.refresh_views(rebuild=True)

        assert log.verify(views=True).is_clean


def test_a_last_page_that_cannot_be_read_is_named_by_its_positions(tmp_path):
    """Where the log stands rests on that page; looking for faults does not."""
    path = tmp_path / "long.db"
    create_file(path)
    with Log(SqliteBackend(path)) as log:
        for n in range(60):
            log.append("s", [paused(f"{n} {'x' * 400}")], expected_version=n)
    content = bytearray(path.read_bytes())
    last = content.rindex(b"59 xxxx") // 4096 * 4096
    content[last : last + 4096] = bytes(4096)
    path.write_bytes(content)
    found = [position for position, _what in faults(path) if position is not None]

    assert 60 == max(found)
    assert min(found) > 40

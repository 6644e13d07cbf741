"""A log is brought back to a position: a base backup, and the WAL that was archived since."""

import time

import psycopg
import pytest
from click.testing import CliRunner
from tests.postgres_server import PostgresServer, need_postgres

import autopack
from autopack.cli.main import autopack as cli
from autopack.errors import ReadOnlyLogError
from autopack.ports.log import ANY
from autopack.testing.facts import paused
from autopack_postgres.database_address import parsed

ARCHIVING = """wal_level = replica
archive_mode = on
archive_command = 'cp %p ../archive-%f'
"""
RECOVERING = """archive_mode = off
restore_command = 'cp {folder}/archive-%f %p'
recovery_target_name = 'before the import'
recovery_target_action = pause
"""


def _append(log, n):
    facts = [paused(f"number {i}") for i in range(n)]
    return _anchor(log.append("s", facts, expected_version=ANY)[-1])


def _anchor(last):
    return f"{last.position}:{last.hash.hex()}"


def _verify(url, anchor):
    return CliRunner().invoke(cli, ["--log", url, "log", "verify", "--expect", anchor])


def _asked(url, sql):
    with psycopg.connect(parsed(url).conninfo, autocommit=True) as connection:
        return connection.execute(sql).fetchone()[0]


def _wait_until_recovered(url):
    until = time.monotonic() + 60
    while "paused" != _asked(url, "SELECT pg_get_wal_replay_pause_state()"):
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.mark.slow
def test_a_log_is_brought_back_to_a_position():
    """It ends there and is sound, is read before it goes on, and lacks what a later anchor says."""
    need_postgres()
    with PostgresServer(settings=ARCHIVING) as server:
        with autopack.create_log(server.url()) as log:
            _append(log, 3)
            backup = server.back_up()
            then = _append(log, 4)
            _asked(server.url(), "SELECT pg_create_restore_point('before the import')::text")
            later = _append(log, 5)
        server.stop()  # which archives the last of its WAL
        settings = RECOVERING.format(folder=server.folder)
        with PostgresServer(settings=settings, backup=backup) as brought_back:
            url = brought_back.url()
            _wait_until_recovered(url)
            with autopack.open_log(url) as log:
                last = list(log.read_all())[-1]
                with pytest.raises(ReadOnlyLogError):
                    _append(log, 1)
                as_then, as_later = _verify(url, then), _verify(url, later)
                _asked(url, "SELECT pg_promote()")
                _append(log, 1)
            gone_on = _verify(url, then)

    assert (7, then) == (last.position, _anchor(last))
    assert (0, 1, 0) == (as_then.exit_code, as_later.exit_code, gone_on.exit_code)
    assert "12" in as_later.output

"""Logs that an earlier version made are read, and brought to today's tables."""

import re
import subprocess
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner
from tests.postgres_server import BINARIES, new_url

import autopack
from autopack.cli.main import autopack as cli
from autopack.errors import OlderLogError, ReadOnlyLogError
from autopack.testing.facts import paused
from autopack_postgres.database_address import parsed

_OLDER = sorted((Path(__file__).parent / "schemas").glob("*.sql"))
"""What pg_dump wrote of logs of earlier versions: 5 events, and two roles."""


@pytest.fixture(params=_OLDER, ids=lambda file: file.stem)
def older(request):
    """The address of a log of an earlier version."""
    url = new_url()
    schema = parsed(url).schema
    roles = f"{schema}_writer, {schema}_reader"
    with psycopg.connect(parsed(url).conninfo, autocommit=True) as owner:
        for role in roles.split(", "):
            owner.execute(f"CREATE ROLE {role} LOGIN")
        _program("psql", url, "-q", "-v", "ON_ERROR_STOP=1", told=_made(request.param, schema))
        yield url
        owner.execute(f"DROP OWNED BY {roles}; DROP ROLE {roles}")


def _made(file, schema):
    return file.read_text(encoding="utf-8").replace("older", schema)


def _program(name, url, *options, told=""):
    called = [BINARIES / name, *options, parsed(url).conninfo]
    return subprocess.run(called, check=True, capture_output=True, text=True, input=told).stdout


def _of_role(url, role):
    return url.replace("user=autopack", f"user={parsed(url).schema}_{role}")


def test_an_older_log_is_read_and_says_how_it_is_written_again(older, request):
    """Its history is there; an append names the command, and writes nothing."""
    version = request.node.callspec.params["older"].stem
    with autopack.open_log(older) as log:
        found = log.verify()
        with pytest.raises(OlderLogError, match=f"version {version}") as refused:
            log.append("s", [paused()], expected_version=2)

        assert (True, 5) == (found.is_clean, log.head().position)
    assert f"autopack log upgrade '{log.target}'" in refused.value.typed


def test_an_upgrade_leaves_the_history_and_gives_what_a_new_log_has(older):
    """Identity, hashes and roles stay, whoever wrote writes on, and the tables are a new log's."""
    with autopack.open_log(older) as log:
        before = log.info()
    for _ in range(2):  # the second time there is nothing to do
        told = CliRunner().invoke(cli, ["log", "upgrade", older])
        assert 0 == told.exit_code, told.output
    with autopack.open_log(older) as log:
        assert before == log.info()
        assert log.verify(expect=(5, before["head_hash"]), views=True).is_clean
    with autopack.open_log(_of_role(older, "writer")) as log:
        log.append("s", [paused()], expected_version=2)
        log.append("s", [paused(), paused()], expected_version=3)
    with autopack.open_log(_of_role(older, "reader")) as log:
        assert 8 == log.head().position
        with pytest.raises(ReadOnlyLogError):
            log.append("s", [paused()], expected_version=5)

    new = new_url()
    autopack.create_log(new).close()
    assert _tables(new) == _tables(older)


def test_who_does_not_own_a_log_does_not_upgrade_it(older):
    """It stays as it was, and its owner can still do it; who has it open writes from then on."""
    with autopack.open_log(_of_role(older, "writer")) as log:
        with pytest.raises(ReadOnlyLogError):
            autopack.upgrade_log(_of_role(older, "writer"))
        with pytest.raises(OlderLogError):
            log.append("s", [paused()], expected_version=2)
        autopack.upgrade_log(older).close()
        log.append("s", [paused()], expected_version=2)

        assert 6 == log.head().position


def test_an_upgrade_finds_what_clocks_held(older):
    """Up to which event clocks were held is noted, so that the others are not looked up."""
    with psycopg.connect(parsed(older).conninfo, autocommit=True) as by_hand:
        by_hand.execute(f"INSERT INTO {parsed(older).schema}.clock_holds VALUES (2, 3, 1, true)")
        autopack.upgrade_log(older).close()

        found = by_hand.execute(f"SELECT held_to FROM {parsed(older).schema}.head").fetchall()

    assert [(3,)] == found


def test_a_log_in_a_file_is_opened_as_it_is(tmp_path):
    """There is nothing to bring it to."""
    autopack.create_log(tmp_path / "log.db").close()
    told = CliRunner().invoke(cli, ["log", "upgrade", str(tmp_path / "log.db")])

    assert (0, "as this version keeps logs" in told.stdout) == (0, True), told.output


def _tables(url):
    """Return what a log's schema is made of, by another name, without who may do what."""
    schema = parsed(url).schema
    told = _program("pg_dump", url, "--schema-only", "--no-privileges", f"--schema={schema}")
    told = told.partition("\n--\n-- PostgreSQL database dump complete")[0]
    texts = re.sub(rf"\b(autopack_)?{schema}\b", "LOG", told).split("\n--\n-- Name: ")
    return sorted(text for text in texts[1:])

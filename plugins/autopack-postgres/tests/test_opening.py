"""Creating and opening logs by their address."""

import json
import re
import subprocess
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner
from tests.postgres_server import BINARIES, new_url, shared_server

import autopack
from autopack.cli.main import autopack as cli
from autopack.errors import (
    InvalidInputError,
    LogError,
    LogExistsError,
    LogHinderedError,
    LogMissingError,
    NotALogError,
    ReadOnlyLogError,
)
from autopack.testing.facts import paused
from autopack_postgres.database_address import parsed


def test_a_log_is_created_and_worked_on_by_its_address():
    """The command and the functions take the address as they take a path."""
    url = new_url()
    made = CliRunner().invoke(cli, ["log", "create", url])
    with autopack.open_log(url) as log:
        autopack.create_run(log, "r1", [autopack.PhaseSpec("a")])
        counted = log.info()
    shown = CliRunner().invoke(cli, ["--log", url, "log", "info", "--json"])

    assert (0, 0) == (made.exit_code, shown.exit_code)
    assert (1, 1) == (counted["runs"], counted["phases"])
    assert counted == json.loads(shown.stdout)


def test_creating_never_opens_and_opening_never_creates():
    """What is there is left as it is; what is not there is not made, and logs beside are named."""
    there, absent = new_url(), new_url()
    with autopack.create_log(there) as log:
        log.append("s", [paused()], expected_version=0)
    with pytest.raises(LogExistsError):
        autopack.create_log(there)
    with pytest.raises(LogMissingError) as missing:
        autopack.open_log(absent)
    with pytest.raises(LogMissingError):
        autopack.open_log(absent)

    assert missing.value.nearby
    assert {parsed(there).beside(found.rpartition("=")[2]) for found in missing.value.nearby} == (
        set(missing.value.nearby)
    )
    with autopack.open_log(there) as log:
        assert 1 == log.head().position


def test_a_schema_that_holds_something_else_is_left_alone():
    """It is named as what it is, both ways."""
    url = new_url()
    with psycopg.connect(parsed(url).conninfo, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {parsed(url).schema}")
    with pytest.raises(NotALogError, match="a schema without a log"):
        autopack.open_log(url)
    with pytest.raises(LogExistsError) as exists:
        autopack.create_log(url)

    assert "open it" not in str(exists.value)


@pytest.mark.parametrize("schema", ["", "Nightly", "a-b", "pg_mine", "a;drop", "x" * 51])
def test_a_schema_has_a_plain_name(schema):
    """What would have to be quoted is refused before anything is asked."""
    with pytest.raises(InvalidInputError, match="schema"):
        parsed(f"postgresql://host/work?schema={schema}")


def test_passwords_are_shown_to_nobody():
    """Neither in the log's name, nor in what an address is as a text."""
    address = parsed("postgresql://ann:s3cret@host:5433/work?sslmode=require&password=s3cret")

    assert "s3cret" not in f"{address} {address.target}"
    assert "s3cret" in address.conninfo
    assert re.search(r"ann:\*\*\*@host:5433/work\?sslmode=require", address.target)


WORK = """
from autopack import NeedsPerson


def execute(phase, attempt):
    return NeedsPerson("May it?", outputs={"a.md": "a"})
"""


def test_no_command_says_the_password_of_its_log(tmp_path, monkeypatch):
    """Neither as what to do next, nor where it was refused; the server is asked with it."""
    monkeypatch.chdir(tmp_path)
    Path("work.py").write_text(WORK, encoding="utf-8")
    Path("r.json").write_text('{"phases": [{"id": "a"}, {"id": "b"}]}', encoding="utf-8")
    url = new_url().replace("postgresql://", "postgresql://autopack:hunter2@")
    takes = ["--executor", "work.py:execute"]
    told = {}
    for words in (
        ["log", "create", url],
        ["log", "create", url],
        ["run", "create", "r", "--phases", "r.json"],
        ["drain", *takes, "--max-phases", "1"],
        ["worker", *takes, "--max-phases", "1", "--json"],
        ["status"],
        ["report", "r"],
        ["phase", "text", "r/a"],
        ["phase", "show", "r/a"],
        ["drain", "list"],
        ["doctor"],
        ["calibrate", "report"],
        ["status", "--log", url + "2"],
        ["log", "copy", url, url],
        ["restore", url, url],
        ["scale", "--launcher", "local", "--max", "0", "--once", "--", *takes],
    ):
        done = CliRunner().invoke(cli, ["--log", url, *words])
        told[" ".join(words[:2])] = done.stdout + done.stderr

    assert [] == [words for words, said in told.items() if "hunter2" in said]
    assert "drain --resume" in told["drain --executor"]
    assert "phase text r/a NAME" in told["phase text"]
    assert "Two logs are named" in told["status --log"]


def test_a_role_without_a_right_is_told_how_it_gets_it():
    """In PostgreSQL's words, and with the functions that give it; nothing is said of files."""
    url = new_url()
    schema = parsed(url).schema
    role = f"{schema}_worker"
    theirs = url.replace("user=autopack", f"user={role}")
    with psycopg.connect(parsed(url).conninfo, autocommit=True) as superuser:
        superuser.execute(f"CREATE ROLE {role} LOGIN")
        with pytest.raises(ReadOnlyLogError, match=r"denied for database.*needs CREATE on the"):
            autopack.create_log(theirs)
        autopack.create_log(url).close()
        with pytest.raises(ReadOnlyLogError, match=r"denied for schema.*grant_writer\('ROLE'\)"):
            autopack.open_log(theirs)
        superuser.execute(f"SELECT {schema}.grant_reader('{role}')")
        with autopack.open_log(theirs) as log:
            with pytest.raises(ReadOnlyLogError, match="denied for function"):
                log.append("s", [paused()], expected_version=0)
            superuser.execute(f"REVOKE ALL ON SCHEMA {schema} FROM {role}")
            with pytest.raises(LogError, match=r"does not exist.*its role may not see it"):
                log.head()
        superuser.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")


def test_who_cannot_be_reached_is_told_at_once():
    """A server that is not there is no log that is missing."""
    url = shared_server().url().replace("autopack-pg-", "autopack-pg-none-")
    with pytest.raises(LogHinderedError, match="PostgreSQL cannot be asked"):
        autopack.open_log(url)


def test_who_makes_a_log_need_not_be_a_superuser():
    """The right to create schemas is enough, and history is kept from its owner, too."""
    url = new_url()
    address = parsed(url)
    role = f"{address.schema}_owner"
    with psycopg.connect(address.conninfo, autocommit=True) as superuser:
        superuser.execute(f"CREATE ROLE {role} LOGIN")
        superuser.execute(f"GRANT CREATE ON DATABASE postgres TO {role}")
        own = url.replace("user=autopack", f"user={role}")
        with autopack.create_log(own) as log:
            log.append("s", [paused(), paused()], expected_version=0)
            log.refresh_views()
            assert log.verify(views=True).is_clean
        with psycopg.connect(parsed(own).conninfo, autocommit=True) as owner:
            assert [(2,)] == owner.execute(
                f"SELECT count(*) FROM {address.schema}.v_events"
            ).fetchall()
            for search_path in (address.schema, f"{address.schema}, pg_temp"):
                owner.execute(f"SET search_path = {search_path}")
                with pytest.raises(psycopg.errors.RaiseException):
                    owner.execute("INSERT INTO events SELECT * FROM events")
        superuser.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")


@pytest.mark.slow
def test_a_dump_holds_the_log(tmp_path):
    """What pg_dump wrote of a log makes it again in another database, and it is used on."""
    url = new_url()
    with autopack.create_log(url) as log:
        log.append("s", [paused(), paused()], expected_version=0)
        told = log.info()
    address, dump = parsed(url), tmp_path / "log.sql"
    programs = BINARIES
    subprocess.run(
        [programs / "pg_dump", f"--schema={address.schema}", f"--file={dump}", address.conninfo],
        check=True,
    )
    database = f"again_{address.schema}"
    with psycopg.connect(address.conninfo, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {database}")
    again = url.replace("/postgres?", f"/{database}?")
    done = subprocess.run(
        [
            programs / "psql",
            "-q",
            "-v",
            "ON_ERROR_STOP=1",
            f"--file={dump}",
            parsed(again).conninfo,
        ],
        check=False,
        capture_output=True,
        text=True,
    )
    assert 0 == done.returncode, done.stderr
    with autopack.open_log(again) as log:
        log.append("s", [paused()], expected_version=2)

        assert log.verify(expect=(2, told["head_hash"])).is_clean
        assert told["log_id"] == log.info()["log_id"]

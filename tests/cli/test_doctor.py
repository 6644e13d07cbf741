"""``autopack doctor`` on files that are really missing, foreign, damaged, locked or read-only."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

import pytest

from autopack.events import RunCreated
from autopack.log.backends.sqlite.store import SqliteBackend
from autopack.log.log import Log

NAMES = (
    "autopack", "python", "sqlite", "dependencies", "plugins", "AUTOPACK_LOG",
    "AUTOPACK_DISABLE_PLUGINS", "log", "events", "clock", "permissions", "disk", "wal",
    "triggers", "lock",
)  # fmt: skip
DAY_S = 86_400


@pytest.fixture
def found(cli):
    """Examine a log, and return the exit code and the checks by name."""

    def examine(*arguments):
        result = cli(*arguments, "--json")
        told = json.loads(result.stdout)
        assert told["is_fine"] == (result.exit_code == 0)
        return result.exit_code, {check["name"]: check for check in told["checks"]}

    return examine


def edit(path, *statements):
    """Change a log behind its back, as somebody with an SQLite shell would."""
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def append_runs(path, n, **options):
    """Append runs without phases."""
    with Log(SqliteBackend(path), **options) as log:
        batch = [(f"run-x{i}", [RunCreated(run_id=f"x{i}")], 0) for i in range(n)]
        log.append_batch(batch)


def test_a_sound_log_has_no_fault(found, run_log):
    """Everything is looked at, in order, and nothing is wrong."""
    code, checks = found("--log", run_log, "doctor")

    assert (0, list(NAMES)) == (code, list(checks))
    assert {"ok"} == {check["verdict"] for check in checks.values()}
    assert "3 events" in checks["log"]["found"]


def test_a_log_is_not_needed(found):
    """Without a log, the installation alone is looked at."""
    code, checks = found("doctor")

    assert 0 == code
    assert {"log", "events", "lock"}.isdisjoint(checks)
    assert "ok" == checks["clock"]["verdict"]


def test_nothing_is_changed(cli, run_log):
    """The log's bytes are the same afterwards, and nothing is left beside it."""
    before, beside = run_log.read_bytes(), sorted(run_log.parent.iterdir())
    assert 0 == cli("--log", run_log, "doctor", "--full").exit_code

    assert before == run_log.read_bytes()
    assert beside == sorted(run_log.parent.iterdir())


def test_the_text_says_what_to_do(cli, tmp_path, run_log):
    """Each fault is followed by what to do, and the last line counts."""
    result = cli("--log", tmp_path / "none.db", "doctor")

    assert 1 == result.exit_code
    assert f"fault    log                       there is nothing at {tmp_path}" in result.stdout
    assert "to do: Logs nearby:" in result.stdout
    assert f"{run_log} (1 run, 2 phases)" in result.stdout
    assert result.stdout.endswith("1 fault, no warnings\n")
    assert not (tmp_path / "none.db").exists()


@pytest.mark.parametrize(
    ("content", "what"),
    [(b"", "an empty file"), (b"plain text " * 20, "not a SQLite database")],
)
def test_a_foreign_file_is_named(found, tmp_path, content, what):
    """What is no log is named for what it is, and left alone."""
    path = tmp_path / "notes.db"
    path.write_bytes(content)
    code, checks = found("--log", path, "doctor")

    assert (1, "fault") == (code, checks["log"]["verdict"])
    assert what in checks["log"]["found"]
    assert content == path.read_bytes()


def test_another_database_is_named_by_its_tables(found, tmp_path):
    """Another SQLite database is a fault, with its tables."""
    edit(tmp_path / "other.db", "CREATE TABLE customers (name)")
    code, checks = found("--log", tmp_path / "other.db", "doctor")

    assert 1 == code
    assert "customers" in checks["log"]["found"]


def test_a_newer_format_asks_for_an_upgrade(found, run_log):
    """A log of a later version is a fault that an upgrade mends."""
    edit(run_log, "PRAGMA user_version = 99")
    code, checks = found("--log", run_log, "doctor")

    assert (1, "Upgrade autopack.") == (code, checks["log"]["to_do"])


def test_a_target_that_names_nothing_is_a_fault(found, monkeypatch):
    """A log in memory, an unknown kind of storage and blanks cannot be examined."""
    monkeypatch.setenv("AUTOPACK_LOG", "/somewhere/else.db")
    for target in ("memory:", "nosuch://place", "", "  "):
        code, checks = found("--log", target, "doctor")
        assert (1, "fault") == (code, checks["log"]["verdict"])


@pytest.mark.parametrize("options", [(), ("--full",)])
def test_an_edited_event_is_found(found, run_log, options):
    """An event that was changed is named by its position; so are the triggers that are gone."""
    edit(
        run_log,
        "DROP TRIGGER events_are_never_updated",
        'UPDATE events SET data = \'{"run_id":"other"}\' WHERE position = 2',
    )
    code, checks = found("--log", run_log, "doctor", *options)

    assert 1 == code
    assert "position 2: its hash does not fit" in checks["events"]["found"]
    assert "events_are_never_updated" in checks["triggers"]["found"]


def test_old_damage_is_found_by_a_full_examination(found, log_path):
    """The last 1,000 events are looked at; --full looks at all of them."""
    append_runs(log_path, 1200)
    edit(
        log_path,
        "DROP TRIGGER events_are_never_updated",
        'UPDATE events SET data = \'{"run_id":"other"}\' WHERE position = 7',
    )
    _, quick = found("--log", log_path, "doctor")
    _, full = found("--log", log_path, "doctor", "--full")

    assert "ok" == quick["events"]["verdict"]
    assert "--full" in quick["events"]["found"]
    assert "position 7: " in full["events"]["found"]


def test_a_cut_tail_is_found(found, log_path):
    """Events that were given a position and are gone are missed, however long the log is."""
    append_runs(log_path, 1200)
    edit(
        log_path,
        "DROP TRIGGER events_are_never_deleted",
        "DELETE FROM events WHERE position > 1190",
    )
    code, checks = found("--log", log_path, "doctor")

    assert 1 == code
    assert "position 1191: it was given, as were all up to 1200" in checks["events"]["found"]


def test_damaged_pages_are_a_fault(found, log_path):
    """A file whose pages were overwritten is a fault, not a crash."""
    append_runs(log_path, 300)
    whole = log_path.read_bytes()
    log_path.write_bytes(whole[:8192] + b"\xff" * (len(whole) - 8192))
    code, checks = found("--log", log_path, "doctor", "--full")

    assert 1 == code
    assert "fault" in {checks["log"]["verdict"], checks.get("events", {}).get("verdict")}


def test_a_cut_file_is_a_fault(found, log_path):
    """A file that was copied by half is a fault, not a crash."""
    append_runs(log_path, 300)
    log_path.write_bytes(log_path.read_bytes()[:5000])
    code, _ = found("--log", log_path, "doctor")

    assert 1 == code


def test_a_lock_is_seen(found, run_log):
    """A process that holds the write lock is a warning, since it may be at work."""
    holder = (
        "import sqlite3, sys\n"
        "connection = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "connection.execute('BEGIN IMMEDIATE')\n"
        "print('held', flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holder, str(run_log)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert "held\n" == process.stdout.readline()
        code, checks = found("--log", run_log, "doctor")
        process.communicate("")

    assert (0, "warning") == (code, checks["lock"]["verdict"])
    assert "ok" == found("--log", run_log, "doctor")[1]["lock"]["verdict"]


@pytest.mark.parametrize(
    ("days", "verdict"), [(0.5, "warning"), (3, "fault"), (-3, "ok"), (-4000, "warning")]
)
def test_a_wrong_clock_is_found(found, log_path, days, verdict):
    """A last event that is still to come, or ages ago, shows that the clock was or is wrong."""
    at = time.time() + days * DAY_S
    append_runs(log_path, 1, clock=lambda: at)
    code, checks = found("--log", log_path, "doctor")

    assert verdict == checks["clock"]["verdict"]
    assert code == (verdict == "fault")


def test_another_log_in_the_environment_is_a_warning(found, run_log, monkeypatch):
    """AUTOPACK_LOG that names another log than --log is the start of confusion."""
    monkeypatch.setenv("AUTOPACK_LOG", str(run_log.parent / "other.db"))
    code, checks = found("--log", run_log, "doctor")

    assert (0, "warning") == (code, checks["AUTOPACK_LOG"]["verdict"])
    assert str(run_log) in checks["AUTOPACK_LOG"]["found"]


def test_the_same_log_in_the_environment_is_fine(found, run_log, monkeypatch):
    """AUTOPACK_LOG alone names the log that is examined; it may be written another way."""
    monkeypatch.setenv("AUTOPACK_LOG", f"sqlite:///{run_log}")
    _, alone = found("doctor")
    _, both = found("--log", run_log, "doctor")

    assert "ok" == alone["log"]["verdict"] == alone["AUTOPACK_LOG"]["verdict"]
    assert "ok" == both["AUTOPACK_LOG"]["verdict"]


def test_a_relative_log_in_the_environment_is_a_warning(found, run_log, monkeypatch):
    """A relative AUTOPACK_LOG names another file after a change of directory."""
    monkeypatch.chdir(run_log.parent)
    monkeypatch.setenv("AUTOPACK_LOG", run_log.name)
    _, checks = found("doctor")

    assert "warning" == checks["AUTOPACK_LOG"]["verdict"]
    assert str(run_log) in checks["AUTOPACK_LOG"]["to_do"]


def test_a_password_is_masked(found, monkeypatch):
    """Credentials of a log's URL are not shown."""
    monkeypatch.setenv("AUTOPACK_LOG", "nosuch://me:hunter2@db/log")
    _, checks = found("doctor")

    assert "hunter2" not in json.dumps(checks)


def test_disabled_plugins_are_a_warning(found, monkeypatch):
    """AUTOPACK_DISABLE_PLUGINS hides what is installed, so it is told."""
    monkeypatch.setenv("AUTOPACK_DISABLE_PLUGINS", "1")
    code, checks = found("doctor")

    assert (0, "warning") == (code, checks["AUTOPACK_DISABLE_PLUGINS"]["verdict"])
    assert "1 of 1" in checks["plugins"]["found"]


def test_a_broken_plugin_is_a_fault(found, tmp_path):
    """A plugin that fails is named, with why and from where."""
    (tmp_path / "broken.py").write_text("import no_such_module\n", encoding="utf-8")
    code, checks = found("--plugins-dir", tmp_path, "doctor")

    assert (1, "fault") == (code, checks["plugin broken"]["verdict"])
    assert "no_such_module" in checks["plugin broken"]["found"]
    assert str(tmp_path / "broken.py") in checks["plugin broken"]["to_do"]


_AS_ANOTHER = """
import json, os, sys
import attrs, autopack

autopack.diagnose(sys.argv[1])  # loads what the other user may not read
if os.geteuid() == 0:
    os.setresuid(65534, 65534, 65534)
print(json.dumps(attrs.asdict(autopack.diagnose(sys.argv[1]))))
"""


def _as_one_who_may_not(path):
    done = subprocess.run(
        [sys.executable, "-c", _AS_ANOTHER, str(path)], capture_output=True, text=True, check=True
    )
    return {check["name"]: check for check in json.loads(done.stdout)["checks"]}


@pytest.mark.skipif(not hasattr(os, "setresuid"), reason="another user is POSIX's own")
@pytest.mark.parametrize(
    ("mode", "name", "verdict"), [(0o444, "permissions", "warning"), (0o000, "log", "fault")]
)
def test_a_file_of_another_user_is_told(cli, mode, name, verdict):
    """A log that may only be read is a warning; one that may not be read is a fault."""
    folder = Path(tempfile.mkdtemp())  # one that another user may look into
    try:
        folder.chmod(0o755)
        path = folder / "work.db"
        assert 0 == cli("log", "create", path).exit_code
        path.chmod(mode)
        checks = _as_one_who_may_not(path)
    finally:
        shutil.rmtree(folder)

    assert verdict == checks[name]["verdict"]

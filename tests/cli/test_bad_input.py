"""Bad input ends with exit 2, one clear message on stderr, no traceback, and nothing changed."""

import os
import shutil
import sqlite3
from pathlib import Path

import pytest
from click.testing import Result
from tests import other_users


def refused(result: Result) -> str:
    """Return the message of a refused command."""
    assert 2 == result.exit_code
    assert "" == result.stdout
    assert "Traceback" not in result.stderr
    return result.stderr


def test_a_missing_path_creates_nothing_and_names_logs_nearby(cli, run_log, tmp_path):
    """A wrong path is an error that says which logs are near, with their counts."""
    missing = tmp_path / "wrong" / "work.db"
    message = refused(cli("--log", missing, "status"))

    assert f"no log at {missing}" in message
    assert f"{run_log} (1 run, 2 phases)" in message
    assert not missing.parent.exists()


def test_a_log_that_was_moved_away_is_missed_where_it_was(cli, run_log, executors, tmp_path):
    """After moving the log, the old path stays empty and the new one is named."""
    moved = tmp_path / "kept" / "work.db"
    moved.parent.mkdir()
    shutil.move(run_log, moved)
    message = refused(cli("--log", run_log, "drain", "--executor", f"{executors}:works"))

    assert f"{moved} (1 run, 2 phases)" in message
    assert not run_log.exists()


def test_no_log_named_is_refused(cli):
    """There is no default log."""
    message = refused(cli("status"))

    assert "--log" in message
    assert "AUTOPACK_LOG" in message


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("notes.txt", b"just some text, long enough to be read as a header" * 4, "not a SQLite"),
        ("empty.db", b"", "an empty file"),
    ],
)
def test_another_file_is_named_for_what_it_is(cli, tmp_path, name, content, what):
    """A text file and an empty file are left as they are."""
    path = tmp_path / name
    path.write_bytes(content)
    message = refused(cli("--log", path, "status"))

    assert what in message
    assert content == path.read_bytes()
    assert [name] == os.listdir(tmp_path)


def test_a_directory_is_no_log(cli, tmp_path):
    """A directory is named for what it is."""
    message = refused(cli("--log", tmp_path, "status"))

    assert "a directory" in message


def test_another_database_is_named_by_its_tables(cli, tmp_path):
    """Another SQLite database is left alone, and its tables are listed."""
    path = tmp_path / "other.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE customers (name)")
    connection.close()
    before = path.read_bytes()
    message = refused(cli("--log", path, "status"))

    assert "customers" in message
    assert before == path.read_bytes()


def test_a_file_of_a_newer_version_asks_for_an_upgrade(cli, log_path):
    """A log format above the known one is refused by number."""
    connection = sqlite3.connect(log_path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    message = refused(cli("--log", log_path, "status"))

    assert "log format 99" in message
    assert "Upgrade" in message


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="another user is POSIX's own")
def test_a_read_only_file_can_be_read_but_not_written(run_log):
    """Reading works; writing is refused and says what to change."""
    load = """
        from click.testing import CliRunner
        from autopack.cli.main import autopack
        def told(*words):
            result = CliRunner().invoke(autopack, ["--log", str(path), *words])
            return result.exit_code, result.stderr
        told("run", "list"), told("run", "pause", "none", "--why", "w")
    """
    code = """
        print(told("run", "list")[0])
        code, message = told("run", "pause", "r", "--why", "w")
        print(code, "read-only" in message, "permissions" in message)
    """
    with other_users.readable_folder() as folder:
        path = Path(shutil.copy(run_log, folder))
        other_users.readable(path)

        assert ["0", "2 True True"] == other_users.run(code, path, load=load)


def test_creating_never_opens(cli, run_log, events_of):
    """`log create` on an existing log leaves it as it is."""
    before = events_of(run_log)
    message = refused(cli("log", "create", run_log))

    assert "already exists" in message
    assert before == events_of(run_log)


def test_a_run_that_exists_is_left_as_it_is(cli, run_log, run_file, events_of):
    """A second run of the same id adds nothing."""
    before = events_of(run_log)
    message = refused(cli("--log", run_log, "run", "create", "r", "--phases", run_file))

    assert "'r' exists already" in message
    assert before == events_of(run_log)


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("complexty = 'low'", "complexty"),
        ("priority = 'high'", "priority"),
        ("[[[", "cannot be read"),
    ],
)
def test_a_wrong_field_of_a_run_file_is_named(cli, log_path, run_file, events_of, line, named):
    """A run file with a wrong field creates no run."""
    run_file.write_text(run_file.read_text(encoding="utf-8") + line + "\n", encoding="utf-8")
    message = refused(cli("--log", log_path, "run", "create", "r", "--phases", run_file))

    assert named in message
    assert 0 == events_of(log_path)


@pytest.mark.parametrize("text", ["", 'goal = "tidy"', "phases = []"])
@pytest.mark.parametrize(
    "command", [("run", "create", "s", "--phases"), ("phase", "add", "r", "--file")]
)
def test_a_file_without_phases_is_refused(cli, run_log, run_file, events_of, text, command):
    """A run of nothing is nearly always a mistake, and so is adding nothing."""
    before = events_of(run_log)
    run_file.write_text(text, encoding="utf-8")
    message = refused(cli("--log", run_log, *command, run_file))

    assert f"{run_file} holds no phases" in message
    assert before == events_of(run_log)


def test_a_missing_run_file_is_named(cli, log_path, tmp_path):
    """A run file that is not there is an error that names its path."""
    missing = tmp_path / "none.toml"
    message = refused(cli("--log", log_path, "run", "create", "r", "--phases", missing))

    assert str(missing) in message


def test_a_phase_that_is_not_queued_is_not_drained(cli, run_log, executors, events_of):
    """Draining one phase that is not QUEUED says which state it is in."""
    assert 0 == cli("--log", run_log, "phase", "skip", "r/p1", "--why", "not now").exit_code
    before = events_of(run_log)
    message = refused(
        cli("--log", run_log, "drain", "--run-id", "r", "--phase-id", "p1",
            "--executor", f"{executors}:works")
    )  # fmt: skip

    assert "SKIPPED" in message
    assert before == events_of(run_log)


def test_a_queued_phase_is_not_requeued(cli, run_log, events_of):
    """A move that is not allowed names the state and changes nothing."""
    before = events_of(run_log)
    message = refused(cli("--log", run_log, "phase", "requeue", "r/p1", "--why", "again"))

    assert "QUEUED" in message
    assert before == events_of(run_log)


@pytest.mark.parametrize("kind", ["strategy", "executor"])
def test_an_unknown_name_lists_the_known_ones(cli, run_log, executors, events_of, kind):
    """An unknown strategy or executor is refused before a phase is requeued."""
    given = {"strategy": "fifo", "executor": f"{executors}:works", kind: "nonsense"}
    before = events_of(run_log)
    message = refused(
        cli("--log", run_log, "drain", "--executor", given["executor"],
            "--strategy", given["strategy"], "--run-id", "r", "--phase-id", "p1",
            "--requeue", "--why", "again")
    )  # fmt: skip

    assert f"no {kind} 'nonsense'" in message
    assert "Known:" in message
    assert before == events_of(run_log)


def test_an_unknown_calibrator_lists_the_known_ones(cli, run_log):
    """An unknown calibrator is refused by name."""
    message = refused(cli("--log", run_log, "calibrate", "--calibrator", "nonsense"))

    assert "no calibrator 'nonsense'" in message
    assert "median-ratio" in message


def test_an_unknown_importer_lists_the_known_ones(cli, run_log, run_file):
    """An unknown kind of source is refused by name."""
    message = refused(cli("--log", run_log, "import", "nonsense", run_file))

    assert "no importer 'nonsense'" in message


def test_a_missing_source_is_not_imported(cli, log_path, tmp_path):
    """A source that is not there is refused by path."""
    pytest.importorskip("autopack_legacy")
    missing = tmp_path / "none.db"
    message = refused(cli("--log", log_path, "import", "autopack-legacy", missing))

    assert str(missing) in message
    assert not missing.exists()


def test_a_database_without_the_expected_tables_is_not_imported(cli, log_path, tmp_path, events_of):
    """A source that its importer cannot take adds nothing."""
    pytest.importorskip("autopack_legacy")
    path = tmp_path / "other.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE customers (name)")
    connection.close()
    message = refused(cli("--log", log_path, "import", "autopack-legacy", path))

    assert "cannot be imported" in message
    assert 0 == events_of(log_path)


def test_an_executor_file_that_fails_on_import_is_named(cli, run_log, tmp_path, events_of):
    """An error in an executor's file is one message, without a traceback."""
    bad = tmp_path / "bad.py"
    bad.write_text("import no_such_module\n", encoding="utf-8")
    before = events_of(run_log)
    message = refused(cli("--log", run_log, "drain", "--executor", f"{bad}:execute"))

    assert "no_such_module" in message
    assert before == events_of(run_log)


def test_a_plugin_that_fails_on_import_is_named_and_the_rest_works(cli, run_log, tmp_path):
    """A bad plugin is named on stderr by every command, and `plugins` exits with 1."""
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "broken.py").write_text("import no_such_module\n", encoding="utf-8")
    listed = cli("--plugins-dir", folder, "plugins")
    other = cli("--plugins-dir", folder, "--log", run_log, "run", "list")

    assert 1 == listed.exit_code
    assert "no_such_module" in listed.stdout
    assert 0 == other.exit_code
    assert "no_such_module" in other.stderr


def test_an_empty_log_is_not_drained_by_accident(cli, log_path, executors, events_of):
    """Draining a log without runs is suspicious, and refused unless insisted on."""
    executor = f"{executors}:works"
    message = refused(cli("--log", log_path, "drain", "--executor", executor))

    assert "--allow-empty" in message
    assert 0 == events_of(log_path)
    assert 0 == cli("--log", log_path, "drain", "--executor", executor, "--allow-empty").exit_code


@pytest.mark.parametrize(
    "arguments",
    [
        ("replay", "--until", "the day before"),
        ("replay", "--until", "2026-13-31T12:00:00"),
        ("replay", "--until", "4"),
        ("replay", "--diff", "1000000000"),
        ("replay", "--diff", "1", "--until", "4"),
        ("estimate", "--category", "docs", "--complexity", "low", "--until", "4"),
        ("replay", "--projection", "nonsense"),
        ("history", "nobody"),
        ("history", "r", "nobody"),
        ("run", "show", "nobody"),
        ("run", "pause", "nobody", "--why", "x"),
        ("phase", "show"),
        ("phase", "show", "no-slash"),
        ("phase", "show", "r/p1", "p2"),
        ("phase", "show", "r", "p1", "p2"),
        ("phase", "show", "r", "nobody"),
        ("history", "r/nobody"),
        ("history", "r/p1", "p2"),
        ("phase", "add", "r", "--category", "docs"),
        ("log", "verify", "--expect", "12"),
        ("status", "--json", "--markdown"),
        ("drain", "--executor", "x", "--phase-id", "p1"),
        ("drain", "--executor", "x", "--requeue"),
        ("calibrate", "apply", "nowhere.json"),
        ("nonsense",),
        ("run", "pause", "r", "--why", ""),
        ("calibrate", "--run-id", "nobody"),
        ("log", "prune", "--run-id", "r", "--why", " "),
        ("log", "backup", "nowhere/copy.db"),
        ("export", "jsonl", "nowhere/out.jsonl"),
    ],
)
def test_wrong_usage_changes_nothing(cli, run_log, events_of, arguments):
    """A wrong option, name or argument is refused with a message."""
    before = events_of(run_log)
    message = refused(cli("--log", run_log, *arguments))

    assert message.strip()
    assert before == events_of(run_log)


@pytest.mark.parametrize(
    ("word", "meant"),
    [("p1", " Did you mean r/p1?"), ("r", " Did you mean r/p1 or r/p2?"), ("p9", "")],
)
def test_a_phase_without_its_run_is_asked_for_it(cli, run_log, events_of, word, meant):
    """The error says both forms, and names the phases that may be meant."""
    before = events_of(run_log)
    message = refused(cli("--log", run_log, "phase", "requeue", word, "--why", "again"))

    assert f"'{word}' names no phase" in message
    assert message.endswith(f"give RUN/PHASE, or RUN PHASE.{meant}\n")
    assert before == events_of(run_log)


@pytest.mark.parametrize(
    "arguments", [("log", "backup"), ("export", "jsonl"), ("log", "restore", "{log}")]
)
def test_a_missing_folder_is_named_as_it_was_given(cli, run_log, tmp_path, arguments):
    """Not by the name of a file that is made on the way."""
    words = [one.format(log=run_log) for one in arguments]
    message = refused(cli("--log", run_log, *words, tmp_path / "nowhere" / "x.db"))

    assert f"The folder {tmp_path / 'nowhere'} does not exist" in message


def test_a_missing_plugins_folder_is_named(cli, tmp_path):
    """A plugin folder that is not there is refused."""
    missing = Path(tmp_path, "none")
    message = refused(cli("--plugins-dir", missing, "plugins"))

    assert str(missing) in message


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (("stauts",), "status"),
        (("replya", "--json"), "replay"),
        (("run", "lsit"), "list"),
        (("log", "verfy"), "verify"),
        (("calibrate", "aply", "x.json"), "apply"),
    ],
)
def test_the_nearest_command_is_named(cli, typed, meant):
    """A command that is not there is refused, and the one that was probably meant is named."""
    message = refused(cli(*typed))

    assert f"Did you mean '{meant}'?" in message


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (("status", "--jsn"), "There is no option --jsn. Did you mean --json?"),
        (("drain", "--excutor", "x"), "There is no option --excutor. Did you mean --executor?"),
        (("--plugin-dir", "x", "status"), "no option --plugin-dir. Did you mean --plugins-dir?"),
        (("status", "-v"), "no option -v. It stands before the command: autopack -v ..."),
        (("log", "tail", "--plugins-dir", "x"), "before the command: autopack --plugins-dir ..."),
        (("calibrate", "apply", "x.json", "--also", "y"), "autopack calibrate --also ..."),
    ],
)
def test_the_nearest_option_is_named(cli, typed, said):
    """An option that is not there is refused, with the one that was meant or where it stands."""
    assert said in refused(cli(*typed))


def test_no_option_is_guessed_from_afar(cli):
    """--colour is not --log."""
    message = refused(cli("status", "--colour"))

    assert "There is no option --colour." in message
    assert "Did you mean" not in message


@pytest.mark.parametrize(
    ("arguments", "typed", "never"),
    [
        (("run", "create", "r", "--phases", "{run}"), "autopack phase add r", "queue_phases()"),
        (("log", "create", "{log}"), "--log {log}", "open_log()"),
        (("phase", "requeue", "r/p1", "--why", " "), "--why REASON", "why=..."),
    ],
)
def test_who_typed_a_command_is_told_what_to_type(cli, run_log, run_file, arguments, typed, never):
    """Messages name commands and options here, and functions in Python."""
    places = {"run": run_file, "log": run_log}
    message = refused(cli("--log", run_log, *(one.format(**places) for one in arguments)))

    assert typed.format(**places) in message
    assert never not in message


def test_python_is_told_what_to_call(run_log, run_file):
    """The same errors, raised to a program, name functions."""
    import autopack
    from autopack.errors import LogExistsError, RunExistsError

    with autopack.open_log(run_log) as log:
        with pytest.raises(RunExistsError, match=r"queue_phases\(\)"):
            autopack.create_run(log, "r")
        with pytest.raises(LogExistsError, match=r"open_log\(\)"):
            autopack.create_log(run_log)


def test_a_plugin_command_is_named_too(cli, tmp_path):
    """A command that a plugin registered is among those that may have been meant."""
    (tmp_path / "greeting.py").write_text(
        "import click\n"
        "from autopack import hookimpl\n\n\n"
        "@hookimpl\n"
        "def autopack_register_commands(register):\n"
        "    register('greet-all', click.Command('greet-all', help='Greet.'))\n",
        encoding="utf-8",
    )
    message = refused(cli("--plugins-dir", tmp_path, "gret-all"))

    assert "Did you mean 'greet-all'?" in message


@pytest.mark.parametrize("typed", ["xyzzy", "run xyzzy"])
def test_nothing_is_guessed_from_afar(cli, typed):
    """Where no name is near, none is named."""
    message = refused(cli(*typed.split()))

    assert "There is no command 'xyzzy'." in message
    assert "Did you mean" not in message


def test_a_list_of_phases_is_said_to_be_elsewhere(cli):
    """The command that shows a run's phases is named."""
    assert "no command 'list'. Use: autopack run show RUN" in refused(cli("phase", "list"))


@pytest.mark.parametrize("typed", [[], ["history.csv"]])
def test_an_import_without_a_kind_lists_the_kinds(cli, typed):
    """Who gives only a file, or nothing, is told what may stand before it."""
    message = refused(cli("import", *typed))

    assert "Give KIND and PATH" in message
    assert "ndjson" in message


def test_a_folder_is_no_run_file(cli, run_log, tmp_path):
    """It is told as what it is."""
    message = refused(cli("--log", run_log, "run", "create", "s", "--phases", tmp_path))

    assert f"{tmp_path} is a folder: name a file in it." in message


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="links and pipes are POSIX's own")
def test_links_and_pipes_are_named(cli, tmp_path):
    """A link that leads nowhere and a pipe are no logs; a pipe is not waited for."""
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    os.mkfifo(tmp_path / "pipe")
    found = [refused(cli("--log", tmp_path / name, "status")) for name in ("link", "loop", "pipe")]

    assert all("a link that leads nowhere" in message for message in found[:2])
    assert "a device or a pipe" in found[2]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["drain", "--executor", "recorded", "--timeout-s", "1e15"], "timeout_s is 10000000000"),
        (["drain", "--executor", "recorded", "--timeout-s", "nan"], "'nan' is no finite number"),
        (["drain", "--executor", "recorded", "--lease-s", "1e12"], "at most 86,400"),
        (["drain", "--executor", "recorded", "--max-minutes", "inf"], "'inf' is no finite number"),
        (["drain", "--executor", "recorded", "--rpm", "9" * 5000], "is not N or MODEL=N"),
        (["drain", "--executor", "recorded", "-x", "a=" + "[" * 9999], "a is nested too deeply"),
        (["drain", "--command", "[" * 9999], "give a JSON list of arguments"),
        (["log", "tail", "--after", "9" * 23], "is above 9007199254740992."),
        (["log", "tail", "--limit", "9" * 23], "is above 9007199254740992."),
        (["log", "tail", "--limit", "0"], "0 is below 1."),
        (["log", "tail", "--limit", "1e6"], "'1e6' is no whole number."),
        (
            ["log", "prune", "--older-than-days", "1e300", "--why", "w"],
            "1e300 is not at least 0 and at most 36500.",
        ),
        (["log", "prune", "--older-than-days", "nan", "--why", "w"], "is no finite number"),
        (["replay", "--until", "9" * 5000], "is neither a position (120) nor a time"),
        (["replay", "--until", "9" * 18], "is past the log's head"),
        (["replay", "--until", "99999-01-01"], "is neither a position (120) nor a time"),
        (["replay", "--diff", "9" * 30], "is neither a position (120) nor a time"),
        (["phase", "add", "r", "--id", "p9", "--category", "a", "--complexity", "low",
          "--timeout-s", "1e308"], "at most 31,622,400 (a year)"),
        (["phase", "add", "r", "--id", "p9", "--category", "a", "--complexity", "low",
          "--priority", "9" * 20], "999; it must be a whole number, at most 9,007"),
        (["calibrate", "--confidence-threshold", "nan"], "is no finite number"),
    ],
    ids=lambda given: " ".join(given)[:40] if isinstance(given, list) else "",
)  # fmt: skip
def test_a_number_that_no_log_can_hold_is_refused(cli, run_log, events_of, words, told):
    """A position, a time or a count that is out of all bounds: one message, and nothing written."""
    n_events = events_of(run_log)
    message = refused(cli("--log", run_log, *words))

    assert told in message
    assert len(message) < 9_000
    assert n_events == events_of(run_log)


@pytest.mark.parametrize(
    ("cap", "said"),
    [
        ("tokens=-5", "the cap in tokens is -5; it must be a number above 0"),
        ("attempts=1.5", "the cap in attempts is 1.5; it must be a whole number up to 9,007,"),
        ("tokens=nan", "the cap in tokens is nan; it must be a number above 0"),
    ],
)
def test_a_number_is_told_as_it_was_typed(cli, run_log, cap, said):
    """With what it must be."""
    assert said in refused(cli("--log", run_log, "run", "cap", "r", cap))


@pytest.mark.parametrize(
    ("priority", "said"),
    [("NaN", "priority is nan; it"), ("1" + "0" * 20, "priority is a number of more than 64 bits")],
)
def test_odd_numbers_of_a_file_are_named(cli, run_log, tmp_path, priority, said):
    """What JSON takes and a log does not."""
    file = tmp_path / "odd.json"
    file.write_text(f'{{"phases": [{{"id": "a", "priority": {priority}}}]}}', encoding="utf-8")

    assert said in refused(cli("--log", run_log, "run", "create", "x", "--phases", file))

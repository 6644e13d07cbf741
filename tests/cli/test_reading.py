"""Commands that read: JSON alone on stdout, the log's name on stderr."""

import json
import re

import pytest

INFO_KEYS = {
    "target", "log_id", "parent", "created_at", "events", "head", "head_hash", "runs",
    "runs_implied", "phases", "phases_by_state", "usage_events", "estimates", "samples",
    "first_event_at", "last_event_at", "empty",
}  # fmt: skip


@pytest.mark.parametrize(
    "arguments",
    [
        ("log", "info"),
        ("log", "verify"),
        ("log", "tail"),
        ("run", "list"),
        ("run", "show", "r"),
        ("phase", "show", "r/p1"),
        ("status",),
        ("replay",),
        ("replay", "--projection", "attempts"),
        ("replay", "--diff", "1"),
        ("history", "r"),
        ("history", "r", "p1"),
        ("estimate", "--category", "tests", "--complexity", "low"),
        ("calibrate", "history"),
        ("views", "refresh"),
        ("plugins",),
    ],
)
def test_reading_commands_print_one_json_document(cli, run_log, arguments):
    """With --json, stdout holds one JSON document in ASCII and nothing else."""
    result = cli("--log", run_log, *arguments, "--json")

    assert 0 == result.exit_code
    assert json.loads(result.stdout) is not None
    assert result.stdout.isascii()


def test_info_names_the_log_and_its_counts(cli, run_log):
    """`log info --json` has every key that scripts rely on."""
    result = cli("--log", run_log, "log", "info", "--json")
    info = json.loads(result.stdout)

    assert set() == INFO_KEYS - set(info)
    assert (1, 2, {"QUEUED": 2}) == (info["runs"], info["phases"], info["phases_by_state"])
    assert f"log: {run_log} (log_id {info['log_id']})\n" == result.stderr


def test_log_may_be_named_by_option_place_or_environment(cli, run_log, monkeypatch):
    """--log before the command, after it, and AUTOPACK_LOG name the same log."""
    monkeypatch.setenv("AUTOPACK_LOG", str(run_log))
    monkeypatch.chdir(run_log.parent)
    texts = [
        cli("--log", run_log, "run", "list").stdout,
        cli("run", "list", "--log", "work.db").stdout,
        cli("run", "list").stdout,
    ]

    assert 1 == len(set(texts))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "list"), "There are no runs yet"),
        (("log", "tail"), "no event after position 0; the head is 0"),
        (("calibrate", "history"), "Nothing was proposed or applied"),
    ],
)
def test_an_empty_list_says_that_it_is_empty(cli, log_path, arguments, said):
    """On stderr: an answer of nothing is not taken for a command that did nothing."""
    result = cli("--log", log_path, *arguments)

    assert 0 == result.exit_code
    assert said in result.stderr
    assert [] == json.loads(cli("--log", log_path, *arguments, "--json").stdout)


def test_a_replayed_row_begins_with_its_status(cli, run_log):
    """What its key says is not said again."""
    row = cli("--log", run_log, "replay").stdout.splitlines()[-1]

    assert ["r/p2", "QUEUED", "tests"] == row.split()[:3]
    assert "run_id" not in row


def test_what_a_person_reads_is_no_field_name(cli, run_log, executors):
    """Facts of a log, caps, and why a drain or a phase ended: in words."""
    cli("--log", run_log, "run", "cap", "r", "tokens=90000", "--why", "so")
    cli("--log", run_log, "drain", "--executor", f"{executors}:fails", "--max-phases", "1")
    log = ("--log", run_log)
    info, drains, run, phase = (
        cli(*log, *words)
        for words in (
            ("log", "info"),
            ("drain", "list"),
            ("run", "show", "r"),
            ("phase", "show", "r/p1"),
        )
    )

    assert "last position " in info.stdout
    assert "runs not created " in info.stdout
    assert "--max-phases: " in drains.stdout
    assert "used holds what stands for calls that told nothing" in run.stderr
    assert "no usage " in phase.stdout
    assert "look at its message" in phase.stdout
    assert "execution_error" not in phase.stdout


def _run_file(folder):
    path = folder / "run.json"
    payload = {"my_key": 1, "at_last": {"in_it": 2}}
    path.write_text(json.dumps({"phases": [{"id": "a", "payload": payload}]}), encoding="utf-8")
    return path


def test_what_people_named_themselves_stays_as_it_is(cli, run_log, tmp_path):
    """Keys of a projection's values are data; only names of fields are said in words."""
    (tmp_path / "mine.py").write_text(
        "import autopack\n"
        "from autopack.events import PhaseQueued\n\n\n"
        "@autopack.projection(initial={}, types=(PhaseQueued,), envelope=False)\n"
        "def by_my_key(view, event):\n"
        "    n = view.get('my_key', {}).get('in_it', 0)\n"
        "    return {'my_key': {'in_it': n + 1}, 'run_id': event.run_id}\n",
        encoding="utf-8",
    )
    mine = f"{tmp_path / 'mine.py'}:by_my_key"
    whole = cli("--log", run_log, "replay", "--projection", mine).stdout
    changed = cli("--log", run_log, "replay", "--projection", mine, "--diff", "2").stdout
    board = cli("--log", run_log, "replay", "--projection", "attempts").stdout
    cli("--log", run_log, "run", "create", "s", "--phases", _run_file(tmp_path))
    phase = cli("--log", run_log, "phase", "show", "s/a").stdout

    assert ["my_key  in_it 2", "run_id  r"] == whole.splitlines()[1:]
    assert "(the whole): my_key in_it 1 -> in_it 2\n" == changed
    assert "calls without cost" in board
    assert "payload       my_key 1, at_last in_it 2\n" in phase
    assert "max attempts  3\n" in phase


def test_times_for_people_are_those_of_this_machine(cli, run_log):
    """In every command alike; --json has them whole, with their zone."""
    for words in (
        ("run", "list"),
        ("log", "info"),
        ("replay", "--projection", "runs"),
        ("status",),
    ):
        told = cli("--log", run_log, *words).stdout
        machine = cli("--log", run_log, *words, "--json").stdout

        assert "+00:00" not in told
        assert re.search(r"\d\d:\d\d", told)
        assert "+00:00" in machine or re.search(r"\d\dZ\"", machine)


def test_plugins_are_listed_by_kind(cli):
    """What a plugin adds is a line for each kind of thing."""
    lines = cli("plugins").stdout.splitlines()

    assert "  exporter: csv, jsonl, ndjson" in lines


def test_status_tells_what_to_do_next(cli, run_log):
    """Status ends with commands that can be pasted, and Markdown says the same."""
    text = cli("--log", run_log, "status").stdout
    markdown = cli("--log", run_log, "status", "--markdown").stdout
    steps = json.loads(cli("--log", run_log, "status", "--json").stdout)["next_steps"]

    assert "2 QUEUED" in text
    assert f"autopack --log {run_log} drain --executor NAME" in steps
    assert all(step in text and step in markdown for step in steps)


def test_replay_until_shows_an_earlier_moment(cli, run_log):
    """At position 2 only the first phase is known; --diff names what came since."""
    earlier = json.loads(cli("--log", run_log, "replay", "--until", "2", "--json").stdout)
    changes = json.loads(cli("--log", run_log, "replay", "--diff", "2", "--json").stdout)

    assert ["r/p1"] == list(earlier["rows"])
    assert ["r/p2"] == [change["key"] for change in changes]


def test_answers_stay_when_views_are_refreshed(cli, run_log):
    """A persisted view changes nothing in what is said."""
    before = cli("--log", run_log, "run", "show", "r", "--json").stdout
    positions = json.loads(cli("--log", run_log, "views", "refresh", "--json").stdout)
    after = cli("--log", run_log, "run", "show", "r", "--json").stdout

    assert {3} == set(positions.values())
    assert before == after


def test_tail_gives_the_last_events_or_those_after_a_position(cli, run_log):
    """`log tail` counts from the end, or from --after."""
    last = json.loads(cli("--log", run_log, "log", "tail", "--limit", "1", "--json").stdout)
    after = json.loads(cli("--log", run_log, "log", "tail", "--after", "1", "--json").stdout)

    assert [3] == [event["position"] for event in last]
    assert [2, 3] == [event["position"] for event in after]


def test_verify_names_an_edited_event(cli, run_log):
    """An edit behind the library's back is found: exit 1 and its position."""
    import contextlib
    import sqlite3

    with contextlib.closing(sqlite3.connect(run_log)) as connection, connection:
        for (name,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall():
            connection.execute(f'DROP TRIGGER "{name}"')
        connection.execute("UPDATE events SET data = replace(data, 'p1', 'p9') WHERE position = 2")
    result = cli("--log", run_log, "log", "verify", "--json")

    assert 1 == result.exit_code
    assert 2 in [fault["position"] for fault in json.loads(result.stdout)["faults"]]


def test_a_backup_is_a_log_of_its_own_place(cli, run_log, tmp_path):
    """`log backup` copies; a second one does not overwrite the first."""
    copy = tmp_path / "copy.db"

    assert 0 == cli("--log", run_log, "log", "backup", copy).exit_code
    assert 2 == cli("--log", run_log, "log", "backup", copy).exit_code
    assert 0 == cli("--log", copy, "log", "verify").exit_code


def test_a_log_is_restored_under_a_new_name(cli, run_log, tmp_path):
    """A backup and an export both become logs of their own, whose parent is the log."""
    assert cli("--log", run_log, "log", "backup", tmp_path / "copy.db").exit_code == 0
    assert cli("--log", run_log, "export", "ndjson", tmp_path / "a.ndjson.gz").exit_code == 0
    head = json.loads(cli("--log", run_log, "log", "info", "--json").stdout)
    for number, source in enumerate(("copy.db", "a.ndjson.gz")):
        dest = tmp_path / f"again-{number}.db"
        restored = cli("log", "restore", tmp_path / source, dest)
        info = json.loads(cli("--log", dest, "log", "info", "--json").stdout)

        assert f"Restored {head['events']} events to {dest}\n" == restored.stdout
        assert [head["log_id"], head["head"], head["head_hash"]] == info["parent"]
        assert head["head_hash"] == info["head_hash"]
        assert 2 == cli("log", "restore", tmp_path / source, dest).exit_code


def test_verify_compares_persisted_views(cli, run_log):
    """Fresh views are what the log says, so the verdict is clean."""
    cli("--log", run_log, "views", "refresh")
    result = cli("--log", run_log, "log", "verify", "--views")

    assert 0 == result.exit_code
    assert result.stdout.endswith(": clean\n")


UNTIL = (
    ("status",),
    ("run", "list"),
    ("run", "show", "r"),
    ("run", "cap", "r"),
    ("phase", "show", "r/p1"),
    ("phase", "text", "r/p1"),
    ("log", "info"),
    ("log", "verify"),
    ("log", "tail"),
    ("history", "r"),
    ("history", "r", "p1"),
    ("drain", "list"),
    ("cap", "list"),
    ("account", "list"),
    ("forecast",),
    ("calibrate", "history"),
)
"""Commands whose answer as of a position can be compared with what they said there."""


@pytest.mark.parametrize("arguments", UNTIL, ids=" ".join)
def test_until_gives_the_answer_of_then(cli, run_log, executors, arguments):
    """Byte for byte what the command said before more was recorded; stderr says as of when."""
    cli("--log", run_log, "drain", "--executor", f"{executors}:works", "--max-phases", "1")
    cli("--log", run_log, "phase", "skip", "r/p2", "--why", "not now")
    before = cli("--log", run_log, *arguments, "--json")
    position = json.loads(cli("--log", run_log, "log", "info", "--json").stdout)["head"]
    cli("--log", run_log, "phase", "requeue", "r/p2", "--why", "now")
    cli("--log", run_log, "drain", "--executor", f"{executors}:fails")
    then = cli("--log", run_log, *arguments, "--until", position, "--json")

    assert _timeless(before.stdout) == _timeless(then.stdout)
    assert f"as of position {position} (" in then.stderr


def _timeless(text):
    found = json.loads(text)
    if isinstance(found, dict) and "is_past" in found:
        found |= {"at": None, "is_past": None, "next_steps": None}
    return found


def test_until_takes_what_people_say(cli, run_log):
    """Yesterday the log was empty; a word that says no time is refused, and nothing is read."""
    empty = json.loads(cli("--log", run_log, "status", "--until", "yesterday", "--json").stdout)
    refused = cli("--log", run_log, "status", "--until", "soon")

    assert (0, [], True) == (empty["events"], empty["next_steps"], empty["is_past"])
    assert (2, "") == (refused.exit_code, refused.stdout)
    assert "'soon' is neither a position (120) nor a time" in refused.stderr


def test_a_command_that_would_write_as_of_then_is_refused(cli, run_log, events_of):
    """A cap is set now, or never."""
    result = cli("--log", run_log, "run", "cap", "r", "tokens=5", "--why", "x", "--until", "1")

    assert 2 == result.exit_code
    assert "as of position 1, and nothing is added to it" in result.stderr
    assert 3 == events_of(run_log)


def test_every_command_that_reads_alone_takes_until():
    """Those with --json that record nothing, but for those that look at this machine or a file."""
    from cli.test_surface import ALL

    others = {
        "log prune", "views refresh", "plugins", "doctor", "probe", "drain", "demo", "simulate",
        "import", "calibrate apply", "calibrate rollback", "drain set", "drain pause",
        "drain resume", "log text", "batch", "advise models", "workspaces sweep", "recheck",
        "worker", "scale", "plugins check",
    }  # fmt: skip
    options = {words: {o for p in one.params for o in p.opts} for words, one in ALL.items()}
    reading = {words for words, opts in options.items() if "--json" in opts} - others

    assert set() == {words for words in reading if "--until" not in options[words]}

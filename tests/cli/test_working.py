"""Commands that change something: runs, phases, drains, calibrations."""

import json
import shlex

import pytest


def test_a_drain_completes_the_queue_and_reports(cli, run_log, executors):
    """Every phase is done: exit 0, progress on stderr, the report last on stdout."""
    result = cli("--log", run_log, "drain", "--executor", f"{executors}:works", "--json")
    report = json.loads(result.stdout.splitlines()[-1])
    again = json.loads(cli("--log", run_log, "status", "--json").stdout)

    assert 0 == result.exit_code
    assert (2, 0, 2, 60) == (
        report["completed"], report["failed"], report["calls"], report["total_tokens"],
    )  # fmt: skip
    assert "r/p1  completed" in result.stderr
    assert {"COMPLETE": 2} == again["phases_by_state"]


def test_a_drain_with_failures_exits_with_1(cli, run_log, executors):
    """Failed phases: exit 1, the reason in the report, in status and in the history."""
    result = cli("--log", run_log, "drain", "--executor", f"{executors}:fails")
    status = json.loads(cli("--log", run_log, "status", "--json").stdout)
    history = cli("--log", run_log, "history", "r", "p1").stdout

    assert 1 == result.exit_code
    assert "2 failed" in result.stdout
    assert {"r/p1", "r/p2"} == {failure["phase"] for failure in status["failures"]}
    assert "two of nine tests failed" in history


def test_a_failed_phase_is_taken_back_and_drained_alone(cli, run_log, executors):
    """--requeue --why puts the named phase back, and only that one is worked on."""
    cli("--log", run_log, "drain", "--executor", f"{executors}:fails")
    result = cli(
        "--log", run_log, "drain", "--run-id", "r", "--phase-id", "p1", "--requeue",
        "--why", "cause fixed", "--executor", f"{executors}:works",
    )  # fmt: skip
    states = json.loads(cli("--log", run_log, "status", "--json").stdout)["phases_by_state"]

    assert 0 == result.exit_code
    assert {"COMPLETE": 1, "FAILED": 1} == states


def test_an_executor_that_cannot_be_called_refuses_the_drain(cli, run_log, tmp_path, events_of):
    """Exit 2 and nothing written, a requeue that was asked for included."""
    file = tmp_path / "amiss.py"
    file.write_text("def execute(phase):\n    return None\n")
    cli("--log", run_log, "phase", "skip", "r/p1", "--why", "not now")
    before = events_of(run_log)
    result = cli(
        "--log", run_log, "drain", "--executor", f"{file}:execute", "--run-id", "r",
        "--phase-id", "p1", "--requeue", "--why", "now",
    )  # fmt: skip

    assert 2 == result.exit_code
    assert "execute(phase) cannot be called with (phase, attempt)" in result.stderr
    assert before == events_of(run_log)


def test_a_dry_run_writes_nothing(cli, run_log, executors, events_of):
    """--dry-run lists what would be done."""
    before = events_of(run_log)
    result = cli(
        "--log", run_log, "drain", "--executor", f"{executors}:works", "--dry-run", "--json"
    )

    assert 0 == result.exit_code
    assert 2 == len(json.loads(result.stdout))
    assert before == events_of(run_log)


def test_a_limit_ends_a_drain(cli, run_log, executors):
    """--max-phases 1 leaves the second phase queued."""
    cli("--log", run_log, "drain", "--executor", f"{executors}:works", "--max-phases", "1")
    states = json.loads(cli("--log", run_log, "status", "--json").stdout)["phases_by_state"]

    assert {"COMPLETE": 1, "QUEUED": 1} == states


def test_a_text_that_a_phase_left_is_printed(cli, run_log, executors):
    """``phase text`` prints an output or artifact; another name lists those there are."""
    executors.write_text(
        "from autopack import NeedsPerson\n\n\ndef asks(phase, attempt):\n"
        "    attempt.attach('notes', 'why so')\n"
        "    return NeedsPerson('Merge?', outputs={'a.md': 'the text'})\n"
    )
    cli("--log", run_log, "drain", "--executor", f"{executors}:asks", "--max-phases", "1")
    approved = cli("--log", run_log, "phase", "approve", "r/p1", "--why", "fine")
    shown = cli("--log", run_log, "phase", "show", "r/p1")
    texts = [
        cli("--log", run_log, "phase", "text", "r/p1", name).stdout for name in ("a.md", "notes")
    ]
    unknown = cli("--log", run_log, "phase", "text", "r/p1", "b.md")

    assert "Phase r/p1 is COMPLETE\n" == approved.stdout
    assert "a.md" in shown.stdout
    assert ["the text\n", "why so\n"] == texts
    assert (2, True) == (unknown.exit_code, "r/p1 has no text 'b.md'. It has:" in unknown.stderr)


@pytest.mark.parametrize(("move", "state"), [("skip", "SKIPPED"), ("cancel", "CANCELLED")])
def test_a_phase_is_moved_with_a_reason(cli, run_log, move, state):
    """The phase's state and the reason are on record, and it can be requeued."""
    result = cli("--log", run_log, "phase", move, "r/p1", "--why", "not needed")
    shown = json.loads(cli("--log", run_log, "phase", "show", "r/p1", "--json").stdout)
    back = cli("--log", run_log, "phase", "requeue", "r/p1", "--why", "needed after all")

    assert 0 == result.exit_code
    assert (state, "not needed") == (shown["status"], shown["reason"])
    assert 0 == back.exit_code


@pytest.mark.parametrize("words", [("r/p1",), ("r", "p1")])
def test_a_phase_is_named_with_a_slash_or_in_two_words(cli, run_log, executors, words):
    """Every command that names a phase takes both forms."""

    def run(*arguments):
        result = cli("--log", run_log, *arguments)
        assert 0 == result.exit_code
        return result.stdout

    assert run("phase", "cancel", *words, "--why", "w").startswith("Phase r/p1 is CANCELLED")
    assert run("phase", "requeue", *words, "--why", "w").startswith("Phase r/p1 is QUEUED")
    assert run("phase", "skip", *words, "--why", "w").startswith("Phase r/p1 is SKIPPED")
    assert "phase         p1" in run("phase", "show", *words)
    assert 4 == len(run("history", *words).splitlines())
    for decision in ("approve", "reject"):
        refused = cli("--log", run_log, "phase", decision, *words, "--why", "w")
        assert "Phase r/p1 is SKIPPED" in refused.stderr


def test_a_phase_is_added_by_options_and_by_file(cli, run_log, run_file):
    """Added phases follow those that are there."""
    run_file.write_text(
        '[[phases]]\nid = "p4"\ncategory = "docs"\ncomplexity = "high"\n', encoding="utf-8"
    )
    cli("--log", run_log, "phase", "add", "r", "--id", "p3", "--category", "docs",
        "--complexity", "low", "--deliverable", "docs/a.md")  # fmt: skip
    cli("--log", run_log, "phase", "add", "r", "--file", run_file)
    shown = json.loads(cli("--log", run_log, "run", "show", "r", "--json").stdout)

    assert ["p1", "p2", "p3", "p4"] == [phase["phase_id"] for phase in shown["phases"]]


def test_options_beside_a_file_are_refused(cli, run_log, run_file, events_of):
    """A file says all of its phases: an option that would be ignored is named."""
    before = events_of(run_log)
    given = ("--priority", 5, "--label", "gate=ok?", "--max-attempts", 3)
    refused = cli("--log", run_log, "phase", "add", "r", "--file", run_file, *given)

    assert 2 == refused.exit_code
    assert "no --priority, --label, --max-attempts beside it" in " ".join(refused.stderr.split())
    assert before == events_of(run_log)


def test_a_paused_run_is_resumed(cli, run_log):
    """Pausing twice says so; both are on record once."""
    said = [
        cli("--log", run_log, "run", move, "r", "--why", "w").stdout
        for move in ("pause", "pause", "resume")
    ]

    assert [
        "Run r is paused\n",
        "Run r is paused; it was before\n",
        "Run r is open\n",
    ] == said


def test_a_calibration_without_evidence_exits_with_1(cli, run_log, tmp_path):
    """The report files are written under the documented name, and say that nothing was used."""
    result = cli("--log", run_log, "calibrate", "--json", "--out", tmp_path / "reports")
    found = json.loads(result.stdout)
    names = sorted(path.name for path in (tmp_path / "reports").iterdir())
    held = json.loads((tmp_path / "reports" / names[0]).read_text(encoding="utf-8"))

    assert 1 == result.exit_code
    assert (0, []) == (found["samples_used"], found["groups"])
    assert ["json", "md"] == [name.rpartition(".")[2] for name in names]
    assert all(name.startswith("token_estimator_calibration_20") for name in names)
    assert "proposal" in held
    assert "There is nothing to apply" in result.stderr


def test_a_calibration_prints_the_command_that_applies_it(cli, run_log, executors, tmp_path):
    """It names the file that was just written, so that others beside it do no harm."""
    file = tmp_path / "more.json"
    specs = [{"id": f"n{n}", "category": "docs", "complexity": "low"} for n in range(6)]
    file.write_text(json.dumps({"phases": specs}), encoding="utf-8")
    cli("--log", run_log, "phase", "add", "r", "--file", file)
    cli("--log", run_log, "drain", "--executor", f"{executors}:works")
    for _ in range(2):
        shown = cli("--log", run_log, "calibrate", "--out", tmp_path / "reports")
    last = shown.stderr.splitlines()[-1]
    applied = cli(*shlex.split(last.partition("autopack ")[2]))

    assert last.startswith(f"Apply it with: autopack --log {run_log} calibrate apply ")
    assert 0 == applied.exit_code


def test_a_calibration_with_too_little_evidence_is_not_applied(cli, run_log, executors, tmp_path):
    """A group of one sample is shown; applying it needs a reason, rejecting one too."""
    cli("--log", run_log, "drain", "--executor", f"{executors}:works")
    shown = cli("--log", run_log, "calibrate", "--min-samples", "1", "--confidence-threshold", "1",
                "--out", tmp_path / "reports")  # fmt: skip
    (file,) = (tmp_path / "reports").glob("*.json")
    applied = cli("--log", run_log, "calibrate", "apply", file)
    rejected = cli("--log", run_log, "calibrate", "reject", file, "--why", "too few")
    history = json.loads(cli("--log", run_log, "calibrate", "history", "--json").stdout)

    assert 0 == shown.exit_code
    assert 2 == applied.exit_code
    assert 0 == rejected.exit_code
    assert ["calibration.proposed", "calibration.rejected"] == [one["type"] for one in history]


def test_a_log_is_exported_to_a_new_file_only(cli, run_log, tmp_path):
    """An export does not overwrite what is there."""
    listed = cli("plugins", "--json").stdout
    if "exporter jsonl" not in listed:
        pytest.skip("no exporter is registered")
    dest = tmp_path / "work.ndjson"
    first = cli("--log", run_log, "export", "jsonl", dest)
    second = cli("--log", run_log, "export", "jsonl", dest)

    assert (0, 2) == (first.exit_code, second.exit_code)
    assert 3 == len(dest.read_text(encoding="utf-8").splitlines())


def test_a_plugin_adds_a_command(cli, run_log, tmp_path):
    """A command that a plugin registers is called like a built-in one, with the session."""
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "hello.py").write_text(
        "import click\n"
        "from autopack.plugins.hookspecs import hookimpl\n\n\n"
        "@click.command()\n"
        "@click.pass_obj\n"
        "def hello(session):\n"
        "    with session.open_log() as log:\n"
        "        click.echo(f'hello from {log.head().position} events')\n\n\n"
        "@hookimpl\n"
        "def autopack_register_commands(register):\n"
        "    register('hello', hello)\n",
        encoding="utf-8",
    )
    result = cli("--plugins-dir", folder, "--log", run_log, "hello")

    assert "hello from 3 events\n" == result.stdout

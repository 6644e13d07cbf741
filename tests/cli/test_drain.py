"""Drain, probe and status as commands."""

import json
import sys

import pytest


def test_a_probe_says_go(cli, run_log, executors):
    """Exit 0, the verdict, and the checks by name."""
    result = cli("--log", run_log, "probe", "--executor", f"{executors}:works")

    assert 0 == result.exit_code
    assert result.stdout.startswith("GO: phase r/p1\n")
    assert "usage_recorded" in result.stdout


def test_a_probe_says_no_go(cli, run_log, executors):
    """Exit 1, and JSON holds every check."""
    result = cli("--log", run_log, "probe", "--executor", f"{executors}:fails", "--json")
    found = json.loads(result.stdout)

    assert (1, False) == (result.exit_code, found["is_go"])
    assert "the phase failed: tests_failed: two of nine tests failed" in str(found["checks"])


def test_a_probe_with_nothing_ready_changes_nothing(cli, run_log, executors, events_of):
    """Exit 2, why nothing is ready, and the log as it was."""
    cli("--log", run_log, "run", "pause", "r", "--why", "costs")
    before = events_of(run_log)
    result = cli("--log", run_log, "probe", "--executor", f"{executors}:works")

    assert 2 == result.exit_code
    assert "No phase can be tried (blocked: 2 queued" in result.stderr
    assert before == events_of(run_log)


@pytest.mark.parametrize("command", ["drain", "probe"])
def test_what_an_executor_prints_is_kept_out_of_the_result(cli, run_log, tmp_path, command):
    """Stdout ends with one JSON document, whatever a file and its executor print."""
    path = tmp_path / "chatty.py"
    path.write_text(
        "print('loading')\n\n\ndef execute(phase, attempt):\n    print('at work')\n",
        encoding="utf-8",
    )
    result = cli("--log", run_log, command, "--executor", f"{path}:execute", "--json")

    assert json.loads(result.stdout.splitlines()[-1] if command == "drain" else result.stdout)
    assert "loading" in result.stderr
    assert "at work" in result.stderr


def test_an_error_half_way_is_no_refusal(cli, run_log, executors, tmp_path, events_of):
    """Exit 2 is for what changed nothing: an error after the first event exits with 1."""
    guard = tmp_path / "hooks" / "guard.py"
    guard.parent.mkdir()
    guard.write_text(
        "import autopack\n\n\n@autopack.hookimpl\n"
        "def autopack_guard_drain(log):\n    return 'no'\n",
        encoding="utf-8",
    )
    cli("--log", run_log, "drain", "--executor", f"{executors}:fails")
    before = events_of(run_log)
    drain = ("--plugins-dir", guard.parent, "--log", run_log, "drain", "--run-id", "r",
             "--phase-id", "p1", "--executor", f"{executors}:works")  # fmt: skip
    refused = cli(*drain, "--requeue", "--why", " ")
    after = events_of(run_log)
    half_way = cli(*drain, "--requeue", "--why", "mended")

    assert (2, before) == (refused.exit_code, after)
    assert 1 == half_way.exit_code
    assert "no" in half_way.stderr
    assert before < events_of(run_log)


def test_a_drain_is_gone_on_with(cli, run_log, executors):
    """--resume takes everything from the log; what is given wins."""
    cli("--log", run_log, "drain", "--executor", f"{executors}:works", "--max-phases", "1")
    again = cli("--log", run_log, "drain", "--resume")
    more = cli("--log", run_log, "drain", "--resume", "--max-phases", "5", "--json")

    report = json.loads(more.stdout.splitlines()[-1])

    assert ": 1 of 1 phases taken" in again.stdout
    assert (2, "empty") == (report["attempts"], report["reason"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "Name an executor: --executor NAME"),
        (("--executor", "recorded", "--rpm", "fast"), "'fast' is not N or MODEL=N"),
        (("--executor", "recorded", "--rpm", "m=0"), "is not N or MODEL=N"),
        (("--executor", "recorded", "--max-usd", "0"), "0"),
        (("--resume", "nightly"), "No drain was ever started in this log"),
        (("--executor", "recorded", "--drain", "a\nb"), "cannot be a drain"),
    ],
)
def test_bad_settings_change_nothing(cli, run_log, events_of, arguments, said):
    """A clear message, exit 2, and the log as it was."""
    before = events_of(run_log)
    result = cli("--log", run_log, "drain", *arguments)

    assert 2 == result.exit_code
    assert said in result.stderr
    assert before == events_of(run_log)


def test_rates_are_given_by_model(cli, run_log, executors):
    """N is for every model, MODEL=N for one; both are kept in the log."""
    cli(
        "--log", run_log, "drain", "--executor", f"{executors}:works", "--rpm", "600",
        "--tpm", "m=9000", "--tpm", "100000",
    )  # fmt: skip
    tail = json.loads(cli("--log", run_log, "log", "tail", "--limit", "100", "--json").stdout)
    (settings,) = [one["data"]["settings"] for one in tail if one["type"] == "drain.started"]

    assert (600, {"m": 9000, "*": 100_000}) == (
        settings["requests_per_minute"], settings["tokens_per_minute"],
    )  # fmt: skip


def test_a_phase_at_its_gate_can_be_requeued(cli, run_log, tmp_path):
    """`phase requeue` answers the gate."""
    file = tmp_path / "asks.py"
    file.write_text(
        "from autopack import NeedsPerson\n\n\n"
        "def execute(phase, attempt):\n"
        "    return NeedsPerson('Merge?')\n",
        encoding="utf-8",
    )
    cli("--log", run_log, "drain", "--executor", f"{file}:execute")
    result = cli("--log", run_log, "phase", "requeue", "r/p1", "--why", "again")
    states = json.loads(cli("--log", run_log, "status", "--json").stdout)["phases_by_state"]

    assert 0 == result.exit_code
    assert {"GATED": 1, "QUEUED": 1} == states


def test_status_shows_dead_letters_and_kinds_of_failures(cli, run_log, executors):
    """How many failed for good, what they have in common, and how fast attempts ended."""
    cli("--log", run_log, "drain", "--executor", f"{executors}:fails")
    found = json.loads(cli("--log", run_log, "status", "--json").stdout)
    text = cli("--log", run_log, "status").stdout

    assert (2, 2) == (found["dead_letters"], found["pace"]["ended"])
    assert [(2, "tests_failed|two of nine tests failed")] == [
        (group["n"], group["fingerprint"]) for group in found["failure_groups"]
    ]
    assert "2 phases failed for good" in text
    assert "2 x tests_failed: two of nine tests failed (such as r/p" in text


def test_a_program_may_stand_after_two_dashes(cli, run_log, tmp_path):
    """With options of its own, which are not ours; and then not in --command as well."""
    path = tmp_path / "agent.py"
    path.write_text("import sys; assert sys.argv[1:] == ['--json', '--workers']")
    given = ("--", sys.executable, str(path), "--json", "--workers")
    done = cli("--log", run_log, "drain", *given)
    twice = cli("--log", run_log, "drain", "--command", '["true"]', *given)
    stray = cli("--log", run_log, "drain", "true")
    none = cli("--log", run_log, "drain", "--")

    assert [0, 2, 2, 2] == [result.exit_code for result in (done, twice, stray, none)]
    assert "Give the program once" in twice.output

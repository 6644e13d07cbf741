"""Commands that go on showing: until Ctrl-C, which is a clean end."""

import json
import os
import signal
import subprocess
import sys

import pytest

import autopack

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals as POSIX has them")


def begun(*arguments):
    """Start a command whose output is read line by line."""
    heeded = signal.signal(signal.SIGINT, signal.default_int_handler)  # not as a shell's & left it
    try:
        return subprocess.Popen(
            [sys.executable, "-m", "autopack", *map(str, arguments)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8",
        )  # fmt: skip
    finally:
        signal.signal(signal.SIGINT, heeded)


def ended(process):
    """Interrupt it; return its exit code and what it said besides."""
    process.send_signal(signal.SIGINT)
    try:
        _out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    return process.returncode, err


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_tail_goes_on_with_what_comes(log_path, run_log, options):
    """First the last events, then each that is recorded; with --json a document a line."""
    process = begun("-q", "--log", run_log, "log", "tail", "-f", "--limit", 1, *options)
    first = process.stdout.readline()
    with autopack.open_log(run_log) as log:
        autopack.pause_run(log, "r", why="lunch")
    second = process.stdout.readline()

    assert ("phase.queued" in first, "run.paused" in second) == (True, True)
    assert not options or "run.paused" == json.loads(second)["type"]
    assert (0, "") == ended(process)


def test_status_is_shown_again_and_again(run_log, monkeypatch):
    """What has changed meanwhile is in the next one; nothing is left on stderr."""
    process = begun("-q", "--log", run_log, "status", "--watch")
    shown = ""
    while "phases " not in shown:
        shown = process.stdout.readline()
    with autopack.open_log(run_log) as log:
        autopack.skip(log, "r/p1", why="not needed")
    while "SKIPPED" not in shown:
        shown = process.stdout.readline()

    assert "1 SKIPPED" in shown
    assert (0, "") == ended(process)


def test_what_goes_on_takes_no_end(cli, run_log):
    """Neither a moment to look at, nor a form that is one document."""
    both = cli("--log", run_log, "log", "tail", "-f", "--until", "1")
    watched = cli("--log", run_log, "status", "--watch", "--json")

    assert (2, 2) == (both.exit_code, watched.exit_code)
    assert "--follow goes on, and --until ends" in both.stderr
    assert "--watch shows the text as it stands now" in watched.stderr


def test_quiet_leaves_results_and_faults(cli, run_log, executors):
    """No line about the log, none about phases; what is wrong is said all the same."""
    status = cli("-q", "--log", run_log, "status")
    drained = cli("-q", "--log", run_log, "drain", "--executor", f"{executors}:fails")
    wrong = cli("-q", "--log", run_log, "run", "show", "x")
    loud = cli("--log", run_log, "status")

    assert ("", True) == (status.stderr, status.stdout.startswith("log "))
    assert ("", True) == (drained.stderr, "2 failed" in drained.stdout)
    assert (2, True) == (wrong.exit_code, "x" in wrong.stderr)
    assert loud.stderr.startswith("log: ")

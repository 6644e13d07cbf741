"""`drain --json`: a line of JSON for each event, and the report's at the end."""

import json
import os
import subprocess
import sys

from autopack import open_log
from autopack.report.history import event_json

LONG_S = 120.0


def drained(run_log, executors, **streams):
    """A drain of two phases as a process of its own."""
    command = (
        sys.executable, "-m", "autopack", "--log", str(run_log), "drain", "--json",
        "--executor", f"{executors}:works",
    )  # fmt: skip
    return subprocess.Popen(command, **streams)


def test_each_event_is_a_line_and_the_report_is_the_last(cli, run_log, executors):
    """All that the drain appends, as the log has it, in order; nothing else is on stdout."""
    with open_log(run_log) as log:
        before = log.head().position
    result = cli("--log", run_log, "drain", "--executor", f"{executors}:works", "--json")
    *lines, report = map(json.loads, result.stdout.splitlines())
    with open_log(run_log) as log:
        events = [event_json(recorded) for recorded in log.read_all(after=before)]

    assert events == lines
    assert ("drain.started", "drain.stopped") == (lines[0]["type"], lines[-1]["type"])
    assert (2, "empty") == (report["completed"], report["reason"])


def test_a_reader_that_is_gone_ends_no_drain(run_log, executors):
    """As for stderr: the work goes on, and the exit code says how it went."""
    reading, writing = os.pipe()
    os.close(reading)
    child = drained(run_log, executors, stdout=writing, stderr=subprocess.DEVNULL)
    os.close(writing)

    assert 0 == child.wait(LONG_S)
    with open_log(run_log) as log:
        assert "drain.stopped" == list(log.read_all())[-1].type


def test_a_reader_that_does_not_read_holds_no_drain_up(run_log, executors):
    """What it does not take waits, and the phases are done meanwhile."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    while True:  # nothing fits any more
        try:
            os.write(writing, b" " * 4096)
        except BlockingIOError:
            break
    os.set_blocking(writing, True)
    child = drained(run_log, executors, stdout=writing, stderr=subprocess.DEVNULL)
    os.close(writing)
    try:
        with open_log(run_log) as log:
            for recorded in log.follow():
                if recorded.type == "drain.stopped":
                    break
        is_there = child.poll() is None
        os.close(reading)
        code = child.wait(LONG_S)
    finally:
        child.kill()

    assert (True, 0) == (is_there, code)

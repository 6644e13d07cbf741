"""`drain --detach`: a process of its own, that any shell can find in the log."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from autopack import list_drains, open_log

LONG_S = 120.0
SLOW = """\
import time
from pathlib import Path


def execute(phase, attempt):
    while not Path(__file__).with_name("go").exists():
        time.sleep(0.05)
        attempt.progress("waiting")
"""


@pytest.fixture
def slow(tmp_path):
    """An executor whose phases end once a file ``go`` lies beside it."""
    (tmp_path / "slow.py").write_text(SLOW, encoding="utf-8")
    yield tmp_path / "slow.py"
    (tmp_path / "go").touch()


def detached(run_log, *arguments):
    """Begin a drain from a shell of its own that ends; return its exit code and what it told."""
    command = (sys.executable, "-m", "autopack", "--log", str(run_log), "drain", *arguments)
    done = subprocess.run(command, capture_output=True, text=True, timeout=LONG_S)
    return done.returncode, done.stdout, done.stderr


def stands(run_log, *states):
    """Wait until the last drain stands so; return how it does."""
    ends = time.monotonic() + LONG_S
    with open_log(run_log) as log:
        while (last := list_drains(log)[-1]).state not in states:
            assert time.monotonic() < ends
            time.sleep(0.05)
    return last


def test_a_drain_goes_on_in_a_session_of_its_own(cli, run_log, slow):
    """No terminal's end reaches it; process, output and end are told by the log."""
    code, told, _ = detached(run_log, "--executor", f"{slow}:execute", "--detach", "--json")
    begun = json.loads(told)
    there = stands(run_log, "at work")
    session = os.getsid(begun["pid"])
    shown = cli("--log", run_log, "drain", "list").stdout
    slow.with_name("go").touch()
    after = stands(run_log, "stopped")
    lines = list(map(json.loads, Path(begun["output"]).read_text(encoding="utf-8").splitlines()))

    assert (0, begun["pid"]) == (code, session)
    assert (begun["drain_id"], begun["pid"], begun["output"]) == (
        there.drain_id, there.launched.pid, there.launched.output,
    )  # fmt: skip
    assert f"{begun['drain_id']}  at work" in shown
    assert there.workers[0] in shown
    assert ("empty", 2) == (after.stopped.reason, after.stopped.totals["completed"])
    assert ["drain.started", "drain.stopped"] == [lines[n]["type"] for n in (0, -2)]
    assert "p1  completed" in Path(begun["output"]).with_suffix(".err").read_text("utf-8")
    assert 0o600 == os.stat(begun["output"]).st_mode & 0o777


def test_one_that_is_killed_is_gone(cli, run_log, slow):
    """Once its lease is over; it can be gone on with, detached as well."""
    _, told, _ = detached(
        run_log, "--executor", f"{slow}:execute", "--detach", "--json", "--lease-s", "1"
    )
    os.kill(json.loads(told)["pid"], signal.SIGKILL)
    gone = stands(run_log, "gone")
    slow.with_name("go").touch()
    code, again, _ = detached(run_log, "--resume", "--detach", "--json")
    after = stands(run_log, "stopped")

    assert (None, ()) == (gone.stopped, gone.workers)
    assert (0, gone.drain_id) == (code, json.loads(again)["drain_id"])
    assert json.loads(told)["output"] != json.loads(again)["output"]
    assert (gone.drain_id, "empty") == (after.drain_id, after.stopped.reason)


def test_a_program_goes_on_by_itself_too(cli, run_log, tmp_path):
    """What stands after two dashes is its own, also where it is called as our option."""
    code, told, _ = detached(run_log, "--detach", "--", "echo", "--detach")
    after = stands(run_log, "stopped")

    assert 0 == code
    assert told.startswith(f"Drain {after.drain_id} goes on by itself: process ")
    assert 2 == after.stopped.totals["completed"]


def test_what_a_drain_is_refused_for_is_told_at_once(run_log, tmp_path):
    """With its exit code; nothing was written, and no file is left."""
    before = sorted(tmp_path.iterdir())
    with open_log(run_log) as log:
        head = log.head().position
    code, told, why = detached(run_log, "--detach", "--executor", "nowhere.py:execute")
    plan, _, both = detached(run_log, "--detach", "--dry-run", "--executor", "recorded")
    with open_log(run_log) as log:
        after = log.head().position

    assert (2, "", 2) == (code, told, plan)
    assert "There is no file nowhere.py" in why
    assert "--detach begins a drain, and --dry-run none" in both
    assert (head, before) == (after, sorted(tmp_path.iterdir()))


def test_a_terminal_that_goes_takes_nothing_with_it(run_log, slow):
    """Whatever is sent to the group of the shell that began it."""
    command = (
        sys.executable, "-m", "autopack", "--log", str(run_log), "drain", "--detach",
        "--executor", f"{slow}:execute",
    )  # fmt: skip
    shell = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
    assert 0 == shell.wait(LONG_S)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(shell.pid, signal.SIGHUP)
    there = stands(run_log, "at work")
    slow.with_name("go").touch()

    assert 1 == len(there.workers)
    assert "empty" == stands(run_log, "stopped").stopped.reason

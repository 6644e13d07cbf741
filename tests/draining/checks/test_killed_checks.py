"""A drain that is killed while a check runs: its program ends, and the phase is done again."""

import os
import signal
import subprocess
import sys
import time

import pytest

from autopack import PhaseSpec, create_log, create_run, drain, open_log
from drains import found, states

DRAIN = """
import signal, sys, autopack
signal.signal(signal.SIGINT, signal.default_int_handler)  # not as a shell's & left it
log = autopack.open_log(sys.argv[1])
autopack.drain(log, executor=lambda phase, attempt: None, lease_s=0.5)
"""
CHECK = """
import os, sys, time
if os.path.exists(sys.argv[1]):
    raise SystemExit(0)
open(sys.argv[1], "w").write(str(os.getpid()))
time.sleep(600)
"""


def is_alive(pid):
    """Tell whether a process runs, and is no zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat") as stat:
        return stat.read().rsplit(")", 1)[1].split()[0] != "Z"


def until(holds, within_s=30.0):
    """Wait until something holds, and say whether it does."""
    ends = time.monotonic() + within_s
    while not holds() and time.monotonic() < ends:
        time.sleep(0.02)
    return holds()


@pytest.fixture
def at_check(tmp_path):
    """A drain in another process whose first check is at work; its log, and both processes."""
    path, told = tmp_path / "log.db", tmp_path / "pid"
    with create_log(path) as log:
        check = {"name": "slow", "run": [sys.executable, "-c", CHECK, str(told)]}
        create_run(log, "r", [PhaseSpec("p", check=check)])
    process = subprocess.Popen([sys.executable, "-c", DRAIN, str(path)], cwd=tmp_path)
    try:
        assert until(lambda: told.exists() and told.read_text())
        yield path, process, int(told.read_text())
    finally:
        process.kill()
        process.wait()


@pytest.mark.skipif(not os.path.isdir("/proc"), reason="it looks at processes by /proc")
@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_check_outlives_its_drain(at_check, by):
    """However the drain ends, its check ends too, and nothing is recorded of the half of it."""
    path, process, check = at_check
    process.send_signal(by)
    process.wait(30)

    assert until(lambda: not is_alive(check))
    with open_log(path) as log:
        assert [] == found(log, "phase.checked")
        assert [] == found(log, "phase.completed")


def test_the_next_drain_does_the_phase_again(at_check):
    """The attempt is taken back as ever; the new one is judged anew."""
    path, process, _check = at_check
    process.kill()
    process.wait()
    seen = []
    with open_log(path) as log:

        def is_done():
            drain(log, executor=lambda _phase, live: seen.append(live.number))
            return states(log) == {"p": "COMPLETE"}

        assert until(is_done)
        (checked,) = found(log, "phase.checked")

        assert ([2], 2, "passed") == (seen, checked.attempt, checked.verdict)
        assert 1 == len(found(log, "phase.reclaimed"))

"""A drain that is killed takes its programs with it: real drains, real kills."""

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from autopack import CommandExecutor, PhaseRef, create_run, drain, get_phase
from autopack.draining.executors import orphaned_programs
from autopack.draining.executors.orphaned_programs import Keeper
from drains import found, specs
from programs import gone, script

pytestmark = pytest.mark.skipif(os.name == "nt", reason="process groups as POSIX has them")

MAIN = "import sys; from autopack.cli.main import main; main()"
PROGRAM = """\
import signal, subprocess, sys, time
from pathlib import Path

folder = Path(sys.argv[1])
is_first = not (folder / "pids").exists()
if sys.argv[2] == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if is_first:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    (folder / "pids.new").write_text(f"{__import__('os').getpid()} {child.pid}")
    (folder / "pids.new").rename(folder / "pids")
    time.sleep(600 if sys.argv[2] == "deaf" else 4)
with (folder / "done").open("a") as file:
    file.write("done\\n")
"""


def start(log_path: Path, command: list[str]) -> "subprocess.Popen[bytes]":
    """Start a drain as the leader of a group; its leases are short."""
    return subprocess.Popen(
        [sys.executable, "-c", MAIN, "--log", str(log_path), "drain", "--lease-s", "2",
         "--command", json.dumps(command), "-x", "grace_s=1"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip


def pids(folder: Path) -> list[int]:
    """Return the numbers of the program and its child, once it is at work."""
    until = time.monotonic() + 60
    while time.monotonic() < until and not (folder / "pids").exists():
        time.sleep(0.02)
    return [int(pid) for pid in (folder / "pids").read_text().split()]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kill", "kind"), [(os.kill, "plain"), (os.killpg, "plain"), (os.kill, "deaf")]
)
def test_a_killed_drain_takes_its_program_with_it(sqlite_log, log_path, tmp_path, kill, kind):
    """With its children, also where SIGTERM is not heard; the work is done once, by the next."""
    create_run(sqlite_log, "r", specs("p"))
    command = [*script(tmp_path, PROGRAM), str(tmp_path), kind]
    first = start(log_path, command)
    at_work = pids(tmp_path)
    kill(first.pid, signal.SIGKILL)
    first.wait(timeout=60)

    assert all(gone(pid) for pid in at_work)
    assert not (tmp_path / "done").exists()
    assert 0 == start(log_path, command).wait(timeout=60)
    time.sleep(1)
    assert "done\n" == (tmp_path / "done").read_text()
    assert ("COMPLETE", 2) == (
        (row := get_phase(sqlite_log, PhaseRef("r", "p"))).status, row.attempts,
    )  # fmt: skip
    assert 1 == len(found(sqlite_log, "phase.reclaimed"))


def keepers_of(pid: int) -> list[str]:
    """Return the command lines of a process's keepers."""
    told = subprocess.run(["ps", "-A", "-ww", "-o", "ppid=,args="], capture_output=True, text=True)
    lines = [line.split(None, 1) for line in told.stdout.splitlines()]
    return [line[1] for line in lines if line[0] == str(pid) and "program-keeper" in line[1]]


def test_a_keeper_goes_with_its_program(sqlite_log, tmp_path):
    """One stands by while the program is at work, none afterwards."""
    create_run(sqlite_log, "r", specs("p", "q"))
    command = script(tmp_path, "import time; time.sleep(1)")
    with ThreadPoolExecutor(1) as others:
        draining = others.submit(drain, sqlite_log, executor=CommandExecutor(command), workers=2)
        most = 0
        while not draining.done():
            most = max(most, len(keepers_of(os.getpid())))

    assert 2 == draining.result().completed
    assert (2, []) == (most, keepers_of(os.getpid()))


def test_a_keeper_ends_the_group_at_the_pipes_end():
    """TERM comes at once."""
    with Keeper(grace_s=5) as keeper:
        sleeper = subprocess.Popen(["sleep", "600"], start_new_session=True)
        keeper.keep(sleeper.pid)
        stands_by = keepers_of(os.getpid())
        assert keeper._end is not None
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, keeper._end)  # that was the pipe's last end
        os.close(nothing)

        assert 1 == len(stands_by)
        assert -signal.SIGTERM == sleeper.wait(timeout=10)


def test_without_a_shell_the_program_runs_unkept_and_that_is_said(
    sqlite_log, tmp_path, monkeypatch
):
    """The phase is done all the same."""
    create_run(sqlite_log, "r", specs("p"))
    monkeypatch.setattr(orphaned_programs, "_SHELL", str(tmp_path / "nowhere"))
    with capture_logs() as logged:
        report = drain(sqlite_log, executor=CommandExecutor(script(tmp_path, "print('x')")))

    assert 1 == report.completed
    assert ["its keeper could not be started" in one["event"] for one in logged] == [True]


def test_a_keeper_that_was_killed_costs_nothing(sqlite_log, tmp_path):
    """The program ends as ever."""
    create_run(sqlite_log, "r", specs("p"))
    keeper = Keeper(grace_s=1)
    with keeper:
        assert keeper._shell is not None
        keeper._shell.kill()
        keeper._shell.wait()
        keeper.keep(2**22 + 1)
    executor = CommandExecutor(script(tmp_path, "print('x')"))

    assert 1 == drain(sqlite_log, executor=executor).completed

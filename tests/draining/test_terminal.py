"""Ctrl-C in a real terminal: the state is right, the exit is 130, and --resume completes."""

import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from autopack import create_run
from autopack.log.log import journal_of
from drains import found, specs, states
from screens import shown

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt", reason="pseudo-terminals as POSIX has them"),
]

MAIN = "import sys; from autopack.cli.main import main; main()"
EXECUTOR = """\
import time


def execute(phase, attempt):
    attempt.record_usage(model="m", input_tokens=10, output_tokens=20)
    attempt.progress("half way")
    time.sleep({sleep_s})
"""


@pytest.fixture
def terminal():
    """A pseudo-terminal: its two ends."""
    ours, theirs = os.openpty()
    yield ours, theirs
    os.close(ours)
    os.close(theirs)


def start(
    log_path: Path, theirs: int, *options: str, main: str = MAIN
) -> "subprocess.Popen[bytes]":
    """Start `autopack drain` with the terminal as its own."""
    return subprocess.Popen(
        [sys.executable, "-c", main, "--log", str(log_path), "drain", *options],
        stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
        preexec_fn=_take_terminal, env={**os.environ, "TERM": "xterm"},
    )  # fmt: skip


def _take_terminal() -> None:
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def read_until(ours: int, process: "subprocess.Popen[bytes]", wanted: bytes) -> bytes:
    """Read what the terminal shows until *wanted* is there, or the process has ended."""
    shown, until = b"", time.monotonic() + 60
    while wanted not in shown and time.monotonic() < until:
        ready, _, _ = select.select([ours], [], [], 0.1)
        if ready:
            shown += os.read(ours, 65536)
        elif process.poll() is not None:
            break
    return shown


def test_ctrl_c_stops_and_resume_completes(sqlite_log, log_path, terminal, tmp_path):
    """One Ctrl-C: phases in work end, nothing is lost; the rest is done by --resume."""
    create_run(sqlite_log, "r", specs(*map(str, range(8))))
    file = tmp_path / "mine.py"
    file.write_text(EXECUTOR.format(sleep_s=0.3), encoding="utf-8")
    ours, theirs = terminal
    process = start(log_path, theirs, "--executor", f"{file}:execute", "--workers", "2")
    shown = read_until(ours, process, b"completed")
    os.write(ours, b"\x03")
    shown += read_until(ours, process, b"interrupted after")
    code = process.wait(timeout=60)
    left = states(sqlite_log)
    again = start(log_path, theirs, "--resume")
    read_until(ours, again, b"empty")

    assert (130, False) == (code, b"Traceback" in shown)
    assert "8, 2 at work" in shown.decode()
    assert {"COMPLETE", "QUEUED"} == set(left.values())
    assert 0 == again.wait(timeout=60)
    assert {"COMPLETE"} == set(states(sqlite_log).values())
    assert 8 == len(found(sqlite_log, "phase.claimed"))


LOUD = """\
import sys
import time

import structlog


def execute(phase, attempt):
    for n in range(40):
        structlog.get_logger("mine").warning("something odd", phase=phase.key, n=n)
        print(f"<stderr {phase.key} {n}>", file=sys.stderr)
        print(f"<stdout {phase.key} {n}>")
        time.sleep(0.002)
"""


def test_warnings_and_prints_stand_above_the_live_view(log_path, sqlite_log, terminal, tmp_path):
    """While it is drawn anew as fast as can be: each line is whole, and no part of it is left."""
    create_run(sqlite_log, "r", specs("a", "b", "c"))
    file = tmp_path / "loud.py"
    file.write_text(LOUD, encoding="utf-8")
    ours, theirs = terminal
    fast = f"import autopack.cli.progress as p; p._REFRESH_S = 0.001; {MAIN}"
    options = ("--executor", f"{file}:execute", "--workers", "3")
    process = start(log_path, theirs, *options, main=fast)
    written = read_until(ours, process, b"no usage")
    process.wait(timeout=60)
    rows = shown(written, width=80)
    told = "".join(rows)  # a line longer than the terminal goes on in the next row

    assert b"spent " in written
    assert [] == [row for row in rows if row.startswith(("spent ", "waits ", "▸", "━", "─"))]
    for phase in ("r/a", "r/b", "r/c"):
        for n in range(40):
            assert 1 == told.count(f"<stderr {phase} {n}>")
            assert 1 == told.count(f"<stdout {phase} {n}>")
            assert 1 == told.count(f"n={n} phase={phase}")


def test_a_second_ctrl_c_gives_the_phases_back_at_once(sqlite_log, log_path, terminal, tmp_path):
    """However long the executor would go on: released, no attempt spent, exit 130."""
    create_run(sqlite_log, "r", specs("a", "b"))
    file = tmp_path / "mine.py"
    file.write_text(EXECUTOR.format(sleep_s=600), encoding="utf-8")
    ours, theirs = terminal
    process = start(log_path, theirs, "--executor", f"{file}:execute")
    read_until(ours, process, b"half way")
    os.write(ours, b"\x03")
    read_until(ours, process, b"Stopping")
    os.write(ours, b"\x03")
    shown = read_until(ours, process, b"interrupted after")

    assert 130 == process.wait(timeout=60)
    assert b"Traceback" not in shown
    assert {"a": "QUEUED", "b": "QUEUED"} == states(sqlite_log)
    assert 1 == len(found(sqlite_log, "phase.released"))


def test_a_terminated_drain_stops_like_an_interrupted_one(sqlite_log, log_path, tmp_path):
    """SIGTERM twice, as a service manager in a hurry: exit 130, nothing held."""
    create_run(sqlite_log, "r", specs("a"))
    file = tmp_path / "mine.py"
    file.write_text(EXECUTOR.format(sleep_s=600), encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-c", MAIN, "--log", str(log_path), "drain", "--executor",
         f"{file}:execute"],
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    until = time.monotonic() + 60
    while time.monotonic() < until and not found(sqlite_log, "llm.usage_recorded"):
        time.sleep(0.05)
    assert process.stderr is not None
    process.send_signal(signal.SIGTERM)
    while "Stopping" not in process.stderr.readline():
        pass
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)

    assert 130 == process.returncode
    assert {"a": "QUEUED"} == states(sqlite_log)
    assert [] == journal_of(sqlite_log).backend.leases()

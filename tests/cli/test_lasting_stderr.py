"""Stderr is there for who reads it: a drain goes on, and its exit code is true, whoever does."""

import io
import os
import pty
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from autopack import create_run
from autopack.cli.lasting_stderr import LastingRaw
from autopack.log.log import journal_of
from drains import specs, states
from programs import marking, signal_twice

MAIN = "import sys; from autopack.cli.main import main; main()"
EXECUTOR = """\
import time
from pathlib import Path

from autopack import Failed

HERE = Path(__file__).parent


def works(phase, attempt):
    print("a print of the user's own")
    attempt.record_usage(model="m", input_tokens=10, output_tokens=20)


def waits(phase, attempt):
    (HERE / "began").touch()
    while not (HERE / "go").exists():
        time.sleep(0.01)
    works(phase, attempt)


def fails(phase, attempt):
    return Failed("tests_failed", "two of nine", retryable=False)
"""

slow = pytest.mark.slow
posix = pytest.mark.skipif(os.name == "nt", reason="pipes and terminals as POSIX has them")


@pytest.fixture
def executor(tmp_path: Path) -> Path:
    """A file of executors; ``waits`` goes on once the file ``go`` is beside it."""
    path = tmp_path / "mine.py"
    path.write_text(EXECUTOR, encoding="utf-8")
    return path


def command(log_path: Path, executor: Path, name: str, *options: str) -> list[str]:
    """The command line of a drain."""
    return [
        sys.executable, "-c", MAIN, "--log", str(log_path), "drain",
        "--executor", f"{executor}:{name}", *options,
    ]  # fmt: skip


def until_it_began(executor: Path) -> None:
    """Wait until the executor was called."""
    until = time.monotonic() + 60
    while not (executor.parent / "began").exists() and time.monotonic() < until:
        time.sleep(0.01)


def all_done(log) -> bool:
    """Tell whether everything is complete, and no claim and no lease is left."""
    return {"COMPLETE"} == set(states(log).values()) and [] == journal_of(log).backend.leases()


@slow
@posix
@pytest.mark.parametrize("name", ["works", "fails"])
@pytest.mark.parametrize("gone", ["stderr", "stdout", "both"])
def test_a_pipe_that_nobody_reads_changes_nothing(sqlite_log, log_path, executor, name, gone):
    """``2>&1 | head``: the work is done, and the exit code says how it went."""
    create_run(sqlite_log, "r", specs("a", "b", "c"))
    streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    broken = ["stderr", "stdout"] if gone == "both" else [gone]
    process = subprocess.Popen(
        command(log_path, executor, name), **{**streams, **dict.fromkeys(broken, subprocess.PIPE)}
    )
    for stream in broken:
        getattr(process, stream).close()

    assert {"works": 0, "fails": 1}[name] == process.wait(timeout=60)
    assert {{"works": "COMPLETE", "fails": "FAILED"}[name]} == set(states(sqlite_log).values())
    assert [] == journal_of(sqlite_log).backend.leases()


@slow
@posix
def test_a_pipe_that_breaks_in_the_middle_changes_nothing(sqlite_log, log_path, executor):
    """A ``tee`` that dies while a phase is in work."""
    create_run(sqlite_log, "r", specs("a", "b", "c"))
    process = subprocess.Popen(
        command(log_path, executor, "waits"), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL
    )
    until_it_began(executor)
    assert process.stderr is not None
    process.stderr.close()
    (executor.parent / "go").touch()

    assert 0 == process.wait(timeout=60)
    assert all_done(sqlite_log)


@slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full disk to write to")
@pytest.mark.parametrize(("name", "code"), [("works", 0), ("fails", 1)])
def test_a_full_disk_behind_the_streams_changes_nothing(sqlite_log, log_path, executor, name, code):
    """Neither stderr nor the result can be written; the log is, and the exit code is true."""
    create_run(sqlite_log, "r", specs("a", "b"))
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            command(log_path, executor, name), stdout=full, stderr=full, check=False
        )

    assert code == done.returncode
    assert {{"works": "COMPLETE", "fails": "FAILED"}[name]} == set(states(sqlite_log).values())


@slow
@posix
def test_streams_that_were_never_open_change_nothing(sqlite_log, log_path, executor):
    """``2>&- >&- <&-``: no file takes the descriptor that is written to."""
    create_run(sqlite_log, "r", specs("a", "b"))
    line = subprocess.list2cmdline(command(log_path, executor, "works"))
    done = subprocess.run(f"exec {line} 2>&- >&- <&-", shell=True, check=False)

    assert 0 == done.returncode
    assert all_done(sqlite_log)
    assert sqlite_log.verify().is_clean


@slow
@posix
@pytest.mark.parametrize("is_own", [True, False], ids=["its own", "another's"])
def test_a_terminal_that_is_closed_changes_nothing(sqlite_log, log_path, executor, is_own):
    """With its hangup, where the terminal is the drain's own."""
    create_run(sqlite_log, "r", specs("a", "b", "c"))
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command(log_path, executor, "waits"), stdin=theirs, stdout=theirs, stderr=theirs,
        start_new_session=True, preexec_fn=_take_terminal if is_own else None,
        env={**os.environ, "TERM": "xterm"},
    )  # fmt: skip
    os.close(theirs)
    until_it_began(executor)
    os.close(ours)
    (executor.parent / "go").touch()

    assert 0 == process.wait(timeout=60)
    assert all_done(sqlite_log)


def _take_terminal() -> None:
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@slow
@posix
def test_a_reader_that_does_not_read_holds_nobody_up(sqlite_log, log_path, executor):
    """A pager that shows its first page: a pipe that is full is as good as none."""
    create_run(sqlite_log, "r", specs(*map(str, range(12))))
    ours, theirs = os.pipe()
    os.set_blocking(theirs, False)
    with pytest.raises(BlockingIOError):
        while True:
            os.write(theirs, b"x" * 4096)
    os.set_blocking(theirs, True)
    process = subprocess.Popen(command(log_path, executor, "works"), stderr=theirs)

    assert 0 == process.wait(timeout=60)
    assert all_done(sqlite_log)
    os.close(ours)
    os.close(theirs)


@slow
@posix
def test_a_stop_is_heard_without_a_terminal(sqlite_log, log_path, executor):
    """SIGTERM stops a drain that has lost its stderr: exit 130, nothing is left in work."""
    create_run(sqlite_log, "r", specs("a", "b"))
    heard = executor.with_name("heard")
    python, option, main, *options = command(log_path, executor, "waits")
    process = subprocess.Popen(
        [python, option, marking(heard) + main, *options],
        stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    until_it_began(executor)
    assert process.stderr is not None
    process.stderr.close()
    signal_twice(process, signal.SIGTERM, heard)

    assert 130 == process.wait(timeout=60)
    assert {"a": "QUEUED", "b": "QUEUED"} == states(sqlite_log)


class _Stream:
    """What stands in for stderr: a raw layer, and a buffer above it."""

    def __init__(self, raw):
        self.buffer = raw


class _Raw(io.RawIOBase):
    def __init__(self, write):
        self.write = write

    def writable(self):
        return True


@pytest.mark.parametrize("fault", [OSError(28, "full"), BrokenPipeError(), ValueError("closed")])
def test_what_cannot_be_written_is_left_out(fault):
    """Each write takes all it is given; the next one is tried again."""
    taken, faults = [], [fault]

    def write(data):
        if faults:
            raise faults.pop()
        taken.append(bytes(data))
        return len(data)

    raw = LastingRaw(_Stream(_Raw(write)))

    assert (4, 4) == (raw.write(b"lost"), raw.write(b"kept"))
    assert [b"kept"] == taken


def test_a_write_in_part_goes_on():
    """A descriptor may take a piece at a time, or none without saying how much."""
    taken = bytearray()

    def write(data):
        taken.extend(data[:2])
        return min(2, len(data))

    LastingRaw(_Stream(_Raw(write))).write(b"12345")

    assert b"12345" == bytes(taken)


def test_in_the_background_nothing_waits_and_order_holds():
    """What was written before the end is there after it, as it was written."""
    taken, go = bytearray(), threading.Event()

    def write(data):
        go.wait(30)
        taken.extend(data)
        return len(data)

    raw = LastingRaw(_Stream(_Raw(write)))
    raw.begin()
    for n in range(100):
        raw.write(b"%d " % n)
    go.set()
    raw.end(within_s=30)
    raw.write(b"after")

    assert b"".join(b"%d " % n for n in range(100)) + b"after" == bytes(taken)


def test_what_nobody_reads_is_bounded_and_said():
    """Past the bound bytes are left out, and a line says how many, once somebody reads."""
    taken, go = bytearray(), threading.Event()

    def write(data):
        go.wait(30)
        taken.extend(data)
        return len(data)

    raw = LastingRaw(_Stream(_Raw(write)))
    raw.begin()
    for _ in range(70):
        raw.write(b"x" * 100_000)
    raw.end(within_s=0.01)
    go.set()
    raw.end(within_s=30)
    raw.begin()
    raw.write(b"back")
    raw.end(within_s=30)

    assert len(taken) < 5_000_000
    assert b" bytes were left out ...]\nback" in taken[-60:]

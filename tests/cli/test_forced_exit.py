"""A command that drains ends: after its stop, or after its work, whatever else goes on."""

import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from autopack import open_log
from drains import found, states
from programs import marking, signal_twice

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt", reason="signals are sent as POSIX has them"),
]

ENDS_S = 90.0
SOON = """\
import autopack.cli.forced_exit as last
import autopack.draining.engine.halt as halt
from autopack.cli.main import main

last.AT_LAST_S, last.LEFT_S, halt.HALT_S = {at_last_s}, {left_s}, {halt_s}
main()
"""
CONTINUES = 600.0
"""As a bound: nothing of the kind that is not tested ends the process."""

HEAD = """\
import asyncio, atexit, contextlib, multiprocessing, os, pathlib, sys, threading, time
from autopack import Completed, Failed


def began(name="began"):
    pathlib.Path(__file__).with_name(name).touch()

"""
HELD = {
    "coroutine": """
async def execute(phase, attempt):
    began()
    while True:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(0.2)
""",
    "thread": """
def execute(phase, attempt):
    began()
    threading.Event().wait()
""",
    "to_thread": """
async def execute(phase, attempt):
    began()
    await asyncio.to_thread(threading.Event().wait)
""",
    "prepare": """
class Executor:
    def prepare(self, run):
        began()
        threading.Event().wait()

    def __call__(self, phase, attempt):
        return Completed()

execute = Executor()
""",
    "observer": """
def execute(phase, attempt):
    return Completed()
""",
}
WATCHES = """\
import pathlib, threading
from autopack.plugins.hookspecs import hookimpl


@hookimpl
def autopack_event_recorded(recorded):
    if recorded.type == "phase.claimed":
        pathlib.Path(__file__).parent.with_name("began").touch()
        threading.Event().wait()
"""
BLOCKS = """
async def execute(phase, attempt):
    began()
    while True:
        time.sleep(600)
"""


def wait_for(path, process):
    """Return once the file is there."""
    ends = time.monotonic() + ENDS_S
    while not path.exists():
        assert process.poll() is None
        assert time.monotonic() < ends
        time.sleep(0.02)


@pytest.fixture
def begin(run_log, tmp_path):
    """Start a command that drains with an executor of that source; it is killed at the end."""
    begun = []

    def start(
        source,
        *options,
        command=("drain",),
        at_last_s=CONTINUES,
        left_s=CONTINUES,
        halt_s=0.5,
        **streams,
    ):
        executor = tmp_path / "mine.py"
        executor.write_text(HEAD + source, encoding="utf-8")
        main = marking(tmp_path / "heard") + SOON.format(
            at_last_s=at_last_s, left_s=left_s, halt_s=halt_s
        )
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | streams
        process = subprocess.Popen(
            [sys.executable, "-c", main, *options, "--log", str(run_log), *command,
             "--executor", f"{executor}:execute"],
            text=True, **streams,
        )  # fmt: skip
        begun.append(process)
        return process

    yield start
    for process in begun:
        process.kill()
        process.communicate()


def stopped(process, tmp_path, number=signal.SIGTERM):
    """Send the signal twice once the work has begun; return exit code, stdout and stderr."""
    wait_for(tmp_path / "began", process)
    signal_twice(process, number, tmp_path / "heard")
    told = process.communicate(timeout=ENDS_S)
    return (process.returncode, *told)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("kind", HELD)
def test_two_signals_end_it_with_its_report(begin, run_log, tmp_path, kind, number):
    """Whatever holds the drain: what can be given back is, the report is printed, and it is 130."""
    options = ()
    if kind == "observer":
        folder = tmp_path / "plugins"
        folder.mkdir()
        (folder / "watches.py").write_text(WATCHES, encoding="utf-8")
        options = ("--plugins-dir", str(folder))
    halt_s = CONTINUES if kind == "to_thread" else 0.5  # its coroutine ends, however late
    process = begin(HELD[kind], *options, left_s=0.5, halt_s=halt_s)
    code, printed, said = stopped(process, tmp_path, number)

    assert 130 == code
    assert "interrupted after" in printed
    assert (kind != "to_thread") is ("goes on" in printed)
    assert "Traceback" not in said
    with open_log(run_log) as log:
        assert {"QUEUED"} == set(states(log).values())
        assert 1 == len(found(log, "drain.stopped"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_two_signals_end_it_where_its_event_loop_is_held(begin, run_log, tmp_path, number):
    """Nothing can be given back then: one line says what happened, and the leases end."""
    code, printed, said = stopped(begin(BLOCKS, at_last_s=1.0), tmp_path, number)

    assert (130, "") == (code, printed)
    assert "1 s after the second signal" in said
    with open_log(run_log) as log:
        assert log.verify().is_clean


def test_one_signal_waits_for_the_work(begin, tmp_path):
    """However little time there is after a second one, and however often the rest is asked."""
    source = """
def execute(phase, attempt):
    began()
    time.sleep(1.5)
    return Completed()
"""
    process = begin(source, at_last_s=0.01)
    wait_for(tmp_path / "began", process)
    process.send_signal(signal.SIGTERM)
    printed, said = process.communicate(timeout=ENDS_S)

    assert 130 == process.returncode
    assert "1 completed" in printed
    assert "Stopping" in said


def test_a_probe_is_ended_as_a_drain_is(begin, run_log, tmp_path):
    """By the same two signals, with the same exit code."""
    process = begin(HELD["coroutine"], command=("probe",), left_s=0.5)
    code, _printed, said = stopped(process, tmp_path)

    assert 130 == code
    assert "Giving back" in said
    with open_log(run_log) as log:
        assert {"QUEUED"} == set(states(log).values())


def test_programs_end_with_a_process_that_is_ended_so(begin, tmp_path):
    """Each has its keeper, which sees that the process is gone."""
    source = """
from autopack import CommandExecutor

program = CommandExecutor([sys.executable, "-c", (
    "import os, pathlib, time; pathlib.Path('pid.part').write_text(str(os.getpid()));"
    "os.rename('pid.part', 'pid'); time.sleep(600)"
)], cwd=pathlib.Path(__file__).parent, grace_s=1)

async def execute(phase, attempt):
    if phase.phase_id == "p1":
        return await program.execute(phase, attempt)
    while not pathlib.Path(__file__).with_name("pid").exists():
        await asyncio.sleep(0.02)
    began()
    while True:
        time.sleep(600)
"""
    process = begin(source, command=("drain", "--workers", "2"), at_last_s=0.5)
    code, _printed, _said = stopped(process, tmp_path)
    pid = int((tmp_path / "pid").read_text())
    ends = time.monotonic() + ENDS_S
    while _lives(pid) and time.monotonic() < ends:
        time.sleep(0.05)

    assert 130 == code
    assert not _lives(pid)


def _lives(pid):
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


LEAVES = {
    "thread": "threading.Thread(target=threading.Event().wait, daemon=False).start()",
    "atexit": "atexit.register(threading.Event().wait)",
    "pool": "__import__('concurrent.futures').futures.ThreadPoolExecutor().submit("
    "threading.Event().wait)",
}


@pytest.mark.parametrize("left", LEAVES)
@pytest.mark.parametrize(("ending", "code"), [("Completed()", 0), ("Failed('mine', 'no')", 1)])
def test_what_is_left_keeps_no_process_alive(begin, left, ending, code):
    """A drain that ended by itself has its own exit code, and printed its report."""
    source = f"""
def execute(phase, attempt):
    {LEAVES[left]}
    return {ending}
"""
    process = begin(source, left_s=0.5)
    printed, said = process.communicate(timeout=ENDS_S)

    assert code == process.returncode
    assert "empty" in printed
    assert "after the command had ended" in said


def test_what_is_left_and_ends_in_time_is_waited_for(begin, tmp_path):
    """A thread that has a last thing to do does it, and nothing is said of it."""
    source = """
def later():
    time.sleep(0.7)
    began("done")

def execute(phase, attempt):
    threading.Thread(target=later, daemon=False).start()
    return Completed()
"""
    process = begin(source)
    _printed, said = process.communicate(timeout=ENDS_S)

    assert 0 == process.returncode
    assert (tmp_path / "done").exists()
    assert "had ended" not in said


@pytest.mark.parametrize("kind", ["coroutine", "loop"])
def test_it_needs_no_terminal_to_be_ended(begin, tmp_path, kind):
    """Stdin is closed, and nobody reads stdout or stderr any more."""
    ours, theirs = os.pipe()
    source = BLOCKS if kind == "loop" else HELD["coroutine"]
    process = begin(
        source, at_last_s=1.0 if kind == "loop" else CONTINUES, left_s=0.5,
        stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, preexec_fn=lambda: os.close(0),
    )  # fmt: skip
    os.close(theirs)
    os.close(ours)

    assert 130 == stopped(process, tmp_path)[0]


def test_a_stderr_that_nobody_reads_keeps_it_from_no_end(begin, tmp_path):
    """The pipe is full: the last line is left out."""
    ours, theirs = os.pipe()
    os.set_blocking(theirs, False)
    while select.select([], [theirs], [], 0)[1]:
        os.write(theirs, b"x" * 4096)
    os.set_blocking(theirs, True)
    process = begin(BLOCKS, at_last_s=1.0, stderr=theirs)
    code = stopped(process, tmp_path)[0]
    os.close(theirs)
    os.close(ours)

    assert 130 == code


def test_two_signals_end_it_where_there_is_no_memory(begin, tmp_path):
    """Nothing more can be begun then, neither a thread nor a line: the process ends."""
    source = """
hold = []

def execute(phase, attempt):
    for size in (1 << 20, 1 << 12, 1 << 9):
        with contextlib.suppress(MemoryError):
            while True:
                hold.append(bytearray(size))
    os.close(os.open(NAME, os.O_CREAT))
    time.sleep(600)
"""
    import resource

    memory = 1_000_000_000
    process = begin(
        f"NAME = {str(tmp_path / 'began')!r}\n" + source, at_last_s=8.0, left_s=2.0,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (memory, memory)),
    )  # fmt: skip

    # Where not even its report can be made, what it ends with is a MemoryError's exit code.
    assert stopped(process, tmp_path)[0] in (130, 1)


def test_a_signal_to_a_child_that_was_forked_is_the_childs(begin, run_log):
    """An executor that ends its own forked process does not stop the drain."""
    source = """
def execute(phase, attempt):
    child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(600,))
    child.start()
    time.sleep(0.3)
    child.terminate()
    child.join(30)
    return Completed() if child.exitcode == -15 else Failed("mine", f"{child.exitcode}")
"""
    process = begin(source)
    printed, _said = process.communicate(timeout=ENDS_S)

    assert 0 == process.returncode
    assert "2 completed" in printed

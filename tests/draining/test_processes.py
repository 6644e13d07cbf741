"""Several real processes on one log: each phase once, and nothing lost when one is killed."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from autopack import create_run, drain, get_caps, open_log, replay
from autopack.draining.executors.recorded import RecordedExecutor
from autopack.log.log import journal_of
from drains import found, specs

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt", reason="kills as POSIX has them"),
]

MAIN = "import sys; from autopack.cli.main import main; main()"
EXECUTOR = """\
import time
from pathlib import Path

GO = Path(__file__).with_name("go")


def execute(phase, attempt):
    while not GO.exists():
        time.sleep(0.01)
    attempt.record_usage(model="m", input_tokens=10, output_tokens=20)
    time.sleep({sleep_s})
"""


@pytest.fixture
def executor(tmp_path: Path):
    """Writes an executor file that takes so long for a phase, once the file ``go`` is there."""

    def write(sleep_s: float, go: bool = True) -> str:
        if go:
            (tmp_path / "go").touch()
        path = tmp_path / "mine.py"
        path.write_text(EXECUTOR.format(sleep_s=sleep_s), encoding="utf-8")
        return f"{path}:execute"

    return write


def start(log_path: Path, executor: str, *options: str) -> "subprocess.Popen[str]":
    """Start `autopack drain` in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", MAIN, "--log", str(log_path), "drain", "--executor", executor,
         *options],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def claims_by_worker(log):
    """Count the claims of each worker."""
    return Counter(event.worker for event in found(log, "phase.claimed"))


def test_two_drains_share_a_run(sqlite_log, log_path, executor):
    """Started together on 200 phases: each is executed once, none is lost, the log is sound."""
    create_run(sqlite_log, "r", specs(*map(str, range(200))))
    both = [start(log_path, executor(0.0, go=False), "--workers", "2") for _ in range(2)]
    until = time.monotonic() + 60
    while len(claims_by_worker(sqlite_log)) < 2 and time.monotonic() < until:
        time.sleep(0.02)
    (log_path.parent / "go").touch()
    said = [process.communicate(timeout=120) for process in both]
    board = replay(sqlite_log, "phases")
    workers = claims_by_worker(sqlite_log)

    assert ([0, 0], True) == (
        [process.returncode for process in both], "Traceback" not in str(said),
    )  # fmt: skip
    assert {"COMPLETE": 200} == board.total.by_state()
    assert {1} == {row.attempts for row in board.rows.values()}
    assert 200 == replay(sqlite_log, "attempts").total.all.use.calls
    assert (2, 200) == (len(workers), workers.total())
    assert ["succeeded"] == [event.outcome for event in found(sqlite_log, "run.finished")]
    assert [] == journal_of(sqlite_log).backend.leases()
    assert sqlite_log.verify().is_clean


def test_two_drains_take_no_more_than_their_cap(sqlite_log, log_path, executor):
    """Both want what is left of it, with two workers each, until it is used up."""
    create_run(sqlite_log, "r", specs(*map(str, range(40))), caps={"attempts": 9})
    both = [start(log_path, executor(0.0), "--workers", "2") for _ in range(2)]
    said = [process.communicate(timeout=120) for process in both]
    (used,) = [one for one in get_caps(sqlite_log, "r") if one.unit == "attempts"]

    assert "Traceback" not in str(said)
    assert (9, 9, 0) == (
        len(found(sqlite_log, "phase.claimed")), used.used, used.reserved,
    )  # fmt: skip
    assert {"COMPLETE": 9, "QUEUED": 31} == replay(sqlite_log, "phases").total.by_state()


def kill_at_work(process, log):
    """End a drain at once, at a moment when it holds a phase and others are done."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        time.sleep(0.02)
        os.kill(process.pid, signal.SIGSTOP)
        held = [row.worker or "" for row in replay(log, "phases").rows.values() if row.worker]
        is_at_work = any(f"-{process.pid}-" in worker for worker in held)
        if is_at_work and len(found(log, "phase.completed")) >= 20:
            break
        os.kill(process.pid, signal.SIGCONT)
    process.kill()
    process.communicate()


def test_a_killed_drain_loses_nothing(sqlite_log, log_path, executor):
    """After kill -9 the rest completes when the leases end; no usage is counted twice."""
    create_run(sqlite_log, "r", specs(*map(str, range(200))))
    options = ("--workers", "3", "--lease-s", "1")
    doomed = start(log_path, executor(0.03), *options)
    until = time.monotonic() + 60
    while not found(sqlite_log, "phase.claimed") and time.monotonic() < until:
        time.sleep(0.02)  # the other one would have done it all before a slow one begins
    other = start(log_path, executor(0.03), *options)
    kill_at_work(doomed, sqlite_log)
    _, said = other.communicate(timeout=120)
    board, reclaimed = replay(sqlite_log, "phases"), found(sqlite_log, "phase.reclaimed")
    calls = found(sqlite_log, "llm.usage_recorded")
    claims = {event.lease_token: event.worker for event in found(sqlite_log, "phase.claimed")}

    assert (0, False) == (other.returncode, "Traceback" in said)
    assert {"COMPLETE": 200} == board.total.by_state()
    assert 1 == len({event.worker for event in reclaimed})
    assert all(f"-{doomed.pid}-" in event.worker for event in reclaimed)
    assert len(claims) == 200 + len(reclaimed)
    assert len(calls) == len({(event.provider, event.call_id) for event in calls})
    assert len(calls) == replay(sqlite_log, "attempts").total.all.use.calls
    assert {1} == set(Counter(event.lease_token for event in calls).values())
    assert sqlite_log.verify().is_clean


def test_a_recorded_drain_is_picked_up_by_another_process(log_path, sqlite_log):
    """What one process left queued, the next one does; both are in the log."""
    create_run(sqlite_log, "r", specs("a", "b", "c"))
    drain(sqlite_log, executor=RecordedExecutor(latency_scale=0.0), max_phases=1)
    process = start(log_path, "recorded")
    process.communicate(timeout=60)
    with open_log(log_path) as log:
        total = replay(log, "phases").total.by_state()

    assert 2 == len(found(sqlite_log, "drain.started"))
    assert "QUEUED" not in total

"""Whoever ends a whole job, as Slurm does to requeue it, ends programs and their worker at once."""

import os
import signal
import subprocess
import sys
import time

import pytest

from autopack import create_log, create_run
from drains import found, specs
from workers import rows_of, wait_for

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt", reason="signals are sent as POSIX has them"),
]


@pytest.mark.parametrize("is_worker_told", [True, False])
def test_a_program_that_is_ended_with_its_worker_is_given_back(
    tmp_path, monkeypatch, is_worker_told
):
    """Its attempt is not spent; one that is ended alone has failed."""
    monkeypatch.chdir(tmp_path)
    program = ["/bin/sh", "-c", "echo $$ >part; mv part pid; exec sleep 60"]
    with create_log("work.db") as log:
        create_run(log, "r", specs("a", max_attempts=1))
        options = ["worker", "--grace", "30", "--idle", "0.2s", "--", *program]
        worker = subprocess.Popen([sys.executable, "-m", "autopack", "--log", "work.db", *options])
        wait_for((tmp_path / "pid").exists)
        os.kill(int((tmp_path / "pid").read_text()), signal.SIGTERM)
        time.sleep(0.1)
        if is_worker_told:
            worker.send_signal(signal.SIGTERM)
        code = worker.wait(timeout=60)
        row, released = rows_of(log)["a"], found(log, "phase.released")

    assert 0 == code
    assert (("QUEUED", 0, 1) if is_worker_told else ("FAILED", 1, 0)) == (
        row.status,
        row.attempts_spent,
        len(released),
    )

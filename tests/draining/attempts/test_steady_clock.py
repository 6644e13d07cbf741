"""What a machine knows of a worker: whether its process is there still."""

import os
import subprocess
import sys
from contextlib import contextmanager

import attrs
import pytest

from autopack import PhaseSpec, attempt, create_log, create_run, next_attempts
from autopack.draining.attempts.claims import new_worker
from autopack.draining.attempts.steady_clock import this_machine

HERE = this_machine()
is_known = pytest.mark.skipif(" " not in (HERE.boot or ""), reason="only Linux says")

HOLDS = """
import sys, time, autopack
with autopack.open_log(sys.argv[1]) as log, autopack.attempt(log, "r/p"):
    print("held", flush=True)
    time.sleep(600)
"""


def row_of(name, **changes):
    """Return a living worker's row, as this machine writes it, but for *changes*."""
    row = HERE.lease_of(name, expires_at=2**60, lease_s=30)
    return attrs.evolve(row, **changes)


@pytest.fixture
def ended():
    """Return the name of a worker whose process has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return new_worker().replace(f"-{os.getpid()}-", f"-{process.pid}-")


@is_known
def test_a_process_that_ended_is_gone(ended):
    """One that lives is not, and one that its parent has not asked for is."""
    zombie = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
    left = new_worker().replace(f"-{os.getpid()}-", f"-{zombie.pid}-")
    found = [HERE.is_gone(row_of(name)) for name in (ended, new_worker(), left)]
    zombie.wait()

    assert [True, False, True] == found


@is_known
@pytest.mark.parametrize(
    "changes",
    [
        {"boot": "another-boot pid:[4026531836]"},
        {"boot": f"{(HERE.boot or '').partition(' ')[0]} pid:[1]"},
        {"boot": (HERE.boot or "").partition(" ")[0]},
        {"boot": None},
        {"worker": "night-shift"},
        {"worker": "elsewhere-1-deadbeef"},
    ],
)
def test_of_others_nothing_is_known(ended, changes):
    """Another boot, another container, a name that somebody chose: their leases decide."""
    assert not HERE.is_gone(row_of(ended, **changes))


@is_known
def test_another_container_has_the_same_steady_clock(ended):
    """Where process numbers differ, the uptime is the same, and a lease that ended has ended."""
    other = f"{(HERE.boot or '').partition(' ')[0]} pid:[1]"
    row = row_of(ended, boot=other, expires_uptime=0, renewed_uptime=0)

    assert (HERE.over_s(row, row) or 0) > 0
    assert not HERE.is_other(row)


@contextmanager
def holding(path):
    """Let another process hold the phase, until it is killed."""
    code = [sys.executable, "-c", HOLDS, str(path)]
    with subprocess.Popen(code, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield process
        finally:
            process.kill()


@is_known
def test_what_a_killed_process_held_is_taken_at_once(tmp_path):
    """Nobody waits for a lease of half a minute whose holder is known to be gone."""
    path = tmp_path / "x.autopack"
    with create_log(path) as log:
        create_run(log, "r", [PhaseSpec("p")])
        with holding(path) as process:
            process.kill()
            process.wait()
            with attempt(log, "r/p") as mine:
                number = mine.number
        recorded = log.read("phase-r/p")
        whys = [one.event.why for one in recorded if one.type == "phase.reclaimed"]

    assert (2, True) == (number, whys[0].endswith("is gone"))


@is_known
def test_what_a_killed_process_held_is_the_next_phase(tmp_path):
    """Also where nothing else is in the queue, so that no other claim looks for it."""
    path = tmp_path / "x.autopack"
    with create_log(path) as log:
        create_run(log, "r", [PhaseSpec("p")])
        with holding(path) as process:
            process.kill()
            process.wait()
            done = []
            for work in next_attempts(log, "r"):
                with work as mine:
                    done.append((str(mine.ref), mine.number))

    assert [("r/p", 2)] == done

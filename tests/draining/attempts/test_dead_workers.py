"""Phases whose workers are gone, outside a drain: whoever acts on them next takes them back."""

import os
import signal
import subprocess
import sys

import attrs
import pytest

from autopack import PhaseRef, attempt, create_run, drain, requeue, skip, status
from autopack.draining.attempts.lease_keys import phase_key
from autopack.errors import MoveRefusedError
from autopack.log.log import journal_of
from autopack.report.drain_text import drain_text
from drains import end_leases, found, specs, states, types_of, works

pytestmark = pytest.mark.skipif(os.name == "nt", reason="kills as POSIX has them")

DOOMED = """\
import os, signal, sys
import autopack

with autopack.open_log(sys.argv[1]) as log, autopack.attempt(log, "r/p1", worker="doomed") as live:
    live.record_usage(call_id="c", model="m", input_tokens=10, output_tokens=20)
    live.attach("note", "half way")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def log(filed):
    """A file, since another process is to die with it open."""
    return filed


@pytest.fixture
def killed(log, log_path, tmp_path):
    """The log after a process was killed in an attempt at ``r/p1``; its lease goes on a while."""
    program = tmp_path / "doomed.py"
    program.write_text(DOOMED, encoding="utf-8")
    command = [sys.executable, str(program), str(log_path)]
    ended = subprocess.run(command, check=False, timeout=60)
    assert (-signal.SIGKILL, "RUNNING") == (ended.returncode, states(log)["p1"])
    return log


def test_a_phase_of_a_living_lease_is_left_alone(killed):
    """Nobody knows yet that its worker is gone: it is not to be had, and status says who has it."""
    refused = [pytest.raises(MoveRefusedError) for _ in range(3)]
    with refused[0], attempt(killed, "r/p1"):
        pass
    with refused[1]:
        requeue(killed, "r/p1", why="again")
    with refused[2]:
        skip(killed, "r/p1", why="never mind")

    assert "RUNNING" == states(killed)["p1"]
    assert [("doomed", False)] == [(w.worker, w.is_expired) for w in status(killed).live]


def test_an_attempt_takes_its_phase_back_first(killed):
    """With what was used by then in the account; the new attempt is the second."""
    end_leases(killed)
    told = [w.is_expired for w in status(killed).live]
    with attempt(killed, "r/p1") as live:
        number = live.number
    (reclaimed,) = found(killed, "phase.reclaimed")

    assert ([True], 2, "COMPLETE") == (told, number, states(killed)["p1"])
    assert "doomed" == reclaimed.worker
    assert [] == journal_of(killed).backend.leases()


def test_an_attempt_at_another_phase_takes_it_back_too(killed):
    """A loop of one's own that looks for queued phases finds it again."""
    end_leases(killed)
    with attempt(killed, "r/p2"):
        pass

    assert {"p1": "QUEUED", "p2": "COMPLETE"} == states(killed)


def test_a_lease_on_what_this_log_has_not_holds_nobody_up(killed):
    """As a file may have one whose events were cut off; the others are taken back all the same."""
    end_leases(killed)
    with journal_of(killed).backend.transaction() as store:
        store.put_lease(
            attrs.evolve(journal_of(killed).backend.leases()[0], key=phase_key(PhaseRef("a", "b")))
        )
    with attempt(killed, "r/p2"):
        pass

    assert {"p1": "QUEUED", "p2": "COMPLETE"} == states(killed)


def test_a_requeue_takes_it_back_with_all_its_attempts(killed):
    """Both are on record, what a person said among them; nothing is refused."""
    end_leases(killed)
    requeue(killed, "r/p1", why="its machine died")
    (requeued,) = found(killed, "phase.requeued")

    assert ["phase.reclaimed", "phase.requeued"] == types_of(killed, "phase-r/p1")[-2:]
    assert ("its machine died", True) == (requeued.why, requeued.attempts_reset)
    assert "QUEUED" == states(killed)["p1"]
    with pytest.raises(MoveRefusedError):
        requeue(killed, "r/p1", why="once more")


def test_a_phase_without_a_worker_can_be_skipped(killed):
    """It is taken back, and left undone."""
    end_leases(killed)
    skip(killed, "r/p1", why="not needed any more")

    assert "SKIPPED" == states(killed)["p1"]


def test_status_judges_a_worker_of_this_machine_by_the_steady_clock(clocked, clock):
    """A clock that jumps ahead ends nobody's lease, however far."""
    with attempt(clocked, "r/p2", worker="living"):
        clock.now += 36_000
        told = {w.worker: w.is_expired for w in status(clocked).live}

    assert {"living": False} == told


class TestADrainThatTakesBack:
    """What it takes back is its business: it tells how that stands in the end."""

    @pytest.fixture
    def doomed(self, filed, log_path, tmp_path):
        """A log whose only phase with one attempt was killed in it; another comes after it."""
        create_run(filed, "q", [*specs("x", max_attempts=1), *specs("y", after="x")])
        program = tmp_path / "doomed.py"
        program.write_text(DOOMED.replace("r/p1", "q/x"), encoding="utf-8")
        subprocess.run([sys.executable, str(program), str(log_path)], check=False, timeout=60)
        end_leases(filed)
        return filed

    def test_a_phase_whose_attempts_are_spent_by_it_counts_as_failed(self, doomed):
        """Though the drain has not tried it; what comes after it waits for it."""
        report = drain(doomed, executor=works, run_id="q")

        assert (0, 1, False) == (report.attempts, report.left_failed, report.is_clean)
        assert 1 == report.left
        assert "0 completed, 1 failed" in drain_text(report)

    def test_one_that_has_attempts_left_counts_as_it_stands_in_the_end(self, killed):
        """It is tried again, and done."""
        end_leases(killed)
        report = drain(killed, executor=works, run_id="r", phase_id="p1")

        assert (1, 0, True) == (report.completed, report.left_failed, report.is_clean)

    def test_a_run_that_ends_by_it_is_finished(self, doomed):
        """As by any other end of its last phase."""
        skip(doomed, "q/y", why="never mind")
        drain(doomed, executor=works, run_id="q")

        assert "run.finished" in types_of(doomed, "run-q")
